"""Elastic chips: both engines equal in every count and cycle on generated steps, and true to the pages of the model."""

import pytest
from elastic_cases import random_case, run

from accelsim.timing.records import STATUS_DONE

STEPS, CHUNK = 240, 40
BARS = {
    "fifo_full": 6, "injection_full": 20, "stall_switch": 16, "stall_credit": 14, "stall_ejection": 4,
    "feedback": 20, "woken twice": 1, "two relays": 2, "dropped": 10,
}  # fmt: skip
"""Least number of cases, of 40, in which it happens."""


def features(case, step) -> set[str]:
    found = {name for name in ("fifo_full", "injection_full", "stall_switch", "stall_credit", "stall_ejection")
             if step.total(name)}  # fmt: skip
    return found


@pytest.mark.parametrize("first", range(0, STEPS, CHUNK))
def test_engines_agree_on_generated_steps(first):
    for seed in range(first, first + CHUNK):
        case = random_case(seed)
        found, expected = run("compiled", case), run("reference", case)
        assert found.summary["status"][0] == expected.summary["status"][0], seed
        if expected.summary["status"][0] != STATUS_DONE:
            print("deadlock", seed)
            continue
        for name in ("terminals", "routers", "links", "summary"):
            a, b = getattr(found, name), getattr(expected, name)
            assert a.tobytes() == b.tobytes(), (seed, name, [(n, a[n], b[n]) for n in (a.dtype.names or ()) if (a[n] != b[n]).any()])
