"""Threshold balancing: every threshold becomes a percentile of what its population accumulates in a timestep.

Layer by layer, input side first, each with the thresholds already found (Diehl et al. 2015 with the maximum; Rueckauer
et al. 2017 with the 99.9th percentile). All neurons of a population get one threshold. Left alone are populations
without one (readouts) and stateless ones (the OR of a max pool); a percentile that is not positive is an error.
"""

from dataclasses import replace

import numpy as np

from accelsim.errors import NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.neurons.model import NeuronModel
from accelsim.posttraining.drive import accumulated


def balanced(network: Network, events: EventStream, percent: float, threads: int) -> Network:
    """Return a float32 network with other thresholds.

    Parameters
    ----------
    network : Network
    events : EventStream
        Calibration samples.
    percent : float
        0..100; 100 is the maximum.
    threads : int

    Raises
    ------
    NetworkError
        If the network is integer, nothing has a threshold, or one would not be positive.
    """
    if network.integer:
        raise NetworkError(f"network {network.name}: thresholds are balanced in float32, its weights are integers")
    found: dict[str, float] = {}
    for name in [name for name in network.order if network.incoming(name)]:
        population = network.populations[name]
        model = population.model
        if model is None or not model.spiking or not model.states or not hasattr(model, "threshold"):
            continue
        trace = execute(network, events, Numerics(None, None), threads)
        level = float(np.percentile(accumulated(network, name, trace, events, 1), percent))
        if not level > 0.0:
            raise NetworkError(f"population {name}: expected a positive input at percentile {percent:g}, got {level:g}")
        found[name] = level
        changed: NeuronModel = replace(model, threshold=np.full_like(model.threshold, level))  # type: ignore[type-var]
        network = replace(network, populations={**network.populations, name: replace(population, model=changed)})
    if not found:
        raise NetworkError(f"network {network.name}: expected neurons with a threshold, got none")
    return replace(network, provenance={**network.provenance, "thresholds": {"percentile": percent, **found}})
