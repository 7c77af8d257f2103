"""Record types that both engines share: what a row costs, what a terminal, a router and a step counted.

Records keep the fields of one thing in one cache line and give them names in kernels; all fields are integers.
"""

import numpy as np

ROW = np.dtype(
    [
        ("terminal", np.int32),  # where the axon ends
        ("flits", np.int32),  # flits of the packet that activates it
        ("cycles", np.int32),  # row stage: sum over rows of max(1, fetch, accumulate)
        ("ideal", np.int32),  # part of it that lanes alone would need
        ("conflict", np.int32),  # part that bank conflicts add
        ("fetch", np.int32),  # part that fetching adds
        ("words", np.int32),  # synapse memory words read
        ("sops", np.int32),  # non-zero weights accumulated
        ("issued", np.int32),  # lane slots filled, stored zeros included
        ("state_words", np.int32),  # accumulator words read and written
        ("macs", np.int32),  # of the issued operations, those with a value
        ("spare", np.int32),  # alignment
    ]
)
"""Cost of one incoming axon of a terminal; static, computed once per mapping."""

TERMINAL_COUNT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "bursts", "fired", "routing_reads", "packets_out", "flits_out", "packets_in", "flits_in", "row_cycles", "row_ideal",
            "row_conflict", "row_fetch", "words", "sops", "issued", "state_words", "macs", "fifo_full", "injection_full",
            "no_credit", "scan_end", "source_end", "row_end", "first_flit", "queue_peak",
        )
    ]
)
"""What one terminal did in one step. ``*_end`` are cycles after the last activity, ``first_flit`` the cycle of the first
injected flit or -1."""

ROUTER_COUNT = np.dtype(
    [(name, np.int64) for name in ("flits", "stall_vc", "stall_switch", "stall_credit", "stall_ejection")]
)
"""What one router did in one step; a stall is one waiting packet for one cycle."""

STEP = np.dtype([(name, np.int64) for name in ("end", "status", "injected", "delivered")])
"""Summary of one step: E, 0 or an error code, packets injected and delivered."""

STATUS_DONE = 0
STATUS_DEADLOCK = 1
STATUS_OVERRUN = 2
