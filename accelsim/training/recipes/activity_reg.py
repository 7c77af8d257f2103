"""Activity regularisation: quiet activation maps, for an array that skips zeros and for a spiking network.

Narduzzi, Bigdeli, Liu and Dunbar: penalties on the activation maps of an ANN while it trains; then the ANN's effective
multiply-accumulates where zeros are skipped, and the synaptic operations of the rate-coded SNN that it converts to, at
equal accuracy. Their list of penalties, strengths, networks and results are not published; ours are those of
:mod:`accelsim.training.regularizers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Annotated, Final

from pydantic import Field, field_validator
from torch import Tensor
from torch.nn import functional

from accelsim.hardware.quantities import Count
from accelsim.report.format import percent
from accelsim.training.architecture import projections
from accelsim.training.bench import Bench, Row
from accelsim.training.conversion import balance_thresholds
from accelsim.training.fit import Hooks, Loss, fit
from accelsim.training.judge import HELD, judge
from accelsim.training.losses import images_of
from accelsim.training.network import Network
from accelsim.training.quantizers import MaxScale
from accelsim.training.recipe import RECIPES, Best, Figure, Recipe, Section, most_accurate
from accelsim.training.recipe_spec import FitSpec, Positive, RecipeSpec, Share
from accelsim.training.regularizers import REGULARIZERS, penalty
from accelsim.training.scores import score_ann


class ActivitySpec(RecipeSpec):
    """Parameters."""

    ann: FitSpec
    strengths: dict[str, tuple[Annotated[float, Field(gt=0.0)], ...]]
    """Strengths of every regulariser."""
    timesteps: Count
    percentile: Annotated[float, Field(ge=50.0, le=100.0)]
    factor: Positive
    calibration: Count
    bits: Annotated[Count, Field(ge=2, le=8)]
    scored: Count
    """Test samples of every point."""
    loss_allowed: Share
    """Accuracy that a point may lose to the one without a regulariser and count as equal."""

    @field_validator("strengths")
    @classmethod
    def _known(cls, value: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        wrong = sorted(value.keys() - REGULARIZERS.keys())
        if wrong:
            raise ValueError(f"expected {', '.join(REGULARIZERS)}, got {', '.join(wrong)}")
        return value


@RECIPES.register("activity-reg")
class ActivityReg(Recipe):
    """The recipe."""

    name = "activity-reg"
    title = "Activity regularisation"
    paper = (
        "S. Narduzzi, S. A. Bigdeli, S.-C. Liu, L. A. Dunbar, Optimizing the Consumption of Spiking Neural Networks "
        "with Activity Regularization, ICASSP 2022"
    )
    spec = ActivitySpec

    @classmethod
    def run(cls, bench: Bench) -> None:
        """Find the grid at the first seed, then its best points at the others."""
        spec = _spec(bench)
        grid = [(name, value) for name, values in spec.strengths.items() for value in values]

        def find(name: str, strength: float, seed: int) -> None:
            bench.point("grid", f"{name} {strength:g}, seed {seed}", partial(_point, bench, name, strength, seed))

        for seed in spec.seeds:
            find(_PLAIN, 0.0, seed)
        for name, strength in grid:
            find(name, strength, spec.seeds[0])
        for machine in _MACHINES:
            for row in _best(bench, machine, spec.seeds[:1]):
                for seed in spec.seeds[1:]:
                    find(row["name"], row["strength"], seed)

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return the sweep and the best points; see :meth:`Recipe.page`."""
        spec, rows = _spec(bench), bench.rows("grid")
        chip = spec.hardware[0].label
        columns = [
            ("key", "", ""), ("ann", "ANN", "share"), ("exported", "SNN", "share"),
            ("effective_macs", "effective MACs of the ANN", ""), (f"{chip}_sops", "SOPs of the SNN", ""),
            ("skipping_energy", "skipping array", "pJ"), (f"{chip}_energy_per_inference", f"SNN on {chip}", "pJ"),
            ("agreement", "accelsim agrees", "share"),
        ]  # fmt: skip
        ratios = [
            ("name", "", ""), ("strength", "strength", ""), ("seeds", "seeds", ""), ("ann_lost", "ANN loses", "share"),
            ("snn_lost", "SNN loses", "share"), ("spread", "least to most", ""), ("sops", "SOPs, fewer", "ratio"),
            ("energy", f"energy on {chip}, less", "ratio"), ("macs", "effective MACs, fewer", "ratio"),
            ("array", "energy of the array, less", "ratio"),
        ]  # fmt: skip

        def figure(machine: _Machine) -> Figure:
            series = [
                (name, [(float(row[machine.shown(chip)]) / machine.scale, float(row[machine.accuracy])) for row in rows
                        if row["name"] == name])
                for name in dict.fromkeys(row["name"] for row in rows)
            ]  # fmt: skip
            return Figure(machine.name, machine.title.capitalize(), machine.axis, f"accuracy of the {machine.network}",
                          series, log_x=True, lines=False, floor=_SHOWN)  # fmt: skip

        helps = [
            Section(f"What helps: {machine.title}",
                    _BEST.format(loss=spec.loss_allowed, network=machine.network, least=machine.axis.split(",")[0]),
                    columns=ratios, rows=_best(bench, machine, spec.seeds), figures=[figure(machine)])
            for machine in _MACHINES
        ]  # fmt: skip
        return [*helps, Section("Sweep", columns=columns, rows=rows)]

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the cheapest point that counts as equal; see :meth:`Recipe.best`."""
        spec = _spec(bench)
        energy = f"{spec.hardware[0].label}_energy_per_inference"
        row = most_accurate([row for row in bench.rows("grid") if row["seed"] == spec.seeds[0]], energy,
                            spec.loss_allowed)  # fmt: skip
        folder = _folder(str(row["name"]), float(row["strength"]), int(row["seed"]))
        label = spec.hardware[0].label
        why = f"least energy on {label} within {spec.loss_allowed:g} of the best accuracy (validation part)"
        return Best(folder, why, row, spec.scored)


def _folder(name: str, strength: float, seed: int) -> str:
    return f"activity_{name}_{strength:g}_{seed}".replace(".", "p")


_PLAIN: Final = "none"
_SHOWN: Final = 0.95
"""Least accuracy in a figure; the table has all points."""
_BEST: Final = """Of every regulariser the point of the sweep (first seed) with the least {least} at which the {network}
loses at most {loss:g} accuracy of the validation part to the one without a regulariser, repeated with the other seeds.
Losses are of the test part; losses and factors are means over seeds, against the mean of the networks without a
regulariser; least and most are the {network}'s losses. Points below 0.95 stand in the last table alone."""


