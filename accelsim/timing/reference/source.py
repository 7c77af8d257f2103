"""The injection side of a terminal: one flit per cycle, a VC kept for a packet."""

from collections.abc import Callable, Generator
from typing import Any, Protocol

from simpy.core import Environment
from simpy.events import Event

from accelsim.timing.reference.primitives import Signal
from accelsim.timing.reference.router import Flit


class SendsFlits(Protocol):
    """What an injector needs of the network."""

    def inject(self, terminal: int, vc: int, flit: Flit) -> None:
        """Send a flit from a terminal to its router."""


class Injector:
    """Sends packets into a terminal's router and keeps the credits of its input VCs."""

    def __init__(self, env: Environment, network: "SendsFlits", terminal: int, vcs: int, depth: int) -> None:
        self._env, self._network, self._terminal, self._vcs = env, network, terminal, vcs
        self._credits = [depth] * vcs
        self._last_vc = vcs - 1
        self._credited = Signal(env)

    def receive_credit(self, vc: int) -> None:
        """Take back a slot of the router's input buffer."""
        self._credits[vc] += 1
        self._credited.notify()

    def send(
        self, axon: Any, goal: int, flits: int, on_flit: Callable[[bool, int], None]
    ) -> Generator[Event, Any, None]:
        """Send a packet; ends in the cycle of its tail. ``on_flit(head, waited)`` is called for every flit."""
        vc = None
        for number in range(flits):
            asked = self._env.now
            while True:
                if number == 0:
                    vc = self._free_vc()
                if vc is not None and self._credits[vc] > 0:
                    break
                yield self._credited.wait()
            self._credits[vc] -= 1
            self._last_vc = vc
            self._network.inject(self._terminal, vc, Flit(axon, goal, number == 0, number == flits - 1))
            on_flit(number == 0, int(self._env.now - asked))
            if number < flits - 1:
                yield self._env.timeout(1)

    def _free_vc(self) -> int | None:
        for step in range(1, self._vcs + 1):
            vc = (self._last_vc + step) % self._vcs
            if self._credits[vc] > 0:
                return vc
        return None
