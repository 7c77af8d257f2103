"""How long every part of every core was busy, idle and asleep, and at which level it ran: from counts by step.

A core has five *sides*: ``synapse`` (busy while its row stage is), ``neuron`` (while its neuron engine scans),
``state`` (that, and its row stage in a step in which packets load biases), ``send`` (while axon-out reads entries) and
``whole`` (while the engines are; at most the sum of both). Of each side a step tells its busy cycles and the cycle in
which its last work ended, after which it is idle until the next step begins: one stretch, whose length is exact. What
sleeps by a rule of ``technology.power.sleep`` falls asleep ``after_cycles`` into it, once the pipelines have drained,
and is awake again ``wake_cycles`` before the next step. Both drain and barrier follow the last work of every core, so a
wake-up that is no longer than they are costs no time, and nobody needs to foresee it; longer ones are refused. Idle
cycles between two packets or groups never count as sleep: what sleeps then and wakes late is a matter of the timing
model.

With ``technology.power.dvfs`` a core runs at one level in each step. A core of a level with ``1/k`` of the chip's clock
takes ``k`` times as long for the same work, begun at the start of the step. It may do so if it is then done, drain
included, before the barrier (``slowest`` takes the lowest such level; a ``stated`` one that is not is an error). That
is a **bound** on what levels save: that packets of a slower core leave later, and that this delays no other core, is
assumed, not simulated.

For every part: busy + idle + asleep = cycles of the steps.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.costs.parts import CORE_KINDS
from accelsim.errors import ConfigError, CostError
from accelsim.hardware.cores import cores_of
from accelsim.hardware.power_spec import DvfsSpec, SleepRuleSpec
from accelsim.hardware.spec import ChipSpec
from accelsim.timing.engine import Chunk
from accelsim.timing.records import SCAN_COUNT, TERMINAL_COUNT

SIDES: Final = ("synapse", "neuron", "state", "send", "whole")
SIDE_OF: Final = {
    "axon_memory": "synapse", "synapse_memory": "synapse", "synapse_engine": "synapse", "input_queue": "synapse",
    "membrane_memory": "state", "neuron_engine": "neuron",
    "routing_memory": "send", "spike_fifo": "send", "injection_queue": "send",
    "accumulator_memory": "whole", "core_control": "whole",
}  # fmt: skip
"""Side of every kind of component."""

Counts = npt.NDArray[np.int64]


def require_known_power(chip: ChipSpec) -> None:
    """Raise ConfigError if a rule of sleep names what is no part of a core."""
    problems = [
        f"technology.power.sleep[{at}].components: expected some of {', '.join(CORE_KINDS)}; got {name}"
        for at, rule in enumerate(chip.technology.power.sleep)
        for name in rule.components
        if name not in CORE_KINDS
    ]
    if problems:
        raise ConfigError(problems)


def sleep_rules(chip: ChipSpec) -> dict[str, SleepRuleSpec]:
    """Return the rule of every kind of component that may sleep."""
    return {name: rule for rule in chip.technology.power.sleep for name in rule.components}


def level_names(chip: ChipSpec) -> list[str]:
    """Return what the actions of a core at each level end in: nothing at the chip's own, else ``at 0.6 V``."""
    dvfs = chip.technology.power.dvfs
    return [""] if dvfs is None else ["", *(f" at {level.voltage:.12g} V" for level in dvfs.levels[1:])]


