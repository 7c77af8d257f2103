"""Joint quantisation and pruning of a spiking network on event data: which of the two saves more energy.

Schaefer, Taheri, Horeni and Joshi, IEEE TCAS-II 2023 (arXiv 2302.04174). Global magnitude masks made once and kept;
symmetric quantisation with 2^b - 1 levels and learnt scales; *sequential*: pruned first, quantised from half of the
epochs on; *joint*: both from the first epoch. Their network (DVS128 Gesture, 1.8 M weights with temporal attention) is
larger than ours and is not trained here.
"""

from __future__ import annotations

import itertools
from functools import partial
from typing import Annotated, Final, Literal

import torch
from pydantic import Field

from accelsim.hardware.quantities import Count
from accelsim.result.pareto import pareto_front
from accelsim.training.architecture import projections
from accelsim.training.bench import Bench, Row
from accelsim.training.fit import FitOptions, Hooks, fit
from accelsim.training.judge import judge
from accelsim.training.losses import snn_loss
from accelsim.training.masks import magnitude_masks, set_masks
from accelsim.training.network import Network
from accelsim.training.quantizers import LearnedScale
from accelsim.training.recipe import RECIPES, Figure, Recipe, Section
from accelsim.training.recipe_spec import FitSpec, RecipeSpec, Share
from accelsim.training.scores import score_snn

FULL_BITS: Final = 8
"""What pruning alone is compared at."""


class QuantPruneSpec(RecipeSpec):
    """Parameters."""

    pretrain: FitSpec
    tune: FitSpec
    """Fine-tuning of every point, from the pre-trained network."""
    timesteps: Count
    bits: tuple[Annotated[Count, Field(ge=2, le=8)], ...]
    pruning: tuple[Share, ...]
    schedules: tuple[Literal["sequential", "joint"], ...]
    iso_accuracy: Share
    """Points that lose no more than this to the best 8-bit one count as equally accurate."""


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
    def run(cls, bench: Bench) -> None:
        """Pre-train once for every seed, then find every point of the grid."""
        spec = _spec(bench)
        for seed in spec.seeds:
            network = _pretrained(bench, seed)
            dense = {name: value.clone() for name, value in network.state_dict().items()}
            for at in itertools.product(spec.schedules, spec.bits, spec.pruning):
                schedule, bits, share = at
                headline = share == 0.0 and bits in (2, 8) and schedule == spec.schedules[0]
                if headline or seed == spec.seeds[0]:
                    key = f"{schedule} {bits} bit, {share:g} pruned, seed {seed}"
                    bench.point("grid", key, partial(_point, bench, dense, seed, *at))

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return grid, fronts and the verdict; see :meth:`Recipe.page`."""
        spec, rows = _spec(bench), bench.rows("grid")
        chips = [item.chip for item in spec.hardware]
        columns = [
            ("key", "", ""), ("exported", "accuracy", "share"), ("density", "weights left", "share"),
            ("agreement", "accelsim agrees", "share"),
        ]  # fmt: skip
        columns += [(f"{chip}_energy_per_inference", f"energy on {chip}", "pJ") for chip in chips]
        columns += [(f"{chip}_energy_delay", f"energy x delay on {chip}", "pJ*ns") for chip in chips]
        figures = []
        for chip in chips:
            for quantity, words in (("energy_per_inference", "energy, pJ"), ("energy_delay", "energy x delay, pJ ns")):
                points = {
                    name: [
                        (float(row[f"{chip}_{quantity}"]), float(row["exported"]))
                        for row in rows
                        if row["schedule"] == name
                    ]
                    for name in spec.schedules
                }
                front = _front([point for series in points.values() for point in series])
                figures.append(Figure(f"{chip}_{quantity}", f"Accuracy against {words} on {chip}", words, "accuracy",
                                      [*points.items(), ("front", front)], lines=False))  # fmt: skip
        return [
            Section("Verdict", "\n".join(_verdict(rows, chip, spec.iso_accuracy) for chip in chips)),
            Section("Grid", columns=columns, rows=rows, figures=figures),
        ]


def _front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    kept = pareto_front(points, ("min", "max"))
    return sorted(point for point, best in zip(points, kept, strict=True) if best)


def _verdict(rows: list[Row], chip: str, tolerance: float) -> str:
    """Return, in a sentence, the cheapest equally accurate network by bits alone and by pruning alone."""
    whole = [row for row in rows if row["bits"] == FULL_BITS and row["pruned"] == 0.0]
    best = max((float(row["exported"]) for row in whole), default=0.0)
    good = [row for row in rows if float(row["exported"]) >= best - tolerance]
    energy = f"{chip}_energy_per_inference"
    bits = min((row for row in good if row["pruned"] == 0.0), key=lambda row: float(row[energy]), default=None)
    pruned = min((row for row in good if row["bits"] == FULL_BITS), key=lambda row: float(row[energy]), default=None)
    if bits is None or pruned is None:
        return f"{chip}: no point is as accurate as {best:.3f} - {tolerance:g}."
    ratio = float(pruned[energy]) / float(bits[energy])
    return (
        f"{chip}: within {tolerance:g} of the best 8-bit accuracy ({best:.3f}), bits alone go to {bits['bits']} bit "
        f"({float(bits[energy]) / 1e3:.3g} nJ), pruning alone to {float(pruned['pruned']):.0%} "
        f"({float(pruned[energy]) / 1e3:.3g} nJ): pruning alone takes {ratio:.3f} times the energy of bits alone; the "
        "paper's array has 1.457 (45 % more) for 80 % against ternary."
    )


def _spec(bench: Bench) -> QuantPruneSpec:
    if not isinstance(bench.spec, QuantPruneSpec):
        raise TypeError(f"expected QuantPruneSpec, got {type(bench.spec).__name__}")
    return bench.spec


def _pretrained(bench: Bench, seed: int) -> Network:
    spec, data = _spec(bench), bench.data
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
    spec, data = _spec(bench), bench.data
    name = f"{schedule}-{bits}b-{share:g}"
    log = bench.log(name, seed)
    code = spec.input.code(spec.timesteps)
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options())
    network.load_state_dict(dense)
    set_masks(network.layers, magnitude_masks([layer.weight for layer in network.layers], share, "global"))
    options = spec.tune.options()
    first = 0 if schedule == "joint" else options.epochs // 2
    if first:
        half = FitOptions(**{**spec.tune.model_dump(), "epochs": first})
        fit(network, data.train, snn_loss(network, code), half, log=log.with_name(f"{log.stem}-float.csv"),
            progress=bench.progress, name=f"{name}, float")  # fmt: skip
    for layer in network.layers:
        layer.quantizer = LearnedScale(bits, layer.weight)
    rest = FitOptions(**{**spec.tune.model_dump(), "epochs": options.epochs - first})
    fit(network, data.train, snn_loss(network, code, integer=True), rest, log=log, progress=bench.progress, name=name)
    row = judge(bench, network, code, f"quant_prune_{name}_{seed}", description="Joint quantisation and pruning")
    total = sum(item.weights for item in network.projections)
    return {"schedule": schedule, "bits": bits, "pruned": share, "seed": seed, "density": row["nonzero"] / total, **row}
