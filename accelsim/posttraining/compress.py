"""Curves of training-free compression: a workload pruned, quantised, cut in time, its thresholds balanced.

Every point changes one thing of the workload as it stands: ``pruning`` zeroes the smallest weights of the whole network
(in place of a pruning that the workload states), ``bits`` quantises the float32 weights symmetrically, one scale per
population (in place of the workload's own), ``timesteps`` takes the start of every sample, ``thresholds`` sets every
threshold to a percentile of its input (:mod:`accelsim.posttraining.balance`). What is not changed stays as the
workload says. Accuracy is of the functional network on all samples, energy and latency of the machine on the first few.
A point that does not fit the machine keeps its accuracy and says why it has no energy.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from accelsim.errors import ConfigError
from accelsim.functional.decoding import accuracy
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_machine
from accelsim.network.events import Limit
from accelsim.network.graph import Network
from accelsim.network.pruning.pruner import Pruning, prune
from accelsim.network.quantize import Quantization, quantize
from accelsim.network.quantize_schema import quantization
from accelsim.network.workload import Workload, load_workload, workload_file
from accelsim.network.workload_schema import WorkloadSpec, read_workload_spec
from accelsim.pipeline.inspect import run_samples
from accelsim.posttraining.balance import balanced
from accelsim.posttraining.layers import layers_table
from accelsim.posttraining.machine import try_on
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.result.table import Table, table

CURVES: Final = ("pruning", "bits", "timesteps", "thresholds")
_WIDE: Final = Numerics(32, 32)
_FLOAT: Final = ("network.quantize=none", "network.prune=null")
_ENERGIES: Final = ("energy_per_inference", "latency", "energy_delay")


@dataclass(frozen=True)
class Settings:
    """Values of every curve; an empty one is left out, and a value that is there twice is one point.

    Attributes
    ----------
    pruning : tuple of float
        Shares of all weights that go, 0 < share < 1.
    bits : tuple of int
        2..16.
    timesteps : tuple of float
        Shares of the workload's timesteps, 0 < share < 1; each at least one timestep.
    thresholds : tuple of float
        Percentiles, 0 < percentile <= 100.
    variance : float
        Of the significant dimensions, 0..1.
    calibration : int
        Samples that thresholds are balanced on, from the start.
    """

    pruning: tuple[float, ...] = (0.25, 0.5, 0.75, 0.9)
    bits: tuple[int, ...] = (8, 6, 5, 4, 3, 2)
    timesteps: tuple[float, ...] = (0.75, 0.5, 0.25, 0.125)
    thresholds: tuple[float, ...] = (99.0, 99.9, 100.0)
    variance: float = 0.99
    calibration: int = 8

    def __post_init__(self) -> None:
        _within("pruning", self.pruning, lambda value: 0 < value < 1, "more than 0 and less than 1")
        _within("bits", self.bits, lambda value: 2 <= value <= 16, "2..16")
        _within("timesteps", self.timesteps, lambda value: 0 < value < 1, "shares of more than 0 and less than 1")
        _within("thresholds", self.thresholds, lambda value: 0 < value <= 100, "percentiles above 0, at most 100")
        _within("variance", (self.variance,), lambda value: 0 < value <= 1, "more than 0, at most 1")
        _within("calibration", (self.calibration,), lambda value: value >= 1, "at least 1")


def _within(name: str, values: Sequence[float], holds: Callable[[float], bool], expected: str) -> None:
    wrong = [value for value in values if not holds(value)]
    if wrong:
        raise ConfigError(f"{name}: expected {expected}, got {', '.join(f'{value:g}' for value in wrong)}")


@dataclass(frozen=True, eq=False)
class Compression:
    """What was found.

    Attributes
    ----------
    meta : dict
        Workload, machine, samples.
    points : Table
        A row per point, the first is the workload as it stands.
    layers : Table
        Magnitudes and significant dimensions.
    """

    meta: dict[str, Any]
    points: Table
    layers: Table


@dataclass(frozen=True, eq=False)
class _Base:
    """A workload taken apart: float32 network, how it is pruned and quantised, its input."""

    load: Workload
    pruning: Pruning | None
    how: Quantization | None

    def made(
        self, network: Network | None = None, *, pruning: Pruning | None = None, bits: int | None = None
    ) -> Workload:
        """Return the workload with one thing changed."""
        events = self.load.events
        network = self.load.network if network is None else network
        network = network if (chosen := pruning or self.pruning) is None else prune(network, chosen)
        how = self.how if bits is None else Quantization(bits, "tensor")
        if how is not None:
            network = quantize(network, how, events.value_scale if events.kind != "spikes" else 1.0)
        return replace(self.load, network=network)


@dataclass(eq=False)
class _Rows:
    columns: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, row: dict[str, Any]) -> None:
        for key, value in row.items():
            self.columns.setdefault(key, []).append(value)


def compress(
    workload: str | Path = "mnist_conv",
    hw: str | Path = "core",
    *,
    samples: int | None = 64,
    timed: int = 4,
    settings: Settings | None = None,
    overrides: Sequence[str] = (),
    workload_overrides: Sequence[str] = (),
    threads: int = 1,
    progress: Progress = NO_PROGRESS,
) -> Compression:
    """Analyse a workload and follow the curves of its compression.

    Parameters
    ----------
    workload : str or Path
        With labels: without them there is no accuracy.
    hw : str or Path
        Chip or array.
    samples : int or None
        That accuracy, spikes and analyses are taken on, from the start of the input; None for all.
    timed : int
        Of them, run on the machine; all of them if there are fewer.
    settings : Settings
    overrides, workload_overrides : sequence of str
        Of the machine and of the workload.
    threads : int
    progress : Progress

    Raises
    ------
    AccelsimError
        On anything wrong with the workload or the machine, or a curve that the network cannot follow.
    """
    settings = settings or Settings()
    if timed < 1 or threads < 1:
        raise ConfigError(f"timed samples, threads: expected at least 1, got {timed} and {threads}")
    machine = load_machine(hw, tuple(overrides))
    base = _taken_apart(workload, Limit(samples, exact=False), workload_overrides)
    labels = base.load.labels
    if labels is None:
        raise ConfigError(f"{workload}: expected labels, without which there is no accuracy")
    rows, plain = _Rows(), base.made()
    first: np.ndarray[Any, Any] | None = None
    chosen = list(_points(base, settings, workload, workload_overrides, samples, threads))
    with progress.stage("points", len(chosen)) as stage:
        for curve, value, make in chosen:
            load = make()
            done = run_samples(load, _WIDE, threads, NO_PROGRESS)
            first = done.predictions if first is None else first
            scored = accuracy(done.predictions, labels)
            few = replace(
                load, events=load.events.take(min(timed, load.events.samples)), labels=labels[:timed],
                image=None if load.image is None else load.image[:timed],
            )  # fmt: skip
            found, why = try_on(machine, few, threads)
            stored = [edge.connection for edge in load.network.projections]
            rows.add(
                {
                    "curve": curve, "value": value, "accuracy": scored.value, "accuracy_low": scored.low,
                    "accuracy_high": scored.high, "same": float(np.mean(done.predictions == first)),
                    "timesteps": load.events.timesteps, "bits": max(item.bits for item in stored),
                    "nonzero": sum(int(np.count_nonzero(item.rows)) for item in stored),
                    "spikes": float(done.by_sample["spikes"].mean()), "sops": float(done.by_sample["sops"].mean()),
                    **{key: found[key].value if key in found else float("nan") for key in _ENERGIES}, "note": why,
                }
            )  # fmt: skip
            stage.advance(1)
    network, events = plain.network, base.load.events
    trace = execute(network, events, _WIDE if network.integer else Numerics(None, None), threads)
    meta = {"workload": plain.name, "machine": machine.spec.name, "samples": events.samples,
            "timed": min(timed, events.samples)}  # fmt: skip
    return Compression(meta, _table(rows), layers_table(network, trace, events, settings.variance))


def _taken_apart(workload: str | Path, limit: Limit, overrides: Sequence[str]) -> _Base:
    spec, _ = read_workload_spec(workload_file(workload), overrides)
    if not isinstance(spec, WorkloadSpec):
        raise ConfigError(f"{workload}: expected a network that runs, got recorded spikes")
    pruning = None if spec.network.prune is None else spec.network.prune.pruning()
    load = load_workload(workload, limit, (*overrides, *_FLOAT))
    return _Base(load, pruning, quantization(spec.network.quantize))


Point = tuple[str, float, Callable[[], Workload]]


def _points(
    base: _Base, settings: Settings, workload: str | Path, overrides: Sequence[str], samples: int | None, threads: int
) -> Iterator[Point]:
    network, total = base.load.network, base.load.events.timesteps
    calibration = min(settings.calibration, base.load.events.samples)
    yield "as it stands", float("nan"), base.made
    if network.integer and (settings.pruning or settings.bits or settings.thresholds):
        raise ConfigError(
            f"{workload}: its file has integer weights, which are kept as exported: expected the curve timesteps alone"
        )
    for share in dict.fromkeys(settings.pruning):
        yield "pruning", share, partial(base.made, pruning=Pruning("magnitude", share, "global"))
    for bits in dict.fromkeys(settings.bits):
        yield "bits", float(bits), partial(base.made, bits=bits)
    for steps in dict.fromkeys(max(1, round(share * total)) for share in settings.timesteps):
        yield "timesteps", float(steps), partial(_cut, workload, samples, (*overrides, f"timesteps={steps}"))
    for percent in dict.fromkeys(settings.thresholds):
        yield "thresholds", percent, partial(_balanced, base, calibration, percent, threads)


def _cut(workload: str | Path, samples: int | None, overrides: Sequence[str]) -> Workload:
    return _taken_apart(workload, Limit(samples, exact=False), overrides).made()


def _balanced(base: _Base, calibration: int, percent: float, threads: int) -> Workload:
    return base.made(balanced(base.load.network, base.load.events.take(calibration), percent, threads))


def _table(rows: _Rows) -> Table:
    told = {
        "curve": ("", "What was changed"), "value": ("", "To what: share, bits, timesteps, percentile"),
        "accuracy": ("", "Share of right predictions"), "accuracy_low": ("", "Lower end of the Wilson 95 % interval"),
        "accuracy_high": ("", "Upper end of the Wilson 95 % interval"),
        "same": ("", "Share of predictions that are those of the workload as it stands"),
        "timesteps": ("", "Per sample"), "bits": ("", "Widest stored weight; 32 is float32"),
        "nonzero": ("", "Stored weights that are not zero"), "spikes": ("", "Of all populations but the input, mean"),
        "sops": ("", "Spikes x non-zero weights, mean"),
        "energy_per_inference": ("pJ", "Dynamic and static, mean of the timed samples"),
        "latency": ("ns", "Mean of the timed samples"), "energy_delay": ("pJ*ns", "Energy x latency"),
        "note": ("", "Why the machine gave no energy"),
    }  # fmt: skip
    return table("points", *((key, *told[key], values) for key, values in rows.columns.items()))