@dataclass(frozen=True, eq=False)
class PowerUse:
    """Cycles by state of every core, filled chunk by chunk. Sides are numbered as in :data:`SIDES`.

    Attributes
    ----------
    after, drain : int
        Cycles of drain and barrier, and of drain alone.
    entry : (cores,) int64
        Cycles of axon-out per routing entry.
    busy : (samples, cores, levels, sides) int64
        Cycles of the chip's clock.
    asleep : dict of kind to (samples, cores, levels) int64
        Of every kind that a rule names.
    wakes : dict of kind to (samples, cores) int64
        Steps in which it slept.
    cycles : (samples, cores, levels) int64
        Cycles of the chip's clock that a core spent at each level.
    ticks : (samples, cores, levels) int64
        Cycles of the core's own clock in them.
    terminals : (samples, cores, levels) TERMINAL_COUNT, or None
        Counts by level; None where there is one.
    scans : (samples, parts, levels) SCAN_COUNT, or None
    """

    chip: ChipSpec
    after: int
    drain: int
    entry: Counts
    jobs: int
    columns: tuple[int, ...]
    busy: Counts
    asleep: dict[str, Counts]
    wakes: dict[str, Counts]
    cycles: Counts
    ticks: Counts
    terminals: npt.NDArray[Any] | None
    scans: npt.NDArray[Any] | None

    @classmethod
    def of(
        cls, chip: ChipSpec, samples: int, jobs: int, cores: int, columns: tuple[int, ...], after: int
    ) -> "PowerUse":
        """Return an empty record.

        Parameters
        ----------
        chip : ChipSpec
        samples, jobs, cores : int
            Samples, jobs of one, cores of the chip.
        columns : tuple of int
            Terminal of every column of the counts of scans.
        after : int
            Cycles of drain and barrier, which follow the last work of every step.

        Raises
        ------
        ConfigError
            If a rule names no part of a core, a wake-up takes longer than drain and barrier, or a level is stated for
            a core that the chip does not have.
        """
        require_known_power(chip)
        power = chip.technology.power
        problems = [
            f"technology.power.sleep[{at}].wake_cycles: expected at most the {after} cycles of drain and barrier, in "
            f"which waking costs no time, got {rule.wake_cycles}"
            for at, rule in enumerate(power.sleep)
            if rule.wake_cycles > after
        ]
        dvfs = power.dvfs
        stated = [] if dvfs is None else [core for item in dvfs.assigned for core in item.cores]
        if stated and max(stated) >= cores:
            problems.append(f"technology.power.dvfs.assigned: expected cores of 0 to {cores - 1}, got {max(stated)}")
        if problems:
            raise ConfigError(problems)
        levels = 1 if dvfs is None else len(dvfs.levels)

        def zeros(*last: int) -> Counts:
            return np.zeros((samples, cores, *last), np.int64)

        kinds = sleep_rules(chip)
        by_level, layout = levels > 1, cores_of(chip)
        return cls(
            chip, after, int(layout.each(lambda core: core.pipeline_drain).max()),
            layout.each(lambda core: core.timing.axon_out_cycles), jobs, columns,
            zeros(levels, len(SIDES)), {kind: zeros(levels) for kind in kinds},
            {kind: zeros() for kind in kinds}, zeros(levels), zeros(levels),
            np.zeros((samples, cores, levels), TERMINAL_COUNT) if by_level else None,
            np.zeros((samples, len(columns), levels), SCAN_COUNT) if by_level else None,
        )  # fmt: skip

    def add(self, chunk: Chunk, cycles: Counts) -> None:
        """Add a chunk of jobs that took ``cycles``, (jobs,), with drain and barrier.

        Raises
        ------
        CostError
            If a core at its stated level is not done before the barrier.
        """
        drain = self.drain
        count = chunk.terminals[:, : self.cycles.shape[1]]
        sample, step = np.divmod(np.arange(chunk.first, chunk.first + len(cycles)), self.jobs)
        sent = np.maximum(count["scan_end"], count["source_end"])
        whole = np.maximum(sent, count["row_end"])
        loads = count["loads"] > 0
        state = np.where(loads, np.maximum(count["scan_end"], count["row_end"]), count["scan_end"])
        last = np.stack([count["row_end"], count["scan_end"], state, count["source_end"], whole], axis=2)
        rows, scan = count["row_cycles"], count["scan_cycles"]
        entries = count["routing_reads"] * self.entry
        busy = np.stack([rows, scan, scan + rows * loads, entries, rows + scan], axis=2)
        level, slower, pause = self._levels(whole, cycles, sample, step)
        last = _stretched(last + drain * (last > 0), slower[:, :, None]) + pause[:, :, None] * (last > 0)
        last = np.minimum(last, cycles[:, None, None])
        busy = np.minimum(_stretched(busy, slower[:, :, None]), last)
        at = (sample[:, None], np.arange(count.shape[1])[None, :], level)
        np.add.at(self.busy, at, busy)
        np.add.at(self.cycles, at, np.broadcast_to(cycles[:, None], level.shape))
        np.add.at(self.ticks, at, np.floor(cycles[:, None] / slower + 1e-9).astype(np.int64))
        for kind, rule in sleep_rules(self.chip).items():
            idle = cycles[:, None] - last[:, :, SIDES.index(SIDE_OF[kind])]
            slept = np.maximum(idle - rule.after_cycles - rule.wake_cycles, 0)
            np.add.at(self.asleep[kind], at, slept)
            np.add.at(self.wakes[kind], at[:2], (slept > 0).astype(np.int64))
        self._by_level(chunk, sample, level)

    def _by_level(self, chunk: Chunk, sample: Counts, level: Counts) -> None:
        if self.terminals is None or self.scans is None:
            return
        cores = level.shape[1]
        at = (sample[:, None], np.arange(cores)[None, :], level)
        for field in TERMINAL_COUNT.names or ():
            np.add.at(self.terminals[field], at, chunk.terminals[field][:, :cores])
        held = np.array(self.columns)
        inside = np.flatnonzero(held < cores)  # scans of ports have no level
        at = (sample[:, None], inside[None, :], level[:, held[inside]])
        for field in SCAN_COUNT.names or ():
            np.add.at(self.scans[field], at, chunk.scans[field][:, inside])

    def _levels(
        self, last: Counts, cycles: Counts, sample: Counts, step: Counts
    ) -> tuple[Counts, npt.NDArray[np.float64], Counts]:
        """Return the level of every core in every job, how many times slower it is, and the cycles of its switch."""
        dvfs = self.chip.technology.power.dvfs
        level = np.zeros(last.shape, np.int64)
        if dvfs is None:
            return level, np.ones(last.shape), level
        slower = np.array([dvfs.levels[0].frequency / one.frequency for one in dvfs.levels])
        drained = last + self.drain * (last > 0)
        window = cycles - (self.after - self.drain)
        needed = np.stack([_stretched(drained, times) for times in slower], axis=2)
        needed += dvfs.switch_cycles * (np.arange(slower.size) > 0)
        fits = (needed <= window[:, None, None]) | (last == 0)[:, :, None]
        if dvfs.policy == "slowest":
            level = slower.size - 1 - fits[:, :, ::-1].argmax(axis=2)
        else:
            level = np.broadcast_to(_assigned(dvfs, last.shape[1]), last.shape)
            late = np.argwhere(~np.take_along_axis(fits, level[:, :, None], axis=2)[:, :, 0])
            if late.size:
                job, core = late[0]
                at = level[job, core]
                raise CostError(
                    f"technology.power.dvfs: core {core} at {dvfs.levels[at].voltage:g} V needs "
                    f"{needed[job, core, at]} cycles in sample {sample[job]}, step {step[job]}, which has "
                    f"{window[job]} before the barrier: the step would become longer"
                )
        return level, slower[level], np.where(level > 0, dvfs.switch_cycles, 0)

    def share(self, state: str, kind: str, cores: list[int]) -> float:
        """Return the share of the time of ``cores`` that components of a kind were ``busy`` or ``asleep``; else 0."""
        if not cores:
            return 0.0
        total = float(self.cycles[:, cores].sum())
        if state == "asleep":
            found = self.asleep[kind][:, cores].sum() if kind in self.asleep else 0
        else:
            found = self.busy[:, cores, :, SIDES.index(SIDE_OF[kind])].sum()
        return float(found) / total if total else 0.0


def _stretched(cycles: Counts, times: npt.NDArray[np.float64] | float) -> Counts:
    return np.asarray(np.ceil(cycles * times - 1e-9), dtype=np.int64)


def _assigned(dvfs: DvfsSpec, cores: int) -> Counts:
    found = np.zeros(cores, np.int64)
    for item in dvfs.assigned:
        found[list(item.cores)] = item.level
    return found
