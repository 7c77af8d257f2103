r"""The same network executed as a quantised ANN, for its activations, their zeros and its accuracy.

Each spiking population becomes a rectifier with the same weights and bias, ``a = max(0, z / theta)`` with
``z = sum w a_in + b`` and ``theta`` the threshold: the rate that an integrate-and-fire neuron approaches (Rueckauer et
al., Front. Neurosci. 11:682, 2017, without the clip at one). A readout, and a neuron whose threshold is not positive,
keeps ``z``. Inputs of every layer are rounded to ``activation_bits`` with one step per layer, calibrated on the batch
so that the largest input is the largest level; sums are exact.

One pass: a recurrent network's ANN would need one for every timestep. In the one that is run, projections that close a
cycle carry zeros, as at the beginning.

Not modelled: training as an ANN. The network was trained as an SNN; what it computes as an ANN, and above all how many
of its activations are zero, is an assumption, and is labelled so. Leak is not part of the rectifier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.baseline.layers import PooledInputs, integer_weights, pooled_inputs
from accelsim.errors import EventError
from accelsim.functional.kernels import Runs, Spikes, scatter_graded
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection

Floats = npt.NDArray[np.float64]

ASSUMED = "same weights run as a ReLU network (not trained as an ANN): assumed activations"
GIVEN = "activations of the given ANN"


RECURRENT = "projections that close a cycle see zeros, as in the first of the passes that a recurrent ANN takes"


@dataclass(frozen=True, eq=False)
class LayerActivity:
    """What one layer of the ANN did.

    Attributes
    ----------
    name : str
        The projection.
    zero_fraction : (samples,) float64
        Zeros among the activations that enter the array (after a pool in front).
    effective_macs : (samples,) int64
        Products of a non-zero activation and a non-zero weight.
    weight_density : float
        Share of the stored weights that are not zero.
    pool_additions : int
        Additions of the pool in front, per inference.
    weights_quantised : bool
        Whether the weights were rounded for the array.
    """

    name: str
    zero_fraction: Floats
    effective_macs: npt.NDArray[np.int64]
    weight_density: float
    pool_additions: int
    weights_quantised: bool


@dataclass(frozen=True, eq=False)
class AnnRun:
    """Result of the ANN on a batch.

    Attributes
    ----------
    layers : tuple of LayerActivity
        In the order of the network's projections.
    output : (samples, n_output) float64
        Value of every output before a rectifier.
    activations : str
        Where input and activations come from.
    """

    layers: tuple[LayerActivity, ...]
    output: Floats
    activations: str

    def accuracy(self, labels: npt.NDArray[Any] | None) -> float:
        """Return the share of samples whose largest output is the label; NaN without labels."""
        if labels is None:
            return float("nan")
        if len(labels) != len(self.output):
            raise EventError(f"{len(labels)} labels for {len(self.output)} samples")
        return float(np.mean(self.output.argmax(axis=1) == np.asarray(labels)))


def ann_input(events: EventStream, image: npt.NDArray[Any] | None = None) -> tuple[Floats, str]:
    """Return what the ANN reads, (samples, n_input), and where it comes from.

    Parameters
    ----------
    events : EventStream
        Input of the SNN. Without an image, the ANN reads its mean over time (the constant itself for ``bias_current``).
    image : (samples, n_input) float or None
        The analog input that the events encode, channel-last.

    Raises
    ------
    EventError
        If image and events differ in size, or the image is not finite.
    """
    if image is not None:
        values = np.asarray(image, dtype=np.float64)
        if values.shape != (events.samples, events.size):
            raise EventError(f"ANN input: expected an image of {(events.samples, events.size)}, got {values.shape}")
        if not np.isfinite(values).all():
            raise EventError("ANN input: an image value is NaN or infinite")
        return values, "the analog image, which the mean of the events approaches"
    sample = np.repeat(np.arange(events.samples), np.diff(events.ptr[:: events.timesteps]))
    flat = sample * events.size + events.index
    weights = None if events.value is None else events.value * float(events.value_scale)
    total = np.bincount(flat, weights=weights, minlength=events.samples * events.size).astype(np.float64)
    values = total.reshape(events.samples, events.size)
    if events.kind == "bias_current":
        return values, "the analog input current"
    return values / events.timesteps, "the mean of the events over time"


def run_ann(
    network: Network,
    events: EventStream,
    image: npt.NDArray[Any] | None,
    activation_bits: int,
    weight_bits: int,
    *,
    given: bool = False,
    pools: Sequence[PooledInputs] | None = None,
) -> AnnRun:
    """Run the network as a quantised ANN on the samples of the SNN.

    Parameters
    ----------
    network : Network
    events : EventStream
        Input of the SNN.
    image : (samples, n_input) float or None
        The analog input, in the real units of the network's input; see :func:`ann_input`.
    activation_bits, weight_bits : int
        Widths of the array's operands.
    given : bool
        The network is an ANN of the user's, not the SNN itself.
    pools : sequence of PooledInputs, optional
        Those of the network's projections, where they are known already.

    Raises
    ------
    EventError
        See :func:`ann_input`; also if the events are not those of this network.
    """
    if events.size != network.input.size:
        raise EventError(f"ANN input: {events.size} inputs for a network with {network.input.size}")
    inputs, origin = ann_input(events, image)
    if network.integer:
        inputs = inputs / events.value_scale  # the step of a value is part of the first layer's scale
    pooled = dict(zip([edge.name for edge in network.projections], pools or pools_of(network), strict=True))
    values: dict[str, Floats] = {network.input.name: inputs}
    sums = values.copy()
    layers: dict[str, LayerActivity] = {}
    recurrent = False
    for name in _one_pass(network):
        edges = network.incoming(name)
        if not edges:
            continue
        total = np.zeros((events.samples, network.populations[name].size))
        for edge in edges:
            recurrent |= edge.source not in values
            source = values.get(edge.source, np.zeros((events.samples, edge.connection.n_source)))
            part, layers[edge.name] = _layer(edge, source, pooled[edge.name], activation_bits, weight_bits)
            total += part
        sums[name] = _preactivation(network.populations[name], total)
        values[name] = np.maximum(sums[name], 0.0)
    ordered = tuple(layers[edge.name] for edge in network.projections)
    notes = [GIVEN if given else ASSUMED, f"input is {origin}", *([RECURRENT] if recurrent else [])]
    return AnnRun(ordered, sums[network.output.name], "; ".join(notes))


def _one_pass(network: Network) -> list[str]:
    """Return populations after their sources, as far as there are no cycles; a cycle begins where delays allow it."""
    waits = {name: {edge.source for edge in network.incoming(name)} for name in network.populations}
    now = {name: {edge.source for edge in network.incoming(name) if not edge.delay} for name in network.populations}
    done: dict[str, None] = {}
    while len(done) < len(waits):
        left = [name for name in waits if name not in done]
        ready = [name for name in left if waits[name] <= done.keys()]
        done.update(dict.fromkeys(ready or [next(name for name in left if now[name] <= done.keys())]))
    return list(done)


def quantised(values: Floats, bits: int) -> tuple[npt.NDArray[np.int32], float]:
    """Return integer activations and their step: unsigned where nothing is negative, else symmetric."""
    largest = float(np.abs(values).max(initial=0.0))
    top = (1 << bits) - 1 if values.min(initial=0.0) >= 0 else max((1 << (bits - 1)) - 1, 1)
    step = largest / top if largest > 0 else 1.0
    return np.rint(values / step).astype(np.int32), step


def pools_of(network: Network) -> list[PooledInputs]:
    """Return the pooled inputs of every projection, in order."""
    return [pooled_inputs(edge.connection) for edge in network.projections]


def _layer(
    edge: Projection, source: Floats, pooled: PooledInputs, activation_bits: int, weight_bits: int
) -> tuple[Floats, LayerActivity]:
    connection = edge.connection
    rows, weight_step, rounded = integer_weights(connection, weight_bits)
    levels, step = quantised(pooled.sums(source), activation_bits)
    sums = np.zeros((source.shape[0], connection.n_target), dtype=np.int64)
    nonzero = rows != 0
    runs = Runs(rows, nonzero.astype(np.uint8), connection.run_ptr, connection.run_row, connection.run_start)
    scatter_graded(_spikes(levels, pooled), runs, sums, np.zeros(sums.shape, dtype=np.uint8))
    per_run = np.concatenate(([0], np.cumsum(np.count_nonzero(nonzero, axis=1)[connection.run_row])))
    fan_out = (per_run[connection.run_ptr[1:]] - per_run[connection.run_ptr[:-1]])[pooled.source]
    effective = np.minimum((levels != 0).astype(np.int64) @ fan_out, connection.shape.macs)
    zeros: Floats = np.mean(levels == 0, axis=1, dtype=np.float64)
    activity = LayerActivity(
        edge.name, zeros, effective, float(np.mean(nonzero)), pooled.additions, rounded
    )
    return sums.astype(np.float64) * (step * weight_step), activity


def _spikes(levels: npt.NDArray[np.int32], pooled: PooledInputs) -> Spikes:
    sample, group = np.nonzero(levels)
    bounds = np.searchsorted(sample, np.arange(levels.shape[0] + 1)).astype(np.int64)
    return Spikes(bounds[:-1], bounds[1:], pooled.source[group].astype(np.int32), levels[sample, group])


def _preactivation(population: Population, sums: Floats) -> Floats:
    """Return the input of the rectifier in units of the threshold; integer steps cancel in the quotient."""
    total = sums if population.bias is None else sums + population.bias
    threshold = getattr(population.model, "threshold", None)
    if threshold is not None:
        return total / np.where(threshold > 0, threshold, 1)
    return total if population.scale is None else total * population.scale
