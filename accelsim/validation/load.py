"""Points of a load curve: mean packet latency under random traffic, and whether a load is sustained.

Windows as in the recorded curves of BookSim2: a warm-up, a measured window, and traffic that goes on until all packets
created in the measured window have arrived.
"""

from dataclasses import dataclass

import numpy as np

from accelsim.hardware.spec import RouterSpec
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.timing.compiled.packets import run_packets
from accelsim.timing.packets import PacketTimes, PacketTrace
from accelsim.timing.tables import NocTables, noc_tables
from accelsim.validation.traffic import PATTERNS, bernoulli


@dataclass(frozen=True)
class Setting:
    """A square mesh with its routers and traffic: one load curve."""

    side: int
    router: RouterSpec
    pattern: str
    flits: int


@dataclass(frozen=True)
class Windows:
    """Cycles of warm-up, measurement and the traffic after it; latencies are looked at every ``period`` cycles."""

    warm_up: int = 15_000
    measured: int = 15_000
    after: int = 4_000
    period: int = 5_000
    limit: float = 500.0
    """Mean latency in cycles above which a load counts as not sustained."""


def mesh_tables(setting: Setting) -> NocTables:
    """Return the network of a setting: a terminal on every router."""
    mesh = Mesh((setting.side, setting.side))
    return noc_tables(build_fabric(mesh, range(mesh.routers)), setting.router)


def _run(setting: Setting, load: float, windows: Windows, seed: int) -> tuple[PacketTrace, PacketTimes]:
    spans = (windows.warm_up, windows.measured, windows.after)
    trace = bernoulli(PATTERNS[setting.pattern](setting.side), load, setting.flits, spans, seed)
    return trace, run_packets(mesh_tables(setting), trace)


def mean_latency(setting: Setting, load: float, windows: Windows, seed: int) -> float:
    """Return the mean latency, from creation to tail, of the packets created in the measured window.

    Parameters
    ----------
    setting : Setting
    load : float
        Flits per node and cycle.
    windows : Windows
    seed : int
    """
    trace, times = _run(setting, load, windows, seed)
    measured = (trace.created >= windows.warm_up) & (trace.created < windows.warm_up + windows.measured)
    return float((times.tail_arrived - trace.created)[measured].mean())


def is_sustained(setting: Setting, load: float, windows: Windows, seed: int) -> bool:
    """Tell whether the mean latency stays below the limit, as BookSim2 decides it.

    At the end of every period the mean goes over the packets that have arrived since the statistics were cleared (in
    every second period of the warm-up and at its end) and the ages of the flits that have not, of packets whose source
    has begun with them.
    """
    trace, times = _run(setting, load, windows, seed)
    end = windows.warm_up + windows.measured
    cleared = 0
    for number, at in enumerate(range(windows.period, end + 1, windows.period)):
        warming = at <= windows.warm_up
        if (warming and number % 2 == 0) or at - windows.period == windows.warm_up:
            cleared = at - windows.period
        counted = (times.tail_arrived >= cleared) & (times.tail_arrived < at)
        if not warming:
            counted &= trace.created >= windows.warm_up
        flying = (times.injected < at) & (times.tail_arrived >= at)
        ages = (at - trace.created[flying]) * trace.flits[flying]
        latencies = (times.tail_arrived - trace.created)[counted]
        packets = latencies.size + int(trace.flits[flying].sum())
        if packets and (latencies.sum() + ages.sum()) / packets > windows.limit:
            return False
    measured = (trace.created >= windows.warm_up) & (trace.created < end)
    return bool(np.mean((times.tail_arrived - trace.created)[measured]) <= windows.limit)
