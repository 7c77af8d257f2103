"""One packet in an empty network: all of BookSim2's zero-load latencies, stages of several cycles included."""

import csv
import re

import pytest
from timing_builders import ENGINES, line, packet_network, router, run_packets

ROWS = 720
LONGEST = {"compiled": 14, "reference": 4}
"""Hops up to which an engine is tried; the reference is slow."""


@pytest.fixture(scope="module")
def rows(shared_data):
    with (shared_data / "booksim" / "zeroload.csv").open(newline="") as text:
        found = list(csv.DictReader(text))
    assert len(found) == ROWS
    return found


def stages(row) -> dict[str, int | bool]:
    """Return the delays of a row: its pipeline is named R V S by cycles of routing, VC and switch allocation."""
    routing, vc, switch, speculative = re.fullmatch(r"R(\d)V(\d)S(\d)(spec)?", row["pipeline"]).groups()
    return {
        "routing_delay": int(routing),
        "vc_alloc_delay": int(vc),
        "switch_alloc_delay": int(switch),
        "speculative": speculative is not None,
        "switch_delay": int(row["st_final"]),
        "credit_delay": int(row["credit_delay"]),
        "buffer_flits": int(row["vc_buf"]),
    }


def latencies(engine, row, **changes) -> tuple[int, int]:
    """Return the latencies of head and tail of a packet made in cycle 5."""
    hops = int(row["link_hops"])
    network = packet_network(line(hops + 1), router(**{**stages(row), **changes}))
    times = run_packets(engine, network, [(5, 0, hops, int(row["size"]))])
    return int(times.head_arrived[0]) - 5, int(times.tail_arrived[0]) - 5


def recorded(row) -> tuple[int, int]:
    return int(row["head_lat"]), int(row["plat"])


@pytest.mark.parametrize("engine", ENGINES)
def test_every_row(engine, rows):
    tried = [row for row in rows if int(row["link_hops"]) <= LONGEST[engine]]
    assert len(tried) == ROWS * (LONGEST[engine] + 1) // 15
    wrong = [row for row in tried if latencies(engine, row) != recorded(row)]
    assert not wrong, wrong[:3]


def test_heads_follow_the_law(rows):
    """Per router the stages one after the other, speculation merging two of them, and a link; two cycles around."""
    for row in rows:
        has = stages(row)
        allocation = (has["vc_alloc_delay"], has["switch_alloc_delay"])
        per_router = (
            has["routing_delay"]
            + (max(allocation) if has["speculative"] else sum(allocation))
            + has["switch_delay"]
            + 1
        )
        law = (int(row["link_hops"]) + 1) * per_router + 2
        assert law == int(row["head_lat"]) == latencies("compiled", row)[0], row


def test_full_rate_needs_a_buffer_per_cycle_of_the_credit_loop(rows):
    """Unit stages: R + V + S + switch + link and back, 5 + credit_delay cycles; 16 flits lose 6 cycles with 4 slots."""
    plain = [row for row in rows if stages(row) == {**stages(rows[0]), "buffer_flits": int(row["vc_buf"])}]
    long = [row for row in plain if row["size"] == "16"]
    assert len(long) == 30
    for row in long:
        head, tail = latencies("compiled", row)
        assert tail - head == 15 + (6 if row["vc_buf"] == "4" else 0), row


@pytest.mark.parametrize(
    "changes",
    [{"switch_delay": 3}, {"credit_delay": 3}, {"routing_delay": 3}, {"vc_alloc_delay": 3}, {"switch_alloc_delay": 3}],
)
def test_a_wrong_delay_is_noticed(changes, rows):
    plain = [row for row in rows if not row["pipeline"].endswith("spec") and row["link_hops"] in ("0", "3", "14")]
    noticed = [latencies("compiled", row, **changes) != recorded(row) for row in plain]
    assert len(noticed) > 50
    if "credit_delay" in changes:  # seen only by packets longer than the buffers of the credit loop
        assert 0 < sum(noticed) < len(noticed)
    else:
        assert all(noticed)
