"""Where the cycles of a step went: the timeline of the terminal that ends last.

The critical terminal is the one whose last activity sets E. If its row stage ends last, the cycles in which it
processed rows are ``accumulate`` (lanes), ``bank_conflict``, ``synapse_fetch`` and ``axon_lookup``; the cycles in which
it waited are given, in this order, to the ``neuron_scan`` of the source that injected last, to that source's stalls
(``source_blocked``: its spike FIFO was full), and the rest to the ``network`` (routing entries, routers, links,
look-up). If it ends with scanning or injecting, its scan, its stalls and the rest. Then ``drain`` and ``barrier``.
The parts sum to the step's cycles.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.timing.engine import Chunk

CAUSES = (
    "neuron_scan",
    "source_blocked",
    "network",
    "accumulate",
    "bank_conflict",
    "synapse_fetch",
    "axon_lookup",
    "drain",
    "barrier",
)

CAUSE_TEXT = {
    "neuron_scan": "neuron engines updating neurons",
    "source_blocked": "sources that cannot send: spike FIFO full, because the network takes packets too slowly",
    "network": "packets on their way: routing entries, routers, links, queues",
    "accumulate": "synapse engine accumulating, all lanes served",
    "bank_conflict": "synapse engine waiting for accumulator banks",
    "synapse_fetch": "synapse engine waiting for weights",
    "axon_lookup": "synapse engine reading axons",
    "drain": "pipelines draining at the end of a step",
    "barrier": "barrier between steps",
}

BOUND_OF: Final = {
    "neuron_scan": "compute", "accumulate": "compute",
    "bank_conflict": "memory", "synapse_fetch": "memory", "axon_lookup": "memory",
    "source_blocked": "traffic", "network": "traffic",
}  # fmt: skip
"""What a step is bound by whose cycles went mostly there; every other cause is the barrier."""


def step_causes(chunk: Chunk, drain: int, barrier: int) -> npt.NDArray[np.int64]:
    """Return the cycles of each job by cause, (jobs, len(CAUSES)); rows sum to E + ``drain`` + ``barrier``."""
    count = chunk.terminals
    jobs = np.arange(len(chunk.steps))
    ends = np.maximum(np.maximum(count["scan_end"], count["source_end"]), count["row_end"])
    critical = count[jobs, ends.argmax(axis=1)]
    source = count[jobs, count["source_end"].argmax(axis=1)]
    end = chunk.steps["end"]
    by_rows = (critical["row_end"] == end) & (end > 0)
    feeder = np.where(by_rows, source, critical)
    busy = np.where(by_rows, critical["row_cycles"], 0)
    wait = end - busy
    scan = np.minimum(wait, feeder["scan_cycles"])
    stalled = np.minimum(wait - scan, feeder["fifo_full"])
    network = wait - scan - stalled
    rows = [np.where(by_rows, critical[name], 0) for name in ("row_ideal", "row_conflict", "row_fetch", "row_lookup")]
    after = [np.full(len(jobs), drain), np.full(len(jobs), barrier)]
    return np.stack([scan, stalled, network, *rows, *after], axis=1).astype(np.int64)
