"""Joint quantisation and pruning of a spiking network on event data: which of the two saves more energy.

Schaefer, Taheri, Horeni and Joshi, IEEE TCAS-II 2023 (arXiv 2302.04174). Global magnitude masks made once and kept;
symmetric quantisation with 2^b - 1 levels and learnt scales; *sequential*: pruned first, quantised from half of the
epochs on; *joint*: both from the first epoch. Their network (DVS128 Gesture, 1.8 M weights with temporal attention) is
larger than ours and is not trained here.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Annotated, Final, Literal, Self

import torch
from pydantic import Field, model_validator

from accelsim.hardware.quantities import Count, Name
from accelsim.training.architecture import projections
from accelsim.training.bench import Bench, Row
from accelsim.training.fit import FitOptions, Hooks, fit
from accelsim.training.judge import judge
from accelsim.training.losses import snn_loss
from accelsim.training.masks import magnitude_masks, set_masks
from accelsim.training.network import Network
from accelsim.training.quantizers import LearnedScale
from accelsim.training.recipe import RECIPES, Best, Recipe, Section, most_accurate
from accelsim.training.recipe_spec import FitSpec, HardwareSpec, RecipeSpec, Share
from accelsim.training.recipes.quant_prune_page import sections
from accelsim.training.recipes.quant_prune_verdict import FULL_BITS
from accelsim.training.scores import score_snn
from accelsim.training.verdict import cycle_level, stored_as


class QuantPruneSpec(RecipeSpec):
    """Parameters."""

    judged = RecipeSpec.judged | {"formats", "iso_accuracy"}
    pretrain: FitSpec
    tune: FitSpec
    """Fine-tuning of every point, from the pre-trained network."""
    timesteps: Count
    bits: Annotated[tuple[Annotated[Count, Field(ge=2, le=8)], ...], Field(min_length=1)]
    pruning: Annotated[tuple[Annotated[float, Field(ge=0.0, lt=1.0)], ...], Field(min_length=1)]
    schedules: Annotated[tuple[Literal["sequential", "joint"], ...], Field(min_length=1)]
    formats: dict[Name, tuple[Name, ...]]
    """Ways to store weights, of every machine of ``hardware``; ``dense`` is what the others are held against."""
    iso_accuracy: Share
    """Points that lose no more than this to the unpruned 8-bit one of their seed count as equally accurate."""

    @property
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps; see :class:`RecipeSpec`."""
        return (self.timesteps,)

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if "sequential" in self.schedules and self.tune.epochs < 2:
            raise ValueError(f"tune.epochs: expected at least 2 where pruning comes first (schedules: sequential), got "
                             f"{self.tune.epochs}")  # fmt: skip
        return self

    @model_validator(mode="after")
    def _stored(self) -> Self:
        machines = {item.label for item in self.hardware}
        if self.formats.keys() != machines or any("dense" not in names for names in self.formats.values()):
            expected = ", ".join(sorted(machines))
            raise ValueError(f"formats: expected a list with dense for each of {expected}, got {self.formats}")
        return self


