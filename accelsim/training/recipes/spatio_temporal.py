"""Spatio-temporal pruning: widths by principal components, timesteps lowered while training, then few-bit weights.

Chowdhury, Garg and Roy, IJCNN 2021 (arXiv 2104.12528). Known: PCA on the average accumulated membrane potential gives
the widths, timesteps are reduced gradually while training, weights are quantised down to 5 bits, robustness to Gaussian
noise is compared. Not published: the variance threshold, step size and stopping rule of the timesteps, the quantiser.
Our choices, all parameters: the potential of :mod:`accelsim.functional.dimensions`, a list of timesteps with as many
epochs each, symmetric quantisation with straight-through gradients.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import torch
from pydantic import Field

from accelsim.errors import TrainingError
from accelsim.functional.dimensions import Covariance
from accelsim.hardware.quantities import Count
from accelsim.training.architecture import LayerSpec, multiply_accumulates, projections
from accelsim.training.bench import Bench, Row
from accelsim.training.conversion import balance_thresholds
from accelsim.training.data.dataset import Split
from accelsim.training.encoding import InputCode
from accelsim.training.fit import Hooks, fit
from accelsim.training.judge import judge
from accelsim.training.losses import ann_loss, snn_loss
from accelsim.training.network import Network
from accelsim.training.quantizers import MaxScale
from accelsim.training.recipe import RECIPES, Best, Recipe, Section, most_accurate
from accelsim.training.recipe_spec import FitSpec, Positive, RecipeSpec
from accelsim.training.recipes.spatio_temporal_page import sections
from accelsim.training.scores import score_ann, score_snn

_TOLD = "Spatio-temporal pruning: narrowed by PCA, timesteps lowered while training"


class SpatioTemporalSpec(RecipeSpec):
    """Parameters."""

    ann: FitSpec
    """Training of the wide ANN and, again, of the narrow one."""
    variance: Annotated[float, Field(gt=0.0, lt=1.0)]
    """Share of the variance that significant dimensions stay below."""
    accumulated: Count
    """Training samples that potentials are accumulated on."""
    percentile: Annotated[float, Field(ge=50.0, le=100.0)]
    factor: Positive
    calibration: Count
    converted_timesteps: Count
    """Of the network as converted: where lowering begins."""
    timesteps: tuple[Count, ...]
    """What they are lowered to, one after the other."""
    lower: FitSpec
    """Training at every number of timesteps."""
    bits: tuple[Annotated[Count, Field(ge=2, le=8)], ...]
    quantize: FitSpec
    """Training at every number of bits, from the network of the one before."""
    noise: tuple[Annotated[float, Field(ge=0.0)], ...]
    """Standard deviations of the noise on pixels of 0..1."""
    scored: Count
    """Test samples of every point but the last."""

    @property
    def input_timesteps(self) -> tuple[int, ...]:
        """Timesteps; see :class:`RecipeSpec`."""
        return (self.converted_timesteps, *self.timesteps)


@RECIPES.register("spatio-temporal")
class SpatioTemporal(Recipe):
    """The recipe."""

    name = "spatio-temporal"
    title = "Spatio-temporal pruning and quantisation"
    paper = (
        "S. S. Chowdhury, I. Garg, K. Roy, Spatio-Temporal Pruning and Quantization for Low-latency Spiking Neural "
        "Networks, IJCNN 2021"
    )
    spec = SpatioTemporalSpec

    @classmethod
    def run(cls, bench: Bench) -> None:
        """Narrow, convert, lower the timesteps, quantise and add noise, for every seed."""
        for seed in bench.spec.seeds:
            _Run(bench, seed).points()

    @classmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return widths, curves and energies; see :meth:`Recipe.page`."""
        made = projections(bench.spec.layers, bench.data.shape, bench.data.classes)
        wide = multiply_accumulates(made, bench.data.shape, [item.weights for item in made])
        return sections(bench.rows, bench.spec.hardware[0].label, wide)

    @classmethod
    def best(cls, bench: Bench) -> Best:
        """Return the cheapest of the widths of weights that lose at most a point; see :meth:`Recipe.best`."""
        label = bench.spec.hardware[0].label
        rows = [row for row in bench.rows("bits") if row["seed"] == bench.spec.seeds[0]]
        row = most_accurate(rows, f"{label}_energy_per_inference", _LOST)
        why = f"first seed, least energy on {label} within {_LOST:g} of the best accuracy (validation part)"
        return Best(_folder(int(row["bits"]), int(row["seed"])), why, row)


_LOST: Final = 0.01


def _folder(bits: int, seed: int) -> str:
    return f"spatio_temporal_{bits}bit_{seed}"


