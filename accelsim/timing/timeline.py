"""A timeline of selected steps, by running them once more on the reference engine with a recorder.

The reference engine equals the compiled one in every cycle and count, so what is recorded is what was simulated; each
step's length is compared. Recorded are the engines of every terminal, the output ports of every router and the fills
of a terminal's queues. Memory banks have no track of their own: only the sum of a row's conflicts is known.
"""

from collections import Counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError, ConservationError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.result.timeline import ENGINES, KINDS, LEVEL, NUMBER, SLICE, Timeline, Track
from accelsim.timing.causes import CAUSES
from accelsim.timing.engine import empty_chunk
from accelsim.timing.machine import Machine
from accelsim.timing.reference.probe import Recorder, RecorderFullError
from accelsim.timing.reference.step import run_step
from accelsim.timing.simulate import TimingResult
from accelsim.timing.work import allocate_work
from accelsim.timing.work_kernels import build_work

MAX_EVENTS: Final = 500_000
"""Most slices and levels of a timeline: some 60 MB as text, what viewers still open."""

_OF_PACKETS: Final = [NUMBER[name] for name in ("routing_reads", "packets_out", "packets_in", "links")] + [
    NUMBER[name] for name in ("row_cycles", "row_lookup", "row_fetch", "row_ideal", "row_conflict")
]
"""Kinds whose detail is an axon."""


def record(
    machine: Machine,
    chip: ChipSpec,
    mapping: Mapping,
    timing: TimingResult,
    *,
    workload: str,
    sample: int = 0,
    steps: range | None = None,
    limit: int = MAX_EVENTS,
) -> Timeline:
    """Record steps of one sample.

    Parameters
    ----------
    machine, chip, mapping, timing
        What was simulated, and what came out.
    workload : str
        Its name.
    sample : int
    steps : range, optional
        As many from the first as ``limit`` allows, if not given.
    limit : int
        Most slices and levels.

    Raises
    ------
    ConfigError
        If there is no such sample or step, or more happens in ``steps`` than ``limit``.
    ConservationError
        If a step takes another time than it took before.
    """
    if machine.tokens is not None:
        raise ConfigError("timeline: expected synchronization: barrier, got dependency: its steps are not apart")
    wanted = _selected(machine, sample, steps)
    chunk = empty_chunk(machine, 0, len(wanted))
    scratch = allocate_work(machine.work)
    found: list[Recorder] = []
    left = limit
    for at, step in enumerate(wanted):
        recorder = Recorder(left)
        build_work(machine.work, sample, step, scratch, chunk.scans[at])
        row = (chunk.terminals[at], chunk.routers[at], chunk.links[at], chunk.steps[at : at + 1])
        try:
            run_step(machine.noc, machine.axons, scratch.work, *row, probe=recorder)
        except RecorderFullError:
            if steps is None and found:
                break
            raise ConfigError(_too_much(wanted, step, limit, found)) from None
        _check(timing, sample, step, int(chunk.steps["end"][at]))
        found.append(recorder)
        left -= len(recorder)
    return _timeline(machine, chip, mapping, timing, workload, sample, wanted[: len(found)], found)


def _selected(machine: Machine, sample: int, steps: range | None) -> range:
    if not 0 <= sample < machine.samples:
        raise ConfigError(f"timeline: expected a sample from 0 to {machine.samples - 1}, got {sample}")
    every = range(machine.work.steps)
    if steps is None:
        return every
    if not steps or steps.step != 1 or steps[0] not in every or steps[-1] not in every:
        raise ConfigError(
            f"timeline: expected FIRST:END with 0 <= FIRST < END <= {machine.work.steps}, the steps of a sample, got "
            f"{steps.start}:{steps.stop}"
        )
    return steps


def _too_much(wanted: range, step: int, limit: int, found: list[Recorder]) -> str:
    some = f"steps {wanted[0]} to {step}" if found else f"step {step}"
    advice = f"ask for {wanted[0]}:{step} at most" if found else "a smaller chip or workload would do"
    return f"timeline: more happens in {some} than the {limit:,} slices and levels that a timeline holds; {advice}"


def _check(timing: TimingResult, sample: int, step: int, end: int) -> None:
    after = [CAUSES.index(name) for name in ("drain", "barrier", "tick")]
    took, expected = end + timing.causes[sample, step, after].sum(), timing.step_cycles[sample, step]
    if took != expected:
        raise ConservationError(
            f"sample {sample}, step {step}: {expected} cycles on the engine of the run, {took} on the reference engine"
        )