@dataclass(frozen=True)
class _Machine:
    """What counts for a machine: accuracy of its network, and the figure to be small."""

    name: str
    title: str
    network: str
    accuracy: str
    chosen: str
    """Accuracy on the validation part, by which points are chosen."""
    least: str
    axis: str
    scale: float = 1.0

    def shown(self, chip: str) -> str:
        """Return the column of the figure to be small."""
        return self.least.format(chip=chip)


_MACHINES: Final = (
    _Machine("sops", "spiking machine", "SNN", "exported", "validation", "{chip}_energy_per_inference",
             "energy on the chip, uJ", 1e6),
    _Machine("macs", "array that skips zeros", "ANN", "ann", "ann_validation", "effective_macs",
             "effective multiply-accumulates"),
)  # fmt: skip


def _spec(bench: Bench) -> ActivitySpec:
    if not isinstance(bench.spec, ActivitySpec):
        raise TypeError(f"expected ActivitySpec, got {type(bench.spec).__name__}")
    return bench.spec


def _best(bench: Bench, machine: _Machine, seeds: Sequence[int]) -> list[Row]:
    """Return of every regulariser the cheapest point that counts as equal at the first seed, told over seeds."""
    spec, rows = _spec(bench), bench.rows("grid")
    chip = spec.hardware[0].label
    keys = {"sops": f"{chip}_sops", "energy": f"{chip}_energy_per_inference", "macs": "effective_macs",
            "array": "skipping_energy"}  # fmt: skip
    plain = [row for row in rows if row["name"] == _PLAIN]
    start = next((row for row in plain if row["seed"] == spec.seeds[0]), None)
    if start is None:
        return []

    def lost(row: Row, accuracy: str) -> float:
        return fmean(float(item[accuracy]) for item in plain) - float(row[accuracy])

    found: list[Row] = []
    for name in spec.strengths:
        points = [row for row in rows if row["name"] == name and row["seed"] in seeds]
        good = [
            row for row in points if row["seed"] == spec.seeds[0]
            and float(start[machine.chosen]) - float(row[machine.chosen]) <= spec.loss_allowed
        ]  # fmt: skip
        if not good:
            continue
        strength = min(good, key=lambda row: float(row[machine.shown(chip)]))["strength"]
        same = [row for row in points if row["strength"] == strength]
        ratios = {
            label: fmean(float(row[key]) for row in plain) / fmean(float(row[key]) for row in same)
            for label, key in keys.items()
        }
        losses = [lost(row, machine.accuracy) for row in same]
        spread = f"{percent(min(losses), 2)} to {percent(max(losses), 2)}"
        found.append({"name": name, "strength": strength, "seeds": len(same),
                      "ann_lost": fmean(lost(row, "ann") for row in same), "spread": spread,
                      "snn_lost": fmean(lost(row, "exported") for row in same), **ratios})  # fmt: skip
    return found


def _loss(network: Network, name: str, strength: float) -> Loss:
    fan_outs = [layer.projection.fan_out for layer in network.layers[1:]]

    def loss(samples: object, labels: Tensor) -> Tensor:
        outputs = network.activations(images_of(samples))  # type: ignore[arg-type]
        error = functional.cross_entropy(outputs[-1], labels)
        return error if strength == 0.0 else error + strength * penalty(name, outputs[:-1], fan_outs)

    return loss


def _point(bench: Bench, name: str, strength: float, seed: int) -> Row:
    spec, data = _spec(bench), bench.data
    log = bench.log(f"{name}-{strength:g}", seed)
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options())
    hooks = Hooks(score=lambda: {"validation": score_ann(network, data.validation).accuracy})
    fit(network, data.train, _loss(network, name, strength), spec.ann.options(), log=log, hooks=hooks,
        progress=bench.progress, name=f"{name} {strength:g}")  # fmt: skip
    accuracy = score_ann(network, data.test.take(slice(spec.scored))).accuracy
    held = score_ann(network, data.validation.take(slice(HELD))).accuracy
    code = spec.input.code(spec.timesteps)
    for layer in network.layers:
        layer.quantizer = MaxScale(spec.bits)
    balance_thresholds(
        network, code.test(data.train.inputs[: spec.calibration], 0), percent=spec.percentile, factor=spec.factor
    )
    row = judge(bench, network, code, _folder(name, strength, seed),
                description=f"Activity regularisation: {name}", test=spec.scored)  # fmt: skip
    chip = spec.hardware[0].label
    return {
        "name": name, "strength": strength, "seed": seed, "ann": accuracy, "ann_validation": held,
        "effective_macs": row[f"{chip}_ann_skipping_8b_products"],
        "skipping_energy": row[f"{chip}_ann_skipping_8b_energy"], **row,
    }  # fmt: skip
