"""A workload that is only densities: shapes of layers, and shares of weights and spikes that are not zero, as CSV.

Columns ``name, weights, inputs, outputs, T, C, M, P, Q, R, S`` and optionally ``HS, WS``: densities of the weights, of
the spikes that enter and of those that leave; timesteps; channels in and out; height and width of the output; of the
kernel; strides. A row with P = Q = R = S = 1 is a dense layer. Source: the tables that Sparseloop-style evaluations of
spiking networks read (SNNQuantPrune, TCAS-II 2023).

Weights and spikes are drawn at these densities, each entry on its own, from a stated seed: real ones are correlated in
space and time, so that peaks of load are higher than here. The rest is as for recorded spike tensors
(:mod:`accelsim.network.spike_tensors`): a next layer half as high and wide lies behind a 2 x 2 pool, and neurons are
place holders that replay the spikes.
"""

import csv
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, NetworkError
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.connections.windows import Pool
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.hdf5_file import naming
from accelsim.network.recording import Recording
from accelsim.network.spike_tensors import (
    MAX_ENTRIES,
    MAX_LAYERS,
    POOL,
    TIMESTEP,
    image_of,
    one_sample,
    placeholder,
    random_weights,
    unpooled,
)

DENSITIES: Final = ("weights", "inputs", "outputs")
SIZES: Final = ("T", "C", "M", "P", "Q", "R", "S")
STRIDES: Final = ("HS", "WS")
MAX_BYTES: Final = 1 << 20
MAX_SIZE: Final = 1 << 20

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Layer:
    name: str
    density: dict[str, float]
    size: dict[str, int]

    @property
    def dense(self) -> bool:
        return all(self.size[key] == 1 for key in ("P", "Q", "R", "S"))

    @property
    def shape(self) -> Shape:
        """Shape of its neurons."""
        return (self.size["M"],) if self.dense else (self.size["P"], self.size["Q"], self.size["M"])

    def padding(self, stated: int) -> tuple[int, int]:
        """Return the padding: none along an axis of a kernel of 1."""
        return (stated if self.size["R"] > 1 else 0, stated if self.size["S"] > 1 else 0)

    def given(self, stated: int) -> Shape:
        """Return the shape of what enters it."""
        if self.dense:
            return (self.size["C"],)
        sides = [
            (self.size[out] - 1) * self.size[step] + self.size[kernel] - 2 * pad
            for out, step, kernel, pad in zip("PQ", STRIDES, "RS", self.padding(stated), strict=True)
        ]
        if min(sides) < 1:
            raise NetworkError(f"{self.name}: padding {stated} leaves an input of {sides[0]} x {sides[1]}")
        return (*sides, self.size["C"])


def read_densities(path: Path, weight_bits: int, padding: int, seed: int) -> Recording:
    """Return a network of the densities of a file, and the spikes of all its populations: one sample.

    Parameters
    ----------
    path : Path
    weight_bits : int
        Width of a weight, 2..16.
    padding : int
        Of every convolution.
    seed : int

    Raises
    ------
    EventError
        If the file is malformed, naming the row.
    NetworkError
        If the layers do not follow from each other, or one is too large.
    """
    layers = _layers(path)
    with naming(f"{path}"):
        first = layers[0]
        shape: Shape = first.given(padding)
        populations = {"input": Population("input", shape, None)}
        rng = np.random.default_rng([seed, 0])
        spikes = {"input": one_sample(_spikes(rng, first, "inputs", shape))}
        projections = []
        last, pool = "input", None
        for at, (layer, after) in enumerate(pairwise([*layers, None])):
            if layer is None:
                break
            rng = np.random.default_rng([seed, at + 1])
            projections.append(_projection(rng, layer, last, populations[last].shape, pool, weight_bits, padding))
            populations[layer.name] = placeholder(layer.name, layer.shape)
            pool = None if after is None else _pool(layer, after, padding)
            sent = layer if after is None else after
            inner = layer.shape if after is None else after.given(padding)
            drawn = _spikes(rng, sent, "outputs" if after is None else "inputs", inner)
            spikes[layer.name] = one_sample(unpooled(drawn, layer.shape, pool))
            last = layer.name
        network = Network(path.stem, populations, tuple(projections), TIMESTEP, _provenance(layers, weight_bits, seed))
    return Recording(network, spikes)


def _projection(
    rng: np.random.Generator, layer: _Layer, last: str, before: Shape, pool: Pool | None, bits: int, padding: int
) -> Projection:
    size = layer.size
    if layer.dense:
        weights = random_weights(rng, (size["M"], size["C"]), layer.density["weights"], bits)
        connection = dense(weights, bits, pool, image_of(before) if pool is not None else None)
        return Projection(last, layer.name, connection, (layer.name,))
    weights = random_weights(rng, (size["M"], size["C"], size["R"], size["S"]), layer.density["weights"], bits)
    connection, _ = convolution(
        weights, image_of(before), stride=(size["HS"], size["WS"]), padding=layer.padding(padding), bits=bits, pool=pool
    )
    return Projection(last, layer.name, connection, (layer.name,))


