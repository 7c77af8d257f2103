"""Routers joined by links: delivers flits and credits after the latencies of the tables."""

from collections.abc import Callable
from typing import Any

from simpy.core import Environment

from accelsim.timing.reference.primitives import Arrival
from accelsim.timing.reference.probe import SILENT, Probe
from accelsim.timing.reference.protocols import Endpoint
from accelsim.timing.reference.router import Flit, Router
from accelsim.timing.reference.source import Injector
from accelsim.timing.tables import NocTables


class RouterNetwork:
    """All routers of a chip."""

    def __init__(
        self,
        env: Environment,
        noc: NocTables,
        ejection_credits: Callable[[int], int],
        counts: Any,
        links: Any,
        probe: Probe = SILENT,
    ) -> None:
        self._env, self._noc, self._links, self._probe = env, noc, links, probe
        self.routers = [Router(env, noc, index, ejection_credits, counts[index]) for index in range(noc.routers)]
        self.endpoints: list[Endpoint] = []
        for index, router in enumerate(self.routers):
            router.send = self._sender(index)
            router.return_credit = self._creditor(index)

    def inject(self, terminal: int, vc: int, flit: Flit) -> None:
        """Send a flit from a terminal to its router."""
        router = self.routers[self._noc.terminals["router"][terminal]]
        port = int(self._noc.terminals["port"][terminal])
        Arrival(self._env, self._noc.inject, lambda: router.receive(port, vc, flit))

    def injector(self, terminal: int) -> Injector:
        """Return the way of a terminal into the network."""
        return Injector(self._env, self, terminal, self._noc.vcs, self._noc.buffer)

    @property
    def idle(self) -> bool:
        """Whether no flit is stored."""
        return all(router.idle for router in self.routers)

    def waiting(self) -> dict[str, list[str]]:
        """Return the output VCs that the packet of each input VC waits for, as the input VCs behind them."""
        links, waits = self._noc.links, {}
        for index, router in enumerate(self.routers):
            for (port, vc), outs in router.waiting().items():
                behind = [(links["router"][index, out], links["port"][index, out], out_vc) for out, out_vc in outs]
                waits[_name(index, port, vc)] = [_name(*entry) for entry in behind if entry[0] >= 0]
        return waits

    def free(self, terminal: int, vc: int, flits: int) -> None:
        """Return the queue slots of a packet that a terminal has taken from its input queue."""
        router = self.routers[self._noc.terminals["router"][terminal]]
        port = int(self._noc.terminals["port"][terminal])
        for _ in range(flits):
            Arrival(self._env, self._noc.release, lambda: router.receive_credit(port, vc))

    def _sender(self, index: int) -> Callable[[int, int, Flit, int], None]:
        noc = self._noc

        def send(port: int, vc: int, flit: Flit, waits: int) -> None:
            self._links[index, port] += 1
            through = int(self._env.now) + noc.switch_delay + waits
            self._probe.slice("links", index * noc.ports + port, through, 1, flit.axon)
            behind = int(noc.links["router"][index, port])
            if behind >= 0:
                entry = int(noc.links["port"][index, port])
                Arrival(self._env, noc.flight + waits, lambda: self.routers[behind].receive(entry, vc, flit))
            else:
                endpoint = self.endpoints[noc.links["terminal"][index, port]]
                Arrival(self._env, noc.eject + waits, lambda: endpoint.receive(vc, flit))

        return send

    def _creditor(self, index: int) -> Callable[[int, int], None]:
        noc = self._noc

        def return_credit(port: int, vc: int) -> None:
            terminal = int(noc.links["terminal"][index, port])
            if terminal >= 0:
                endpoint = self.endpoints[terminal]
                Arrival(self._env, noc.inject, lambda: endpoint.receive_credit(vc))
            else:
                upstream, out = (
                    self.routers[noc.links["up_router"][index, port]],
                    int(noc.links["up_port"][index, port]),
                )
                Arrival(self._env, noc.credit, lambda: upstream.receive_credit(out, vc))

        return return_credit


def _name(router: int, port: int, vc: int) -> str:
    return f"router[{router}].in{port}.vc{vc}"
