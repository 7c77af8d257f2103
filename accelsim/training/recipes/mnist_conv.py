"""A network like the default workload: convolutional, pruned gradually while it trains, 8 bit, few spikes.

Gradual magnitude pruning with a cubic schedule, layer by layer (Zhu and Gupta, "To prune, or not to prune", 2017, arXiv
1710.01878), a cost on hidden spikes, and a last stage in the arithmetic of the chip. The bundled ``mnist_conv`` was
trained by the script that this recipe took the place of: same layers, shares and schedule, but with a spiking output,
where this one has a readout that integrates.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Self

from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional

from accelsim.hardware.quantities import Count
from accelsim.training.architecture import projections
from accelsim.training.bench import Bench, Row
from accelsim.training.fit import Hooks, Loss, fit
from accelsim.training.judge import judge
from accelsim.training.masks import magnitude_masks, set_masks
from accelsim.training.network import Network
from accelsim.training.quantizers import MaxScale
from accelsim.training.recipe import RECIPES, Best, Recipe, Section, most_accurate
from accelsim.training.recipe_spec import FitSpec, Positive, RecipeSpec, Share
from accelsim.training.scores import score_snn


class MnistConvSpec(RecipeSpec):
    """Parameters."""

    train: FitSpec
    quantize: FitSpec
    timesteps: Count
    bits: Annotated[Count, Field(ge=2, le=8)]
    sparsity: tuple[Annotated[float, Field(ge=0.0, lt=1.0)], ...]
    """Share of every layer's weights that goes, the readout's last."""
    prune_from: Share
    prune_until: Share
    """Part of the training in which the share grows."""
    prune_every: Count
    """Steps."""
    gains: tuple[Positive, ...]
    """Standard deviation of a layer's first weights times the square root of its fan-in."""
    activity_cost: Annotated[float, Field(ge=0.0)]
    """Loss per 1,000 hidden spikes of an inference."""

    @property
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps; see :class:`RecipeSpec`."""
        return (self.timesteps,)

    @model_validator(mode="after")
    def _for_every_layer(self) -> Self:
        number = 1 + sum(layer.pool is None for layer in self.layers)
        for name in ("sparsity", "gains"):
            if len(getattr(self, name)) != number:
                raise ValueError(f"{name}: expected {number} values, one per layer, got {len(getattr(self, name))}")
        return self


@RECIPES.register("mnist-conv")
class MnistConv(Recipe):
    """The recipe."""

    name = "mnist-conv"
    title = "A network like the default workload"
    paper = "Pruning: M. Zhu, S. Gupta, To Prune, or Not to Prune, 2017"
    spec = MnistConvSpec

    @classmethod
    def run(cls, bench: Bench) -> None:
        """Train one network per seed."""
        for seed in bench.spec.seeds:
            bench.point("networks", f"seed {seed}", partial(_one, bench, seed))

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return the networks; see :meth:`Recipe.page`."""
        label = bench.spec.hardware[0].label
        columns = [
            ("key", "", ""), ("float", "float", "share"), ("exported", "whole numbers", "share"),
            ("agreement", "accelsim agrees", "share"), ("zeros", "zero weights", "share"), ("spikes", "spikes", ""),
            (f"{label}_sops", "SOPs", ""), (f"{label}_energy_per_inference", f"energy on {label}", "pJ"),
            (f"{label}_latency", "latency", "ns"), (f"{label}_against_skipping", "skipping array / SNN", "ratio"),
        ]  # fmt: skip
        return [Section("Networks", columns=columns, rows=bench.rows("networks"))]

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the most accurate seed; see :meth:`Recipe.best`."""
        row = most_accurate(bench.rows("networks"))
        return Best(_folder(int(row["seed"])), "most accurate of its seeds", row)


def _folder(seed: int) -> str:
    return f"mnist_conv_{seed}"


def _loss(network: Network, spec: MnistConvSpec, *, integer: bool) -> Loss:
    code = spec.input.code(spec.timesteps)

    def loss(samples: object, labels: Tensor) -> Tensor:
        *hidden, logits = network.spikes(code.training(samples), integer=integer)  # type: ignore[arg-type]
        spikes = sum(layer.sum() for layer in hidden) / (1000 * len(labels))
        return functional.cross_entropy(logits, labels) + spec.activity_cost * spikes

    return loss


class GradualPruning:
    """Masks whose share grows by a cubic schedule; what is gone stays gone.

    Parameters
    ----------
    network : Network
    spec : MnistConvSpec
    steps : int
        Of the whole training; what is pruned follows from its progress alone, so that a resumed run prunes as an uncut
        one does.
    """

    def __init__(self, network: Network, spec: MnistConvSpec, steps: int) -> None:
        self._network, self._spec, self._steps = network, spec, steps

    def share(self, progress: float) -> float:
        """Return the part of the final share at a progress of 0..1."""
        spec = self._spec
        done = (progress - spec.prune_from) / max(spec.prune_until - spec.prune_from, 1e-9)
        return 1.0 - (1.0 - min(1.0, max(0.0, done))) ** 3

    def after_step(self, progress: float) -> None:
        """Prune, every so many steps and at the end."""
        if round(progress * self._steps) % self._spec.prune_every and progress < 1.0:
            return
        layers, share = list(self._network.layers), self.share(progress)
        masks = [
            magnitude_masks([layer.weight], share * last, "layer")[0]
            for layer, last in zip(layers, self._spec.sparsity, strict=True)
        ]
        set_masks(layers, masks)


def _one(bench: Bench, seed: int) -> Row:
    spec, data = bench.parameters(MnistConvSpec), bench.data
    code = spec.input.code(spec.timesteps)
    log = bench.log("train", seed)
    network = Network(projections(spec.layers, data.shape, data.classes), spec.neurons.options(), spec.dropout)
    for layer, gain in zip(network.layers, spec.gains, strict=True):
        layer.weight.data.mul_(gain / math.sqrt(2.0))
    steps = spec.train.epochs * math.ceil(len(data.train) / spec.train.batch)
    hooks = Hooks(
        after_step=GradualPruning(network, spec, steps).after_step,
        score=lambda: {"validation": score_snn(network, data.validation, code).accuracy},
    )
    fit(network, data.train, _loss(network, spec, integer=False), spec.train.options(), log=log, hooks=hooks,
        progress=bench.progress, name="training")  # fmt: skip
    trained = score_snn(network, data.test, code).accuracy
    log = bench.log("quantize", seed)
    for layer in network.layers:
        layer.quantizer = MaxScale(spec.bits)
    fit(network, data.train, _loss(network, spec, integer=True), spec.quantize.options(), log=log,
        progress=bench.progress, name=f"{spec.bits} bit")  # fmt: skip
    row = judge(bench, network, code, _folder(seed), description=MnistConv.title)
    total = sum(item.weights for item in network.projections)
    return {"seed": seed, "float": trained, "zeros": 1.0 - row["nonzero"] / total, **row}
