"""When a terminal may enter its next step, where no barrier says so: it counts tokens and the packets they announce.

Rules: docs/timing-model.md, section 5.
"""

from collections import Counter
from typing import NamedTuple

from simpy.core import Environment

from accelsim.timing.reference.primitives import Process, Signal
from accelsim.timing.tokens import TokenTables


class Load(NamedTuple):
    """What a packet carries: the axon that it activates, the step of its sender, and as a token a number of packets."""

    axon: int
    step: int
    announced: int = 0


class Gate:
    """The tokens that one terminal has been sent."""

    def __init__(self, env: Environment, tokens: TokenTables, index: int) -> None:
        self._env, self._tokens, self._index = env, tokens, index
        self._upstream, self._downstream = int(tokens.upstream[index]), int(tokens.downstream[index])
        self._sources: Counter[int] = Counter()
        self._targets: Counter[int] = Counter()
        self._missing: Counter[int] = Counter()
        self._complete: dict[int, int] = {}
        self._changed = Signal(env)

    def processed(self, step: int) -> None:
        """Note that a packet has been added to the accumulators."""
        self._missing[step] -= 1
        self._note(step)

    def announce(self, step: int, packets: int) -> None:
        """Note that a source has sent all packets of a step."""
        self._sources[step] += 1
        self._missing[step] += packets
        self._note(step)

    def free(self, step: int) -> None:
        """Note that a target has read its accumulators of a step."""
        self._targets[step] += 1
        self._changed.notify()

    def _note(self, step: int) -> None:
        if self._sources[step] == self._upstream and self._missing[step] == 0:
            self._complete[step] = int(self._env.now) + self._tokens.drain
            self._changed.notify()

    def enter(self, step: int) -> Process:
        """Wait until step ``step`` may begin."""
        past = step + 1 - self._tokens.slots
        while not (
            (self._upstream == 0 or step - 1 in self._complete)
            and (past < 0 or self._targets[past] == self._downstream)
        ):
            yield self._changed.wait()
        left = self._complete.get(step - 1, 0) - int(self._env.now)
        if left > 0:
            yield self._env.timeout(left)
