"""The DVS-gesture network that SANA-FE ships, read from an installed or downloaded wheel, and how it is dealt to cores.

SANA-FE is GPL: its file is read where the user has it, and nothing of it is part of accelsim. The file holds weights
(convolutions [y][x][c_in][c_out], dense source-major over channel-first neurons), one constant bias per pixel, and one
threshold per layer. That the neurons do not leak, that the first convolution has a stride of 2 and no padding, and the
cores of every layer are facts about the published run; its totals follow from them exactly.

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
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF

MEMBER: Final = "sanafe/examples/dvs_challenge.npz"
"""Where the network lies in a wheel."""
WEIGHT_BITS: Final = 10
TIMESTEPS: Final = 1000
CORES: Final = {"pixels": 1, "conv1": 4, "conv2": 16, "conv3": 16, "conv4": 4, "dense": 1}
"""Cores of each layer, in this order; each gets ``neurons // cores`` channel-first neurons, the last the remainder."""
_STRIDE_OF_FIRST: Final = 2
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
    return DvsNetwork(_network(arrays, source), arrays, source)


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


def _network(arrays: Arrays, source: str) -> Network:
    names = [name for name in CORES if name.startswith("conv")]
    expected = {*names, "dense1", "inputs", "thresholds"}
    if set(arrays) != expected or arrays["thresholds"].shape != (len(CORES),):
        raise NetworkError(
            f"{source}: expected {', '.join(sorted(expected))} with {len(CORES)} thresholds, got "
            + ", ".join(f"{name} {array.shape}" for name, array in sorted(arrays.items()))
        )
    integers = {name: _integers(name, array, source) for name, array in arrays.items()}
    thresholds = dict(zip(CORES, integers["thresholds"].tolist(), strict=True))
    side = int(np.sqrt(integers["inputs"].size))
    shape = (side, side, 1)
    if side * side != integers["inputs"].size:
        raise NetworkError(f"{source}: inputs: expected a square image, got {integers['inputs'].size} pixels")
    populations = {"none": Population("none", (0,), None)}
    populations["pixels"] = _population("pixels", shape, thresholds, integers["inputs"].ravel())
    edges: list[Projection] = []
    before = "pixels"
    for name in names:
        kernel = np.ascontiguousarray(integers[name].transpose(3, 2, 0, 1))
        stride = (_STRIDE_OF_FIRST,) * 2 if before == "pixels" else (1, 1)
        connection, shape = convolution(kernel, shape, stride=stride, bits=WEIGHT_BITS)
        edges.append(Projection(before, name, connection))
        populations[name] = _population(name, shape, thresholds)
        before = name
    height, width, channels = shape
    if integers["dense1"].ndim != 2 or len(integers["dense1"]) != height * width * channels:
        raise NetworkError(f"{source}: dense1: expected {height * width * channels} rows, got {arrays['dense1'].shape}")
    outputs = integers["dense1"].shape[1]
    rows = integers["dense1"].reshape(channels, height, width, outputs).transpose(3, 1, 2, 0).reshape(outputs, -1)
    edges.append(Projection(before, "dense", dense(np.ascontiguousarray(rows), WEIGHT_BITS)))
    populations["dense"] = _population("dense", (outputs,), thresholds)
    return Network("sanafe_dvs", populations, tuple(edges), 1e-3, {"source": source})


def _integers(name: str, array: npt.NDArray[Any], source: str) -> npt.NDArray[np.int32]:
    bits = WEIGHT_BITS if name.startswith(("conv", "dense")) else 16
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if not np.issubdtype(array.dtype, np.number) or not (np.rint(array) == array).all():
        raise NetworkError(f"{source}: {name}: expected whole numbers")
    if array.size and (array.min() < low or array.max() > high):
        raise NetworkError(f"{source}: {name}: expected {bits}-bit numbers, got {array.min():g} .. {array.max():g}")
    return array.astype(np.int32)


def _population(
    name: str, shape: tuple[int, ...], thresholds: dict[str, int], bias: npt.NDArray[np.int32] | None = None
) -> Population:
    size = int(np.prod(shape))
    limit = np.full(size, thresholds[name], dtype=np.int32)
    return Population(name, shape, IF(limit, np.zeros(size, dtype=np.int32), "value", ">"), bias)