class _Run:
    """One seed."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self._bench, self._seed, self._data = bench, seed, bench.data
        self._spec = bench.parameters(SpatioTemporalSpec)
        if bench.data.events and any(self._spec.noise):
            raise TrainingError(f"noise: expected none for frames of events ({bench.data.name}): it is added to pixels")

    def points(self) -> None:
        """Find all points; training stages that are done are read from their checkpoints."""
        spec, seed, bench = self._spec, self._seed, self._bench
        wide = self._ann("wide", spec.layers)
        found = bench.point("widths", f"seed {seed}", partial(self._widths, wide))
        narrow = self._ann("narrow", _narrowed(spec.layers, found["widths"]))
        bench.point("narrow", f"seed {seed}", partial(self._narrow, found, narrow))
        noisy = {level: score_ann(narrow, self._part, level).accuracy for level in spec.noise}
        code = spec.input.code(spec.converted_timesteps)
        calibration = code.test(self._data.train.inputs[: spec.calibration], 0)
        balance_thresholds(narrow, calibration, percent=spec.percentile, factor=spec.factor)
        bench.point("lower", f"seed {seed} T {code.timesteps} converted", partial(self._scored, narrow, code))
        for timesteps in spec.timesteps:
            code = spec.input.code(timesteps)
            log = bench.log(f"lower-{timesteps}", seed)
            fit(narrow, self._data.train, snn_loss(narrow, code), spec.lower.options(), log=log,
                progress=bench.progress, name=f"{timesteps} timesteps")  # fmt: skip
            bench.point("lower", f"seed {seed} T {timesteps}", partial(self._scored, narrow, code))
        for level in spec.noise:
            make = partial(self._noisy, narrow, code, level, noisy[level])
            bench.point("noise", f"seed {seed} noise {level:g}", make)
        for bits in spec.bits:
            for layer in narrow.layers:
                layer.quantizer = MaxScale(bits)
            log = bench.log(f"quantize-{bits}", seed)
            fit(narrow, self._data.train, snn_loss(narrow, code, integer=True), spec.quantize.options(), log=log,
                progress=bench.progress, name=f"{bits} bit")  # fmt: skip
            bench.point("bits", f"seed {seed} {bits} bit", partial(self._judged, narrow, code, bits))

    @property
    def _part(self) -> Split:
        return self._data.test.take(slice(self._spec.scored))

    def _ann(self, stage: str, layers: tuple[LayerSpec, ...]) -> Network:
        spec, data = self._spec, self._data
        log = self._bench.log(stage, self._seed)
        made = projections(layers, data.shape, data.classes)
        network = Network(made, spec.neurons.options(), spec.dropout)
        hooks = Hooks(score=lambda: {"validation": score_ann(network, data.validation).accuracy})
        fit(network, data.train, ann_loss(network), spec.ann.options(), log=log, hooks=hooks,
            progress=self._bench.progress, name=f"{stage} ANN")  # fmt: skip
        return network

    def _widths(self, wide: Network) -> Row:
        """Return the significant dimensions of every hidden layer's accumulated input."""
        spec = self._spec
        code, samples = spec.input.code(spec.converted_timesteps), self._data.train.inputs[: spec.accumulated]
        balance_thresholds(
            wide, code.test(self._data.train.inputs[: spec.calibration], 0), percent=spec.percentile, factor=spec.factor
        )
        sums = [Covariance(layer.projection.shape[0]) for layer in wide.hidden]
        with torch.no_grad():
            for first in range(0, len(samples), 100):
                events = code.test(samples[first : first + 100], first)
                for layer, total in zip(wide.hidden, sums, strict=True):
                    current = layer.current(events)
                    total.add(current.mean(0).movedim(1, -1).numpy())
                    events = layer.neurons(current)
        return {
            "seed": self._seed,
            "widths": [total.significant(spec.variance) for total in sums],
            "wide_widths": [layer.projection.shape[0] for layer in wide.hidden],
            "wide_weights": sum(item.weights for item in wide.projections),
            "wide_ann": score_ann(wide, self._data.test).accuracy,
        }

    def _narrow(self, wide: Row, narrow: Network) -> Row:
        weights = sum(item.weights for item in narrow.projections)
        accuracy = score_ann(narrow, self._data.test).accuracy
        return {**wide, "weights": weights, "ratio": wide["wide_weights"] / weights, "narrow_ann": accuracy}

    def _scored(self, network: Network, code: InputCode) -> Row:
        score = score_snn(network, self._part, code)
        return {"seed": self._seed, "timesteps": code.timesteps, "accuracy": score.accuracy,
                "spikes": sum(score.spikes[1:])}  # fmt: skip

    def _noisy(self, network: Network, code: InputCode, level: float, ann: float) -> Row:
        snn = score_snn(network, self._part, code, noise=level).accuracy
        return {"seed": self._seed, "noise": level, "ann": ann, "snn": snn}

    def _judged(self, network: Network, code: InputCode, bits: int) -> Row:
        name = _folder(bits, self._seed)
        return {"seed": self._seed, "bits": bits, **judge(self._bench, network, code, name, description=_TOLD)}


def _narrowed(layers: tuple[LayerSpec, ...], widths: list[int]) -> tuple[LayerSpec, ...]:
    """Return the layers with other widths; pools stay."""
    left = iter(widths)
    made = []
    for layer in layers:
        if layer.conv is not None:
            made.append(layer.model_copy(update={"conv": next(left)}))
        elif layer.dense is not None:
            made.append(layer.model_copy(update={"dense": next(left)}))
        else:
            made.append(layer)
    return tuple(made)
