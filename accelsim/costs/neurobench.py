"""NeuroBench's metrics of a network and its activity, by NeuroBench's names and definitions.

Footprint, connection sparsity, activation sparsity, effective accumulates (ACs) and multiply-accumulates (MACs), dense
operations, membrane updates. Source: Yik et al., "The NeuroBench framework", Nature Communications 16 (2025), and its
harness, version 2.3.

Where our network is not the framework's: a pool that is part of a projection is not a layer of its own, so operations
are counted by the spikes in front of it; footprint is weights, biases at their stored width, without the framework's
own buffers (snnTorch: five float32 numbers for each layer of neurons); a call of a layer is one sample in one timestep
(NeuroBench: one batch), which matters only where some inputs are neither 0 nor 1. A membrane counts as updated in a
timestep after the first when its neuron received a weight, has a bias, or leaks and was not zero; NeuroBench compares
values.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population
from accelsim.result.run_result import Quantity
from accelsim.trace.activity import ActivityTrace, PopulationActivity


@dataclass
class Activity:
    """Sums over the samples so far; blocks of samples add up.

    Attributes
    ----------
    samples : int
    acs, macs : dict of str to int
        By projection; two between the same populations share a name.
    outputs, silent : dict of str to int
        Outputs of each spiking population over neurons, timesteps and samples, and those of them that are zero.
    membrane_updates : int
    """

    samples: int = 0
    acs: dict[str, int] = field(default_factory=dict)
    macs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)
    membrane_updates: int = 0

    def add(self, network: Network, events: EventStream, trace: ActivityTrace) -> None:
        """Add the activity of some samples, run without delays of a chip."""
        self.samples += trace.samples
        for edge in network.projections:
            ops, several = _operations(network, edge.source, edge.connection.fan_out(), events, trace)
            self.acs[edge.name] = self.acs.get(edge.name, 0) + int(ops[~several].sum())
            self.macs[edge.name] = self.macs.get(edge.name, 0) + int(ops[several].sum())
        for name, population in network.populations.items():
            if population.model is None:
                continue
            if population.model.spiking:
                outputs = population.size * trace.samples * trace.timesteps
                self.outputs[name] = self.outputs.get(name, 0) + outputs
                fired = trace.populations[name].index.size
                self.silent[name] = self.silent.get(name, 0) + outputs - fired
            if population.model.states:
                self.membrane_updates += _updates(population, trace.populations[name], trace.samples, trace.timesteps)


def metrics(network: Network, activity: Activity, timesteps: int) -> dict[str, Quantity]:
    """Return the metrics by name; operations and updates are means per sample."""
    samples = max(1, activity.samples)
    weights = sum(edge.connection.rows.size for edge in network.projections)
    zeros = sum(int(np.count_nonzero(edge.connection.rows == 0)) for edge in network.projections)
    outputs, silent = sum(activity.outputs.values()), sum(activity.silent.values())
    acs, macs = sum(activity.acs.values()), sum(activity.macs.values())
    dense = sum(edge.connection.shape.macs for edge in network.projections) * timesteps
    return {
        "footprint": Quantity(footprint(network), "byte", "weights and biases at their stored width, zeros included"),
        "connection_sparsity": Quantity(zeros / max(1, weights), "", "weights that are zero"),
        "activation_sparsity": Quantity(
            silent / outputs if outputs else float("nan"), "", "outputs of neurons that are zero, over all timesteps"
        ),
        "effective_acs": Quantity(acs / samples, "", "non-zero weights that a spike met, per sample"),
        "effective_macs": Quantity(macs / samples, "", "non-zero weights that a value met, per sample"),
        "dense": Quantity(float(dense), "", "the same of all inputs and weights, without padding"),
        "membrane_updates": Quantity(activity.membrane_updates / samples, "", "membranes that changed, per sample"),
    }


def footprint(network: Network) -> float:
    """Return the bytes of weights and biases; a bias that is equal in all positions of a channel counts once."""
    bits = 0
    for edge in network.projections:
        bits += edge.connection.rows.size * edge.connection.bits
    for population in network.populations.values():
        if population.bias is not None:
            channels = population.bias.reshape(-1, population.shape[-1])
            bits += 32 * (population.shape[-1] if (channels == channels[0]).all() else population.size)
    return bits / 8


def _operations(
    network: Network, source: str, fan_out: npt.NDArray[np.int64], events: EventStream, trace: ActivityTrace
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return, by sample and timestep, the non-zero weights that were met, and whether an input was not 0 or 1."""
    activity = trace.populations[source]
    steps = activity.ptr.size - 1
    begins = np.zeros(activity.index.size + 1, dtype=bool)
    begins[1:-1] = activity.index[1:] != activity.index[:-1]
    begins[activity.ptr] = True
    once = begins[:-1]  # an input neuron that spikes several times is listed as often
    ops = activity.summed(np.where(once, fan_out[activity.index], 0))
    several = activity.summed((~once).astype(np.int64)) > 0
    if activity.count is not None:
        several |= activity.summed((activity.count > 1).astype(np.int64)) > 0
    if source == network.input.name and events.kind != "spikes":
        several = np.ones(steps, dtype=bool)
        if events.kind == "bias_current":  # given once, acts in every timestep
            ops = np.repeat(ops.reshape(trace.samples, -1)[:, :1], trace.timesteps, axis=1).ravel()
    return ops, several


def _updates(population: Population, activity: PopulationActivity, samples: int, timesteps: int) -> int:
    model = population.model
    changed = activity.touched
    if model is not None and model.operations().multiplications:
        changed = changed | activity.nonzero
    if population.bias is not None:
        changed = changed | np.packbits(population.bias != 0)
    later = changed.reshape(samples, timesteps, -1)[:, 1:]
    return samples * population.size + int(np.bitwise_count(later).sum(dtype=np.int64))
