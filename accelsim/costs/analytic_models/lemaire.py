"""Lemaire et al., "An Analytical Estimation of Spiking Neural Networks Energy Efficiency", ICONIP 2022.

arXiv:2210.13107. Operations, memory accesses and addressing of every layer, ANN and SNN. Energies: int32 at 45 nm (add
0.1, multiply 3.1 pJ, Horowitz 2014); one access of a memory of ``words`` 32-bit words costs
``1.09e-5 * words * 32 + 13.2`` pJ (the authors' fit through Horowitz's 8 KiB, 32 KiB and 1 MiB SRAMs); a spike FIFO is
priced as the smallest memory, 13.2 pJ.

With ``theta`` the spikes of a whole inference and ``T`` the timesteps, per layer of the SNN: accumulates
``theta_in * taps * C_out + T * outputs + theta_out``, leak products ``T * outputs``, weights read
``theta_in * C_out * kernel``, potentials read and written ``theta_in * C_out * kernel + T * outputs`` each, biases
``T * outputs``, addressing ``2 theta_in`` MACs (convolutions) and ``theta_in * kernel * C_out`` accumulates. Equation
2.4 of the article has a superfluous N_in and no reset; these are the corrected forms.

Own reading where the article is silent: a layer with analog input reads an input, a weight and a potential for every
product of the run, and is otherwise like a spiking one; in a grouped convolution C_out is that of the group.
"""

from typing import Final

from accelsim.costs.analytic import ANALYTIC_MODELS, AnalyticModel, Estimate, LayerCounts, OperationCounts

_ADD: Final = 0.1
_MAC: Final = 3.2
_BITS: Final = 32
_SMALLEST: Final = 13.2


def memory_access_pj(words: int) -> float:
    """Return the energy of one access to a memory of ``words`` 32-bit words, pJ."""
    return 1.09e-5 * words * _BITS + _SMALLEST


def formal_layer_pj(layer: LayerCounts) -> float:
    """Return the energy of a layer of the ANN, pJ."""
    inputs_read = layer.inputs if layer.dense else layer.macs_padded
    reads = inputs_read * memory_access_pj(layer.inputs) + layer.macs_padded * memory_access_pj(layer.weights)
    if layer.bias:
        reads += layer.outputs * memory_access_pj(layer.channels)
    writes = layer.outputs * memory_access_pj(layer.outputs)
    addressing = layer.macs_padded if layer.dense else layer.inputs + layer.outputs + layer.channels * layer.kernel
    return reads + writes + layer.macs_padded * _MAC + (layer.outputs + addressing) * _ADD


def spiking_layer_pj(layer: LayerCounts, timesteps: int) -> float:
    """Return the energy of a layer of the SNN, pJ."""
    updates = timesteps * layer.outputs
    reached = layer.spikes_in * layer.filters * layer.kernel + layer.value_macs
    potentials = 2 * (reached + updates) * memory_access_pj(layer.outputs)
    weights = reached * memory_access_pj(layer.weights)
    biases = updates * memory_access_pj(layer.channels) if layer.bias else 0.0
    queues = (layer.spikes_in + layer.spikes_out) * _SMALLEST + layer.value_macs * memory_access_pj(layer.inputs)
    macs = layer.value_macs + (updates if layer.leak else 0) + (0 if layer.dense else 2 * layer.spikes_in)
    addressing = layer.spikes_in * layer.filters * layer.kernel
    additions = layer.spikes_in * layer.taps * layer.filters + updates + layer.spikes_out + addressing
    return potentials + weights + biases + queues + macs * _MAC + additions * _ADD


class Lemaire(AnalyticModel):
    """Compute, memory and addressing."""

    source = "Lemaire et al., ICONIP 2022, arXiv:2210.13107: operations, memory accesses and addressing, int32 at 45 nm"

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return the sums over layers."""
        return Estimate(
            snn_pj=sum(spiking_layer_pj(layer, counts.timesteps) for layer in counts.layers),
            ann_pj=sum(formal_layer_pj(layer) for layer in counts.layers),
        )


ANALYTIC_MODELS.register("lemaire-2022")(Lemaire())