def _pool(layer: _Layer, after: _Layer, padding: int) -> Pool | None:
    """Return the pool between two layers; raise NetworkError where the second does not follow from the first."""
    if layer.dense:
        if after.given(padding) != layer.shape:
            expected = f"a dense row with C = {layer.shape[0]}, the neurons of {layer.name}"
            raise NetworkError(f"{after.name}: expected {expected}, got an input of {after.given(padding)}")
        return None
    height, width, channels = layer.shape
    pooled = (height // 2, width // 2)
    given = after.given(padding)
    if after.dense:
        sizes = {height * width * channels: None, pooled[0] * pooled[1] * channels: POOL}
        if given[0] in sizes:
            return sizes[given[0]]
    elif given[2] == channels and given[:2] in {(height, width), pooled}:
        return None if given[:2] == (height, width) else POOL
    raise NetworkError(
        f"{after.name}: expected an input of {height} x {width} or {pooled[0]} x {pooled[1]} with {channels} channels, "
        f"the neurons of {layer.name}, got {' x '.join(map(str, given))}; take out rows of other kinds, as attention"
    )


def _spikes(rng: np.random.Generator, layer: _Layer, key: str, shape: Shape) -> npt.NDArray[np.uint8]:
    timesteps = layer.size["T"]
    count = timesteps * math.prod(shape)
    if count > MAX_ENTRIES:
        raise NetworkError(f"{layer.name}: {count} spikes to draw, the limit is {MAX_ENTRIES}")
    return (rng.random((timesteps, *shape), dtype=np.float32) < layer.density[key]).astype(np.uint8)


def _layers(path: Path) -> list[_Layer]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise EventError(f"{path}: {path.stat().st_size} bytes, the limit is {MAX_BYTES}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EventError(f"{path}: cannot read the file: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise EventError(f"{path}: expected a table in UTF-8") from None
    try:
        rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    except csv.Error as error:
        raise EventError(f"{path}: expected CSV, got: {error}") from None
    needed = ["name", *DENSITIES, *SIZES]
    columns = set() if not rows else set(rows[0])
    if not set(needed) <= columns <= {*needed, *STRIDES} or len(rows) > MAX_LAYERS:
        raise EventError(
            f"{path}: expected columns {','.join(needed)}, optionally {','.join(STRIDES)}, and 1..{MAX_LAYERS} rows; "
            f"got {','.join(sorted(map(str, columns))) or 'nothing'} and {len(rows)} rows"
        )
    layers = [_layer(f"{path}:{line}", row) for line, row in enumerate(rows, start=2)]
    for layer in layers:
        if layer.size["T"] != layers[0].size["T"]:
            expected = f"{layers[0].size['T']}, as in the first row"
            raise EventError(f"{path}: {layer.name}: T: expected {expected}, got {layer.size['T']}")
    if len({layer.name for layer in layers} | {"input"}) != len(layers) + 1:
        raise EventError(f"{path}: name: expected each name once, and none of them 'input'")
    return layers


def _layer(where: str, row: dict[str, str | None]) -> _Layer:
    density = {}
    for key in DENSITIES:
        try:
            density[key] = float(row[key] or "")
        except ValueError:
            density[key] = math.nan
        if not 0 <= density[key] <= 1:
            raise EventError(f"{where}: {key}: expected a density within 0..1, got {row[key]!r}")
    size = dict.fromkeys(STRIDES, 1)
    for key in (*SIZES, *(key for key in STRIDES if key in row)):
        text = (row[key] or "").strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 8 and 1 <= int(text) <= MAX_SIZE):
            raise EventError(f"{where}: {key}: expected a whole number, 1..{MAX_SIZE}, got {row[key]!r}")
        size[key] = int(text)
    name = (row["name"] or "").strip()
    if not name or len(name) > 200:
        raise EventError(f"{where}: name: expected 1..200 characters, got {row['name']!r:.80}")
    return _Layer(name, density, size)


def _provenance(layers: list[_Layer], bits: int, seed: int) -> dict[str, object]:
    return {
        "format": "densities",
        "random_weights": f"{bits} bit, drawn at the densities of the file, seed {seed}",
        "random_spikes": f"drawn at the densities of the file, each entry on its own, seed {seed}",
        "neurons": "integrate-and-fire place holders: the drawn spikes are replayed",
        "densities": {layer.name: layer.density for layer in layers},
    }
