"""Flit-hops per second of the routers alone: random packets on meshes at several loads, compiled engine."""

import numpy as np
from common import measure, print_table, quantity

from accelsim.hardware.loader import load_chip
from accelsim.hardware.topologies.topology import TOPOLOGIES, build_fabric
from accelsim.timing.compiled.packets import run_packets
from accelsim.timing.packets import PacketTrace
from accelsim.timing.tables import noc_tables

CYCLES = 5000
LOADS = (0.02, 0.05, 0.1, 0.15, 0.2)


def uniform(nodes: int, load: float, flits: int, seed: int = 0) -> PacketTrace:
    """Return packets of ``flits`` flits between random nodes; ``load`` is in flits per node and cycle."""
    rng = np.random.default_rng(seed)
    created, source = np.nonzero(rng.random((CYCLES, nodes)) < load / flits)
    target = (source + rng.integers(1, nodes, source.size)) % nodes
    return PacketTrace(
        created.astype(np.int64),
        source.astype(np.int64),
        target.astype(np.int64),
        np.full(source.size, flits, np.int64),
    )


def main() -> None:
    rows = []
    for size, channels, flits in (((4, 4), 1, 1), ((4, 4), 2, 4), ((8, 8), 1, 1), ((8, 8), 2, 4)):
        topology = TOPOLOGIES.get("mesh")(size)
        router = load_chip("core", [f"noc.router.virtual_channels={channels}"]).spec.noc.router
        noc = noc_tables(build_fabric(topology, list(range(topology.routers))), router)
        for load in LOADS:
            trace = uniform(topology.routers, load, flits)
            times = run_packets(noc, trace)
            joined = noc.links["router"] >= 0
            hops = int(times.link_flits[joined].sum())
            latency = float((times.tail_arrived - trace.created).mean())
            cycles = int(times.tail_arrived.max())
            took = measure(lambda n=noc, t=trace: run_packets(n, t))
            rows.append((
                f"{size[0]}x{size[1]}", channels, flits, load, quantity(hops), f"{latency:.1f}", took,
                took.per_second(hops),
                took.per_second(cycles), took.per_second(cycles * topology.routers),
            ))  # fmt: skip
    head = (
        "mesh",
        "VCs",
        "flits",
        "load",
        "flit-hops",
        "latency",
        "time",
        "flit-hops/s",
        "cycles/s",
        "router-cycles/s",
    )
    print_table("Routers, uniform random traffic", head, rows)


if __name__ == "__main__":
    main()
