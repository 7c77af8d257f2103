"""The network as integer hardware computes it: codes, whole thresholds, whole membranes. The twin of an export.

Sums of codes are formed in float64, where they are exact; membranes are whole numbers and decay by ``leak_steps /
4096`` truncated toward zero. accelsim's functional engine gives the same spikes from the exported files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.training.network import Network
from accelsim.training.projection import Projection
from accelsim.training.spiking import LEAK_STEPS, NeuronOptions


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """One layer as the hardware sees it.

    Attributes
    ----------
    projection : Projection
    codes : int8, of the projection's shape
        Without a common divisor.
    bits : int
        Width of a code.
    scale : float
        Real weight of code 1.
    threshold : float
        Real threshold; a readout has none and states 0.
    leak_steps : int
        Leak in units of 1 / 4096.
    """

    projection: Projection
    codes: npt.NDArray[np.int8]
    bits: int
    scale: float
    threshold: float
    leak_steps: int

    @property
    def weight(self) -> npt.NDArray[np.float32]:
        """Float weights on the grid, of the projection's shape."""
        return (self.codes * np.float64(self.scale)).astype(np.float32)

    def level(self, input_scale: float = 1.0) -> int:
        """Return the threshold in steps of the accumulator; ``input_scale`` is the real value of an input of 1."""
        step = np.float64(np.float32(self.scale)) * self.projection.gain * input_scale
        return int(np.rint(np.float64(np.float32(self.threshold)) / step))


def integer_layers(network: Network) -> list[IntegerLayer]:
    """Return the layers of a network whose layers all have quantisers.

    Raises
    ------
    TrainingError
        If a layer has none.
    """
    layers = []
    for layer in network.layers:
        name, quantizer = layer.projection.name, layer.quantizer
        if quantizer is None:
            raise TrainingError(f"layer {name}: expected a quantiser, got none")
        with torch.no_grad():
            codes = quantizer.codes(layer.weight * layer.mask).to(torch.int8).numpy()
        threshold = 0.0 if layer is network.layers[-1] else float(layer.neurons.threshold.detach())
        # The grid that the files state has the coarsest step: thresholds and leaks are rounded in that one.
        common = max(1, int(np.gcd.reduce(codes, axis=None)))
        step = common * float(quantizer.step.detach())
        layers.append(
            IntegerLayer(layer.projection, codes // common, quantizer.bits, step, threshold, layer.neurons.leak_steps)
        )
    return layers


def integer_run(layers: list[IntegerLayer], inputs: Tensor, options: NeuronOptions, input_scale: float) -> list[Tensor]:
    """Run in whole numbers.

    Parameters
    ----------
    layers : list of IntegerLayer
    inputs : (T, B, ...) Tensor
        Spikes, or whole values in steps of ``input_scale``.
    options : NeuronOptions
        Order and reset.
    input_scale : float
        Real value of an input of 1; 1 for spikes.

    Returns
    -------
    list of Tensor
        Spikes ``(T, B, ...)`` bool of every hidden layer, and the sums ``(B, classes)`` of the readout last, int64.
    """
    outputs: list[Tensor] = []
    events = inputs.to(torch.float64)
    for number, layer in enumerate(layers):
        current = layer.projection.accumulate(events, torch.from_numpy(layer.codes).to(torch.float64))
        if layer is layers[-1]:
            outputs.append(current.sum(0).to(torch.int64))
            break
        level = layer.level(input_scale if number == 0 else 1.0)
        events = _fire(current, level, layer.leak_steps, options)
        outputs.append(events.bool())
    return outputs


def _fire(current: Tensor, level: int, leak_steps: int, options: NeuronOptions) -> Tensor:
    membrane = torch.zeros_like(current[0])
    spikes = torch.empty_like(current)
    for step, incoming in enumerate(current):
        decayed = torch.div(membrane * leak_steps, LEAK_STEPS, rounding_mode="trunc")
        if options.order == "fire_first":
            spikes[step] = membrane > level
            membrane = decayed + incoming - spikes[step] * level
            continue
        membrane = decayed + incoming
        spikes[step] = membrane > level
        kept = membrane * (1.0 - spikes[step])
        membrane = kept if options.reset == "zero" else membrane - spikes[step] * level
    return spikes
