"""``snntorch``: snnTorch 1.0.0.

The timestep of its export is fixed at 1e-4 s. LIF is ``Leaky`` (with a projection onto itself ``RLeaky``), CubaLIF is
``Synaptic`` (``RSynaptic``): decay, add the input, take off the pending reset, fire. Default: reset by subtraction, one
timestep late. The file always says ``v_reset = 0``, whatever was run. A factor on the input that is not one divides the
threshold, as snnTorch's import does. IF nodes are no export of snnTorch; its import makes them ``Leaky(beta=0.9)``, and
so does this dialect. ``RSynaptic(reset_delay=False)`` has no effect in snnTorch 1.0.0: its reset is late. Recurrent
spikes and the recurrent bias: the bias is there at the first timestep, the spikes at the second.
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
    unit,
)
from accelsim.network.importers.dialects.euler import current_based
from accelsim.neurons.lif import LIF
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky
from accelsim.neurons.snntorch_synaptic import SnnTorchSynaptic

IMPORTED_IF_LEAK: Final = 0.9


@DIALECTS.register("snntorch")
class SnnTorch(Dialect):
    """snnTorch."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "dt": 1e-4,
        "reset": "subtract",
        "reset_delay": True,
        "threshold_op": ">",
        "synapse": "filter",
    }
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("subtract", "zero", "none"),
        "reset_delay": (False, True),
        "threshold_op": (">",),
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
        if site.node.type == "CubaLIF":
            return _synaptic(site)
        if site.node.type == "IF":
            gain = site.parameter("r")
            if (gain != 1.0).any():
                wrong = gain[gain != 1.0][0]
                raise NetworkError(f"{site.node}: r: expected 1, as snnTorch's import does, got {wrong:g}")
            meaning = f"Leaky(beta={IMPORTED_IF_LEAK}), as snnTorch imports IF"
            return _leaky(site, site.full(IMPORTED_IF_LEAK), site.levels()[0], None, meaning)
        share = site.share()
        gain = _gain(site.parameter("r", infinite=True), share)
        leak = (1.0 - share).astype(np.float32)
        offset = site.parameter("v_leak", 0.0) * share / gain
        name = "RLeaky" if site.recurrent else "Leaky"
        return _leaky(site, leak, _scaled(site, gain), offset, f"{name}: m = beta v + x - reset, fire")


def _gain(resistance: Floats, share: Floats) -> Floats:
    """Return the factor on the input; a leak factor of one is exported as infinite tau and r, whose product is one."""
    with np.errstate(invalid="ignore"):
        product = resistance * share
    return unit(np.where(np.isinf(resistance) & (share == 0.0), 1.0, product))


def _scaled(site: Site, gain: Floats) -> Singles:
    """Return the threshold divided by the gain of the input."""
    level = site.levels()[0]
    if not (np.isfinite(gain).all() and (gain > 0).all()):
        raise NetworkError(f"{site.node}: expected a positive factor on the input, r dt/tau, got {gain.min():g}")
    return level if (gain == 1.0).all() else (site.parameter("v_threshold") / gain).astype(np.float32)


def _leaky(site: Site, leak: Singles, level: Singles, offset: Floats | None, meaning: str) -> Neurons:
    reset, delay = site.reset, bool(site.choices.reset_delay)
    if reset == "none" or (reset == "zero" and not delay):
        rule = ("none" if reset == "none" else "value", ">")
        return Neurons(LIF(leak, level, site.full(0.0), *rule), meaning, offset=offset)  # type: ignore[arg-type]
    model = SnnTorchLeaky(leak, level, delay, reset, clears_input=site.recurrent)  # type: ignore[arg-type]
    return Neurons(model, meaning, offset=offset)


def _synaptic(site: Site) -> Neurons:
    current_share, share = site.share("tau_syn"), site.share("tau_mem")
    gain = _gain(site.parameter("w_in", 1.0, infinite=True), current_share)
    gain *= _gain(site.parameter("r", infinite=True), share)
    site.expect_zero("v_leak")
    model = SnnTorchSynaptic(
        (1.0 - current_share).astype(np.float32),
        (1.0 - share).astype(np.float32),
        _scaled(site, gain),
        bool(site.choices.reset_delay),
        site.reset,  # type: ignore[arg-type]
    )
    name = "RSynaptic" if site.recurrent else "Synaptic"
    return Neurons(model, f"{name}: i = alpha i + x, m = beta v + i - reset, fire")
