"""Record types that both engines share: what a terminal, a router and a step counted.

Records keep the fields of one thing in one cache line and give them names in kernels; all fields are integers.
"""

import numpy as np

TERMINAL_COUNT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "bursts",
            "fired",
            "routing_reads",
            "destinations",
            "packets_out",
            "flits_out",
            "packets_in",
            "flits_in",
            "tokens_out",
            "tokens_in",
            "row_cycles",
            "row_ideal",
            "row_conflict",
            "row_fetch",
            "row_lookup",
            "words",
            "sops",
            "issued",
            "state_words",
            "macs",
            "loads",
            "fifo_full",
            "injection_full",
            "no_credit",
            "scan_cycles",
            "scan_end",
            "source_end",
            "row_end",
            "first_flit",
            "queue_peak",
        )
    ]
)
"""What one terminal did in one step. ``destinations`` are the deliveries that its packets ask for; ``*_end`` are cycles
after the last activity, ``first_flit`` the cycle of the first injected flit or -1. Packets are those of spikes:
``tokens_*`` are counted apart, their flits with all others."""

ROUTER_COUNT = np.dtype(
    [
        (name, np.int64)
        for name in ("flits", "stall_vc", "stall_switch", "stall_credit", "stall_ejection", "lookups", "replicas")
    ]
)
"""What one router did in one step; a stall is one waiting packet (a copy of one, where it forks) for one cycle. Of
multicast: packets looked up in the router's table, and flits that it sent beyond those that came."""

STEP = np.dtype([(name, np.int64) for name in ("end", "status", "injected", "delivered")])
"""Summary of one step: E, 0 or an error code, packets injected and delivered."""

SCAN_COUNT = np.dtype(
    [(name, np.int64) for name in ("visited", "updated", "membrane_words", "accumulator_words", "cycles")]
)
"""What the neuron engine did with one slice: neurons visited (or events taken), those of them with
input, state, bias or a spike, memory words read and written, cycles."""

STATUS_DONE = 0
STATUS_DEADLOCK = 1
