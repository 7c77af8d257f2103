"""Symmetric quantisation of a float32 network to integers, and recognition of weights quantised already.

Modelled: uniform symmetric integers of 2..16 bit (levels ``-(2**(b-1)-1) .. 2**(b-1)-1``), ternary {-1, 0, 1} and
binary {-1, +1}, one scale per tensor or per output channel. All projections into one population share their scales,
since they add into one accumulator. The bias is rounded to whole steps of the scale, the neuron model goes to integers
by its own ``quantized``. Not modelled: zero points, non-uniform levels, calibration on data.

Weights that already lie on a grid keep their exact integers. A weight counts as on the grid ``k * step`` when it
differs by no more than the rounding of float32 (relative 2**-21). Tried first is ``step = max|w| / (2**(b-1)-1)``,
which training tools export, then the coarsest step ``max|w| / m``.

Sources: ternary rule (threshold 0.7 mean|w|, scale the mean of what exceeds it) Li, Zhang & Liu, "Ternary Weight
Networks", arXiv:1605.04711; binary rule (scale mean|w|) Rastegari et al., "XNOR-Net", ECCV 2016.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network, Population, Projection

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ROUNDING: Final = 2.0**-21
"""Relative deviation from a grid point that float32 arithmetic explains: two roundings and a scaling."""

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Quantization:
    """How weights become integers.

    Attributes
    ----------
    bits : int or {"ternary", "binary"}
        Width of a weight, 2..16 bit.
    granularity : {"tensor", "channel"}
        One scale per population, or one per output channel (per neuron of a dense layer).
    """

    bits: int | Literal["ternary", "binary"]
    granularity: Literal["tensor", "channel"]

    def __post_init__(self) -> None:
        if not (self.bits in {"ternary", "binary"} or (isinstance(self.bits, int) and 2 <= self.bits <= 16)):
            raise NetworkError(f"quantisation: expected bits 2..16, 'ternary' or 'binary', got {self.bits!r}")
        if self.granularity not in {"tensor", "channel"}:
            raise NetworkError(f"quantisation: expected granularity 'tensor' or 'channel', got {self.granularity!r}")

    @property
    def stored_bits(self) -> int:
        """Width of a stored weight, bit."""
        return {"ternary": 2, "binary": 1}.get(str(self.bits)) or int(self.bits)


@dataclass(frozen=True, eq=False)
class Levels:
    """Integers of a set of weights that share one scale.

    Attributes
    ----------
    integers : (n,) int64
    scale : float
        Real value of one step; 0 where every weight is zero, so that any scale serves.
    recognised : bool
        Whether the weights lay on the grid.
    """

    integers: Integers
    scale: float
    recognised: bool


def quantize(network: Network, quantization: Quantization, input_scale: float = 1.0) -> Network:
    """Return the network in integer arithmetic.

    Parameters
    ----------
    network : Network
        In float32; averages of pools are in its weights, hence in the scale.
    quantization : Quantization
    input_scale : float
        Real value of one integer step of an input value (graded or bias current); 1 for spikes. It enters the scale of
        the populations that the input drives.

    Returns
    -------
    Network
        ``rows`` and ``bias`` int32, ``Population.scale`` per neuron; ``provenance["quantization"]`` tells per
        population whether the weights were recognised and the largest error in steps.

    Raises
    ------
    NetworkError
        If the network is integer already, a bias does not fit 32 bit, binary weights would have to be zero, or a
        population adds values of the input and spikes of others.
    """
    if network.integer:
        raise NetworkError(f"network {network.name}: its weights are integers already and are kept as exported")
    populations: dict[str, Population] = {}
    projections: dict[str, Projection] = {}
    report: dict[str, Any] = {}
    for population in network.populations.values():
        incoming = network.incoming(population.name)
        if population.model is None or not incoming:
            populations[population.name] = _without_weights(population)
            continue
        driven_by_input = any(edge.source == network.input.name for edge in incoming)
        others = [edge.source for edge in incoming if edge.source != network.input.name]
        if driven_by_input and others and input_scale != 1.0:
            raise NetworkError(
                f"population {population.name}: adds values of the input, in steps of {input_scale:g}, and spikes of "
                f"{others[0]}: their integer weights would need scales of their own; encode the input as spikes, or "
                "keep the network in float32"
            )
        edges, scale, report[population.name] = _quantize_edges(population, incoming, quantization)
        projections.update((edge.name, edge) for edge in edges)
        scale *= input_scale if driven_by_input else 1.0
        populations[population.name] = replace(
            population,
            model=population.model.quantized(scale),
            bias=None if population.bias is None else _integer_bias(population.name, population.bias, scale),
            scale=scale,
        )
    summary = {"bits": quantization.bits, "granularity": quantization.granularity, "populations": report}
    return replace(
        network,
        populations=populations,
        projections=tuple(projections[edge.name] for edge in network.projections),
        provenance={**network.provenance, "quantization": summary},
    )


def integer_levels(weights: Floats, bits: int | Literal["ternary", "binary"]) -> Levels:
    """Return the integers of weights that share one scale.

    Parameters
    ----------
    weights : (n,) float64
    bits : int or {"ternary", "binary"}

    Raises
    ------
    NetworkError
        If binary weights would have to be zero.
    """
    magnitude = np.abs(weights)
    largest = float(magnitude.max(initial=0.0))
    if bits == "binary":
        return _binary(weights, magnitude, largest)
    if largest == 0.0:
        return Levels(np.zeros(weights.shape, dtype=np.int64), 0.0, recognised=True)
    if bits == "ternary":
        return _ternary(weights, magnitude, largest)
    limit = (1 << (bits - 1)) - 1
    top = _grid_top(np.unique(magnitude), limit)
    scale = largest / (top or limit)
    integers = np.clip(np.rint(weights / scale), -limit, limit).astype(np.int64)
    return Levels(integers, scale, recognised=top is not None)


def _grid_top(magnitudes: Floats, limit: int) -> int | None:
    """Return the level of the largest of the sorted magnitudes on a grid of at most ``limit`` levels, or None."""
    values = magnitudes[magnitudes > 0]
    if values.size > limit:
        return None
    largest = float(values[-1])
    few = values[:8]
    tops: Iterator[int] = itertools.chain([limit], range(1, limit))
    return next((top for top in tops if _on_grid(few, largest / top) and _on_grid(values, largest / top)), None)


def _on_grid(values: Floats, step: float) -> bool:
    return bool((np.abs(values - np.rint(values / step) * step) <= ROUNDING * values).all())


def _ternary(weights: Floats, magnitude: Floats, largest: float) -> Levels:
    kept = magnitude > 0
    recognised = bool((np.abs(magnitude[kept] - largest) <= ROUNDING * largest).all())
    if not recognised:
        kept = magnitude > 0.7 * magnitude.mean()
    scale = largest if recognised else float(magnitude[kept].mean())
    return Levels((np.sign(weights) * kept).astype(np.int64), scale, recognised)


def _binary(weights: Floats, magnitude: Floats, largest: float) -> Levels:
    zeros = int(np.count_nonzero(weights == 0))
    if zeros:
        raise NetworkError(f"binary weights cannot be zero, but {zeros} of {weights.size} are; use 'ternary'")
    recognised = bool((np.abs(magnitude - largest) <= ROUNDING * largest).all())
    return Levels(np.sign(weights).astype(np.int64), largest if recognised else float(magnitude.mean()), recognised)


def _without_weights(population: Population) -> Population:
    """Return a population that no projection drives: the input, or neurons that fire by their bias, in steps of 1."""
    scale = np.ones(population.size)
    if population.model is None:
        return replace(population, scale=scale)
    bias = None if population.bias is None else _integer_bias(population.name, population.bias, scale)
    return replace(population, model=population.model.quantized(scale), bias=bias, scale=scale)


def _quantize_edges(
    population: Population, incoming: Sequence[Projection], quantization: Quantization
) -> tuple[list[Projection], Floats, dict[str, Any]]:
    """Quantise all projections into one population; return them, the scale per neuron and the report."""
    weights = np.concatenate([edge.connection.rows.ravel() for edge in incoming]).astype(np.float64)
    channel = np.concatenate([edge.connection.channel.ravel() for edge in incoming])
    n_channels = int(max(channel.max(), 0)) + 1
    per_channel = quantization.granularity == "channel"
    if any(int(edge.connection.channel.max()) + 1 != n_channels for edge in incoming) and per_channel:
        raise NetworkError(f"population {population.name}: its projections disagree on the number of output channels")
    integers = np.zeros(weights.shape, dtype=np.int64)
    scale = np.zeros(n_channels)
    recognised = True
    for part, channels in _groups(channel, n_channels, per_channel=per_channel):
        try:
            levels = integer_levels(weights[part], quantization.bits)
        except NetworkError as error:
            raise NetworkError(f"population {population.name}: {error}") from None
        integers[part], scale[channels] = levels.integers, levels.scale
        recognised &= levels.recognised
    _fill_empty(scale, weights, population, quantization)
    deviation = float(np.max(np.abs(weights - integers * scale[channel]) / scale[channel], initial=0.0))

    edges, start = [], 0
    for edge in incoming:
        rows = edge.connection.rows
        part = integers[start : start + rows.size].reshape(rows.shape).astype(np.int32)
        start += rows.size
        connection: Connection = replace(edge.connection, rows=part, bits=quantization.stored_bits)
        edges.append(replace(edge, connection=connection))
    report = {"weights": "recognised" if recognised else "re-quantised", "max_error_steps": deviation}
    return edges, np.resize(scale, population.size), report


def _groups(channel: npt.NDArray[np.int32], n_channels: int, *, per_channel: bool) -> list[tuple[Any, Any]]:
    """Return (weights, channels) of every group of weights that shares a scale."""
    if not per_channel:
        return [(slice(None), slice(None))]
    order = np.argsort(channel, kind="stable")
    ends = np.cumsum(np.bincount(channel, minlength=n_channels))
    return [(part, index) for index, part in enumerate(np.split(order, ends[:-1]))]


def _fill_empty(scale: Floats, weights: Floats, population: Population, quantization: Quantization) -> None:
    """Give channels without weights the scale of the tensor, of the bias, or 1: it only has to resolve the bias."""
    empty = scale == 0
    if not empty.any():
        return
    largest = float(np.abs(weights).max(initial=0.0))
    if largest == 0.0 and population.bias is not None:
        largest = float(np.abs(population.bias).max(initial=0.0))
    limit = (1 << (max(quantization.stored_bits, 2) - 1)) - 1
    scale[empty] = largest / limit if largest else 1.0


def _integer_bias(name: str, bias: npt.NDArray[Any], scale: Floats) -> npt.NDArray[np.int32]:
    steps = np.rint(bias.astype(np.float64) / scale)
    if (np.abs(steps) > _INT32.max).any():
        at = int(np.argmax(np.abs(steps)))
        raise NetworkError(
            f"population {name}: neuron {at}: bias {bias[at]:g} is {steps[at]:g} steps of {scale[at]:g}, beyond 32 bit"
        )
    return steps.astype(np.int32)
