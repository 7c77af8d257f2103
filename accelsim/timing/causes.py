"""Where the cycles of a step went: the timeline of the terminal that ends last.

The critical terminal is the one whose last activity sets E. If its row stage ends last, the cycles in which it
processed rows are ``accumulate`` (lanes), ``bank_conflict``, ``synapse_fetch`` and ``axon_lookup``; the cycles in which
it waited are given, in this order, to the ``neuron_scan`` of the source that injected last, to that source's stalls
(``source_blocked``: its spike FIFO was full), and the rest to the ``network`` (routing entries, routers, links,
look-up). If it ends with scanning or injecting, its scan, its stalls and the rest. Then ``drain``, ``barrier`` and
``tick``. The parts sum to the step's cycles. Without a barrier a step's cycles are those by which it moves the end of
the sample: of what the critical terminal did, in this order, as much as fits them; what is hidden behind the steps
before is not seen, and ``network`` is waiting for tokens too.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.timing.engine import Chunk
from accelsim.timing.spans import Spans

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
    "tick",
    "dram",
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
    "tick": "waiting for the tick that starts the next step",
    "dram": "cores waiting for weights, states and spikes from DRAM (layer-serial execution)",
}

BOUND_OF: Final = {
    "neuron_scan": "compute", "accumulate": "compute",
    "bank_conflict": "memory", "synapse_fetch": "memory", "axon_lookup": "memory",
    "source_blocked": "traffic", "network": "traffic",
}  # fmt: skip
"""What a step is bound by whose cycles went mostly there; every other cause is the barrier."""


def step_causes(chunk: Chunk, spans: Spans) -> npt.NDArray[np.int64]:
    """Return the cycles of each job by cause, (jobs, len(CAUSES)); rows sum to its cycles."""
    count = chunk.terminals
    jobs = np.arange(len(chunk.steps))
    ends = np.maximum(np.maximum(count["scan_end"], count["source_end"]), count["row_end"])
    critical = count[jobs, ends.argmax(axis=1)]
    source = count[jobs, count["source_end"].argmax(axis=1)]
    end = chunk.steps["end"]
    by_rows = (critical["row_end"] == end) & (end > 0)
    feeder = np.where(by_rows, source, critical)
    left, rows = spans.active, []
    for name in ("row_ideal", "row_conflict", "row_fetch", "row_lookup"):
        rows.append(np.minimum(left, np.where(by_rows, critical[name], 0)))
        left = left - rows[-1]
    scan = np.minimum(left, feeder["scan_cycles"])
    stalled = np.minimum(left - scan, feeder["fifo_full"])
    network = left - scan - stalled
    after = (spans.drain, spans.barrier, spans.tick, np.zeros(len(jobs), np.int64))
    return np.stack([scan, stalled, network, *rows, *after], axis=1).astype(np.int64)
