"""Load curves of a 4x4 mesh against BookSim2's: latency below saturation at the realised load, and the saturation.

The two simulators draw their traffic from different generators: what is compared are means. The bars stand above the
noise (the seeds of the recording differ by up to 2 % at its smallest loads), and below what a wrong router makes.
"""

import csv
from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from timing_builders import router

from accelsim.validation.load import Setting, Windows, is_sustained, mean_latency

pytestmark = pytest.mark.validate

SEEDS = range(4)
STEP = 0.99 / 64
"""Resolution of the recorded bisection for the saturation, flits per node and cycle."""
MEDIAN, LARGEST = 0.01, 0.03


def setting(traffic, pipeline, channels_by_buffer, flits, **changes) -> Setting:
    channels, buffer = map(int, channels_by_buffer.split("x"))
    spec = router(
        virtual_channels=channels,
        buffer_flits=buffer,
        routing_delay=int(pipeline[1]),
        speculative=pipeline.endswith("spec"),
        **changes,
    )
    return Setting(4, spec, traffic, flits)


@cache
def saturations(folder):
    """Return (largest sustained load, smallest that is not) of every curve."""
    with (folder / "booksim" / "saturation_4x4.csv").open(newline="") as text:
        return {
            (row["traffic"], row["pipeline"], row["vcs_x_buf"], int(row["packet_size"])): (
                float(row["max_stable_offered"]),
                float(row["min_unstable_offered"]),
            )
            for row in csv.DictReader(text)
        }


@cache
def points(folder):
    """Return (curve, realised load, mean packet latency) of every load below 0.8 of saturation, mean over its seeds."""
    runs = defaultdict(list)
    with (folder / "booksim" / "curves_4x4.csv").open(newline="") as text:
        for row in csv.DictReader(text):
            if row["sim_type"] == "latency" and row["status"] == "stable":
                size = f"{row['num_vcs']}x{row['vc_buf_size']}"
                curve = (row["traffic"], row["pipeline"], size, int(row["packet_size"]))
                measured = float(row["inj_flit_rate"]), float(row["plat_avg"])
                runs[curve, row["offered_flits_node_cycle"]].append(measured)
    means = [(curve, *np.mean(values, axis=0)) for (curve, _), values in runs.items()]
    return [point for point in means if point[1] < 0.8 * saturations(folder)[point[0]][0]]


def error(curve, load, latency, **changes) -> float:
    ours = np.mean([mean_latency(setting(*curve, **changes), load, Windows(), seed) for seed in SEEDS])
    return float(ours / latency - 1)


def test_the_recording_covers_every_setting(shared_data):
    assert len(points(shared_data)) > 200
    assert {curve for curve, *_ in points(shared_data)} == set(saturations(shared_data))
    assert len(saturations(shared_data)) == 48


def test_latencies_below_saturation(shared_data):
    errors = {(curve, round(load, 4)): error(curve, load, latency) for curve, load, latency in points(shared_data)}
    sizes = np.abs(list(errors.values()))
    worst = {point: round(value, 4) for point, value in errors.items() if abs(value) > LARGEST}
    assert not worst
    assert np.median(sizes) <= MEDIAN
    assert abs(np.mean(list(errors.values()))) <= MEDIAN / 2  # no drift to one side


@pytest.mark.parametrize("traffic", ["uniform", "transpose", "hotspot10pct_node5", "all_to_node0"])
def test_saturation_is_within_one_step(traffic, shared_data):
    wrong = {}
    for curve, (sustained, failed) in saturations(shared_data).items():
        if curve[0] == traffic:
            ours = [
                is_sustained(setting(*curve), load, Windows(), 1)
                for load in (sustained - STEP, failed + STEP)
                if load > 0
            ]
            if ours != [True, False][-len(ours) :]:
                wrong[curve] = (sustained, failed, ours)
    assert not wrong


@pytest.mark.parametrize(
    "changes",
    [{"credit_delay": 2}, {"routing_delay": 0}, {"link_delay": 2}, {"switch_alloc_delay": 2}, {"buffer_flits": 3}],
)
def test_a_wrong_router_is_noticed(changes, shared_data):
    curve = ("uniform", "R1V1S1", "1x4", 5)
    found = [point for point in points(shared_data) if point[0] == curve]
    assert len(found) >= 4
    keep = {name: value for name, value in changes.items() if name not in ("routing_delay", "buffer_flits")}
    pipeline = f"R{changes.get('routing_delay', 1)}V1S1"
    wrong = (curve[0], pipeline, f"1x{changes.get('buffer_flits', 4)}", curve[3])
    errors = [abs(error(wrong, load, latency, **keep)) for _, load, latency in found]
    assert max(errors) > LARGEST, errors
