"""``spikingjelly``: SpikingJelly 2.0.0.

The timestep of its export is 1e-4 s by default. IF is ``IFNode`` (``r = 1/dt``), LIF ``LIFNode``, whose input is
divided by tau where ``r = 1`` (``decay_input``) and not where ``r = tau/dt``, CubaLIF ``CUBALIFNode``. Fires at ``>=``.
Default: hard reset to ``v_reset``, at which a sample also begins. Its export refuses soft resets; ``reset: subtract``
runs them. Parameters that SpikingJelly's own import refuses are refused.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.dialects.dialect import (
    DIALECTS,
    Dialect,
    Floats,
    Neurons,
    Singles,
    Site,
    euler_readout,
    threshold,
)
from accelsim.network.importers.dialects.euler import current_based
from accelsim.neurons.cuba_lif import CubaLIF
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.spikingjelly_lif import SpikingJellyLIF

CLOSE: Final = 1e-5
"""Relative distance within which a parameter is the one that the export writes."""


@DIALECTS.register("spikingjelly")
class SpikingJelly(Dialect):
    """SpikingJelly."""

    defaults: ClassVar[Mapping[str, Any]] = {"dt": 1e-4, "reset": "v_reset", "threshold_op": ">=", "synapse": "filter"}
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("v_reset", "zero", "subtract"),
        "threshold_op": (">=",),
        "synapse": ("filter",),
    }

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        if site.node.type in {"LI", "I"}:
            return euler_readout(site)
        if site.node.type == "CubaLI":
            return current_based(site)
        if site.node.type == "IF":
            _expect(site, "r", site.parameter("r"), np.full(site.layout.size, 1.0 / site.choices.dt), "1/dt")
            model = IF(*site.levels(), *site.rule, starts_at_reset=_hard(site))
            return Neurons(model, "IFNode: v = v + x, fire, reset")
        if site.node.type == "CubaLIF":
            return _current_based(site)
        return _leaky(site)


def _hard(site: Site) -> bool:
    return site.reset in {"v_reset", "zero"}


def _leaky(site: Site) -> Neurons:
    steps = 1.0 / site.share("tau")
    resistance = site.parameter("r")
    level, reset_to = site.levels()
    rest: Singles = reset_to if _hard(site) else site.full(0.0)
    _expect(site, "v_leak", site.parameter("v_leak", 0.0), rest.astype(np.float64), "the potential that it resets to")
    decay_input = bool(np.allclose(resistance, 1.0, rtol=CLOSE))
    if not decay_input:
        _expect(site, "r", resistance, steps, "1 (decay_input) or tau/dt")
    model = SpikingJellyLIF(steps.astype(np.float32), rest, decay_input, level, reset_to, *site.rule)
    told = "v + (x - (v - v_reset))/tau" if decay_input else "v - (v - v_reset)/tau + x"
    return Neurons(model, f"LIFNode(decay_input={decay_input}): v = {told}, fire, reset")


def _current_based(site: Site) -> Neurons:
    current_share, share = site.share("tau_syn"), site.share("tau_mem")
    _expect(site, "r", site.parameter("r"), 1.0 / share, "tau_mem/dt")
    _expect(site, "w_in", site.parameter("w_in", 1.0), 1.0 / current_share, "tau_syn/dt")
    site.expect_zero("v_leak")
    one, zero = site.full(1.0), site.full(0.0)
    rates = ((1.0 - current_share).astype(np.float32), one, zero, (1.0 - share).astype(np.float32), one)
    level, reset_to = site.levels()
    model = CubaLIF("factor", *rates, reset_to if _hard(site) else zero, level, reset_to, *site.rule)
    return Neurons(model, "CUBALIFNode: c = c_decay c + x, v = v_decay v + c, fire, reset")


def _expect(site: Site, key: str, value: Floats, expected: Floats, meaning: str) -> None:
    wrong = np.abs(value - expected) > CLOSE * np.maximum(np.abs(expected), 1e-6)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise NetworkError(
            f"{site.node}: {key}: expected {meaning} = {expected[at]:g}, got {value[at]:g}; is dt = "
            f"{site.choices.dt:g} s the one of the export?"
        )
