"""``norse``: Norse 1.1.0.

Runs at dt = 1e-3 s. LIF is ``LIFBox``, LI ``LIBox``, IF ``IAF``; a sample begins at the rest (LIF, LI) or reset (IF)
potential; ``r`` is ignored, as in Norse. CubaLIF has two meanings: ``LIFCell`` (``synapse: jump``), which ``to_nir``
writes with ``w_in = 1`` and ``r = 1``, and ``LIBox`` then ``LIFBox`` (``synapse: filter``), which ``from_nir`` makes of
any such node. Where nobody states it, nodes that ``LIFCell`` does not write are read as the second. ``to_nir`` writes
``tau = dt / tau_mem_inv``, so its default ``dt=0.001`` makes time constants 1000 times too small: such a file needs dt
= 1e-6 s, which is taken where no dt is stated, every time constant is below 1e-3 s and every ``r`` and ``w_in`` is 1.
Recurrent edges and their bias are absent at the first timestep (nirtorch's graph executor).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import numpy as np

from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect, Floats, Neurons, Singles, Site, threshold
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.options import Choices, ImportOptions
from accelsim.neurons.cuba_lif import CubaLI, CubaLIF
from accelsim.neurons.euler_li import EulerLI
from accelsim.neurons.euler_lif import EulerLIF
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.readout import Integrator

RUN_DT: Final = 1e-3
DEFAULT_EXPORT_DT: Final = 1e-6
"""Timestep in the units of a file that ``to_nir`` wrote with its default ``dt``."""

_TIME_CONSTANTS: Final = ("tau", "tau_mem", "tau_syn")


@DIALECTS.register("norse")
class Norse(Dialect):
    """Norse."""

    defaults: ClassVar[Mapping[str, Any]] = {
        "dt": RUN_DT,
        "reset": "v_reset",
        "threshold_op": ">",
        "synapse": "by node",
    }
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("v_reset", "zero", "subtract"),
        "threshold_op": (">",),
        "synapse": ("filter", "jump", "by node"),
    }
    late_bias: ClassVar[bool] = True

    @classmethod
    def settle(cls, options: ImportOptions, metadata: Mapping[str, Any], nodes: Sequence[RawNode]) -> Choices:
        """Return every choice; the timestep of a default export is recognised by its time constants."""
        choices = super().settle(options, metadata, nodes)
        times = [node.array(key) for node in nodes for key in _TIME_CONSTANTS if key in node.values]
        gains = [node.array(key) for node in nodes for key in ("r", "w_in") if key in node.values]
        short = bool(times) and max(time.max(initial=0.0) for time in times) < RUN_DT
        exported = short and all((gain == 1.0).all() for gain in gains)
        if not exported or not choices.source["dt"].startswith("dialect"):
            return choices
        said = "dialect norse: every time constant is below 1e-3 s, as to_nir writes at its default dt=0.001"
        return replace(
            choices, values={**choices.values, "dt": DEFAULT_EXPORT_DT}, source={**choices.source, "dt": said}
        )

    @classmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node; see :meth:`Dialect.discretise`."""
        if site.node.type == "Threshold":
            return threshold(site)
        if site.node.type in {"CubaLIF", "CubaLI"}:
            return _current_based(site)
        if site.node.type == "I":
            return Neurons(Integrator(site.layout.size, np.float32), "v = v + x; r is ignored")
        if site.node.type == "IF":
            model = IF(*site.levels(), *site.rule, starts_at_reset=True)
            return Neurons(model, "IAF: v = v + x, fire, reset; r is ignored")
        rest, one = site.single("v_leak", 0.0), site.full(1.0)
        share = _single_share(site, "tau")
        if site.node.type == "LI":
            return Neurons(EulerLI(share, one, rest), "LIBox: v = v + dt/tau ((v_leak - v) + x); r is ignored")
        model = EulerLIF(share, one, rest, *site.levels(), *site.rule)  # type: ignore[assignment]
        return Neurons(model, "LIFBox: v = v + dt/tau ((x + v_leak) - v), fire, reset; r is ignored")


def _single_share(site: Site, key: str) -> Singles:
    """Return dt times 1/tau with Norse's roundings; of the values that the file rounds to, the shortest decimal."""
    share, tau = site.share(key), site.single(key)
    dt = np.float32(site.choices.dt)
    short: Floats = np.array([float(f"{value:.6g}") for value in share.tolist()])
    same = (np.float64(dt) / short).astype(np.float32) == tau
    rounded = np.float32(dt) * np.reciprocal(tau)
    # A time constant of one timestep may round to a factor above one, where the membrane would overshoot.
    return np.minimum(np.where(same, short.astype(np.float32), rounded), 1.0).astype(np.float32)


def _current_based(site: Site) -> Neurons:
    weight, resistance, rest = site.single("w_in", 1.0), site.single("r"), site.single("v_leak", 0.0)
    synapse, why = site.choices.synapse, "as stated"
    if synapse == "by node":
        cell = bool((weight == 1.0).all() and (resistance == 1.0).all())
        synapse = "jump" if cell else "filter"
        why = "w_in = r = 1, as to_nir writes" if cell else "w_in or r is not 1, which LIFCell does not write"
    current_rest = rest if synapse == "filter" else site.full(0.0)
    rates = (_single_share(site, "tau_syn"), weight, current_rest)
    membrane = (_single_share(site, "tau_mem"), resistance, rest)
    name = {"jump": "LIFCell", "filter": "LIBox then LIFBox"}[synapse]
    if site.node.type == "CubaLI":
        return Neurons(CubaLI(synapse, *rates, *membrane), f"{name} without spikes ({why})")
    return Neurons(CubaLIF(synapse, *rates, *membrane, *site.levels(), *site.rule), f"{name} ({why})")
