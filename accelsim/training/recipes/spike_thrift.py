"""Spike-Thrift: attention-guided compression of the ANN, conversion, sparse SNN training with few timesteps.

Kundu, Datta, Pedram and Beerel, WACV 2021. Known from the abstract: an uncompressed meta-model guides, by its
attention maps, the compression of the ANN to an ultra-high target; thresholds per layer come from the ANN; supervised
SNN training keeps the mask and lowers the timesteps. Not published: the loss and its weights, the layer pairs of the
attention, the timesteps, all tables. Our choices, all parameters: attention and distillation as in
:mod:`accelsim.training.attention` over all layers with a plane, sparse learning as in :mod:`accelsim.training.masks`,
trained thresholds (as the authors' later work), 8-bit weights in the last epochs so that integers are exported.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import torch
from pydantic import Field
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.hardware.quantities import Count
from accelsim.training.architecture import projections
from accelsim.training.attention import attention_loss, distillation_loss
from accelsim.training.bench import Bench, Row
from accelsim.training.conversion import balance_thresholds
from accelsim.training.fit import FitOptions, Hooks, Loss, fit
from accelsim.training.judge import judge
from accelsim.training.losses import ann_loss, images_of, snn_loss
from accelsim.training.masks import SparseLearning
from accelsim.training.network import Network
from accelsim.training.quantizers import MaxScale
from accelsim.training.recipe import RECIPES, Best, Recipe, Section
from accelsim.training.recipe_spec import FitSpec, Positive, RecipeSpec, Share
from accelsim.training.recipes.spike_thrift_page import sections
from accelsim.training.scores import score_ann, score_snn


class SpikeThriftSpec(RecipeSpec):
    """Parameters."""

    meta: FitSpec
    """Training of the uncompressed ANN."""
    compress: FitSpec
    density: Annotated[float, Field(gt=0.0, le=1.0)]
    """Share of the weights that is left: 1/33 for the paper's 33.4x."""
    moved: Share
    """Share of a layer's weights that move after the first epoch."""
    attention: Annotated[float, Field(ge=0.0)]
    """Weight of the attention loss."""
    distillation: Share
    temperature: Positive
    percentile: Annotated[float, Field(ge=50.0, le=100.0)]
    factor: Positive
    """On the thresholds of the conversion."""
    calibration: Count
    """Training samples that thresholds are found on."""
    converted_timesteps: Count
    """Of the network as converted, before SNN training."""
    timesteps: Count
    train: FitSpec
    quantize: FitSpec
    bits: Annotated[Count, Field(ge=2, le=8)]

    @property
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps; see :class:`RecipeSpec`."""
        return (self.timesteps, self.converted_timesteps)


@RECIPES.register("spike-thrift")
class SpikeThrift(Recipe):
    """The recipe."""

    name = "spike-thrift"
    title = "Spike-Thrift: attention-guided compression"
    paper = "S. Kundu, G. Datta, M. Pedram, P. A. Beerel, Spike-Thrift, WACV 2021, pp. 3953-3962"
    spec = SpikeThriftSpec

    @classmethod
    def run(cls, bench: Bench) -> None:
        """Compress, convert, train and judge, for every seed."""
        for seed in bench.spec.seeds:
            bench.point("stages", f"seed {seed}", partial(_one, bench, seed))

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return stages and energies; see :meth:`Recipe.page`."""
        return sections(bench.rows("stages"), bench.spec.hardware[0].label)

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the first seed, which nothing has chosen; see :meth:`Recipe.best`."""
        seed = bench.spec.seeds[0]
        row = next((row for row in bench.rows("stages") if row["key"] == f"seed {seed}"), None)
        if row is None:
            raise TrainingError(f"results: expected the point of seed {seed}, got none")
        return Best(_folder(seed), "the first seed", row)


_CONVERTED: Final = 2000
"""Test samples that the network is scored on as converted, with many timesteps."""


def _folder(seed: int) -> str:
    return f"spike_thrift_{seed}"


def _one(bench: Bench, seed: int) -> Row:
    spec, data = bench.parameters(SpikeThriftSpec), bench.data
    made = projections(spec.layers, data.shape, data.classes)
    options = spec.neurons.options()

    log = bench.log("meta", seed)
    meta = Network(made, options, spec.dropout)
    score = Hooks(score=lambda: {"validation": score_ann(meta, data.validation).accuracy})
    bar = bench.progress
    fit(meta, data.train, ann_loss(meta), spec.meta.options(), log=log, hooks=score, progress=bar, name="meta-model")

    log = bench.log("compress", seed)
    network = Network(made, options)
    sparse = SparseLearning(network, spec.density, spec.moved)
    fit(
        network, data.train, _guided(network, meta, spec), spec.compress.options(), log=log, progress=bar,
        hooks=_moving(network, sparse, spec.compress.options(), bench), name="compression",
    )  # fmt: skip
    compressed = score_ann(network, data.test).accuracy

    slow, code = spec.input.code(spec.converted_timesteps), spec.input.code(spec.timesteps)
    calibration = slow.test(data.train.inputs[: spec.calibration], 0)
    balance_thresholds(network, calibration, percent=spec.percentile, factor=spec.factor)
    converted = score_snn(network, data.test.take(slice(_CONVERTED)), slow).accuracy

    log = bench.log("train", seed)
    hooks = Hooks(score=lambda: {"validation": score_snn(network, data.validation, code).accuracy})
    fit(
        network, data.train, snn_loss(network, code), spec.train.options(), log=log, hooks=hooks,
        progress=bar, name=f"SNN, {spec.timesteps} timesteps",
    )  # fmt: skip
    trained = score_snn(network, data.test, code).accuracy

    log = bench.log("quantize", seed)
    for layer in network.layers:
        layer.quantizer = MaxScale(spec.bits)
    fit(
        network, data.train, snn_loss(network, code, integer=True), spec.quantize.options(), log=log,
        progress=bar, name=f"{spec.bits} bit",
    )  # fmt: skip
    kept = [layer.kept for layer in network.layers]
    return {
        "weights": sum(item.weights for item in made), "kept": sum(kept), "ratio": sum(item.weights for item in made)
        / sum(kept), "dense_ann": score_ann(meta, data.test).accuracy, "compressed_ann": compressed, "converted":
        converted, "trained": trained, **judge(bench, network, code, _folder(seed),
        description="Spike-Thrift, compressed and trained as an SNN"),
    }


def _guided(student: Network, teacher: Network, spec: SpikeThriftSpec) -> Loss:
    """Return the loss of the compressed ANN: labels, the meta-model's verdict, its attention."""

    def loss(samples: object, labels: Tensor) -> Tensor:
        images = images_of(samples)  # type: ignore[arg-type]
        with torch.no_grad():
            shown = teacher.activations(images)
        outputs = student.activations(images)
        verdict = distillation_loss(
            outputs[-1], shown[-1], labels, temperature=spec.temperature, weight=spec.distillation
        )
        return verdict + spec.attention * attention_loss(outputs[:-1], shown[:-1])

    return loss


def _moving(network: Network, sparse: SparseLearning, options: FitOptions, bench: Bench) -> Hooks:
    """Return hooks that move the budget of weights in all epochs but the last."""

    def after(epoch: int, optimizer: torch.optim.Optimizer) -> None:
        if epoch + 1 < options.epochs:
            name = "exp_avg" if options.optimizer == "adam" else "momentum_buffer"
            sparse.move([optimizer.state[layer.weight][name] for layer in network.layers], epoch / options.epochs)

    return Hooks(
        after_epoch=after, score=lambda: {"validation": score_ann(network, bench.data.validation).accuracy}
    )
