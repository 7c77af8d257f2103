"""``euler``: the textbook's discrete neurons, forward Euler, with every choice the user's.

LIF: ``v = (1 - dt/tau) v + dt/tau (v_leak + r x)``, the input gain folded into the weights. IF: ``v = v + r dt x``.
CubaLIF: the current first, then the membrane from it (``filter``), or a current that jumps (``jump``); see
:class:`accelsim.neurons.cuba_lif.CubaLIF`. Then the comparison, then the reset. Source: Pedersen et al., "Neuromorphic
intermediate representation", Nature Communications 15 (2024), discretised by the forward Euler method.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect, Neurons, Site, euler_readout, threshold, unit
from accelsim.neurons.cuba_lif import CubaLI, CubaLIF
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.refractory_lif import RefractoryLIF


@DIALECTS.register("euler")
class Euler(Dialect):
    """The textbook."""

    defaults: ClassVar[Mapping[str, Any]] = {"synapse": "filter", "refractory": 0}
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("subtract", "zero", "v_reset", "none"),
        "threshold_op": (">", ">="),
        "synapse": ("filter", "jump"),
        "refractory": None,
    }

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        if site.node.type in {"CubaLIF", "CubaLI"}:
            return current_based(site)
        if site.node.type in {"LI", "I"}:
            return euler_readout(site)
        if site.node.type == "IF":
            return integrate_and_fire(site)
        return leaky(site)


def leaky(site: Site) -> Neurons:
    """Return LIF neurons with their gain in the weights."""
    share = site.share()
    leak = (1.0 - share).astype(np.float32)
    gain, offset = unit(site.parameter("r") * share), site.parameter("v_leak", 0.0) * share
    meaning = "v = (1 - dt/tau) v + dt/tau (v_leak + r x), compare, reset"
    if site.choices.refractory:
        period = site.full(site.choices.refractory)
        model = RefractoryLIF(leak, period, *site.levels(), *site.rule)
        return Neurons(model, f"{meaning}, hold for {site.choices.refractory} timesteps", gain, offset)
    return Neurons(LIF(leak, *site.levels(), *site.rule), meaning, gain, offset)


def integrate_and_fire(site: Site) -> Neurons:
    """Return IF neurons with their gain in the weights."""
    if site.choices.refractory:
        raise NetworkError(f"{site.node}: refractory: expected 0 for neurons without a leak, got a period")
    gain = unit(site.parameter("r") * site.choices.dt)
    return Neurons(IF(*site.levels(), *site.rule), "v = v + r dt x, compare, reset", gain)


def current_based(site: Site) -> Neurons:
    """Return CubaLIF or CubaLI neurons, forward Euler, current first."""
    if site.choices.refractory:
        raise NetworkError(f"{site.node}: refractory: expected 0 for current-based neurons, got a period")
    synapse = site.choices.synapse
    rates = (site.share("tau_syn").astype(np.float32), site.single("w_in", 1.0), site.full(0.0))
    membrane = (site.share("tau_mem").astype(np.float32), site.single("r"), site.single("v_leak", 0.0))
    meaning = {
        "filter": "i = i + dt/tau_syn (w_in x - i), v = v + dt/tau_mem (r i + v_leak - v)",
        "jump": "j = i + w_in x, v = v + dt/tau_mem (v_leak - v + r j), i = j - dt/tau_syn j",
    }[synapse]
    if site.node.type == "CubaLI":
        return Neurons(CubaLI(synapse, *rates, *membrane), meaning)
    return Neurons(CubaLIF(synapse, *rates, *membrane, *site.levels(), *site.rule), f"{meaning}, compare, reset")
