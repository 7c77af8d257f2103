"""The netlist of an elastic mesh: routers of four crossbars, their cores and ports, as tables.

A router has a crossbar for each direction. Words enter the one of x, even those that need not move in x, leave it
for the one of y, and that for the core: what need not move in x goes up, what need not move in y goes down.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from accelsim.errors import ConfigError
from accelsim.hardware.elastic_spec import DoneTreeSpec, ElasticSpec, SourceSynapsesSpec
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import Fabric
from accelsim.timing.elastic import ARBITER, FIFO, QUEUE, ROLES, SKID, STAGE, STREAM, ElasticTables
from accelsim.timing.tables import fabric_tables

MAX_ROUTERS: Final = 256
"""Every word of every queue is followed cycle by cycle."""
UP_X, DOWN_X, UP_Y, DOWN_Y = range(4)
END_OF_ROUTER, UNCOUNTED = -1, -2
_PATIENCE: Final = 64


class Netlist:
    """Collects queues and arbiters."""

    def __init__(self, fabric: Fabric, noc: ElasticSpec, core: SourceSynapsesSpec) -> None:
        self.fabric, self.noc, self.core = fabric, noc, core
        self.queues: list[tuple[int, int, int, int]] = []
        self.arbiters: list[tuple[int, int, int, int, int, int, int]] = []
        self.inputs: list[int] = []
        self.route: list[Any] = []

    def queue(self, role: str, router: int, kind: int = SKID, words: int = 0) -> int:
        """Add a queue and return its number."""
        self.queues.append((kind, words or self.noc.skid_words, ROLES.index(role), router))
        return len(self.queues) - 1

    def fifo(self, role: str, router: int) -> int:
        """Add a queue of a core."""
        return self.queue(role, router, FIFO, self.core.fifo_words)

    def arbiter(
        self,
        inputs: Sequence[int],
        route: int | Callable[[int], int],
        *,
        after: int = -1,
        router: int = -1,
        port: int = -1,
        ejects: bool = False,
    ) -> None:
        """Add an arbiter; ``route`` is its output, or the output of every terminal."""
        ways = [route if isinstance(route, int) else route(to) for to in range(self.fabric.terminals)]
        stalls = len(inputs) > 1 and router >= 0
        self.arbiters.append((len(self.inputs), len(inputs), after, router, port, ejects, stalls))
        self.inputs += inputs
        self.route.append(np.array(ways, np.int32))

    def crossbar(self, inputs: Sequence[int], route: Callable[[int], int], outputs: Sequence[int], router: int) -> None:
        """Add a crossbar that grants one word per cycle, or one for each output."""
        if self.noc.crossbar_grants == "one":
            self.arbiter(inputs, route, router=router)
            return
        for own in outputs:
            self.arbiter(inputs, lambda to, own=own: own if route(to) == own else -1, router=router)  # type: ignore[misc]

    def merge(
        self, inputs: Sequence[int], after: int | Callable[[int], int], role: str, router: int, local: int
    ) -> None:
        """Add a merge with skids at its inputs and its output, to the queue ``after`` it.

        ``local`` is the router's port that the first input comes from, END_OF_ROUTER, or UNCOUNTED.
        """
        entries = [self.queue(role, router) for _ in inputs]
        for at, (source, entry) in enumerate(zip(inputs, entries, strict=True)):
            counted = at == 0 and local >= 0
            self.arbiter([source], entry, router=router if counted else -1, port=local if counted else -1)
        out = self.queue(role, router)
        self.arbiter([out], after)
        ends = local == END_OF_ROUTER
        self.arbiter(entries, out, after=len(self.arbiters) - 1, router=router if ends else -1, ejects=ends)


class _Router:
    """The queues of one router that others write to."""

    def __init__(self, net: Netlist, router: int) -> None:
        self.router = router
        self.ext_in = [net.queue("ext_in", router) for _ in range(4)]
        self.from_local = [net.queue("from_local", router) for _ in range(2)]
        self.to_core = net.queue("to_local", router)
        self.ext_out: list[int] = []

    def wire(self, net: Netlist, at: Any, of: Any) -> None:
        """Add crossbars and wires; ``at`` is the router's place, ``of`` those of all terminals, (x, y) each."""
        turn = {(way, y): net.queue("turn_in", self.router) for y in (UP_Y, DOWN_Y) for way in (UP_X, DOWN_X)}
        for way in (UP_X, DOWN_X):
            entry, out = net.queue("local_in", self.router), net.queue("ext_out", self.router)
            net.arbiter([self.from_local[way]], entry)
            turns = {y: net.queue("turn_out", self.router) for y in (UP_Y, DOWN_Y)}

            def route_x(to: int, out: int = out, turns: dict[int, int] = turns) -> int:
                if of[to][0] != at[0]:
                    return out
                return turns[UP_Y] if of[to][1] > at[1] else turns[DOWN_Y]

            net.crossbar([self.ext_in[way], entry], route_x, [out, *turns.values()], self.router)
            self.ext_out.append(out)
            for y, queue in turns.items():
                net.arbiter([queue], turn[way, y])
        ends: list[int] = []
        for y in (UP_Y, DOWN_Y):
            out, local = net.queue("ext_out", self.router), net.queue("local_out", self.router)

            def route_y(to: int, out: int = out, local: int = local) -> int:
                return out if of[to][1] != at[1] else local

            net.crossbar([self.ext_in[y], turn[UP_X, y], turn[DOWN_X, y]], route_y, [out, local], self.router)
            self.ext_out.append(out)
            ends.insert(0, local)
        net.merge(ends, self.to_core, "to_local", self.router, END_OF_ROUTER)