class _Tracks:
    """Numbers of tracks, in the order of a chip: steps, cores and ports, routers."""

    def __init__(self, machine: Machine, chip: ChipSpec, mapping: Mapping) -> None:
        fabric, ports = mapping.fabric, machine.noc.ports
        self.names = [Track("steps", "steps")]
        engines = [name for name in ENGINES if name != "steps"]
        terminals = [_terminal(terminal, chip, mapping) for terminal in range(fabric.terminals)]
        self.names += [Track(name, engine) for name in terminals for engine in engines]
        first_port = len(self.names)
        for router in range(fabric.routers):
            for port in range(ports):
                behind = int(fabric.link_router[router, port])
                terminal = int(fabric.local_terminal[router, port])
                to = f"to {_router(behind, mapping)}" if behind >= 0 else f"to {_short(terminal, chip, mapping)}"
                self.names.append(Track(_router(router, mapping), to))
        engine = [engines.index(kind.engine) if kind.engine in engines else -1 for kind in KINDS]
        self._engine, self._engines, self._first_port = np.array(engine), len(engines), first_port

    def of(self, kind: npt.NDArray[np.int64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the track of a kind of slice at a terminal or router port."""
        at_terminal = self.of_terminal(index) + self._engine[kind]
        return np.where(kind == NUMBER["links"], self._first_port + index, at_terminal)

    def of_terminal(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first track of a terminal."""
        return 1 + index * self._engines


def _place(router: int, mapping: Mapping) -> str:
    return "({:g}, {:g})".format(*mapping.fabric.topology.position(router))


def _router(router: int, mapping: Mapping) -> str:
    return f"router {router} {_place(router, mapping)}"


def _short(terminal: int, chip: ChipSpec, mapping: Mapping) -> str:
    return f"core {terminal}" if terminal < mapping.cores else f"port {chip.ports[terminal - mapping.cores].name}"


def _terminal(terminal: int, chip: ChipSpec, mapping: Mapping) -> str:
    held = dict.fromkeys(part.population for part in mapping.parts if part.terminal == terminal)
    place = _place(int(mapping.fabric.terminal_router[terminal]), mapping)
    return f"{_short(terminal, chip, mapping)} {place}" + (f": {', '.join(held)}" if held else "")


def _timeline(
    machine: Machine,
    chip: ChipSpec,
    mapping: Mapping,
    timing: TimingResult,
    workload: str,
    sample: int,
    steps: range,
    found: list[Recorder],
) -> Timeline:
    tracks = _Tracks(machine, chip, mapping)
    source = mapping.axons.source()
    first = np.array(list(mapping.offsets.values()))
    slices, levels, start = [], [], 0
    for step, recorder in zip(steps, found, strict=True):
        heard = recorder.slices
        out = np.zeros(len(heard), SLICE)
        out["track"] = tracks.of(heard["kind"], heard["index"])
        out["kind"], out["begin"], out["cycles"] = heard["kind"], heard["begin"] + start, heard["cycles"]
        packet = np.isin(heard["kind"], _OF_PACKETS)
        neuron = source[np.where(packet, heard["detail"], 0)] if len(source) else np.zeros(len(heard), np.int64)
        population = np.searchsorted(first, neuron, side="right") - 1
        out["population"] = np.where(packet, population, -1)
        out["detail"] = np.where(packet, neuron - first[population], heard["detail"])
        level = np.zeros(len(recorder.levels), LEVEL)
        level["track"], level["queue"] = tracks.of_terminal(recorder.levels["index"]), recorder.levels["queue"]
        level["cycle"], level["entries"] = recorder.levels["cycle"] + start, recorder.levels["entries"]
        took = int(timing.step_cycles[sample, step])
        slices += [_step(timing.causes[sample, step], step, start, took), out]
        levels.append(level)
        start += took
    every = np.concatenate(slices)
    order = np.lexsort((every["kind"], -every["cycles"], every["begin"], every["track"]))
    fills = np.concatenate(levels)
    return Timeline(
        chip.name, workload, chip.clock, sample, steps, tuple(tracks.names), tuple(mapping.offsets),
        every[order], fills[np.argsort(fills["cycle"], kind="stable")],
    )  # fmt: skip


def _step(causes: npt.NDArray[np.int64], step: int, start: int, took: int) -> npt.NDArray[Any]:
    spans, end = [("step_cycles", start, took)], start + took
    for name in ("tick", "barrier", "drain"):
        cycles = int(causes[CAUSES.index(name)])
        end -= cycles
        spans.append((name, end, cycles))
    rows = [(0, NUMBER[name], begin, cycles, -1, step) for name, begin, cycles in spans if cycles]
    return np.array(rows, SLICE)


def sums(timeline: Timeline) -> Counter[str]:
    """Return what the slices of a timeline add up to, by counter."""
    total: Counter[str] = Counter()
    for number, kind in enumerate(KINDS):
        own = timeline.slices["cycles"][timeline.slices["kind"] == number]
        total[kind.counter] = int(own.sum()) if kind.measure == "cycles" else len(own)
    return total
