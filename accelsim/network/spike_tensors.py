"""Recorded spike tensors of published accelerator workloads, as a network with made-up weights.

An npz file holds, for every layer in order, the spikes that *enter* it: ``NAME.shape`` = (timesteps, channels, height,
width) before a convolution or (timesteps, n) before a dense layer, and ``NAME.bits`` = ``numpy.packbits`` of the
flattened 0/1 array, or ``NAME.values`` where it is not binary. Such recordings come without weights. What a chip has
to store and move is then that of random weights of a stated density and width; which neuron fires is what was recorded.

How the network follows from the shapes:

- Convolutions have stride 1 and the stated kernel and padding. Where the next tensor is half as high and wide as the
  convolution's output, a 2 x 2 pool lies between; in front of the first dense layer there always is one, if the output
  is at least 2 x 2 (the shapes alone do not tell).
- The recorded spikes are those *behind* the pool. Of a max pool's window the first neuron, (2y, 2x), stands for it: it
  sends the one packet that the window sends, and reaches what the pooled position reaches. Populations keep their full
  size, so scans and accumulations are those of the whole layer; the OR of the pool itself costs nothing.
- Leading tensors that are no spikes are left out: values, or all ones, as of a directly encoded image. The network
  begins at the first spikes, which are its input; the layer that makes them from the image is not simulated.
- A last tensor of another number of timesteps (a sum over time) only says how many neurons its source has.
- The neurons of the last layer are not recorded, so they send nothing. Neurons are integrate-and-fire place holders.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool, output_size
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.npz import Npz
from accelsim.network.recording import Recording
from accelsim.neurons.integrate_fire import IF

MAX_LAYERS: Final = 1000
MAX_ENTRIES: Final = 1 << 28
"""Entries of one tensor, and weights of one layer."""

POOL: Final = Pool((2, 2), (2, 2))
TIMESTEP: Final = 1e-3

Shape = tuple[int, ...]
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """What a file of spike tensors does not say.

    Attributes
    ----------
    density : float
        Probability that a weight is not zero.
    weight_bits : int
        Width of a weight, 2..16; values are uniform among those that are not zero, of either sign.
    seed : int
    kernel, padding : int
        Of every convolution, in both directions.
    outputs : int
        Neurons of the last layer, where the file does not say.

    Raises
    ------
    NetworkError
        If a value is out of range.
    """

    density: float
    weight_bits: int
    seed: int
    kernel: int
    padding: int
    outputs: int

    def __post_init__(self) -> None:
        limits = {"weight_bits": (2, 16), "seed": (0, 1 << 63), "kernel": (1, 64), "padding": (0, 63)}
        for name, (low, high) in {**limits, "outputs": (1, 1 << 20), "density": (0, 1)}.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise NetworkError(f"{name}: expected {low}..{high}, got {value}")


@dataclass(frozen=True, eq=False)
class _Tensor:
    """The input of a layer: (timesteps, height, width, channels) or (timesteps, n)."""

    name: str
    spikes: Bits

    @property
    def shape(self) -> Shape:
        return self.spikes.shape[1:]


def read_spike_tensors(path: Path, made_up: MadeUp) -> Recording:
    """Return the network of a file of spike tensors, and its recorded spikes: one sample.

    Raises
    ------
    EventError
        If the file is malformed or too large, naming the file and the tensor.
    NetworkError
        If the shapes do not follow from each other.
    """
    tensors, outputs, left_out = _tensors(path, made_up.outputs)
    populations = {"input": Population("input", tensors[0].shape, None)}
    spikes = {"input": one_sample(tensors[0].spikes)}
    projections = []
    pool, last = None, "input"
    for at, tensor in enumerate(tensors):
        after = tensors[at + 1] if at + 1 < len(tensors) else None
        shape, next_pool = _target(path, tensor, after.shape if after else (outputs,), made_up)
        connection = _connection(populations[last].shape, tensor, shape, pool, made_up, at)
        projections.append(Projection(last, tensor.name, connection))
        populations[tensor.name] = placeholder(tensor.name, shape)
        if after is not None:
            spikes[tensor.name] = one_sample(unpooled(after.spikes, shape, next_pool))
        pool, last = next_pool, tensor.name
    provenance = {
        "format": "spike tensors",
        "left_out": left_out,
        "random_weights": f"{made_up.weight_bits} bit, density {made_up.density}, seed {made_up.seed}",
        "neurons": "integrate-and-fire place holders: the recorded spikes are replayed",
    }
    network = Network(path.stem, populations, tuple(projections), TIMESTEP, provenance)
    return Recording(network, spikes)


def _tensors(path: Path, outputs: int) -> tuple[list[_Tensor], int, list[str]]:
    """Return the spike tensors, the neurons of the last layer, and the names of the tensors left out."""
    left_out: list[str] = []
    tensors: list[_Tensor] = []
    with Npz(path) as file:
        names = [key.removesuffix(".shape") for key in file.keys if key.endswith(".shape")]
        if not names or len(names) > MAX_LAYERS or "input" in names:
            expected = f"NAME.shape of 1..{MAX_LAYERS} layers, none of them named input"
            raise EventError(f"{path}: expected {expected}, got {', '.join(names[:20]) or 'none'}")
        for name in names:
            spikes = _read(file, name)
            if spikes is not None and not (spikes.all() and not tensors):
                tensors.append(_Tensor(name, spikes))
            elif tensors:
                raise EventError(f"{path}: {name}: expected {name}.bits, got values behind the first spikes")
            else:
                left_out.append(name)
    if not tensors:
        raise EventError(f"{path}: expected a layer whose input is spikes, got only {', '.join(left_out)}")
    steps = [len(tensor.spikes) for tensor in tensors]
    if len(tensors) > 1 and steps[-1] != steps[0]:
        tail = tensors.pop()
        outputs = int(np.prod(tail.shape))
        left_out.append(tail.name)
    for tensor in tensors:
        if len(tensor.spikes) != steps[0]:
            raise EventError(
                f"{path}: {tensor.name}.shape: expected {steps[0]} timesteps, as {tensors[0].name} has, got "
                f"{len(tensor.spikes)}"
            )
    return tensors, outputs, left_out


def _read(file: Npz, name: str) -> Bits | None:
    """Return a tensor channel-last, or None where it is not binary."""
    stated = file.array(f"{name}.shape")
    shape = tuple(int(item) for item in stated.ravel())
    count = 1
    for item in shape:
        count *= item
    if stated.dtype.kind not in "iu" or len(shape) not in (2, 4) or min(shape) < 1 or count > MAX_ENTRIES:
        expected = f"(timesteps, channels, height, width) or (timesteps, n) of at most {MAX_ENTRIES} entries"
        raise EventError(f"{file.path}: {name}.shape: expected {expected}, got {shape}")
    if f"{name}.bits" not in file.keys and f"{name}.values" in file.keys:
        return None
    packed = file.array(f"{name}.bits")
    if packed.dtype != np.uint8 or packed.shape != (-(-count // 8),):
        raise EventError(
            f"{file.path}: {name}.bits: expected {-(-count // 8)} bytes for {shape}, got {packed.dtype} of shape "
            f"{packed.shape}"
        )
    spikes = np.unpackbits(packed, count=count).reshape(shape)
    return spikes.transpose(0, 2, 3, 1) if len(shape) == 4 else spikes


def _target(path: Path, tensor: _Tensor, after: Shape, made_up: MadeUp) -> tuple[Shape, Pool | None]:
    """Return the shape of the population behind a layer, and the pool between it and the next layer."""
    if len(tensor.shape) == 1:
        if len(after) != 1:
            raise NetworkError(f"{path}: {tensor.name}: a convolution behind a dense layer is not represented")
        return after, None
    height, width = (output_size(size, made_up.kernel, 1, 2 * made_up.padding, 1) for size in tensor.shape[:2])
    pooled = (height // 2, width // 2)
    where = f"{path}: {tensor.name}: {height} x {width} neurons behind a {made_up.kernel} x {made_up.kernel} kernel"
    if len(after) == 3:
        if after[:2] not in ((height, width), pooled):
            expected = f"{height} x {width} or {pooled[0]} x {pooled[1]}"
            raise NetworkError(f"{where}: expected a next tensor of {expected}, got {after[0]} x {after[1]}")
        return (height, width, after[2]), POOL if after[:2] == pooled else None
    pool = POOL if min(pooled) > 0 else None
    pixels = pooled[0] * pooled[1] if pool else height * width
    if after[0] % pixels:
        raise NetworkError(f"{where}: expected a multiple of {pixels} inputs of the dense layer behind, got {after[0]}")
    return (height, width, after[0] // pixels), pool


def unpooled(spikes: Bits, shape: Shape, pool: Pool | None) -> Bits:
    """Return recorded spikes as those of a population in front of the pool, (timesteps, *shape)."""
    if len(shape) == 1:
        return spikes
    height, width, channels = shape
    inner = (height // 2, width // 2) if pool else (height, width)
    if spikes.ndim == 2:  # a flattened image counts channel-first
        spikes = spikes.reshape(-1, channels, *inner).transpose(0, 2, 3, 1)
    if pool is None:
        return spikes
    spread = np.zeros((len(spikes), *shape), dtype=np.uint8)
    spread[:, : 2 * inner[0] : 2, : 2 * inner[1] : 2] = spikes
    return spread


def _connection(
    source: Shape, layer: _Tensor, shape: Shape, pool: Pool | None, made_up: MadeUp, at: int
) -> Connection:
    rng = np.random.default_rng([made_up.seed, at])
    bits, side = made_up.weight_bits, made_up.kernel
    if len(layer.shape) == 1:
        weights = random_weights(rng, (*shape, *layer.shape), made_up.density, bits)
        return dense(weights, bits, pool, image_of(source) if pool is not None else None)
    weights = random_weights(rng, (shape[2], layer.shape[2], side, side), made_up.density, bits)
    return convolution(weights, image_of(source), padding=(made_up.padding, made_up.padding), bits=bits, pool=pool)[0]


def image_of(shape: Shape) -> tuple[int, int, int]:
    """Return a shape of three axes as such."""
    height, width, channels = shape
    return height, width, channels


def random_weights(rng: np.random.Generator, shape: Shape, density: float, weight_bits: int) -> npt.NDArray[np.int32]:
    """Return weights of which each is not zero with probability ``density``, uniform and of either sign.

    Raises
    ------
    NetworkError
        If there are more than MAX_ENTRIES.
    """
    count = int(np.prod(shape, dtype=np.int64))
    if count > MAX_ENTRIES:
        raise NetworkError(f"weights of shape {shape}: expected at most {MAX_ENTRIES}, got {count}")
    kept = np.flatnonzero(rng.random(count, dtype=np.float32) < density)
    largest = (1 << (weight_bits - 1)) - 1
    drawn = rng.integers(-largest, largest, kept.size, dtype=np.int32)
    weights = np.zeros(count, dtype=np.int32)
    weights[kept] = drawn + (drawn >= 0)  # -largest..-1 and 1..largest
    return weights.reshape(shape)


def placeholder(name: str, shape: Shape) -> Population:
    """Return a population of integrate-and-fire neurons that stand for others: their spikes are replayed."""
    size = int(np.prod(shape))
    model = IF(np.ones(size, np.int32), np.zeros(size, np.int32), "subtract", ">=")
    return Population(name, shape, model, None, np.ones(size))


def one_sample(spikes: Bits) -> EventStream:
    """Return (timesteps, ...) spikes as the events of one sample."""
    return EventStream.from_dense(spikes.reshape(1, len(spikes), -1))
