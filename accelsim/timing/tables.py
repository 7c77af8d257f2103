"""The tables that describe a mapped chip to both engines: network, terminals, axons, and the work of one step.

NamedTuples of flat arrays: numba compiles and caches functions that take them, and plain Python reads them by name.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.spec import FixedLatencySpec, NocSpec, RouterSpec
from accelsim.hardware.topologies.topology import Fabric
from accelsim.mapping.trees import BRANCH, NODE, Trees

Int32s = npt.NDArray[np.int32]


MAX_CHANNELS = 62
"""Input VCs of one router: sets of them are bit masks of 64-bit integers."""

LINK = np.dtype(
    [(name, np.int32) for name in ("router", "port", "terminal", "up_router", "up_port", "delay", "interval", "spare")]
)
"""What a port leads to: the router and input port behind it, or the terminal on it (-1 where there is none); and
the output port that feeds it as an input. ``delay`` and ``interval`` (between two flits) are those of a fixed-latency
link."""

ENDPOINT = np.dtype(
    [(name, np.uint32) for name in ("router", "port", "input_queue", "spike_fifo", "injection_queue", "axon_out")]
)
"""Where a terminal hangs, and its depths: input queue (flits per VC), spike FIFO (neurons), injection queue
(packets); cycles of axon-out per routing entry."""


class NocTables(NamedTuple):
    """The network of routers; latencies count from the cycle in which a flit wins the switch and finds it free.

    ``flight`` to the next router, ``eject`` to a terminal, ``credit`` back to a router, ``release`` the same from a
    terminal, ``inject`` from a terminal to its router and of a credit back to a terminal. ``links`` is (routers, ports)
    LINK, ``terminals`` (terminals,) ENDPOINT, ``route`` the output port of every (router, terminal). With several
    ``classes`` of virtual channels, those of class c begin at ``class_begin(c)``; ``vc_class`` is the class of a packet
    that enters a dimension, by (router, terminal), ``ring`` the dimension of every port; see :class:`Fabric`.
    ``nodes`` and ``branches`` are those of multicast trees (:mod:`accelsim.mapping.trees`), empty where packets
    have one destination.
    """

    routers: int
    ports: int
    vcs: int
    buffer: int
    routing_delay: int
    vc_alloc_delay: int
    switch_alloc_delay: int
    switch_delay: int
    speculative: bool
    flight: int
    eject: int
    credit: int
    release: int
    inject: int
    links: npt.NDArray[Any]
    terminals: npt.NDArray[Any]
    route: npt.NDArray[np.uint8]
    classes: int
    vc_class: npt.NDArray[np.uint8]
    ring: npt.NDArray[np.int8]
    nodes: npt.NDArray[Any]
    branches: npt.NDArray[Any]


class FixedLatencyTables(NamedTuple):
    """A network of fixed-latency links: ``links``, ``terminals`` and ``route`` as in :class:`NocTables`.

    ``queue`` packets wait for each link; ``local`` cycles lie between a terminal and its router.
    """

    routers: int
    ports: int
    queue: int
    local: int
    links: npt.NDArray[Any]
    terminals: npt.NDArray[Any]
    route: npt.NDArray[np.uint8]


NetworkTables = NocTables | FixedLatencyTables


NO_TOKENS = 1 << 30


class AxonTables(NamedTuple):
    """Who reaches whom: neuron n has the axons ``axon[ptr[n] : ptr[n + 1]]``, as in the mapping.

    With multicast ``root`` is the tree node at which the packet of each axon starts, -1 where that is the packet of the
    axon before (:meth:`accelsim.mapping.trees.Trees.of_axons`); else it is empty. Costs from number
    ``tokens`` on are those of tokens, which terminals that keep step without a barrier send.
    """

    ptr: npt.NDArray[np.int64]
    axon: npt.NDArray[Any]
    costs: npt.NDArray[Any]
    root: Int32s = np.zeros(0, np.int32)
    tokens: int = NO_TOKENS


ANNOUNCES, FREES, PORT_FREES = 1, 2, 4
"""What a token says: all packets of the step have been sent, and how many; a core has read its accumulators of the
step; a port is done with the step. A token of kind k has the cost ``AxonTables.tokens + k - 1``."""

PORT_SLOTS = 16
"""Steps that a port keeps apart."""

TAG = 26
"""Bit of a load (see :mod:`accelsim.timing.compiled.state`) from which on it holds the step; costs lie below."""

TAGS = 64
"""Steps that a load tells from each other: neighbours are never further apart than a quarter of that."""


class TokenTables(NamedTuple):
    """Who waits for whom.

    Attributes
    ----------
    marker : (terminals,) int32
        Number of each terminal's marker among the sources of packets; -1 where it has no neighbours.
    upstream, downstream, ports : (terminals,) int32
        Terminals that send it packets; cores and ports that it sends packets to.
    slots : int
        Steps that a core's accumulators hold apart: 2 are read and written in turn.
    drain : int
        Cycles from the end of the last row to sums that can be read.
    """

    marker: Int32s
    upstream: Int32s
    downstream: Int32s
    ports: Int32s
    slots: int
    drain: int


class StepWork(NamedTuple):
    """What the sources of one step do.

    Terminal n executes bursts ``burst_ptr[n] : burst_ptr[n + 1]``: ``burst_cycles`` of scanning, then ``burst_fired``
    neurons to write back, taken in order from ``fired[fired_ptr[n] : fired_ptr[n + 1]]`` (numbers of neurons in
    :class:`AxonTables`).
    """

    burst_ptr: npt.NDArray[np.int64]
    burst_cycles: Int32s
    burst_fired: Int32s
    fired_ptr: npt.NDArray[np.int64]
    fired: Int32s


class Endpoints(NamedTuple):
    """Depths of queues and cycles of axon-out by terminal, (terminals,) each; see ENDPOINT."""

    input_queue: Int32s
    spike_fifo: Int32s
    injection_queue: Int32s
    axon_out: Int32s


def network_tables(
    fabric: Fabric, noc: NocSpec, endpoints: Endpoints, trees: Trees | None = None
) -> NetworkTables:
    """Return the tables of whatever network a chip has."""
    if noc.router is not None:
        tables = noc_tables(fabric, noc.router, endpoints)
        return tables if trees is None else tables._replace(nodes=trees.nodes, branches=trees.branches)
    if noc.fixed_latency is not None:
        return fixed_latency_tables(fabric, noc.fixed_latency, endpoints)
    raise ConfigError("noc: expected either a router or a fixed_latency block, got neither")


def noc_tables(fabric: Fabric, router: RouterSpec, endpoints: Endpoints | None = None) -> NocTables:
    """Return the tables of a network: the fabric's links, the router's delays, the terminals' queues.

    Without ``endpoints`` (packet traces) a terminal's queue is as deep as a router's buffer.

    Raises
    ------
    ConfigError
        If a router has more input VCs than the masks of the compiled engine hold, or fewer than classes.
    """
    if router.virtual_channels < fabric.classes:
        raise ConfigError(
            f"noc.router.virtual_channels: expected at least {fabric.classes} with topology "
            f"{type(fabric.topology).__name__.lower()} {list(fabric.topology.size)}: packets around a ring wait for "
            "each other unless those that cross its dateline have channels of their own; got "
            f"{router.virtual_channels}"
        )
    if fabric.ports * router.virtual_channels > MAX_CHANNELS:
        raise ConfigError(
            f"noc.router.virtual_channels: expected at most {MAX_CHANNELS // fabric.ports} with the {fabric.ports} "
            f"ports of the busiest router ({MAX_CHANNELS} input channels per router), got {router.virtual_channels}"
        )
    links, terminals = fabric_tables(fabric, endpoints, router.buffer_flits)
    return NocTables(
        routers=fabric.routers,
        ports=fabric.ports,
        vcs=router.virtual_channels,
        buffer=router.buffer_flits,
        routing_delay=router.routing_delay,
        vc_alloc_delay=router.vc_alloc_delay,
        switch_alloc_delay=router.switch_alloc_delay,
        switch_delay=router.switch_delay,
        speculative=router.speculative,
        flight=1 + router.switch_delay + router.link_delay,
        eject=2 + router.switch_delay,
        credit=2 + router.credit_delay,
        release=2 + router.credit_delay,
        inject=2,
        links=links,
        terminals=terminals,
        route=fabric.route,
        classes=fabric.classes,
        vc_class=fabric.vc_class,
        ring=fabric.ring,
        nodes=np.zeros(0, NODE),
        branches=np.zeros(0, BRANCH),
    )


def class_begin(vc_class: int, classes: int, vcs: int) -> int:
    """Return the first virtual channel of a class; BookSim2's halves where their number is even."""
    return vc_class * vcs // classes


