"""The published energies of a quantised and pruned SNN on an Eyeriss-like array, beside our array under named readings.

Schaefer, Taheri, Horeni, Joshi, "The Hardware Impact of Quantization and Pruning for Weights in Spiking Neural
Networks", IEEE TCAS-II 2023, arXiv 2302.04174. The table holds what the authors plotted: mode, pruning, workload, bits,
energy of four encodings. Their configuration and the activity of their network are not published, so what is compared
depends on assumptions; :data:`READINGS` and :data:`ASSUMED` name them, and nothing is fitted to an energy.

The network is their TCJA-SNN for DVS128 Gesture in its true shapes, 20 timesteps, without the four small TCJA
convolutions (0.02 % of the products, 7 % of the weights). Spikes and weights are random at the stated densities.
Energies are dynamic only, as those of Timeloop and Accelergy.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.loader import load_array
from accelsim.pearray.layer import ArrayLayer, Shape, unfolded
from accelsim.pearray.machine import build_dataflow
from accelsim.pearray.prices import machine_prices
from accelsim.pearray.storage import stored_spikes, stored_weights
from accelsim.pearray.traffic import Operands, count_layer, count_neurons

TIMESTEPS: Final = 20
QUANTISED: Final[Mapping[int, float]] = {2: 0.321, 3: 0.684, 4: 0.849, 6: 0.964, 8: 0.991}
"""Share of weights that quantisation leaves non-zero, by bits (figures/sparsity of the study, weighted by weights)."""
DENSE_STORAGE: Final[Mapping[int, float]] = {2: 16.562, 3: 17.812, 4: 18.140, 6: 18.446, 8: 20.326}
"""Published energies with weights stored dense, mJ, by bits (the authors' plotting script, RLE of activations)."""
ENCODINGS: Final = ("rle", "cp", "uop", "ubm")

_ROWS: Final = "elements.options.row_stationary"
_RESIDENT: Final = f"{_ROWS}={{batch_steps: 1, skips: both, channels: streamed, prefer: fetches}}"


Spikes = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layer:
    """A layer of the network: channels in and out, side of the output image, side of the kernel."""

    name: str
    channels: int
    filters: int
    side: int
    kernel: int


NETWORK: Final = (
    Layer("Conv1", 2, 128, 128, 3), Layer("Conv2", 128, 128, 64, 3), Layer("Conv3", 128, 128, 32, 3),
    Layer("Conv4", 128, 128, 16, 3), Layer("Conv5", 128, 128, 8, 3), Layer("Dense1", 2048, 512, 1, 1),
    Layer("Dense2", 512, 110, 1, 1),
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """One way to read what the study does not say, as overrides of ``eyeriss_snn``."""

    name: str
    text: str
    overrides: tuple[str, ...]


READINGS: Final = (
    Reading("packed", "weights packed in 64-bit words, fetched in every timestep and strip", ()),
    Reading(
        "packed-resident",
        "weights packed; a layer that fits into the scratchpads is fetched once for all timesteps",
        ("order=layer", _RESIDENT),
    ),
    Reading(
        "word-resident",
        "a 64-bit word per weight that is fetched; a layer that fits is fetched once",
        ("order=layer", "formats.aligned=value", _RESIDENT),
    ),
    Reading(
        "word",
        "a 64-bit word per weight that is fetched, in every timestep and strip",
        ("formats.aligned=value",),
    ),
)
MATCHED: Final = "word-resident"
"""The reading whose DRAM accesses are those that the study's breakdown shows: one 512 pJ word per weight."""

ASSUMED: Final = (
    "activity: inputs of all layers have one density (published: none); spikes and zeros lie at random",
    "DRAM 8 pJ/bit, 512 pJ a word: the breakdown's 457 to 538 pJ per compute are about one such word",
    "each layer is mapped alone with its 20 timesteps (as Timeloop does); layers that fit stay in the scratchpads",
    "elements hold the weights of all their channels and take inputs of one channel at a time",
    "metadata is packed; fibers are 3x3 kernels; runs are 4 bit",
    "TCJA convolutions left out; conv1's event counts taken as spikes; no leakage",
)


@dataclass(frozen=True)
class Point:
    """Energy of an inference in mJ, and cycles of the elements in millions."""

    energy: float
    cycles: float


class Study:
    """The network on the array at one activity.

    Parameters
    ----------
    activity : float
        Density of the inputs of every layer.
    network : sequence of Layer
    """

    def __init__(self, activity: float, network: tuple[Layer, ...] = NETWORK, timesteps: int = TIMESTEPS) -> None:
        if not 0 < activity <= 1:
            raise ConfigError(f"--activity: expected more than 0 and at most 1, got {activity:g}")
        self._rng = np.random.default_rng(0)
        self._layers = [self._drawn(item, activity, timesteps) for item in network]

    def _drawn(self, item: Layer, activity: float, steps: int) -> tuple[Shape, npt.NDArray[np.uint8], Spikes]:
        image = self._rng.random((steps, item.channels, item.side, item.side), dtype=np.float32) < activity
        windows = unfolded(image.astype(np.uint8), item.kernel, item.kernel // 2)
        window = item.channels * item.kernel**2
        sizes = (steps, item.side**2, window, item.filters, 1, (item.kernel, item.kernel), item.side)
        return Shape(item.name, "conv" if item.kernel > 1 else "dense", *sizes), windows, image.reshape(steps, -1)

    def point(self, density: float, bits: int, overrides: tuple[str, ...]) -> Point:
        """Return energy and cycles at a density and width of the weights, on ``eyeriss_snn`` with overrides."""
        machine = load_array("eyeriss_snn", overrides)
        spec, dataflow = machine.spec, build_dataflow(machine)
        prices = machine_prices(spec, bits, 1).table.prices
        rng = np.random.default_rng(1)
        energy = cycles = 0.0
        for shape, windows, image in self._layers:
            nonzero = rng.random((1, shape.window, shape.filters), dtype=np.float32) < density
            work = dataflow.work(ArrayLayer(shape, windows, nonzero))
            inputs = stored_spikes(image.astype(np.uint8), spec.formats).bits
            moved = Operands(inputs, stored_weights(nonzero, bits, spec.formats), bits, 1, False)
            accesses = count_layer(spec, shape, work, moved)
            count_neurons(spec, dataflow, shape.neurons, shape.timesteps, inputs, accesses)
            energy += sum(count * prices[key].energy_pj for key, count in accesses.counts.items())
            cycles += work.cycles
        return Point(energy * 1e-9, cycles * 1e-6)

    def slopes(self, densities: npt.NDArray[np.float64], overrides: tuple[str, ...]) -> tuple[float, float, float]:
        """Return mJ per unit of density at 8 bit, mJ at density zero, and Mcycles per unit, of the least squares."""
        levels, inverse = np.unique(densities, return_inverse=True)
        points = [self.point(float(level), 8, overrides) for level in levels]
        slope, floor = np.polyfit(densities, np.array([item.energy for item in points])[inverse], 1)
        cycles, _ = np.polyfit(densities, np.array([item.cycles for item in points])[inverse], 1)
        return float(slope), float(floor), float(cycles)


@dataclass(frozen=True)
class Published:
    """The authors' table, ``mean`` workload.

    Attributes
    ----------
    rows : tuple of dict
        As read, numbers converted.
    """

    rows: tuple[Mapping[str, float | str], ...]

    @cached_property
    def eight_bit(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Density, energy in mJ and cycles in millions of the 8-bit points, RLE."""
        rows = [row for row in self.rows if row["bits"] == 8]
        density = [min(1 - float(row["prune"]), QUANTISED[8]) for row in rows]
        energy = [float(row["rle_uJ"]) * 1e-3 for row in rows]
        return np.array(density), np.array(energy), np.array([float(row["cycles_rle"]) * 1e-6 for row in rows])

    def energy(self, prune: float, bits: int, encoding: str) -> float:
        """Return the energy of a point trained jointly, mJ."""
        for row in self.rows:
            if (row["mode"], row["prune"], row["bits"]) == ("joint", prune, bits):
                return float(row[f"{encoding}_uJ"]) * 1e-3
        raise ConfigError(f"the table has no joint point at pruning {prune:g} and {bits} bit")


_TEXT: Final = ("mode", "stat")
_NUMBERS: Final = ("prune", "bits", "cycles_rle", *(f"{name}_uJ" for name in ENCODINGS))
_MAX_BYTES: Final = 1 << 24


def read_published(path: Path) -> Published:
    """Return the authors' table; raise ConfigError, with file and line, where it is not that."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
        reader = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
        missing = [name for name in (*_TEXT, *_NUMBERS) if name not in (reader.fieldnames or [])]
        if missing:
            got = ", ".join(reader.fieldnames or ["none"])
            raise ConfigError(f"{path}:1: expected a column {missing[0]}, got {got}")
        rows = []
        for row in reader:
            if row["stat"] == "mean":
                where = f"{path}:{reader.line_num}"
                rows.append({"mode": row["mode"], **{name: _number(where, name, row[name]) for name in _NUMBERS}})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read as a table: {getattr(error, 'strerror', None) or error}") from error
    if sum(row["bits"] == 8 for row in rows) < 2:
        raise ConfigError(f"{path}: expected at least two 8-bit rows with stat mean, got fewer")
    return Published(tuple(rows))


def _number(where: str, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        raise ConfigError(f"{where}: {name}: expected a number, got {text!r}") from None
    if not np.isfinite(value):
        raise ConfigError(f"{where}: {name}: expected a finite number, got {text!r}")
    return value


def dense_storage(overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Return the overrides with weights stored dense and none of them skipped."""
    return (*overrides, "formats.weights=dense", f"{_ROWS}.skips=inputs")
