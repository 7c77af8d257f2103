"""When a terminal may enter its next step, where no barrier says so: it counts tokens and the packets they announce.

Rules: docs/timing-model.md, section 5.
"""

from collections import Counter
from typing import Self

from simpy.core import Environment

from accelsim.timing.reference.primitives import Process, Signal
from accelsim.timing.tables import ANNOUNCES, FREES, PORT_FREES, PORT_SLOTS, TokenTables


class Load(int):
    """What a packet carries: the number of its axon, the step of its sender, a token's number of packets."""

    step: int
    announced: int

    def __new__(cls, axon: int, step: int = 0, announced: int = 0) -> Self:
        """Make an axon number that knows more."""
        load = super().__new__(cls, axon)
        load.step, load.announced = step, announced
        return load


class Gate:
    """The tokens that one terminal has been sent."""

    def __init__(self, env: Environment, tokens: TokenTables, index: int) -> None:
        self._env, self._tokens = env, tokens
        self._upstream, self._downstream = int(tokens.upstream[index]), int(tokens.downstream[index])
        self._ports = int(tokens.ports[index])
        self._passed: Counter[int] = Counter()
        self._sources: Counter[int] = Counter()
        self._targets: Counter[int] = Counter()
        self._missing: Counter[int] = Counter()
        self._complete: dict[int, int] = {}
        self._changed = Signal(env)

    def process(self, load: Load, kind: int) -> None:
        """Note that the row of a packet has ended; ``kind`` is what it says if it is a token."""
        if kind & FREES:
            self._targets[load.step] += 1
            self._changed.notify()
        if kind & PORT_FREES:
            self._passed[load.step] += 1
            self._changed.notify()
        if kind == 0 or kind & ANNOUNCES:
            self._sources[load.step] += kind > 0
            self._missing[load.step] += load.announced if kind else -1
            self._note(load.step)

    def _note(self, step: int) -> None:
        if self._sources[step] == self._upstream and self._missing[step] == 0:
            self._complete[step] = int(self._env.now) + self._tokens.drain
            self._changed.notify()

    def enter(self, step: int) -> Process:
        """Wait until step ``step`` may begin."""
        read, passed = step + 1 - self._tokens.slots, step + 1 - PORT_SLOTS
        while not (
            (self._upstream == 0 or step - 1 in self._complete)
            and (read < 0 or self._targets[read] == self._downstream)
            and (passed < 0 or self._passed[passed] == self._ports)
        ):
            yield self._changed.wait()
        left = self._complete.get(step - 1, 0) - int(self._env.now)
        if left > 0:
            yield self._env.timeout(left)
