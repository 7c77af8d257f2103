"""``rockpool``: Rockpool 3.1.0.

LIF is ``LIFNeuronTorch`` (``v = exp(-dt/tau) v + x``), CubaLIF ``LIFTorch`` (``i = exp(-dt/tau_syn) (i + x)``, ``v =
exp(-dt/tau) v + i``), LI ``ExpSynTorch`` (``v = exp(-dt/tau) (v + x)``); as many spikes per timestep as the threshold
goes into the membrane, reset by subtraction. The export writes its timestep into ``r = tau exp(-dt/tau) / dt`` and
nowhere else: where no dt is stated it is solved from there, and one that is stated must agree. ``r`` itself is no
factor on the input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect, Neurons, Site, threshold
from accelsim.network.importers.dialects.sinabs import multi_spike
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.options import Choices, ImportOptions, settle
from accelsim.neurons.readout import LeakyIntegrator

CLOSE: Final = 1e-4


@DIALECTS.register("rockpool")
class Rockpool(Dialect):
    """Rockpool."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "reset": "subtract",
        "threshold_op": ">=",
        "spike_mode": "multi",
        "membrane_floor": "none",
    }
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("subtract",),
        "threshold_op": (">=",),
        "spike_mode": ("multi", "single"),
        "membrane_floor": ("none",),
    }
    neurons: ClassVar[tuple[str, ...]] = ("CubaLIF", "LI", "LIF", "Threshold")

    @classmethod
    def settle(cls, options: ImportOptions, metadata: Mapping[str, Any], nodes: Sequence[RawNode]) -> Choices:
        """Return every choice; the timestep is solved from ``r`` where nobody states it."""
        found = next((dt for node in nodes if (dt := _timestep(node)) is not None), None)
        if found is None:
            return super().settle(options, metadata, nodes)
        choices = settle(options, metadata, {**cls.defaults, "dt": found}, cls.allowed)
        if abs(choices.dt - found) > CLOSE * found:
            raise NetworkError(
                f"dialect rockpool: dt: expected {found:g} s, which the file's r = tau exp(-dt/tau)/dt says, got "
                f"{choices.dt:g} s"
            )
        if choices.source["dt"].startswith("dialect"):
            said = "parameters of the file: r = tau exp(-dt/tau)/dt"
            choices = replace(choices, source={**choices.source, "dt": said})
        return choices

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        site.expect_zero("v_leak")
        if site.node.type == "LI":
            leak = site.decay("tau")
            return Neurons(LeakyIntegrator(leak), "ExpSynTorch: v = exp(-dt/tau) (v + x)", leak.astype(np.float64))
        leak = site.decay("tau_mem" if site.node.type == "CubaLIF" else "tau")
        return multi_spike(site, leak, site.full(1.0), "v = exp(-dt/tau) v + x; r holds dt and is no factor")


def _timestep(node: RawNode) -> float | None:
    """Solve ``r = tau exp(-dt/tau) / dt`` for dt, rounded to six digits; None where the node has no such pair."""
    key = next((key for key in ("tau", "tau_mem") if key in node.values), None)
    if key is None or "r" not in node.values:
        return None
    times, resistances = node.array(key).ravel(), node.array("r").ravel()
    if times.size == 0 or resistances.size == 0 or times[0] <= 0 or resistances[0] <= 0:
        return None
    tau, resistance = float(times[0]), float(resistances[0])
    # x exp(x) = 1/r with x = dt/tau: monotonic, so halving an interval finds it.
    low, high = 0.0, 1.0 / resistance
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle * np.exp(min(middle, 700.0)) < 1.0 / resistance else (low, middle)
    return float(f"{tau * high:.6g}")
