"""Recorded spikes of a framework: an npz file with the spikes of layers, and of the input.

An array holds counts of spikes, or is ``numpy.packbits`` of a 0/1 array whose shape is ``NAME_shape``. Its first two
axes are timesteps and samples (``axes`` "tn") or samples and timesteps ("nt"), the rest is (n,) or (channels, height,
width). The arrays of layers are named ``spk1``, ``spk2`` ..., ``spk_NAME1`` ..., ``node_1`` ... in the order of the
layers, ``out_spk`` for the output alone, or like the population; the input is ``input`` or ``frames``. Other arrays
are left unread. Nothing is unpickled.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.graph import Network
from accelsim.network.npz import Npz

MAX_ENTRIES: Final = 1 << 30
INPUT_KEYS: Final = ("input", "frames")
_LAYER: Final = re.compile(r"(?:spk|spk_[a-z]+|node_)(\d+)")
_OUTPUT: Final = "out_spk"

Axes = Literal["tn", "nt"]
Counts = npt.NDArray[np.uint16]


def read_counts(path: Path, keys: Mapping[str, str], axes: Axes) -> dict[str, Counts]:
    """Return arrays of a recording as counts of spikes.

    Parameters
    ----------
    path : Path
    keys : mapping
        Name to return, by key of the file.
    axes : {"tn", "nt"}
        The first two axes: timesteps and samples, or samples and timesteps.

    Returns
    -------
    dict of str to (samples, timesteps, neurons) uint16
        Neurons channel-last.

    Raises
    ------
    EventError
        Naming the file and the array that is missing, too large, of another shape, or no count.
    """
    with Npz(path) as file:
        return {name: _counts(file, key, axes) for key, name in keys.items()}


def input_key(path: Path) -> str:
    """Return the key of a file's input; raise EventError if there is none."""
    with Npz(path) as file:
        found = next((key for key in INPUT_KEYS if key in file.keys), None)
        if found is None:
            raise EventError(
                f"{path}: expected the input as {' or '.join(INPUT_KEYS)}, got {', '.join(sorted(file.keys))}; name a "
                "file that has it with --input"
            )
        return found


def layer_keys(path: Path, network: Network, stated: Mapping[str, str]) -> dict[str, str]:
    """Return the population that each array of a recording belongs to, by key.

    Parameters
    ----------
    path : Path
    network : Network
    stated : mapping
        Population by key, as the user says; empty to follow the names.

    Raises
    ------
    EventError
        If the names do not tell, or a stated name is unknown.
    """
    layers = [name for name, item in network.populations.items() if item.model is not None and network.incoming(name)]
    with Npz(path) as file:
        present = [key for key in file.keys if not key.endswith("_shape")]
    for key, name in stated.items():
        if key not in present or name not in layers:
            raise EventError(
                f"{path}: {key}={name}: expected an array of the file ({', '.join(sorted(present))}) and a layer of "
                f"the network ({', '.join(layers)})"
            )
    if stated:
        return dict(stated)
    named = {key: key for key in present if key in layers}
    if named:
        return named
    numbered = sorted((int(match[1]), key) for key in present if (match := _LAYER.fullmatch(key)))
    if len(numbered) == len(layers):
        return {key: name for (_, key), name in zip(numbered, layers, strict=True)}
    if not numbered and _OUTPUT in present:
        return {_OUTPUT: network.output.name}
    raise EventError(
        f"{path}: expected one array for each of the layers {', '.join(layers)}, named spk1 .. spk{len(layers)}, got "
        f"{', '.join(sorted(present)) or 'nothing'}; say with --layer KEY=NAME which belongs to which"
    )


def _counts(file: Npz, key: str, axes: Axes) -> Counts:
    where = f"{file.path}: {key}"
    data: npt.NDArray[Any] = file.array(key)
    if f"{key}_shape" in file.keys:
        stated = file.array(f"{key}_shape")
        shape = tuple(int(size) for size in stated.ravel()) if stated.dtype.kind in "iu" else ()
        count = 1
        for size in shape:
            count *= size
        if not shape or min(shape) < 1 or count > MAX_ENTRIES:
            raise EventError(f"{where}_shape: expected positive sizes of at most {MAX_ENTRIES} entries, got {shape}")
        if data.dtype != np.uint8 or data.shape != (-(-count // 8),):
            expected = f"{-(-count // 8)} packed bytes for {shape}"
            raise EventError(f"{where}: expected {expected}, got {data.dtype} of shape {data.shape}")
        data = np.unpackbits(data, count=count).reshape(shape)
    if data.ndim not in {3, 5} or data.size == 0 or data.size > MAX_ENTRIES:
        raise EventError(
            f"{where}: expected ({', '.join('timesteps' if axis == 't' else 'samples' for axis in axes)}, n) or (..., "
            f"channels, height, width) of at most {MAX_ENTRIES} entries, got shape {data.shape}"
        )
    if axes == "tn":
        data = data.swapaxes(0, 1)
    if data.ndim == 5:
        data = data.transpose(0, 1, 3, 4, 2)
    flat = data.reshape(*data.shape[:2], -1)
    if (flat != np.rint(flat)).any() or not 0 <= float(flat.min()) <= float(flat.max()) <= 0xFFFF:
        got = f"{flat.dtype} {flat.min()}..{flat.max()}"
        raise EventError(f"{where}: expected counts of spikes, 0..65535, got {got}")
    return flat.astype(np.uint16)