def elastic_tables(
    fabric: Fabric, noc: ElasticSpec, core: SourceSynapsesSpec, tree: DoneTreeSpec, ports: Sequence[int] = ()
) -> ElasticTables:
    """Return the tables of an elastic chip.

    Parameters
    ----------
    fabric : Fabric
        A mesh of two dimensions, one core on each router, then the input ports.
    noc, core, tree
        The blocks of the hardware file.
    ports : sequence of int
        Cycles per event of every port.

    Raises
    ------
    ConfigError
        On another topology, concentration or place of a port, and more than MAX_ROUTERS routers.
    """
    _check(fabric, core, len(ports))
    net = Netlist(fabric, noc, core)
    place = [(router % fabric.topology.size[0], router // fabric.topology.size[0]) for router in range(fabric.routers)]
    of = [place[router] for router in fabric.terminal_router]
    routers = [_Router(net, router) for router in range(fabric.routers)]
    for router in routers:
        router.wire(net, place[router.router], of)
    for router in routers:
        for port, queue in enumerate(router.ext_out):
            behind = int(fabric.link_router[router.router, port])
            if behind >= 0:
                net.arbiter([queue], routers[behind].ext_in[port], router=router.router, port=port)
    deepest = sum(extent - 1 for extent in fabric.topology.size)
    streams = np.full(fabric.terminals, -1, STREAM)
    for terminal, own in enumerate(streams):
        at = of[terminal]
        own["depth"] = sum(at)
        own["swap"] = tree.restart_cycles + max(deepest, 1 + sum(at))
        if terminal < fabric.routers:
            _core(net, routers[terminal], own, terminal, at)
        else:
            own["relay"] = _nearest(at, core.relays, fabric.topology.size[0])
            own["gate"] = entry = net.queue("port", fabric.terminal_router[terminal])
            _port(net, entry, routers[fabric.terminal_router[terminal]])
    queues = np.zeros(len(net.queues), QUEUE)
    for name, values in zip(("kind", "words", "role", "router"), zip(*net.queues, strict=True), strict=True):
        queues[name] = values
    queues["base"] = np.concatenate(([0], np.cumsum(queues["words"])[:-1]))
    links, terminals = fabric_tables(fabric, None, 1)
    enabled = 1 + deepest
    waits = enabled + tree.restart_cycles + core.sleep.wake_cycles + int(streams["swap"].max()) + max(ports, default=0)
    return ElasticTables(
        fabric.routers,
        fabric.ports,
        terminals,
        links,
        queues,
        np.array(net.arbiters, ARBITER),
        np.array(net.inputs, np.int32),
        np.stack(net.route),
        streams,
        int(queues["words"].sum()),
        enabled + tree.restart_cycles,
        enabled,
        core.sleep.idle_cycles,
        core.sleep.wake_cycles,
        core.synapse_cycles,
        _PATIENCE + waits,
    )


def _core(net: Netlist, router: _Router, own: Any, terminal: int, at: tuple[int, int]) -> None:
    """Add a core: a relay, a readout, or one with all engines."""
    core, number, local = net.core, router.router, int(net.fabric.terminal_port[terminal])
    takes = net.fifo("spike_fifo" if at in core.relays else "input_queue", number)
    if at in core.relays:
        own["spikes"] = takes
        net.arbiter([router.to_core], takes, router=number, port=local)
        net.arbiter([_axon_out(net, own, number)], _side(net, router, at))
        return
    own["synapse"] = takes
    chain = _neurons(net, own, number)
    if at in core.readouts:
        net.arbiter([router.to_core], takes, router=number, port=local)
        return
    own["spikes"] = net.fifo("spike_fifo", number)
    net.arbiter([chain], int(own["spikes"]))
    sent, feedback, entry = _axon_out(net, own, number), net.fifo("feedback", number), net.queue("from_local", number)
    net.arbiter([sent], lambda to: feedback if to == terminal else entry)
    net.merge([router.to_core, feedback], takes, "merge", number, local)
    out = net.queue("from_local", number)
    net.arbiter([out], _side(net, router, at))
    net.arbiter([entry], out, after=len(net.arbiters) - 1)


def _neurons(net: Netlist, own: Any, router: int) -> int:
    """Add the neuron engine; return the queue of the neurons that fire."""
    own["update"], own["state"] = net.queue("update", router), net.queue("update", router, STAGE, 1)
    chain = [net.queue("update", router) for _ in range(net.core.update_cycles - 2)]
    for before, after in pairwise(chain[:-1]):
        net.arbiter([before], after)
    own["updated"], own["checked"], own["passed"] = chain[0], chain[-2], chain[-1]
    return chain[-1]


def _axon_out(net: Netlist, own: Any, router: int) -> int:
    """Add the queues of axon-out; return the one that its packets leave from."""
    for name in ("entry", "middle", "last"):
        own[name] = net.queue("axon_out", router)
    for name in ("mapping", "routes"):
        own[name] = net.queue("axon_out", router, STAGE, 1)
    sent = net.fifo("injection_queue", router)
    own["sent"] = sent
    return sent


def _side(net: Netlist, router: _Router, at: tuple[int, int]) -> Callable[[int], int]:
    """Return the way from a core into its router: down in x for what lies there, else up."""
    width, where = net.fabric.topology.size[0], net.fabric.terminal_router
    return lambda to: router.from_local[DOWN_X if where[to] % width < at[0] else UP_X]


def _port(net: Netlist, gate: int, router: _Router) -> None:
    """Add the way of a port's events into the router at the edge: a merge, then skids."""
    skids = [net.queue("edge", router.router) for _ in range(net.noc.edge_skids)]
    way = [net.queue("edge", router.router), *skids, router.ext_in[UP_X]]
    for before, after in pairwise(way):
        net.arbiter([before], after)
    net.arbiter([gate], way[0], after=len(net.arbiters) - len(way) + 1)


def _check(fabric: Fabric, core: SourceSynapsesSpec, ports: int) -> None:
    size = fabric.topology.size
    if type(fabric.topology) is not Mesh or len(size) != 2:
        raise ConfigError("noc.elastic: expected a mesh of two dimensions")
    if fabric.routers > MAX_ROUTERS:
        raise ConfigError(f"noc.elastic: expected at most {MAX_ROUTERS} routers, got {fabric.routers}")
    if fabric.terminals - ports != fabric.routers or (np.diff(fabric.terminal_router[: fabric.routers]) != 1).any():
        raise ConfigError("noc.elastic: expected a concentration of one core per router")
    edge = fabric.terminal_router[fabric.routers :]
    if (edge % size[0] != 0).any() or len(set(edge.tolist())) < len(edge):
        raise ConfigError(f"ports: expected them on different routers with x = 0, got routers {edge.tolist()}")
    for what in ("relays", "readouts"):
        for at in getattr(core, what):
            if at[0] >= size[0] or at[1] >= size[1]:
                raise ConfigError(f"core.source_synapses.{what}: {at} is outside the size {size}")
    if set(core.relays) & set(core.readouts):
        raise ConfigError("core.source_synapses: a core is either one of the relays or one of the readouts")


def _nearest(at: tuple[int, int], relays: Sequence[tuple[int, ...]], width: int) -> int:
    """Return the relay of a port: the nearest, the first of several."""
    x, y = min(relays, key=lambda relay: abs(relay[0] - at[0]) + abs(relay[1] - at[1]))
    return y * width + x
