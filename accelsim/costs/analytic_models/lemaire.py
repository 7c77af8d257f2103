"""Lemaire et al., "An Analytical Estimation of Spiking Neural Networks Energy Efficiency", ICONIP 2022.

arXiv:2210.13107. Operations, memory accesses and addressing of every layer, ANN and SNN. Energies: int32 at 45 nm (add
0.1, multiply 3.1 pJ, Horowitz 2014); one access of a memory of ``words`` 32-bit words costs
``1.09e-5 * words * 32 + 13.2`` pJ (the authors' fit through Horowitz's 8 KiB, 32 KiB and 1 MiB SRAMs); a spike FIFO is
priced as the smallest memory, 13.2 pJ. The later memory model of the authors' implementation (qualia-plugin-snn) builds
every memory of 8 KiB blocks with a 64-bit bus of 10 pJ an access: 5 pJ per 32-bit word, whatever its size.

With ``theta`` the spikes of a whole inference and ``T`` the timesteps, per layer of the SNN: accumulates
``theta_in * taps * C_out + T * outputs + theta_out``, leak products ``T * outputs``, weights read
``theta_in * C_out * kernel``, potentials read and written ``theta_in * C_out * kernel + T * outputs`` each, biases
``T * outputs``, addressing ``2 theta_in`` MACs (convolutions) and ``theta_in * kernel * C_out`` accumulates. Equation
2.4 of the article has a superfluous N_in and no reset; these are the corrected forms.

Own reading where the article is silent: a layer with analog input reads an input, a weight and a potential for every
product of the run, and is otherwise like a spiking one; in a grouped convolution C_out is that of the group.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accelsim.costs.analytic import ANALYTIC_MODELS, AnalyticModel, Estimate, LayerCounts, OperationCounts

_ADD: Final = 0.1
_MAC: Final = 3.2
_BITS: Final = 32
_BUS_PJ, _BUS_BITS = 10.0, 64

Memory = Callable[[int], float]
"""Energy of one access to a memory of so many 32-bit words, pJ."""


def memory_access_pj(words: int) -> float:
    """Return the energy of one access to a memory of ``words`` 32-bit words, pJ: the article's model."""
    return 1.09e-5 * words * _BITS + 13.2


def bus_access_pj(words: int) -> float:  # noqa: ARG001 - the size does not matter
    """Return the energy of one 32-bit access by the later model, pJ."""
    return _BUS_PJ / (_BUS_BITS // _BITS)


def formal_layer_pj(layer: LayerCounts, memory: Memory = memory_access_pj) -> float:
    """Return the energy of a layer of the ANN, pJ."""
    inputs_read = layer.inputs if layer.dense else layer.macs_padded
    reads = inputs_read * memory(layer.inputs) + layer.macs_padded * memory(layer.weights)
    if layer.bias:
        reads += layer.outputs * memory(layer.channels)
    writes = layer.outputs * memory(layer.outputs)
    addressing = layer.macs_padded if layer.dense else layer.inputs + layer.outputs + layer.channels * layer.kernel
    return reads + writes + layer.macs_padded * _MAC + (layer.outputs + addressing) * _ADD


def spiking_layer_pj(layer: LayerCounts, timesteps: int, memory: Memory = memory_access_pj) -> float:
    """Return the energy of a layer of the SNN, pJ."""
    updates = timesteps * layer.outputs
    reached = layer.spikes_in * layer.filters * layer.kernel + layer.value_macs
    potentials = 2 * (reached + updates) * memory(layer.outputs)
    weights = reached * memory(layer.weights)
    biases = updates * memory(layer.channels) if layer.bias else 0.0
    queues = (layer.spikes_in + layer.spikes_out) * memory(0) + layer.value_macs * memory(layer.inputs)
    macs = layer.value_macs + (updates if layer.leak else 0) + (0 if layer.dense else 2 * layer.spikes_in)
    addressing = layer.spikes_in * layer.filters * layer.kernel
    additions = layer.spikes_in * layer.taps * layer.filters + updates + layer.spikes_out + addressing
    return potentials + weights + biases + queues + macs * _MAC + additions * _ADD


@dataclass(frozen=True)
class Lemaire(AnalyticModel):
    """Compute, memory and addressing."""

    memory: Memory
    source: str

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return the sums over layers."""
        return Estimate(
            snn_pj=sum(spiking_layer_pj(layer, counts.timesteps, self.memory) for layer in counts.layers),
            ann_pj=sum(formal_layer_pj(layer, self.memory) for layer in counts.layers),
        )


_NAME: Final = "Lemaire et al., ICONIP 2022, arXiv:2210.13107: operations, memory and addressing, int32 at 45 nm"
ANALYTIC_MODELS.register("lemaire-2022")(Lemaire(memory_access_pj, f"{_NAME}; memory 1.09e-5 pJ per bit + 13.2 pJ"))
ANALYTIC_MODELS.register("lemaire-2022-bus")(
    Lemaire(bus_access_pj, f"{_NAME}; memory of LEAT-EDGE/qualia-plugin-snn (new): 10 pJ per 64-bit bus word")
)