@RECIPES.register("quant-prune")
class QuantPrune(Recipe):
    """The recipe."""

    name = "quant-prune"
    title = "Joint quantisation and pruning"
    paper = (
        "C. J. S. Schaefer, P. Taheri, M. Horeni, S. Joshi, The Hardware Impact of Quantization and Pruning for "
        "Weights in Spiking Neural Networks, IEEE TCAS-II 2023"
    )
    spec = QuantPruneSpec

    @classmethod
    def machines(cls, spec: RecipeSpec) -> list[HardwareSpec]:
        """Return every machine with every format of its weights."""
        formats = spec.formats if isinstance(spec, QuantPruneSpec) else {}
        return [stored_as(item, weights) for item in spec.hardware for weights in formats[item.label]]

    @classmethod
    def run(cls, bench: Bench) -> None:
        """Find the points of bits alone and of pruning alone for every seed, then the grid of the first."""
        spec = bench.parameters(QuantPruneSpec)
        grid = list(itertools.product(spec.schedules, spec.bits, spec.pruning))
        alone = [at for at in grid if at[0] == spec.schedules[0] and (at[1] == FULL_BITS or at[2] == 0.0)]
        for seed, points in (*((seed, alone) for seed in spec.seeds), (spec.seeds[0], grid)):
            dense: dict[str, torch.Tensor] = {}
            for at in points:
                schedule, bits, share = at
                key = f"{schedule} {bits} bit, {share:g} pruned, seed {seed}"
                bench.point("grid", key, partial(_point, bench, dense, seed, *at))

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return verdict, storage, fronts, breakdown and grid; see :meth:`Recipe.page`."""
        spec = bench.parameters(QuantPruneSpec)
        machines = {item.label: spec.formats[item.label] for item in spec.hardware}
        size = len(spec.schedules) * len(spec.bits) * len(spec.pruning)
        return sections(bench.rows("grid"), machines, spec.seeds[0], spec.iso_accuracy, size)

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the cheapest point that counts as equal; see :meth:`Recipe.best`."""
        spec = bench.parameters(QuantPruneSpec)
        label = spec.hardware[0].label
        names = [f"{label}_{weights}_energy_per_inference" for weights in spec.formats[label]]
        rows = [row | {_LEAST: min(row[name] for name in names)} for row in bench.rows("grid")
                if row["seed"] == spec.seeds[0]]  # fmt: skip
        row = most_accurate(rows, _LEAST, spec.iso_accuracy)
        folder = _folder(f"{row['schedule']}-{row['bits']}b-{row['pruned']:g}", int(row["seed"]))
        why = f"least energy on {label} within {spec.iso_accuracy:g} of the best accuracy (validation part)"
        return Best(folder, why, row)


_LEAST: Final = "least"


def _folder(name: str, seed: int) -> str:
    return f"quant_prune_{name}_{seed}"


def _pretrained(bench: Bench, seed: int) -> Network:
    spec, data = bench.parameters(QuantPruneSpec), bench.data
    log = bench.log("pretrain", seed)
    code = spec.input.code(spec.timesteps)
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options(), spec.dropout)
    hooks = Hooks(score=lambda: {"validation": score_snn(network, data.validation, code).accuracy})
    fit(network, data.train, snn_loss(network, code), spec.pretrain.options(), log=log, hooks=hooks,
        progress=bench.progress, name="pre-training")  # fmt: skip
    return network


def _point(
    bench: Bench, dense: dict[str, torch.Tensor], seed: int, schedule: str, bits: int, share: float
) -> Row:
    spec, data = bench.parameters(QuantPruneSpec), bench.data
    if not dense:
        dense.update((name, value.clone()) for name, value in _pretrained(bench, seed).state_dict().items())
    name = f"{schedule}-{bits}b-{share:g}"
    code = spec.input.code(spec.timesteps)
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options())
    network.load_state_dict(dense)
    set_masks(network.layers, magnitude_masks([layer.weight for layer in network.layers], share, "global"))
    options = spec.tune.options()
    first = 0 if schedule == "joint" else options.epochs // 2
    if first:
        # The same for all bits: made once, read from its checkpoint afterwards.
        before = f"{schedule}-{share:g}"
        half = FitOptions(**{**spec.tune.model_dump(), "epochs": first})
        fit(network, data.train, snn_loss(network, code), half, log=bench.log(before, seed, draws="tune"),
            progress=bench.progress, name=f"{before}, not quantised")  # fmt: skip
    log = bench.log(name, seed, draws="tune")
    for layer in network.layers:
        layer.quantizer = LearnedScale(bits, layer.weight)
    rest = FitOptions(**{**spec.tune.model_dump(), "epochs": options.epochs - first})
    fit(network, data.train, snn_loss(network, code, integer=True), rest, log=log, progress=bench.progress, name=name)
    folder = _folder(name, seed)
    row = judge(bench, network, code, folder, description="Joint quantisation and pruning")
    machines = QuantPrune.machines(spec)
    row |= cycle_level(bench.folder / "workloads" / folder, machines, spec.samples, spec.threads, baseline=False)
    total = sum(item.weights for item in network.projections)
    return {"schedule": schedule, "bits": bits, "pruned": share, "seed": seed, "density": row["nonzero"] / total, **row}
