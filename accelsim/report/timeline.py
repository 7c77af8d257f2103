"""A timeline in Chrome's trace-event form, which ui.perfetto.dev, speedscope and chrome://tracing open.

One microsecond of the viewer is one cycle, so that all times stay whole numbers. Source of the form: "Trace Event
Format", Chromium project: complete events (X), counters (C) and metadata (M).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from accelsim.errors import OutputError
from accelsim.report.format import clean
from accelsim.result.timeline import KINDS, QUEUES, Timeline


def write_timeline(timeline: Timeline, path: Path) -> None:
    """Write a timeline as JSON.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="ascii") as stream:
            stream.write(f'{{"displayTimeUnit": "ns", "otherData": {json.dumps(_about(timeline))}, "traceEvents": [\n')
            for at, event in enumerate(events(timeline)):
                stream.write((",\n" if at else "") + json.dumps(event, separators=(",", ":")))
            stream.write("\n]}\n")
    except OSError as error:
        raise OutputError(f"cannot write a timeline to {path}: {error.strerror or error}") from error


def _about(timeline: Timeline) -> dict[str, Any]:
    return {
        "time": "1 us is 1 cycle",
        "clock_GHz": timeline.clock,
        "chip": clean(timeline.chip),
        "workload": clean(timeline.workload),
        "sample": timeline.sample,
        "steps": [timeline.steps.start, timeline.steps.stop],
    }


def events(timeline: Timeline) -> Iterator[dict[str, Any]]:
    """Yield the events: names of groups and lines that hold something, then slices, then fills of queues."""
    used = np.union1d(timeline.slices["track"], timeline.levels["track"]).tolist()
    groups = {name: number for number, name in enumerate(dict.fromkeys(track.process for track in timeline.tracks), 1)}
    process = [groups[track.process] for track in timeline.tracks]
    for number in dict.fromkeys(process[track] for track in used):
        name = next(key for key, value in groups.items() if value == number)
        yield _name("process_name", number, 0, {"name": clean(name)})
        yield _name("process_sort_index", number, 0, {"sort_index": number})
    for track in used:
        yield _name("thread_name", process[track], track + 1, {"name": clean(timeline.tracks[track].name)})
        yield _name("thread_sort_index", process[track], track + 1, {"sort_index": track})
    populations = [clean(name) for name in timeline.populations]
    for track, kind, begin, cycles, population, detail in timeline.slices.tolist():
        event = {"ph": "X", "pid": process[track], "tid": track + 1, "ts": begin, "dur": cycles}
        event["name"], event["cat"] = KINDS[kind].name, KINDS[kind].counter
        if population >= 0:
            event["args"] = {"from": populations[population], "neuron": detail}
        elif detail >= 0:
            event["args"] = {"step" if track == 0 else "fired": detail}
        yield event
    for track, queue, cycle, entries in timeline.levels.tolist():
        yield {"ph": "C", "pid": process[track], "ts": cycle, "name": QUEUES[queue], "args": {"entries": entries}}


def _name(kind: str, process: int, track: int, value: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": process, "tid": track, "args": value}
