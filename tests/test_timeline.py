"""Timelines: slices nest, and add up to the counters of the compiled engine; queues never exceed their depth."""

import json
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from pipeline_builders import run_flow
from timing_builders import empty_step
from timing_cases import random_step
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import ConfigError, ConservationError, OutputError
from accelsim.pipeline import flow
from accelsim.pipeline.timeline import TimelineRequest, parse_steps
from accelsim.report.timeline import events, write_timeline
from accelsim.result.timeline import ENGINES, KINDS, NUMBER, QUEUES
from accelsim.timing.causes import CAUSES
from accelsim.timing.records import TERMINAL_COUNT
from accelsim.timing.reference.probe import INPUT_QUEUE, Recorder
from accelsim.timing.reference.step import run_step
from accelsim.timing.timeline import record, sums

STEPS = range(3, 5)
PARTS = [NUMBER[name] for name in ("row_lookup", "row_fetch", "row_ideal", "row_conflict")]
COUNTERS = [kind.counter for kind in KINDS if kind.counter in TERMINAL_COUNT.names]


def overlaps(begin, cycles) -> list[int]:
    """Return the slices of one track that end after the one that they lie in; longer ones first where equal."""
    wrong, around = [], []
    for at in np.lexsort((-cycles, begin)):
        while around and around[-1] <= begin[at]:
            around.pop()
        if around and begin[at] + cycles[at] > around[-1]:
            wrong.append(int(at))
        around.append(begin[at] + cycles[at])
    return wrong


def test_the_check_of_nesting_notices():
    assert overlaps(np.array([0, 1, 2, 5]), np.array([4, 2, 1, 1])) == []
    assert overlaps(np.array([0, 2]), np.array([3, 2])) == [1]


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("seed", range(24))
def test_generated_steps(seed, fixed):
    noc, axons, work = random_step(seed, fixed=fixed)
    out, recorder = empty_step(noc), Recorder(10**6)
    run_step(noc, axons, work, *out, probe=recorder)
    heard = recorder.slices
    for number, kind in enumerate(KINDS):
        own = heard[heard["kind"] == number]
        weight = own["cycles"] if kind.measure == "cycles" else np.ones(len(own))
        if kind.counter == "links":
            assert np.array_equal(np.bincount(own["index"], weight, out.links.size), out.links.ravel())
        elif kind.counter in TERMINAL_COUNT.names:
            found = np.bincount(own["index"], weight, len(noc.terminals))
            assert np.array_equal(found, out.terminals[kind.counter]), kind.counter
    heard = heard[~np.isin(heard["kind"], PARTS)]  # parts of generated rows do not add up to their cycles
    engine = np.array([ENGINES.index(kind.engine) if kind.engine else -1 for kind in KINDS])[heard["kind"]]
    for own in {*zip(engine.tolist(), heard["index"].tolist(), strict=True)}:
        mine = heard[(engine == own[0]) & (heard["index"] == own[1])]
        assert overlaps(mine["begin"], mine["cycles"]) == []
        if own[0] >= 0:
            assert (mine["begin"] + mine["cycles"]).max() <= out.end
    level = recorder.levels
    depth = [noc.terminals["spike_fifo"], noc.terminals["injection_queue"]]
    for queue in range(len(QUEUES)):
        mine = level[level["queue"] == queue]
        peak = np.zeros(len(noc.terminals), np.int64)
        np.maximum.at(peak, mine["index"], mine["entries"])
        assert (mine["entries"] >= 0).all()
        if queue == INPUT_QUEUE:
            assert np.array_equal(peak, out.terminals["queue_peak"])
        else:
            assert (peak <= depth[queue]).all()
        for terminal in range(len(noc.terminals)):
            assert (mine["entries"][mine["index"] == terminal][-1:] == 0).all()  # all leave in the end


@pytest.fixture(scope="module")
def default_run(tmp_path_factory):
    """Return steps 3 and 4 of sample 1 of the default run: (file, timeline, the compiled engine's counts)."""
    made, chunks, simulate = [], [], flow.simulate
    path = tmp_path_factory.mktemp("timeline") / "sub" / "out.json"

    def keep(*args, **named):
        made.append((args, named, record(*args, **named)))
        return made[-1][2]

    def watched(machine, chip, mapping, engine, threads, progress, observe, spread):
        def both(chunk, cycles):
            chunks.append(chunk)
            observe(chunk, cycles)

        return simulate(machine, chip, mapping, engine, threads, progress, both, spread)

    with (
        mock.patch.object(flow, "record", keep),
        mock.patch.object(flow, "simulate", watched),
    ):
        run_flow("mnist_conv", samples=2, timeline=TimelineRequest(path, 1, STEPS))
    return path, made[0], chunks


