"""Activity regularisation: quiet activation maps, for an array that skips zeros and for a spiking network.

Narduzzi, Bigdeli, Liu and Dunbar: penalties on the activation maps of an ANN while it trains; then the ANN's effective
multiply-accumulates where zeros are skipped, and the synaptic operations of the rate-coded SNN that it converts to, at
equal accuracy. Their list of penalties, strengths, networks and results are not published; ours are those of
:mod:`accelsim.training.regularizers`.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from torch import Tensor
from torch.nn import functional

from accelsim.hardware.quantities import Count
from accelsim.training.architecture import projections
from accelsim.training.bench import Bench, Row
from accelsim.training.conversion import balance_thresholds
from accelsim.training.fit import Hooks, Loss, fit
from accelsim.training.judge import HELD, judge
from accelsim.training.losses import images_of
from accelsim.training.network import Network
from accelsim.training.quantizers import MaxScale
from accelsim.training.recipe import RECIPES, Best, Recipe, Section, most_accurate
from accelsim.training.recipe_spec import FitSpec, Positive, RecipeSpec, Share
from accelsim.training.recipes.activity_reg_page import MACHINES, PLAIN, best_points, sections
from accelsim.training.regularizers import REGULARIZERS, penalty
from accelsim.training.scores import score_ann


class ActivitySpec(RecipeSpec):
    """Parameters."""

    judged = RecipeSpec.judged | {"timesteps", "percentile", "factor", "calibration", "bits", "scored", "loss_allowed"}
    ann: FitSpec
    strengths: dict[str, tuple[Annotated[float, Field(gt=0.0)], ...]]
    """Strengths of every regulariser."""
    repeated: dict[str, tuple[Annotated[float, Field(gt=0.0)], ...]]
    """Strengths that run with every seed, whatever is best."""
    timesteps: Count
    percentile: Annotated[float, Field(ge=50.0, le=100.0)]
    factor: Positive
    calibration: Count
    bits: Annotated[Count, Field(ge=2, le=8)]
    scored: Count
    """Test samples of every point."""
    loss_allowed: Share
    """Accuracy that a point may lose to the one without a regulariser and count as equal."""

    @property
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps; see :class:`RecipeSpec`."""
        return (self.timesteps,)

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.scored < self.samples:
            raise ValueError(f"scored: expected at least the {self.samples} samples of a cycle-level run, got "
                             f"{self.scored}")  # fmt: skip
        return self

    @field_validator("strengths", "repeated")
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
        """Find the grid at the first seed, then its best points at the others until the best have all seeds."""
        spec = bench.parameters(ActivitySpec)
        grid = [(name, value) for name, values in spec.strengths.items() for value in values]

        def find(name: str, strength: float, seed: int) -> None:
            bench.point("grid", f"{name} {strength:g}, seed {seed}", partial(_point, bench, name, strength, seed))

        for seed in spec.seeds:
            find(PLAIN, 0.0, seed)
        for name, strength in grid:
            find(name, strength, spec.seeds[0])
        for name, values in spec.repeated.items():
            for strength, seed in itertools.product(values, spec.seeds):
                find(name, strength, seed)
        chip = spec.hardware[0].label
        while few := [
            row for machine in MACHINES
            for row in best_points(bench.rows("grid"), machine, chip, spec.seeds, spec.loss_allowed)
            if row["seeds"] < len(spec.seeds)
        ]:  # fmt: skip
            for row, seed in itertools.product(few, spec.seeds):
                find(row["name"], row["strength"], seed)

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return the sweep and the best points; see :meth:`Recipe.page`."""
        spec = bench.parameters(ActivitySpec)
        return sections(bench.rows("grid"), spec.hardware[0].label, spec.seeds, spec.loss_allowed)

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the cheapest point that counts as equal; see :meth:`Recipe.best`."""
        spec = bench.parameters(ActivitySpec)
        label = spec.hardware[0].label
        energy = f"{label}_energy_per_inference"
        row = most_accurate([row for row in bench.rows("grid") if row["seed"] == spec.seeds[0]], energy,
                            spec.loss_allowed)  # fmt: skip
        folder = _folder(str(row["name"]), float(row["strength"]), int(row["seed"]))
        why = f"least energy on {label} within {spec.loss_allowed:g} of the best accuracy (validation part)"
        return Best(folder, why, row, spec.scored)


def _folder(name: str, strength: float, seed: int) -> str:
    return f"activity_{name}_{strength:g}_{seed}".replace(".", "p")


def _loss(network: Network, name: str, strength: float) -> Loss:
    fan_outs = [layer.projection.fan_out for layer in network.layers[1:]]

    def loss(samples: object, labels: Tensor) -> Tensor:
        outputs = network.activations(images_of(samples))  # type: ignore[arg-type]
        error = functional.cross_entropy(outputs[-1], labels)
        return error if strength == 0.0 else error + strength * penalty(name, outputs[:-1], fan_outs)

    return loss


def _point(bench: Bench, name: str, strength: float, seed: int) -> Row:
    spec, data = bench.parameters(ActivitySpec), bench.data
    log = bench.log(f"{name}-{strength:g}", seed, draws="ann")
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options(), spec.dropout)
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