def class_of(vc: int, classes: int, vcs: int) -> int:
    """Return the class of a virtual channel."""
    return ((vc + 1) * classes - 1) // vcs


def fixed_latency_tables(
    fabric: Fabric, spec: FixedLatencySpec, endpoints: Endpoints | None = None
) -> FixedLatencyTables:
    """Return the tables of a network with fixed delays; see :func:`noc_tables`.

    Raises
    ------
    ConfigError
        On a topology whose links need classes of virtual channels, or have no dimension that a delay could be of.
    """
    topology = fabric.topology
    named = f"topology {type(topology).__name__.lower()} {list(topology.size)}"
    if fabric.classes > 1:
        raise ConfigError(
            f"noc.fixed_latency: expected a topology without rings, got {named}: its queues have no virtual channels, "
            "and packets around a ring would wait for each other; use noc.router with virtual_channels of at least "
            f"{fabric.classes}"
        )
    links, terminals = fabric_tables(fabric, endpoints, spec.queue_packets)
    for port in range(topology.network_ports):
        dimension = topology.dimension(port)
        if dimension is None:
            raise ConfigError(f"noc.fixed_latency: expected links along dimensions, to have delays by, got {named}")
        links["delay"][:, port] = spec.delay[dimension]
        links["interval"][:, port] = spec.interval[dimension]
    return FixedLatencyTables(
        fabric.routers, fabric.ports, spec.queue_packets, spec.local_delay, links, terminals, fabric.route
    )


def fabric_tables(
    fabric: Fabric, endpoints: Endpoints | None, depth: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the (routers, ports) LINK and (terminals,) ENDPOINT of a fabric; ``depth`` where no depths are given."""
    links = np.full((fabric.routers, fabric.ports), -1, dtype=LINK)
    links["router"], links["port"], links["terminal"] = fabric.link_router, fabric.link_port, fabric.local_terminal
    source, out = np.nonzero(fabric.link_router >= 0)
    behind, port = fabric.link_router[source, out], fabric.link_port[source, out]
    links["up_router"][behind, port], links["up_port"][behind, port] = source, out
    terminals = np.zeros(fabric.terminals, dtype=ENDPOINT)
    terminals["router"], terminals["port"] = fabric.terminal_router, fabric.terminal_port
    for name in Endpoints._fields:
        terminals[name] = depth if endpoints is None else getattr(endpoints, name)
    return links, terminals
