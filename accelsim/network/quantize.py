"""Quantisation of a float32 network to integers, and recognition of weights quantised already.

Modelled: the quantisers of :mod:`accelsim.network.quantize_levels` with one scale per tensor or per output channel. All
projections into one population share their scales, since they add into one accumulator. The bias is rounded to whole
steps of the scale, the neuron model goes to integers by its own ``quantized``. Not modelled: calibration on data,
scales that differ within a channel.

Where nothing saturates, the integer network is the float32 network on the same grid: sums of integers times a scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.quantize_levels import (
    MAX_BITS,
    MAX_POWER_BITS,
    Floats,
    Levels,
    asymmetric_levels,
    grid_levels,
    integer_levels,
    power_of_two_levels,
)

Scheme = Literal["symmetric", "asymmetric", "power_of_two", "grid"]

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Quantization:
    """How weights become integers.

    Attributes
    ----------
    bits : int or {"ternary", "binary"}
        Width of a weight, 2..16 bit; 2..15 asymmetric, 2..5 powers of two. Not used by "grid", which finds it.
    granularity : {"tensor", "channel"}
        One scale per population, or one per output channel (per neuron of a dense layer); "grid" takes "tensor" first.
    scheme : {"symmetric", "asymmetric", "power_of_two", "grid"}
        ``grid`` keeps integers times a scale as they are, and refuses other weights.
    """

    bits: int | Literal["ternary", "binary"]
    granularity: Literal["tensor", "channel"]
    scheme: Scheme = "symmetric"

    def __post_init__(self) -> None:
        most = {"symmetric": MAX_BITS, "asymmetric": MAX_BITS - 1, "power_of_two": MAX_POWER_BITS, "grid": MAX_BITS}
        if self.scheme not in most:
            raise NetworkError(f"quantisation: expected scheme {', '.join(most)}; got {self.scheme!r}")
        words = self.bits in {"ternary", "binary"} and self.scheme == "symmetric"
        if not (words or (isinstance(self.bits, int) and 2 <= self.bits <= most[self.scheme])):
            more = ", 'ternary' or 'binary'" if self.scheme == "symmetric" else f" with scheme {self.scheme}"
            raise NetworkError(f"quantisation: expected bits 2..{most[self.scheme]}{more}, got {self.bits!r}")
        if self.granularity not in {"tensor", "channel"}:
            raise NetworkError(f"quantisation: expected granularity 'tensor' or 'channel', got {self.granularity!r}")

    def levels(self, weights: Floats) -> Levels:
        """Return the integers of weights that share one scale; raises as :func:`quantize`."""
        if self.scheme == "grid":
            found = grid_levels(weights)
            if found is None:
                raise NetworkError(_no_grid(weights))
            return found
        if self.scheme == "asymmetric":
            return asymmetric_levels(weights, int(self.bits))
        if self.scheme == "power_of_two":
            return power_of_two_levels(weights, int(self.bits))
        return integer_levels(weights, self.bits)


GRID = Quantization(MAX_BITS, "tensor", "grid")
"""Weights that are integers times a scale of each population, or each channel, already."""


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
        population whether the weights were recognised, the stored bits, the scales, the zero point, and the largest
        errors of weights and biases in steps.

    Raises
    ------
    NetworkError
        If the network is integer already, a bias does not fit 32 bit, binary weights would have to be zero, weights
        that should be on a grid are not, or a population adds values of the input and spikes of others.
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
        edges, scale, report[population.name] = _quantized(population, incoming, quantization)
        projections.update((edge.name, edge) for edge in edges)
        scale *= input_scale if driven_by_input else 1.0
        bias = None if population.bias is None else _integer_bias(population.name, population.bias, scale)
        if bias is not None and population.bias is not None:
            error = np.abs(population.bias / scale - bias).max(initial=0.0)
            report[population.name]["max_bias_error_steps"] = float(error)
        model = population.model.quantized(scale)
        populations[population.name] = replace(population, model=model, bias=bias, scale=scale)
    summary = {
        "bits": quantization.bits,
        "granularity": quantization.granularity,
        "scheme": quantization.scheme,
        "populations": report,
    }
    return replace(
        network,
        populations=populations,
        projections=tuple(projections[edge.name] for edge in network.projections),
        provenance={**network.provenance, "quantization": summary},
    )


def _quantized(
    population: Population, incoming: Sequence[Projection], quantization: Quantization
) -> tuple[list[Projection], Floats, dict[str, Any]]:
    """Quantise all projections into one population, a grid per channel where there is none per tensor."""
    if quantization.scheme != "grid":
        return _quantize_edges(population, incoming, quantization)
    try:
        return _quantize_edges(population, incoming, quantization)
    except NetworkError as error:
        try:
            return _quantize_edges(population, incoming, replace(quantization, granularity="channel"))
        except NetworkError:
            raise error from None


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
    found: list[Levels] = []
    for part, channels in _groups(channel, n_channels, per_channel=per_channel):
        try:
            levels = quantization.levels(weights[part])
        except NetworkError as error:
            raise NetworkError(f"population {population.name}: {error}") from None
        integers[part], scale[channels] = levels.integers, levels.scale
        found.append(levels)
    bits = max(levels.bits for levels in found)
    _fill_empty(scale, weights, population, bits)
    deviation = float(np.max(np.abs(weights - integers * scale[channel]) / scale[channel], initial=0.0))

    edges, start = [], 0
    for edge in incoming:
        rows = edge.connection.rows
        part = integers[start : start + rows.size].reshape(rows.shape).astype(np.int32)
        start += rows.size
        connection: Connection = replace(edge.connection, rows=part, bits=bits)
        edges.append(replace(edge, connection=connection))
    report: dict[str, Any] = {
        "weights": "recognised" if all(levels.recognised for levels in found) else "re-quantised",
        "granularity": quantization.granularity,
        "stored_bits": bits,
        "scale": [float(scale.min()), float(scale.max())],
        "max_error_steps": deviation,
    }
    if quantization.scheme == "asymmetric":
        report["zero_point"] = [min(levels.zero_point for levels in found), max(levels.zero_point for levels in found)]
    return edges, np.resize(scale, population.size), report


def _no_grid(weights: Floats) -> str:
    distinct = np.unique(np.abs(weights))
    return (
        f"expected weights on a grid, integers of at most {MAX_BITS} bit times a scale; got {distinct.size} different "
        f"magnitudes up to {distinct[-1]:g} that no scale makes whole"
    )


def _groups(channel: npt.NDArray[np.int32], n_channels: int, *, per_channel: bool) -> list[tuple[Any, Any]]:
    """Return (weights, channels) of every group of weights that shares a scale."""
    if not per_channel:
        return [(slice(None), slice(None))]
    order = np.argsort(channel, kind="stable")
    ends = np.cumsum(np.bincount(channel, minlength=n_channels))
    return [(part, index) for index, part in enumerate(np.split(order, ends[:-1]))]


def _fill_empty(scale: Floats, weights: Floats, population: Population, bits: int) -> None:
    """Give channels without weights the scale of the tensor, of the bias, or 1: it only has to resolve the bias."""
    empty = scale == 0
    if not empty.any():
        return
    largest = float(np.abs(weights).max(initial=0.0))
    if largest == 0.0 and population.bias is not None:
        largest = float(np.abs(population.bias).max(initial=0.0))
    limit = (1 << (max(bits, 2) - 1)) - 1
    scale[empty] = largest / limit if largest else 1.0


def _integer_bias(name: str, bias: npt.NDArray[Any], scale: Floats) -> npt.NDArray[np.int32]:
    steps = np.rint(bias.astype(np.float64) / scale)
    if (np.abs(steps) > _INT32.max).any():
        at = int(np.argmax(np.abs(steps)))
        raise NetworkError(
            f"population {name}: neuron {at}: bias {bias[at]:g} is {steps[at]:g} steps of {scale[at]:g}, beyond 32 bit"
        )
    return steps.astype(np.int32)
