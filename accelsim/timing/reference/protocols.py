"""What the parts of the reference engine expect of each other."""

from collections.abc import Callable, Generator
from typing import Any, Protocol

from simpy.events import Event

from accelsim.timing.reference.router import Flit


class Endpoint(Protocol):
    """What hangs on a local port."""

    def receive(self, vc: int, flit: Flit) -> None:
        """Take a flit."""

    def receive_credit(self, vc: int) -> None:
        """Take a credit of the router's input VC."""


class PacketSource(Protocol):
    """A terminal's way into the network."""

    def receive_credit(self, vc: int) -> None:
        """Take back a slot of the router's input buffer."""

    def send(
        self, axon: Any, goal: int, flits: int, on_flit: Callable[[bool, int], None]
    ) -> Generator[Event, Any, None]:
        """Send a packet to a terminal, or on a tree from its root; ends in the cycle of its tail.

        ``on_flit(head, waited)`` is called for every flit.
        """


class Network(Protocol):
    """What carries packets between terminals."""

    endpoints: list[Endpoint]

    def injector(self, terminal: int) -> PacketSource:
        """Return the way of a terminal into the network."""

    def free(self, terminal: int, vc: int, flits: int) -> None:
        """Return the queue slots of a packet that a terminal has taken from its input queue."""

    @property
    def idle(self) -> bool:
        """Whether nothing is stored."""

    def waiting(self) -> dict[str, list[str]]:
        """Return the channels that each occupied channel waits for; none where it waits for a terminal."""
