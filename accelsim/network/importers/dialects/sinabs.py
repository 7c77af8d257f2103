"""``sinabs``: sinabs 3.1.3.

Time constants are in timesteps (dt = 1). IF is ``IAF``, LIF ``LIF`` with the decay ``exp(-dt/tau)``, CubaLIF the same
with ``tau_syn`` (``i = alpha_syn (i + x)``), LI ``ExpLeak``; ``r`` is ignored, as in sinabs. Defaults: as many spikes
per timestep as the threshold goes into the membrane (``MultiSpike``; ``spike_mode: single`` is ``SingleSpike``), reset
by subtraction, no floor. ``from_nir`` adds a floor at minus the threshold to IF (``membrane_floor: -threshold``) and
sets ``norm_input`` to false, which is the default here too, though ``LIF`` on its own has true. None of this is in the
file.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect, Neurons, Singles, Site, threshold
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.multi_spike import MultiSpikeCubaLIF, MultiSpikeLIF
from accelsim.neurons.readout import Integrator, LeakyIntegrator


@DIALECTS.register("sinabs")
class Sinabs(Dialect):
    """sinabs."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "dt": 1.0,
        "reset": "subtract",
        "threshold_op": ">=",
        "spike_mode": "multi",
        "membrane_floor": "none",
        "norm_input": False,
    }
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("subtract", "zero", "v_reset"),
        "threshold_op": (">=",),
        "spike_mode": ("single", "multi"),
        "membrane_floor": ("none", "-threshold"),
        "norm_input": (False, True),
    }
    neurons: ClassVar[tuple[str, ...]] = ("CubaLIF", "I", "IF", "LI", "LIF", "Threshold")
    late_bias: ClassVar[bool] = True

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        if site.node.type == "I":
            return Neurons(Integrator(site.layout.size, np.float32), "v = v + x; r is ignored")
        leaky = site.node.type != "IF"
        leak = site.decay("tau_mem" if site.node.type == "CubaLIF" else "tau") if leaky else site.full(1.0)
        gain = np.float32(1.0) - leak if leaky and site.choices.norm_input else site.full(1.0)
        if leaky:
            site.expect_zero("v_leak")
        if site.node.type == "LI":
            return Neurons(LeakyIntegrator(leak), "ExpLeak: v = exp(-dt/tau) v + x; r is ignored", gain.astype(float))
        factor = "(1 - exp(-dt/tau)) " if site.choices.norm_input else ""
        meaning = f"LIF: v = exp(-dt/tau) v + {factor}x" if leaky else "IAF: v = v + x"
        return multi_spike(site, leak, gain, f"{meaning}; r is ignored")


def multi_spike(site: Site, leak: Singles, gain: Singles, meaning: str) -> Neurons:
    """Return neurons that send several spikes, or one; plain ones where nothing else is asked for."""
    level, reset_to = site.levels()
    reset, op = site.rule
    if reset == "none" and site.node.type == "CubaLIF":
        raise NetworkError(f"{site.node}: dialect {site.choices.dialect} has no current-based neurons without a reset")
    if reset == "none":
        return Neurons(LIF(leak, level, reset_to, reset, op), meaning, gain.astype(float))
    floor, mode = site.choices.membrane_floor, site.choices.spike_mode
    low = None if floor in {"none", None} else -level if floor == "-threshold" else site.full(floor)
    told = "several spikes" if mode == "multi" else "one spike"
    meaning = f"{meaning}, {told} per timestep{'' if low is None else f', floor {floor}'}"
    if site.node.type == "CubaLIF":
        current_leak = site.decay("tau_syn")
        model = MultiSpikeCubaLIF(current_leak, leak, gain, level, reset_to, low, reset, mode)
        return Neurons(model, f"i = exp(-dt/tau_syn) (i + x); {meaning}")
    if mode == "single" and low is None and (leak == 1.0).all():
        return Neurons(IF(level, reset_to, reset, op), meaning)
    return Neurons(MultiSpikeLIF(leak, gain, level, reset_to, low, reset, mode), meaning)
