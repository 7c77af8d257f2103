"""From an ANN to an SNN: one threshold per layer, found on data (threshold balancing).

Layer by layer, input side first: the network spikes up to the layer, and the layer's threshold becomes a percentile of
its input per timestep, times a factor. ``percentile`` 100 is the maximum of Diehl et al. 2015 and Rathi et al., ICLR
2020 (who multiply by 0.6 to 0.8 for few timesteps); 99.9 is the choice of Chowdhury et al. and of Rueckauer et al.
2017, who take it of the ANN's activations, not of the input of a timestep as here. Leak is 1 and nothing is trained.
"""

from __future__ import annotations

import torch
from torch import Tensor

from accelsim.errors import TrainingError
from accelsim.training.network import Network

MOST_VALUES = 1 << 25
"""Inputs that a percentile is taken of; of more, as many are drawn at random, the same ones in every run."""


def percentile(values: Tensor, percent: float) -> float:
    """Return a percentile, 0..100, of at most MOST_VALUES of the values; 100 is the exact maximum."""
    flat = values.detach().flatten()
    if percent >= 100.0:
        return float(flat.max())
    if flat.numel() > MOST_VALUES:
        flat = flat[torch.randint(flat.numel(), (MOST_VALUES,), generator=torch.Generator().manual_seed(0))]
    rank = round((flat.numel() - 1) * percent / 100.0)
    return float(flat.kthvalue(rank + 1).values)


def balance_thresholds(network: Network, events: Tensor, *, percent: float = 99.9, factor: float = 1.0) -> list[float]:
    """Set the threshold of every hidden layer from data.

    Parameters
    ----------
    network : Network
        With the weights of the ANN.
    events : (T, B, c, y, x) Tensor
        Encoded calibration samples.
    percent : float
        50..100.
    factor : float
        On every threshold.

    Returns
    -------
    list of float
        The thresholds.

    Raises
    ------
    TrainingError
        If a layer never gets a positive input.
    """
    found = []
    with torch.no_grad():
        for layer in network.hidden:
            current = layer.current(events)
            level = factor * percentile(current, percent)
            if not level > 0.0:
                raise TrainingError(
                    f"layer {layer.projection.name}: expected a positive input at percentile {percent}, got {level:g}"
                )
            layer.neurons.threshold.fill_(level)
            found.append(level)
            events = layer.neurons(current)
    return found
