"""Studies: seconds of 1,000 points, overhead per point beyond the timing engine, two processes against one, memory.

    python benchmarks/bench_study.py [--points 1000]     throughput
    python benchmarks/bench_study.py --search DIR        NSGA-II against random search; DIR keeps the simulated space

The space is benchmarks/study_space.yaml. The search draws from the table of its results, so that ten seeds cost no
more than one; a figure is written beside the results.
"""

import argparse
import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from common import print_table

from accelsim.hardware.yaml_reader import read_yaml
from accelsim.result.hypervolume import hypervolume
from accelsim.study import Study, sweep

SPACE = Path(__file__).parent / "study_space.yaml"
OBJECTIVES = ("energy_per_inference", "latency", "area")
REPEATS = 2
SEEDS = 10
SHARE = 0.25


def space(points: int) -> dict:
    """Return the study cut to its first points."""
    data, _ = read_yaml(SPACE)
    if points <= 1000:
        data["axes"]["core.neuron_lanes"] = [4]
    if points <= 200:
        data["axes"]["core.synapse_memory.width"] = [64]
        data["axes"]["core.weight_format"] = ["bitmask", "csr"]
    if points <= 50:
        data["axes"]["core.synapse_lanes"] = [8]
    return data


class Memory(threading.Thread):
    """Watches the memory of a process and all below it, shared pages counted once (Linux)."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peak, self._root, self._over = 0.0, root, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.5):
            self.peak = max(self.peak, sum(map(self._megabytes, self._below(self._root))))

    def stop(self) -> float:
        self._over.set()
        self.join()
        return self.peak

    def _below(self, process: int) -> list[int]:
        found = [process]
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{process}/task").iterdir():
                for child in (task / "children").read_text().split():
                    found += self._below(int(child))
        return found

    @staticmethod
    def _megabytes(process: int) -> float:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1024
        return 0.0


def measured(file: Path, folder: Path, processes: int) -> tuple[float, tuple]:
    """Run the command; return the seconds from its start to its end, and a row of the table."""
    command = ["accelsim", "sweep", str(file), "--out", str(folder), "--processes", str(processes), "--quiet"]
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command]) as process:
        memory = Memory(process.pid)
        memory.start()
        process.wait()
        wall = time.perf_counter() - began
    study = Study(folder)
    table = study.points()
    over = 1e3 * (table["seconds"] - table["engine_seconds"])
    return wall, (
        processes, len(table), study.counts().get("failed", 0), f"{wall:.1f}",
        f"{1e3 * table['engine_seconds'].median():.1f}", f"{over.median():.1f}", f"{memory.stop():.0f}",
    )  # fmt: skip


def throughput(points: int) -> None:
    """Time one process and two, by turns: the command from its start to its end, then calls in a session."""
    rows: list[tuple] = []
    walls: dict[int, list[float]] = {2: [], 1: []}
    calls: dict[int, list[float]] = {2: [], 1: []}
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "study.yaml"
        file.write_text(json.dumps(space(points)))
        sweep(space(200), Path(place) / "warm", processes=2)  # compile, make the trace, start the workers' server
        for run, processes in enumerate((2, 1) * REPEATS):
            wall, row = measured(file, Path(place) / str(run), processes)
            walls[processes].append(wall)
            rows.append(row)
        for run, processes in enumerate((2, 1) * REPEATS):
            began = time.perf_counter()
            sweep(file, Path(place) / f"call{run}", processes=processes)
            calls[processes].append(time.perf_counter() - began)
    head = ("processes", "points", "failed", "wall s", "engine ms", "overhead ms (median)", "MB in all")
    print_table("A study on the bundled network, 4 samples, from the command's start to its end", head, rows)
    print(f"two processes, one: {sum(walls[1]) / sum(walls[2]):.2f}x")
    told = [(count, *(f"{wall:.1f}" for wall in found)) for count, found in calls.items()]
    print_table("The same as calls in a session", ("processes", *(f"wall s, {at + 1}" for at in range(REPEATS))), told)
    print(f"two processes, one: {sum(calls[1]) / sum(calls[2]):.2f}x")


def search(folder: Path) -> None:
    """Compare hypervolumes of NSGA-II and random search on the simulated table."""
    import optuna  # noqa: PLC0415 - worker processes import this file

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = sweep(SPACE, folder)
    table = study.points()
    axes = study.axes
    values = table[list(OBJECTIVES)].to_numpy(dtype=float)
    known = ~np.isnan(values).any(axis=1)
    place = {tuple(str(row[name]) for name in axes): at for at, (_, row) in enumerate(table.iterrows())}
    corner, best = values[known].max(axis=0), values[known].min(axis=0)
    box = float(np.prod(corner - best))
    ways = ["min"] * len(OBJECTIVES)
    whole = hypervolume(values[known], ways, corner) / box
    budget = int(SHARE * len(table))
    marks = sorted({*range(25, budget, 25), budget})

    def run(sampler) -> list[float]:
        trials = optuna.create_study(directions=["minimize"] * len(OBJECTIVES), sampler=sampler)
        seen: dict[int, None] = {}
        course = []
        while len(seen) < budget:
            trial = trials.ask()
            chosen = [axes[name][trial.suggest_int(name, 0, len(axes[name]) - 1)] for name in axes]
            at = place[tuple(str(value) for value in chosen)]
            if not known[at]:
                trials.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                trials.tell(trial, values[at].tolist())
            if at not in seen:
                seen[at] = None
                if len(seen) in marks:
                    rows = [row for row in seen if known[row]]
                    course.append(hypervolume(values[rows], ways, corner) / box / whole)
        return course

    made = {
        "NSGA-II": [run(optuna.samplers.NSGAIISampler(seed=seed, population_size=40)) for seed in range(SEEDS)],
        "random": [run(optuna.samplers.RandomSampler(seed=seed)) for seed in range(SEEDS)],
    }
    rows = []
    for name, courses in made.items():
        last = [course[-1] for course in courses]
        rows.append((name, f"{statistics.median(last):.5f}", f"{min(last):.5f}", f"{max(last):.5f}"))
    title = f"Share of the whole front's hypervolume after {budget} of {len(table)} points, {SEEDS} seeds"
    print_table(title, ("sampler", "median", "lowest", "highest"), rows)
    draw(folder, marks, made, len(table))


def draw(folder: Path, marks: list[int], made: dict, count: int) -> None:
    from accelsim.report.figures.style import new_figure, styled, title  # noqa: PLC0415 - as above
    from accelsim.report.palette import PALETTE  # noqa: PLC0415

    with styled():
        figure = new_figure(6.4, 3.8)
        axes = figure.subplots()
        for at, (name, courses) in enumerate(made.items()):
            middle = np.median(courses, axis=0)
            axes.plot(marks, middle, color=PALETTE[at], label=name, linestyle=("-", "--")[at])
            axes.fill_between(marks, np.min(courses, axis=0), np.max(courses, axis=0), color=PALETTE[at], alpha=0.18,
                              linewidth=0)  # fmt: skip
        axes.set_xlabel("points simulated")
        axes.set_ylabel("share of the hypervolume")
        axes.legend(loc="lower right")
        axes.grid(visible=True)
        title(axes, f"Two searches of {count} chips: energy, latency, area", f"median and range of {SEEDS} seeds")
        for kind in ("svg", "png"):
            figure.savefig(folder / f"search.{kind}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--search", type=Path)
    chosen = parser.parse_args()
    if chosen.search is None:
        throughput(chosen.points)
    else:
        search(chosen.search)
