"""SANA-FE's network archives (npz), as its DVS-gesture example has one.

The file holds weights as whole numbers (convolutions ``conv1`` ... [y][x][c_in][c_out], ``dense1`` source-major over
channel-first neurons), one constant bias per pixel (``inputs``, a square image), and one threshold per layer, that of
the pixels first. Biases drive the network, so its input population is empty. Neurons do not leak and are reset to zero
above the threshold; the first convolution has a stride of 2, the others 1, no padding: what the published run does, not
what the file says. SANA-FE is GPL: facts of its format are used, none of its code.
"""

import re
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, NetworkError
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.hdf5_file import naming
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.options import expect_complete
from accelsim.network.npz import Npz
from accelsim.neurons.integrate_fire import IF

WEIGHT_BITS: Final = 10
TIMESTEP: Final = 1e-3
MAX_ARRAYS: Final = 100
_STRIDE_OF_FIRST: Final = 2

Arrays = dict[str, npt.NDArray[Any]]


@IMPORTERS.register("sanafe")
class SanafeImporter(Importer):
    """Reads SANA-FE's ``.npz`` files."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the integer network of an archive; see :meth:`Importer.read`."""
        with naming(f"{path}"):
            expect_complete(options, "sanafe")
            try:
                with Npz(path) as file:
                    if len(file.keys) > MAX_ARRAYS:
                        raise NetworkError(f"{len(file.keys)} arrays, the limit is {MAX_ARRAYS}")
                    arrays = {key: file.array(key) for key in file.keys}
            except EventError as error:
                raise NetworkError(str(error)) from None
            return sanafe_network(arrays, f"{path}")


def sanafe_network(arrays: Arrays, source: str) -> Network:
    """Return the integer network of the arrays of a file.

    Parameters
    ----------
    arrays : dict of str to ndarray
    source : str
        The file, for errors and provenance.

    Raises
    ------
    NetworkError
        Naming the array.
    """
    names = sorted((name for name in arrays if re.fullmatch(r"conv[1-9]\d?", name)), key=lambda name: int(name[4:]))
    expected = {*names, "dense1", "inputs", "thresholds"}
    layers = ["pixels", *names, "dense"]
    if set(arrays) != expected or arrays["thresholds"].shape != (len(layers),):
        raise NetworkError(
            f"{source}: expected inputs, conv1 .., dense1 and {len(layers)} thresholds, got "
            + (", ".join(f"{name} {array.shape}" for name, array in sorted(arrays.items())) or "nothing")
        )
    for name in names:
        if arrays[name].ndim != 4:
            raise NetworkError(f"{source}: {name}: expected (y, x, c_in, c_out), got shape {arrays[name].shape}")
    integers = {name: _integers(name, array, source) for name, array in arrays.items()}
    thresholds = dict(zip(layers, integers["thresholds"].tolist(), strict=True))
    side = int(np.sqrt(integers["inputs"].size))
    shape = (side, side, 1)
    if side * side != integers["inputs"].size or side == 0:
        raise NetworkError(f"{source}: inputs: expected a square image, got {integers['inputs'].size} pixels")
    populations = {"none": Population("none", (0,), None)}
    populations["pixels"] = _population("pixels", shape, thresholds, integers["inputs"].ravel())
    edges: list[Projection] = []
    before = "pixels"
    for name in names:
        kernel = np.ascontiguousarray(integers[name].transpose(3, 2, 0, 1))
        stride = (_STRIDE_OF_FIRST,) * 2 if before == "pixels" else (1, 1)
        with naming(f"{source}: {name}"):
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
    provenance = {
        "format": "sanafe",
        "source": source,
        "reset": "zero",
        "threshold_op": ">",
        "repairs": ["from the published run, not the file: no neuron leaks, and the first convolution has stride 2"],
    }
    return Network("sanafe_dvs", populations, tuple(edges), TIMESTEP, provenance)


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
