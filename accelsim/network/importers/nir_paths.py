"""The paths of linear nodes between neurons, and which of them lead back in time.

A neuron node reads the sum of its paths. Sums in front of a linear node are several paths too: a linear node spreads
over a sum, and its bias counts once. Around a cycle something must wait: the projection that leads back, seen from the
input along the others, acts one timestep late, as its spikes do not exist before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from accelsim.errors import NetworkError
from accelsim.network.importers.nir_chain import LINEAR_TYPES
from accelsim.network.importers.nir_file import RawNode

MAX_PATHS: Final = 1024
"""Most paths into one neuron node."""
MAX_STEPS: Final = 100_000
"""Most nodes on all of them."""


@dataclass(frozen=True, eq=False)
class Path:
    """Linear nodes from one population to the next.

    Attributes
    ----------
    source : str
        Node of the population in front.
    nodes : tuple of RawNode
    counted : tuple of bool
        Whether the bias of each node belongs to this path.
    """

    source: str
    nodes: tuple[RawNode, ...]
    counted: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the nodes."""
        return tuple(node.name for node in self.nodes)


def paths_into(name: str, nodes: Mapping[str, RawNode], before: Mapping[str, Sequence[str]]) -> list[Path]:
    """Return every path into a node, in the order of the edges.

    Raises
    ------
    NetworkError
        On a cycle of linear nodes alone, a linear node that nothing leads to, or more than MAX_PATHS.
    """
    found: list[Path] = []
    counted: set[str] = set()
    steps = 0
    waiting: list[tuple[str, tuple[str, ...]]] = [(first, ()) for first in reversed(before[name])]
    while waiting:
        at, behind = waiting.pop()
        node = nodes[at]
        if node.type not in LINEAR_TYPES:
            chain = tuple(nodes[item] for item in behind)
            found.append(Path(at, chain, tuple(item not in counted for item in behind)))
            counted.update(behind)
            steps += len(behind)
        else:
            if at in behind:
                cycle = " -> ".join((at, *behind[: behind.index(at) + 1]))
                raise NetworkError(f"the graph has a cycle without neurons: {cycle}")
            if not before[at]:
                raise NetworkError(f"{node}: no edge leads to it")
            waiting.extend((first, (at, *behind)) for first in reversed(before[at]))
            steps += 1
        if len(found) > MAX_PATHS or steps > MAX_STEPS or len(waiting) > MAX_STEPS:
            raise NetworkError(f"{nodes[name]}: more than {MAX_PATHS} paths lead to it, which is the limit")
    return found


def leads_back(start: str, after: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    """Return the edges of a graph that lead back to a node that the search from ``start`` is still below.

    Parameters
    ----------
    start : str
    after : mapping
        Targets of each node.
    """
    found: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in (start, *after):
        if root in done:
            continue
        above = {root}
        stack = [(root, iter(after[root]))]
        while stack:
            name, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                above.discard(name)
                done.add(name)
            elif target in above:
                found.add((name, target))
            elif target not in done:
                above.add(target)
                stack.append((target, iter(after[target])))
    return found
