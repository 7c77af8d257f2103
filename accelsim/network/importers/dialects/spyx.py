"""``spyx``: Spyx 1.0.0.

Time constants are in timesteps (dt = 1 by default). IF, LIF and CubaLIF fire from the membrane of the timestep before,
then decay, add the input and subtract the threshold; ``r`` is ignored, as in Spyx (its export writes ``r = beta``). An
LI with a Threshold behind it is ``PSU_LIF``: it integrates, then fires, without a reset. The export leads the input of
a recurrent layer into the recurrent weights; Spyx adds it past them, and so does this dialect.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect, Neurons, Site, threshold
from accelsim.neurons.fire_first import FireFirstCubaLIF, FireFirstLIF
from accelsim.neurons.lif import LIF
from accelsim.neurons.readout import LeakyIntegrator


@DIALECTS.register("spyx")
class Spyx(Dialect):
    """Spyx."""

    defaults: ClassVar[Mapping[str, Any]] = {"dt": 1.0, "reset": "subtract", "threshold_op": ">"}
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("subtract",),
        "threshold_op": (">",),
    }
    neurons: ClassVar[tuple[str, ...]] = ("CubaLIF", "IF", "LI", "LIF", "Threshold")
    input_beside_recurrence: ClassVar[bool] = True

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        if site.node.without_reset and site.node.type != "LIF":
            raise NetworkError(f"{site.node}: dialect spyx has only LI in front of a threshold (PSU_LIF)")
        if site.node.type == "IF":
            return Neurons(FireFirstLIF(site.full(1.0), site.levels()[0]), "IF: fire, v = v + x - reset; r is ignored")
        site.expect_zero("v_leak")
        leak = (1.0 - site.share("tau_mem" if site.node.type == "CubaLIF" else "tau")).astype(np.float32)
        if site.node.type == "LI":
            return Neurons(LeakyIntegrator(leak), "LI: v = beta v + x; r is ignored")
        level, reset_to = site.levels()
        if site.node.without_reset:
            model = LIF(leak, level, reset_to, "none", ">")
            return Neurons(model, "PSU_LIF: v = beta v + x, fire, no reset; r is ignored")
        if site.node.type == "CubaLIF":
            current_leak = (1.0 - site.share("tau_syn")).astype(np.float32)
            cuba = FireFirstCubaLIF(current_leak, leak, level)
            return Neurons(cuba, "CuBaLIF: fire, v = v - reset, i = alpha i + x, v = beta v + i; r is ignored")
        return Neurons(FireFirstLIF(leak, level), "LIF: fire, v = beta v + x - reset; r is ignored")
