"""The tables that describe a mapped chip to both engines: network, terminals, axons, and the work of one step.

NamedTuples of flat arrays: numba compiles and caches functions that take them, and plain Python reads them by name.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.hardware.spec import RouterSpec
from accelsim.hardware.topologies.topology import Fabric

Int32s = npt.NDArray[np.int32]


class NocTables(NamedTuple):
    """The network of routers; latencies count from the cycle in which a flit wins the switch.

    ``flight`` to the next router, ``eject`` to a terminal, ``credit`` back to a router, ``inject`` from a terminal to its router
    and of a credit back to a terminal. ``up_router`` and ``up_port`` name the output port that feeds an input port.
    """

    routers: int
    ports: int
    vcs: int
    buffer: int
    routing_delay: int
    flight: int
    eject: int
    credit: int
    inject: int
    link_router: Int32s
    link_port: Int32s
    up_router: Int32s
    up_port: Int32s
    local_terminal: Int32s
    terminal_router: Int32s
    terminal_port: Int32s
    route: npt.NDArray[np.uint8]


class TerminalTables(NamedTuple):
    """Queue depths by terminal: input queue (flits per VC), spike FIFO (neurons), injection queue (packets)."""

    input_queue: Int32s
    spike_fifo: Int32s
    injection_queue: Int32s


class AxonTables(NamedTuple):
    """Who reaches whom: axons ``out_axon[out_ptr[n] : out_ptr[n + 1]]`` of neuron n, and the cost of each axon."""

    out_ptr: npt.NDArray[np.int64]
    out_axon: Int32s
    rows: npt.NDArray[Any]


class StepWork(NamedTuple):
    """What the sources of one step do.

    Terminal n executes bursts ``burst_ptr[n] : burst_ptr[n + 1]``: ``burst_cycles`` of scanning, then ``burst_fired`` neurons to write
    back, taken in order from ``fired[fired_ptr[n] : fired_ptr[n + 1]]`` (numbers of neurons in :class:`AxonTables`).
    """

    burst_ptr: npt.NDArray[np.int64]
    burst_cycles: Int32s
    burst_fired: Int32s
    fired_ptr: npt.NDArray[np.int64]
    fired: Int32s


def noc_tables(fabric: Fabric, router: RouterSpec) -> NocTables:
    """Return the tables of a network: the fabric's links and the router's delays."""
    up_router = np.full_like(fabric.link_router, -1)
    up_port = np.full_like(fabric.link_port, -1)
    source, out = np.nonzero(fabric.link_router >= 0)
    behind, port = fabric.link_router[source, out], fabric.link_port[source, out]
    up_router[behind, port], up_port[behind, port] = source, out
    return NocTables(
        routers=fabric.routers,
        ports=fabric.ports,
        vcs=router.virtual_channels,
        buffer=router.buffer_flits,
        routing_delay=router.routing_delay,
        flight=1 + router.switch_delay + router.link_delay,
        eject=2 + router.switch_delay,
        credit=2 + router.credit_delay,
        inject=2,
        link_router=fabric.link_router,
        link_port=fabric.link_port,
        up_router=up_router,
        up_port=up_port,
        local_terminal=fabric.local_terminal,
        terminal_router=fabric.terminal_router,
        terminal_port=fabric.terminal_port,
        route=fabric.route,
    )