def test_the_default_run_adds_up(default_run):
    _, ((machine, _, mapping, timing), _, timeline), chunks = default_run
    jobs = [machine.work.steps + step for step in STEPS]
    total = sums(timeline)
    rows = [(chunk, job - chunk.first) for job in jobs for chunk in chunks if 0 <= job - chunk.first < len(chunk.steps)]
    assert len(rows) == len(STEPS)
    for counter in COUNTERS:
        assert total[counter] == sum(int(chunk.terminals[at][counter].sum()) for chunk, at in rows), counter
    assert total["links"] == sum(int(chunk.links[at].sum()) for chunk, at in rows)
    assert total["step_cycles"] == timing.step_cycles[1, STEPS].sum()
    for cause in ("drain", "barrier"):
        assert total[cause] == timing.causes[1, STEPS, CAUSES.index(cause)].sum() > 0
    quiet = {"row_lookup", "row_fetch", "tick"}  # look-ups are hidden behind rows, weights come in time, no tick
    assert {counter for counter, found in total.items() if not found} <= quiet
    links = timeline.slices[timeline.slices["kind"] == NUMBER["links"]]
    names = {timeline.tracks[track].process for track in links["track"]}
    places = {"({:g}, {:g})".format(*mapping.fabric.topology.position(at)) for at in range(mapping.fabric.routers)}
    assert {name.split(" ", 2)[2] for name in names} <= places


def test_slices_of_the_default_run_nest(default_run):
    timeline = default_run[1][2]
    for track in np.unique(timeline.slices["track"]):
        own = timeline.slices[timeline.slices["track"] == track]
        assert overlaps(own["begin"], own["cycles"]) == []
    ends = timeline.slices["begin"] + timeline.slices["cycles"]
    whole = timeline.slices["kind"] == NUMBER["step_cycles"]
    assert ends.max() == ends[whole].max()


def test_the_file_is_trace_events(default_run):
    path, (_, _, timeline), _ = default_run
    data = json.loads(path.read_text())
    assert data["otherData"]["steps"] == [3, 5]
    assert data["otherData"]["sample"] == 1
    every = data["traceEvents"]
    by_kind = {phase: [event for event in every if event["ph"] == phase] for phase in "MXC"}
    assert len(every) == sum(map(len, by_kind.values()))
    assert len(by_kind["X"]) == len(timeline.slices)
    assert len(by_kind["C"]) == len(timeline.levels)
    assert sum(event["dur"] for event in by_kind["X"] if event["cat"] == "row_cycles") == sums(timeline)["row_cycles"]
    named = {(event["pid"], event["tid"]) for event in by_kind["M"] if event["name"] == "thread_name"}
    assert {(event["pid"], event["tid"]) for event in by_kind["X"]} <= named
    assert all(isinstance(event["ts"], int) and isinstance(event["dur"], int) for event in by_kind["X"])
    for before, after in zip(by_kind["X"], by_kind["X"][1:], strict=False):  # viewers nest in the order of the file
        if (before["pid"], before["tid"], before["ts"]) == (after["pid"], after["tid"], after["ts"]):
            assert before["dur"] >= after["dur"]
    spikes = [event for event in by_kind["X"] if event["cat"] == "packets_out"]
    assert {event["args"]["from"] for event in spikes} <= set(timeline.populations)
    text = next(event["args"]["name"] for event in by_kind["M"] if "lif1" in event["args"].get("name", ""))
    assert text.startswith("core ")


def test_limits_and_refusals(default_run, tmp_path):
    (machine, chip, mapping, timing), named, timeline = default_run[1]
    named = {"workload": named["workload"]}
    whole = record(machine, chip, mapping, timing, **named)
    assert whole.steps == range(machine.work.steps)
    one = len(record(machine, chip, mapping, timing, **named, steps=range(1)).slices)
    some = record(machine, chip, mapping, timing, **named, limit=len(whole.slices) // 2)
    assert 0 < some.steps.stop < machine.work.steps
    assert len(some.slices) + len(some.levels) <= len(whole.slices) // 2
    with pytest.raises(ConfigError, match=r"more happens in steps 3 to 4 than .* ask for 3:4 at most"):
        record(machine, chip, mapping, timing, **named, steps=STEPS, limit=len(timeline.slices))
    with pytest.raises(ConfigError, match=r"more happens in step 0"):
        record(machine, chip, mapping, timing, **named, limit=max(1, one // 2))
    with pytest.raises(ConfigError, match=r"a sample from 0 to 1, got 2"):
        record(machine, chip, mapping, timing, **named, sample=2)
    for steps in (range(3, 3), range(5, 2), range(11, 13)):
        with pytest.raises(ConfigError, match=r"0 <= FIRST < END <= 12"):
            record(machine, chip, mapping, timing, **named, steps=steps)
    other = replace(timing, step_cycles=timing.step_cycles + 1)
    with pytest.raises(ConservationError, match=r"sample 0, step 0: \d+ cycles on the engine of the run, \d+ on"):
        record(machine, chip, mapping, other, **named)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write a timeline"):
        write_timeline(timeline, tmp_path / "file" / "out.json")
    assert next(iter(events(timeline)))["args"] == {"name": "steps"}


@pytest.mark.parametrize(("text", "steps"), [("3:5", range(3, 5)), ("7", range(7, 8)), (" 0:1 ", range(1))])
def test_steps(text, steps):
    assert parse_steps(text) == steps


@pytest.mark.parametrize("text", ["", "a", "3-5", "3:", ":5", "1:2:3", "-1:2", "9" * 30])
def test_steps_that_are_none(text):
    with pytest.raises(ConfigError, match="expected FIRST:END"):
        parse_steps(text)


def test_steps_without_a_file():
    found = CliRunner().invoke(build(), ["run", "--timeline-steps", "3:5"])
    assert found.exit_code == 2
    assert "--timeline FILE" in found.output
