"""One set of weights, run as an ANN or as an SNN.

Every layer has weights, a mask of those that pruning left (weights that it took are zero: they are set back after
every step, so that gradients still tell where a weight is missed), an optional quantiser, and neurons. As an ANN the
neurons are rectifiers; as an SNN they spike, and inputs come as ``(T, B, ...)``. The last layer integrates: its sum
over time, divided by T, is the logits. Dropout, where there is any, keeps its mask over the timesteps (Rathi et al.
2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from accelsim.training.projection import Projection
from accelsim.training.quantizers import Quantizer
from accelsim.training.spiking import NeuronOptions, Neurons


class Layer(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Weights, mask, quantiser and neurons of one layer.

    Parameters
    ----------
    projection : Projection
    options : NeuronOptions
    dropout : float
        Of its outputs, while training.
    """

    def __init__(self, projection: Projection, options: NeuronOptions, dropout: float = 0.0) -> None:
        super().__init__()
        self.projection, self.dropout = projection, dropout
        self.weight = nn.Parameter(torch.randn(projection.shape) * math.sqrt(2.0 / projection.fan_in))
        self.register_buffer("mask", torch.ones(projection.shape))
        self.neurons = Neurons(options)
        self.quantizer: Quantizer | None = None

    @property
    def kept(self) -> int:
        """Weights that the mask leaves."""
        return int(self.mask.sum())

    def current(self, inputs: Tensor) -> Tensor:
        """Return the accumulated input ``(T, B, ...)`` in real units."""
        weight = self.weight if self.quantizer is None else self.quantizer.codes(self.weight) * self.quantizer.step
        return self.projection.accumulate(inputs, weight * self.projection.gain)

    def integer_current(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the accumulated input in whole steps, and the real value of a step.

        Raises
        ------
        ValueError
            If the layer has no quantiser.
        """
        if self.quantizer is None:
            raise ValueError(f"layer {self.projection.name} has no quantiser")
        codes = self.quantizer.codes(self.weight)
        return self.projection.accumulate(inputs, codes), self.quantizer.step * self.projection.gain

    def dropped(self, outputs: Tensor) -> Tensor:
        """Drop outputs while training, the same ones in every timestep."""
        if not self.training or self.dropout == 0.0:
            return outputs
        keep = torch.full_like(outputs[0], 1.0 - self.dropout).bernoulli_() / (1.0 - self.dropout)
        return outputs * keep


class Network(nn.Module):  # type: ignore[misc]
    """A chain of layers over one set of weights.

    Parameters
    ----------
    projections : sequence of Projection
        The last is the readout.
    options : NeuronOptions
    dropout : float
        Of hidden layers.
    """

    def __init__(self, projections: Sequence[Projection], options: NeuronOptions, dropout: float = 0.0) -> None:
        super().__init__()
        self.options = options
        self.layers = nn.ModuleList(
            Layer(item, options, dropout if item is not projections[-1] else 0.0) for item in projections
        )

    @property
    def projections(self) -> list[Projection]:
        """Geometry of every layer."""
        return [layer.projection for layer in self.layers]

    @property
    def hidden(self) -> list[Layer]:
        """The layers that spike."""
        return list(self.layers[:-1])

    @property
    def kept(self) -> int:
        """Weights that the masks leave."""
        return sum(layer.kept for layer in self.layers)

    def activations(self, images: Tensor) -> list[Tensor]:
        """Run as an ANN.

        Parameters
        ----------
        images : (B, c, y, x) Tensor

        Returns
        -------
        list of Tensor
            Outputs of every layer behind its rectifier, the logits last; each ``(B, ...)``.
        """
        values, outputs = images[None], []
        for layer in self.layers:
            values = layer.current(values)
            if layer is not self.layers[-1]:
                values = layer.dropped(values.relu())
            outputs.append(values[0])
        return outputs

    def spikes(self, events: Tensor, *, integer: bool = False) -> list[Tensor]:
        """Run as an SNN.

        Parameters
        ----------
        events : (T, B, c, y, x) Tensor
            Spikes or values of every timestep.
        integer : bool
            Whole codes, thresholds and membranes, as integer hardware has them; the layers need quantisers.

        Returns
        -------
        list of Tensor
            Spikes ``(T, B, ...)`` of every hidden layer, and the logits ``(B, classes)`` last.
        """
        outputs = []
        for layer in self.layers:
            current, unit = layer.integer_current(events) if integer else (layer.current(events), 1.0)
            if layer is self.layers[-1]:
                outputs.append(current.mean(0) * unit)
            else:
                events = layer.dropped(layer.neurons(current, unit, truncate=integer))
                outputs.append(events)
        return outputs

    def apply_masks(self) -> None:
        """Set the weights to zero that the masks took."""
        with torch.no_grad():
            for layer in self.layers:
                layer.weight.mul_(layer.mask)
