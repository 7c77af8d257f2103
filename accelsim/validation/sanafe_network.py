"""The DVS-gesture network that SANA-FE ships, read from an installed or downloaded wheel, and how it is dealt to cores.

SANA-FE is GPL: its file is read where the user has it, and nothing of it is part of accelsim. What the file holds says
:mod:`accelsim.network.importers.sanafe`. That the neurons do not leak, that the first convolution has a stride of 2 and
no padding, and the cores of every layer are facts about the published run; its totals follow from them exactly.

Neurons: ``v = trunc(64 v leak) / 64``, then bias and the input of the timestep before, spike where ``v > threshold``,
reset to zero. Without leak all values are integers, so this is :class:`~accelsim.neurons.integrate_fire.IF`.
"""

import importlib.util
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.network.importers.sanafe import sanafe_network

MEMBER: Final = "sanafe/examples/dvs_challenge.npz"
"""Where the network lies in a wheel."""
TIMESTEPS: Final = 1000
CORES: Final = {"pixels": 1, "conv1": 4, "conv2": 16, "conv3": 16, "conv4": 4, "dense": 1}
"""Cores of each layer, in this order; each gets ``neurons // cores`` channel-first neurons, the last the remainder."""
_MAX_BYTES: Final = 64 << 20

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class DvsNetwork:
    """The network, and the arrays as the file has them.

    Attributes
    ----------
    network : Network
        An input without neurons, then the layers of :data:`CORES`.
    arrays : dict of str to ndarray
    source : str
        The file.
    """

    network: Network
    arrays: Arrays
    source: str

    def silence(self, timesteps: int) -> EventStream:
        """Return the input: no events, as biases drive the network."""
        ptr = np.zeros(timesteps + 1, dtype=np.int64)
        return EventStream("spikes", 1, timesteps, 0, ptr, np.zeros(0, dtype=np.int32))


def read_dvs_network(place: Path | None = None) -> DvsNetwork:
    """Read the network.

    Parameters
    ----------
    place : Path, optional
        The ``.npz`` file, a ``.whl`` file, or a folder with the package ``sanafe`` (``site-packages``); the installed
        package if not given. Nothing of it is imported.

    Raises
    ------
    NetworkError
        If there is no such file, or it is not that network.
    """
    raw, source = _read(place)
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NetworkError(f"{source}: expected a NumPy archive, got: {error}") from None
    convolutions = [name for name in CORES if name.startswith("conv")]
    if set(arrays) != {*convolutions, "dense1", "inputs", "thresholds"}:
        raise NetworkError(
            f"{source}: expected {', '.join([*convolutions, 'dense1', 'inputs', 'thresholds'])}; got "
            + ", ".join(f"{name} {array.shape}" for name, array in sorted(arrays.items()))
        )
    return DvsNetwork(sanafe_network(arrays, source), arrays, source)


def _read(place: Path | None) -> tuple[bytes, str]:
    if place is None:
        spec = importlib.util.find_spec("sanafe")
        folders = [] if spec is None else [Path(item).parent for item in spec.submodule_search_locations or ()]
        if not folders:
            raise NetworkError(
                "SANA-FE is not installed here: expected the package sanafe (pip install sanafe), or --wheel with a "
                f"site-packages folder, a .whl file or the file {MEMBER}"
            )
        place = folders[0]
    try:
        if place.suffix == ".whl":
            with zipfile.ZipFile(place) as wheel:
                if wheel.getinfo(MEMBER).file_size > _MAX_BYTES:
                    raise NetworkError(f"{place}: {MEMBER} has more than {_MAX_BYTES} bytes")
                return wheel.read(MEMBER), f"{place}:{MEMBER}"
        file = place / MEMBER if place.is_dir() else place
        return file.read_bytes(), str(file)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise NetworkError(f"{place}: expected a folder, a .whl or an .npz file with {MEMBER}, got: {error}") from None
