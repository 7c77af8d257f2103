"""Schedules: in which hardware step a population executes which timestep, and how long a spike waits at its target.

``pipelined``: a population of depth d executes timestep t in step d + t and is left alone in all other steps; biases
and leak act exactly as in the network. A spike of projection u -> v waits ``delay + depth(v) - depth(u)`` steps, at
least one: spikes are integrated in a later step than the one that sends them. Depths are the smallest that allow this,
the longest path in which a projection counts 1 - delay. Around a cycle the delays must therefore add up to at least the
number of its projections.

``sequential``: the layers run in order within a timestep, a hardware step each. A population of depth d executes
timestep t in step t x P + d, with P = 1 + the largest depth; depths are the longest path of projections without delay,
so that a spike is integrated later in the same timestep, and a projection with a delay waits that many times P more.

``native``: nothing is balanced. Every population executes timestep t in step t, and a spike waits one step more than
the projection's delay, which is a timestep of the network.
"""

from dataclasses import dataclass
from typing import Literal, Self

from accelsim.errors import MappingError
from accelsim.network.graph import Network, Projection

Kind = Literal["pipelined", "native", "sequential"]


@dataclass(frozen=True)
class Schedule:
    """The schedule of a network's samples.

    Attributes
    ----------
    kind : {"pipelined", "native", "sequential"}
    timesteps : int
        Timesteps of a sample.
    first : dict of str to int
        Step in which each population executes timestep 0.
    steps : int
        Hardware steps of a sample.
    period : int
        Steps from a timestep of a population to its next.
    """

    kind: Kind
    timesteps: int
    first: dict[str, int]
    steps: int
    period: int = 1

    @classmethod
    def of(cls, kind: Kind, network: Network, timesteps: int) -> Self:
        """Return the schedule of a network on a chip with this ``schedule``; raises as :func:`depths`."""
        if kind == "sequential":
            first = depths(network, in_turn=True)
            period = 1 + max(first.values())
            return cls(kind, timesteps, first, timesteps * period, period)
        first = depths(network) if kind == "pipelined" else dict.fromkeys(network.populations, 0)
        return cls(kind, timesteps, first, timesteps + max(first.values()))

    def timestep(self, step: int, population: str) -> int | None:
        """Return the timestep that a population executes in a step, or None."""
        at, between = divmod(step - self.first[population], self.period)
        return at if between == 0 and 0 <= at < self.timesteps else None

    def last(self, population: str) -> int:
        """Return the step in which a population executes its last timestep."""
        return self.first[population] + (self.timesteps - 1) * self.period

    def interval(self, network: Network) -> int:
        """Return the timesteps from a sample to the next where they run back to back.

        Populations with a delay behind them are left alone for as long, so that no spike of the sample before is
        integrated in the new one.
        """
        return self.timesteps + max((edge.delay + (self.kind == "native") for edge in network.projections), default=0)

    def wait(self, edge: Projection) -> int:
        """Return the hardware steps between a spike of a projection and its integration, at least 1."""
        if self.kind == "native":
            return 1 + edge.delay
        return edge.delay * self.period + self.first[edge.target] - self.first[edge.source]

    def slots(self, network: Network, population: str, lead: int = 0) -> int:
        """Return the accumulators of a neuron: one that is read, and one for every later read that a spike waits for.

        ``lead`` is the number of steps that sources may be ahead of it.
        """
        waits = [self.wait(edge) for edge in network.incoming(population)]
        return 1 + max(waits, default=1) // self.period + lead


def depths(network: Network, *, in_turn: bool = False) -> dict[str, int]:
    """Return the depth of every population in the schedule ``pipelined``, or ``sequential`` with ``in_turn``.

    Raises
    ------
    MappingError
        Naming a cycle whose delays are shorter than its projections, or ``in_turn`` one without any delay.
    """
    depth = dict.fromkeys(network.populations, 0)
    through: dict[str, Projection] = {}
    for _ in range(len(depth) + 1):
        moved = None
        for edge in network.projections:
            if in_turn and edge.delay > 0:
                continue
            least = depth[edge.source] + 1 - edge.delay
            if depth[edge.target] < least:
                depth[edge.target], through[edge.target], moved = least, edge, edge
        if moved is None:
            return depth
    found = moved.target if moved is not None else network.output.name
    raise MappingError(_too_fast(through, found, "sequential" if in_turn else "pipelined"))


def _too_fast(through: dict[str, Projection], name: str, kind: Kind) -> str:
    """Say which cycle has no schedule; the projections that set the depths last lead around it."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = through[name].source
    edges = [through[item] for item in reversed(seen[seen.index(name) :])]
    path = " -> ".join([edges[0].source, *(edge.target for edge in edges)])
    delays = sum(edge.delay for edge in edges)
    if kind == "sequential":
        return f"schedule sequential: no projection of the cycle {path} has a delay, so that none can come first"
    return (
        f"schedule pipelined: the cycle {path} has {len(edges)} projections and a delay of {delays} timesteps in all; "
        f"every projection takes a hardware step, so that the delays around it must add up to at least {len(edges)} "
        "(or the chip's schedule be native, where every projection delays by one timestep more)"
    )
