"""Runs and comparisons with Python's types for options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelsim.api.options import assignments, place, places, whole
from accelsim.api.result import Result, frame
from accelsim.errors import ConfigError
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.network.events import A_FEW
from accelsim.pipeline.comparison import compare as compare_chips
from accelsim.pipeline.flow import run as run_once
from accelsim.pipeline.timeline import TimelineRequest, parse_steps
from accelsim.report.format import quantity
from accelsim.report.html.fragment import table_fragment
from accelsim.report.machines import finding
from accelsim.result.comparison import Comparison


def run(
    hw: str | Path | LoadedChip | LoadedArray = "core",
    workload: str | Path = "mnist_conv",
    *,
    samples: int | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the name of the option on the command line
    workload_set: Mapping[str, Any] | None = None,
    engine: str = "compiled",
    threads: int | None = None,
    seed: int | None = None,
    cache: bool = True,
    ann: str | Path | None = None,
    timeline: str | Path | None = None,
    timeline_steps: str | None = None,
    timeline_sample: int = 0,
) -> Result:
    """Simulate a workload on a chip and price it beside the same network as an ANN.

    Parameters
    ----------
    hw, workload : str or Path
        Names of bundled ones, or a hardware file and a workload folder; of a chip, also what ``load_chip`` gave.
    samples : int, optional
        16, or all of a shorter input, if not given.
    set, workload_set : mapping of dotted path to value, optional
        Changes of the chip, such as ``{"core.synapse_memory.banks": 8}``, and of ``workload.yaml``.
    engine, threads, seed, cache, ann
        As :func:`accelsim.pipeline.flow.run`.
    timeline : str or Path, optional
        Where to write a timeline, with ``timeline_steps`` (``"3:5"``) of sample ``timeline_sample``.

    Raises
    ------
    AccelsimError
        On anything wrong with the chip, the workload or their combination.

    Examples
    --------
    >>> accelsim.run(hw="core", samples=4, set={"core.scan": "all"})  # doctest: +SKIP
    """
    request = None
    if timeline is not None:
        steps = None if timeline_steps is None else parse_steps(str(timeline_steps))
        request = TimelineRequest(Path(place(timeline, "timeline")), whole(timeline_sample, "timeline_sample", 0) or 0,
                                  steps)  # fmt: skip
    changes = assignments(set, "set")
    loaded = isinstance(hw, LoadedChip | LoadedArray)
    if loaded and changes:
        raise ConfigError("set: expected no changes of a chip that is loaded already: give them to load_chip")
    return Result.of(
        run_once(
            hw if loaded else place(hw, "hw"), place(workload, "workload"), samples=whole(samples, "samples") or A_FEW,
            overrides=changes, workload_overrides=assignments(workload_set, "workload_set"),
            engine=str(place(engine, "engine", "a name")), threads=whole(threads, "threads"),
            seed=whole(seed, "seed", 0), cache=cache, ann=None if ann is None else place(ann, "ann"), timeline=request,
        )
    )  # fmt: skip


class Machines(Comparison):
    """Several machines side by side; see :class:`accelsim.result.comparison.Comparison`."""

    def table(self) -> Any:
        """Return one row per machine as a data frame."""
        return frame(self.machines)

    def _repr_html_(self) -> str:
        rows = [
            (row["machine"], row["description"], quantity(row["energy_pj"], "pJ"), quantity(row["latency_ns"], "ns"),
             quantity(row["energy_delay"], "pJ*ns"))
            for row in self.machines.rows()
        ]  # fmt: skip
        heads = ("machine", "runs", "energy", "latency", "energy-delay product")
        return table_fragment(f"{self.workload}, {self.samples} samples", finding(self), heads, rows)


def compare(
    chips: Sequence[str | Path],
    workload: str | Path = "mnist_conv",
    *,
    samples: int | None = None,
    ann: str | Path | None = None,
    cache: bool = True,
) -> Machines:
    """Run a workload on every chip, and as an ANN on the arrays beside them.

    Raises
    ------
    AccelsimError
        On anything wrong with a chip, the workload or their combination.
    """
    found = compare_chips(
        places(chips, "chips"), place(workload, "workload"), samples=whole(samples, "samples") or A_FEW,
        ann=None if ann is None else place(ann, "ann"), cache=cache,
    )  # fmt: skip
    return Machines(found.workload, found.samples, found.machines, found.meta)
