"""What the literature's op-count models say about a run, each by name, beside what the machine says.

These models multiply operation counts by published energies, or compare one number with a bar. Most leave out memory,
routing, leakage and idle time, and published models of one workload differ by orders of magnitude: no single one is
"the" SNN energy, so all are listed. Modelled: each model's own formula, with counts measured on the run. Not modelled:
the authors' workloads.

Conventions. ANN multiply-accumulates are the formula that all of them use, padding and zero weights included.
Accumulates of the SNN are counted, not estimated: spikes x non-zero weights inside the border (density x MACs x
timesteps overestimates them where padding matters).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np

from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Projection
from accelsim.registry import Registry
from accelsim.result.table import Table, table
from accelsim.trace.activity import ActivityTrace

NAN: Final = float("nan")


@dataclass(frozen=True)
class LayerCounts:
    """Operations of one layer, per inference (means over samples).

    Attributes
    ----------
    name : str
    dense, analog : bool
        Fully connected (else a convolution); input is values (else spikes).
    macs_padded : int
        Multiply-accumulates of the ANN, padding included.
    acs : float
        Accumulates of the SNN: spikes x non-zero weights inside the border; 0 where analog.
    value_macs : float
        Multiply-accumulates of the SNN on analog input, over all timesteps in which they happen.
    spikes_in, spikes_out : float
        Over all timesteps; ``spikes_in`` is 0 where analog.
    inputs, outputs : int
        Input words (after a pool in front) and neurons.
    filters, channels : int
        Output channels (neurons of a dense layer) that one input reaches, and all of them; they differ in groups.
    kernel : int
        Taps of a kernel; 1 for dense layers.
    taps : int
        Kernel positions that one interior input reaches: the product of ``ceil(kernel / stride)``.
    weights : int
    bias, leak : bool
        Whether neurons add a bias, and multiply by a leak, in each timestep.
    """

    name: str
    dense: bool
    analog: bool
    macs_padded: int
    acs: float
    value_macs: float
    spikes_in: float
    spikes_out: float
    inputs: int
    outputs: int
    filters: int
    channels: int
    kernel: int
    taps: int
    weights: int
    bias: bool
    leak: bool


@dataclass(frozen=True)
class OperationCounts:
    """Operations of a network, per inference."""

    timesteps: int
    layers: tuple[LayerCounts, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the ANN, padding included."""
        return sum(layer.macs_padded for layer in self.layers)

    @property
    def acs(self) -> float:
        """Accumulates of the SNN."""
        return sum(layer.acs for layer in self.layers)

    @property
    def value_macs(self) -> float:
        """Multiply-accumulates of the SNN on analog input."""
        return sum(layer.value_macs for layer in self.layers)

    @property
    def spikes_per_synapse(self) -> float:
        """Accumulates over synapses (padding included) of the layers that receive spikes; NaN where there is none."""
        synapses = sum(layer.macs_padded for layer in self.layers if not layer.analog)
        return self.acs / synapses if synapses else NAN


@dataclass(frozen=True)
class Estimate:
    """What a model says: energies per inference, pJ (NaN where it gives none), or a verdict in words."""

    snn_pj: float = NAN
    ann_pj: float = NAN
    verdict: str = ""


