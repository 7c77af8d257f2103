"""Tables of an elastic chip for both engines: queues, what moves words between them, and the engines at their ends.

A chip whose stages hand on words with ready and valid is a graph of three things. A *queue* shows its writer the room,
and its reader the word, of the beginning of a cycle. An *arbiter* moves at most one word per cycle from its inputs to
the output that the word's target asks for; one with a single input and output is a wire. A *stage* is a memory read.
The engines of the cores sit between queues. Rules and cycles: docs/elastic-chips.md.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Records = npt.NDArray[Any]
Int32s = npt.NDArray[np.int32]

SKID, FIFO, STAGE = 0, 1, 2
"""Kinds of queue: registered on both sides, one cycle through; a memory with an output register, two cycles; a memory
read, one cycle, which costs a bubble when what is behind it becomes ready again."""

ROLES: Final = (
    "port", "edge", "from_local", "ext_in", "local_in", "turn_in", "ext_out", "turn_out", "local_out", "to_local",
    "merge", "input_queue", "feedback", "spike_fifo", "axon_out", "injection_queue", "update",
)  # fmt: skip
"""What queues are there for: names in messages."""

QUEUE: Final = np.dtype([(name, np.int32) for name in ("kind", "words", "base", "role", "router")])
"""A queue: ``words`` that it stores (a FIFO's register apart), their place in the store of all, where it is."""

ARBITER: Final = np.dtype(
    [(name, np.int32) for name in ("first", "inputs", "after", "router", "port", "ejects", "counts")]
)
"""Inputs ``inputs[first : first + inputs]``. ``after``: the arbiter behind its output, -1 for none: a merge grants a
word only while the place that it takes behind the output has room. ``router`` and ``port``: where a move counts as a
flit, -1: nowhere; ``counts``: whether waiting inputs count as stalls, those for a full queue as ejection stalls if it
``ejects``."""

STREAM: Final = np.dtype(
    [
        (name, np.int32)
        for name in (
            "gate", "relay", "spikes", "entry", "mapping", "middle", "routes", "last", "sent", "synapse", "update",
            "state", "updated", "checked", "passed", "depth", "swap",
        )
    ]
)  # fmt: skip
"""The queues of one terminal; -1 where it has none. A port writes events to ``gate``, for the terminal ``relay``.
Axon-out takes spikes from ``spikes`` through ``entry``, the stages ``mapping`` and ``routes`` with ``middle`` between
them, and ``last``, to ``sent``. The synapse engine takes packets from ``synapse``. The neuron engine puts neurons into
``update``, reads their state in the stage ``state`` before ``updated``, and hands on from ``checked`` to ``passed``
those that fire. ``depth`` in
the tree of done signals; ``swap``: cycle in which the neurons of the last step are there."""


class ElasticTables(NamedTuple):
    """An elastic chip; ``links``, ``terminals`` as in :class:`accelsim.timing.tables.NocTables`.

    ``route`` is the output queue of every (arbiter, terminal), -1 where the arbiter has none. ``enabled`` is the cycle
    from which engines may start (``enabled_first`` in the first step of a sample). ``idle_cycles`` after its last work
    an engine sleeps, and then waits ``wake_cycles`` more. After ``patience`` cycles without a move nothing will move.
    """

    routers: int
    ports: int
    terminals: Records
    links: Records
    queues: Records
    arbiters: Records
    inputs: Int32s
    route: Int32s
    streams: Records
    stored: int
    enabled: int
    enabled_first: int
    idle_cycles: int
    wake_cycles: int
    synapse_cycles: int
    patience: int


TARGET_SHIFT: Final = 40
"""A word is target << TARGET_SHIFT | load: an event carries a neuron, a packet the number of its cost."""


def queue_name(tables: ElasticTables, queue: int) -> str:
    """Return a name for messages."""
    own = tables.queues[queue]
    return f"router[{own['router']}].{ROLES[own['role']]}.{queue}"
