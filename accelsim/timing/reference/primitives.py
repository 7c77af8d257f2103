"""What the reference engine adds to SimPy: arrivals that precede the cycle's work, and registered queues.

All times are integer cycles. An :class:`Arrival` happens before any process of its cycle runs; a :class:`Fifo` shows
its writer the room, and its reader the items, of the beginning of the cycle. Together they make the order of
processes within a cycle irrelevant.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

import simpy
from simpy.core import Environment
from simpy.events import URGENT, Event

T = TypeVar("T")
Process = Generator[Event, Any, None]


class Arrival(Event):
    """Something that reaches a component ``delay`` cycles from now: a flit or a credit."""

    def __init__(self, env: Environment, delay: int, action: Callable[[], None]) -> None:
        super().__init__(env)
        self.callbacks = [lambda _: action()]
        self._ok = True
        self._value = None
        env.schedule(self, URGENT, delay)


class Signal:
    """An event that happens again and again."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._event = env.event()

    def wait(self) -> simpy.Event:
        """Return the event of the next notification."""
        return self._event

    def notify(self) -> None:
        """Wake every process that waits."""
        event, self._event = self._event, self._env.event()
        event.succeed()


class Fifo(Generic[T]):
    """A registered queue of finite depth; ``watch`` is told how many items are in it when that changes."""

    def __init__(self, env: Environment, depth: int, watch: Callable[[int], None] = lambda _: None) -> None:
        self._env, self._depth, self._watch = env, depth, watch
        self._items: deque[tuple[int, T]] = deque()
        self._popped_at, self._popped = -1, 0
        self._changed = Signal(env)

    def __len__(self) -> int:
        return len(self._items)

    def has_room(self) -> bool:
        """Tell whether a slot was free when the cycle began."""
        popped = self._popped if self._popped_at == self._env.now else 0
        return len(self._items) + popped < self._depth

    def put(self, item: T) -> Process:
        """Wait for room, then write ``item``; the reader sees it in the next cycle."""
        while not self.has_room():
            if self._popped_at != self._env.now:
                yield self._changed.wait()
            yield self._env.timeout(1)
        self._items.append((int(self._env.now) + 1, item))
        self._watch(len(self._items))
        self._changed.notify()

    def peek(self) -> Generator[Event, Any, T]:
        """Wait until an item is visible and return the first without taking it."""
        while not self._items or self._items[0][0] > self._env.now:
            if self._items:
                yield self._env.timeout(self._items[0][0] - self._env.now)
            else:
                yield self._changed.wait()
        return self._items[0][1]

    def pop(self) -> None:
        """Take the first item; its slot is free in the next cycle."""
        self._items.popleft()
        self._watch(len(self._items))
        self._popped = self._popped + 1 if self._popped_at == self._env.now else 1
        self._popped_at = int(self._env.now)
        self._changed.notify()