class AnalyticModel(ABC):
    """One published model."""

    source: str
    """Publication and constants."""
    mac_over_ac: float = NAN
    """Energy of a multiply-accumulate over that of an accumulate, where the model has no other energies."""

    @abstractmethod
    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return what the model says about these counts."""


ANALYTIC_MODELS: Final[Registry[AnalyticModel]] = Registry("analytic model", "accelsim.costs.analytic_models")


def analytic_table(counts: OperationCounts) -> Table:
    """Return every registered model's estimate, one row each."""
    names = ANALYTIC_MODELS.names()
    models = [ANALYTIC_MODELS.get(name) for name in names]
    estimates = [model.estimate(counts) for model in models]
    snn = np.array([item.snn_pj for item in estimates])
    ann = np.array([item.ann_pj for item in estimates])
    ratio = np.divide(ann, snn, out=np.full(snn.shape, NAN), where=snn > 0)
    return table(
        "analytic",
        ("model", "", "name", names),
        ("source", "", "publication and constants", [model.source for model in models]),
        ("snn_pj", "pJ", "the model's SNN energy per inference; NaN where it gives only a verdict", snn),
        ("ann_pj", "pJ", "the model's energy of the same layers as an ANN", ann),
        ("ratio", "", "ANN energy over SNN energy: above one, the model favours the SNN", ratio),
        (
            "implied_zeta",
            "",
            "MAC-weighted spikes per neuron that a published ratio of this size would presuppose under this model",
            np.divide([model.mac_over_ac for model in models], ratio, out=np.full(snn.shape, NAN), where=ratio > 0),
        ),
        ("verdict", "", "where the model compares a number with a bar", [item.verdict for item in estimates]),
    )


def zeta(counts: OperationCounts) -> float:
    """Return spikes per neuron and inference, weighted by each layer's multiply-accumulates.

    ``sum(spikes_in / inputs * macs) / sum(macs)`` over the layers that receive spikes: with equal parameters, the ratio
    of an op-count model is ``(E_MAC / E_AC) / zeta``. NaN where no layer receives spikes.
    """
    spiking = [layer for layer in counts.layers if not layer.analog]
    macs = sum(layer.macs_padded for layer in spiking)
    if not macs:
        return NAN
    return sum(layer.spikes_in / layer.inputs * layer.macs_padded for layer in spiking) / macs


def implied_zeta(ratio: float, mac_pj: float, ac_pj: float) -> float:
    """Return the zeta at which an op-count model with these energies gives ``ratio``, as a published one implies."""
    return mac_pj / ac_pj / ratio


def operation_counts(network: Network, events: EventStream, trace: ActivityTrace) -> OperationCounts:
    """Return the counts of a run, means over its samples.

    Parameters
    ----------
    network : Network
    events : EventStream
        Its input; ``graded`` and ``bias_current`` values are multiplied, spikes accumulated. So are the numbers of
        spikes of a population whose neurons send several in a timestep: one multiply-accumulate each, as NeuroBench
        counts activations that are not binary.
    trace : ActivityTrace
    """
    return OperationCounts(trace.timesteps, tuple(_layer(network, edge, events, trace) for edge in network.projections))


def _layer(network: Network, edge: Projection, events: EventStream, trace: ActivityTrace) -> LayerCounts:
    connection, shape = edge.connection, edge.connection.shape
    from_input = edge.source == network.input.name
    index = events.index if from_input else trace.populations[edge.source].index
    operations = float(connection.fan_out()[index].sum()) / trace.samples
    spikes = events.kind == "spikes" if from_input else trace.populations[edge.source].count is None
    target = network.populations[edge.target]
    channels_in = network.populations[edge.source].shape[-1]
    dense = shape.kind == "dense"
    return LayerCounts(
        name=edge.name,
        dense=dense,
        analog=not spikes,
        macs_padded=shape.macs_padded,
        acs=operations if spikes else 0.0,
        value_macs=0.0 if spikes else operations,
        spikes_in=index.size / trace.samples if spikes else 0.0,
        spikes_out=float(trace.spikes(edge.target).sum()) / trace.samples,
        inputs=shape.input_words,
        outputs=shape.output_words,
        filters=shape.filters,
        channels=shape.filters * shape.groups,
        kernel=1 if dense else shape.window * shape.groups // channels_in,
        taps=1 if dense else int(np.diff(connection.run_ptr).max()),
        weights=shape.weight_words,
        bias=target.bias is not None,
        leak=target.model is not None and target.model.operations().multiplications > 0,
    )
