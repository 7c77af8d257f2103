"""Studies with views: data frames, fronts, the report, HTML in a notebook."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import accelsim
from accelsim.api.options import place, places, whole
from accelsim.report.format import quantity
from accelsim.report.html.fragment import table_fragment
from accelsim.report.html.study_page import StudyData, write_study_page
from accelsim.study.front import Front
from accelsim.study.front import pareto as front_of
from accelsim.study.runner import sweep as run_study
from accelsim.study.study import Study as StoredStudy


class Study(StoredStudy):
    """A study; see :class:`accelsim.study.study.Study` for what it holds.

    Examples
    --------
    >>> study = accelsim.sweep("study.yaml")                       # doctest: +SKIP
    >>> study.points().sort_values("energy_per_inference")         # doctest: +SKIP
    >>> study.pareto(["energy", "latency"]).table                  # doctest: +SKIP
    """

    def pareto(self, objectives: str | Sequence[str] = (), *, group: str | None = None) -> Front:
        """Return the front; parameters and errors as :func:`accelsim.study.front.pareto`."""
        if not isinstance(objectives, str):
            objectives = tuple(map(str, places(objectives, "objectives", "names of totals")))
        return front_of(self, objectives, group=None if group is None else str(group))

    def html(self, path: str | Path) -> Path:
        """Write the report of the study as one HTML file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        write_study_page(study_data(self), Path(path))
        return Path(path)

    def _repr_html_(self) -> str:
        points, shown = self.points(), [name for name, _ in self.objectives] or ["energy_per_inference", "latency"]
        known = [name for name in shown if name in points.columns]
        units = self.quantities
        best = points[points["status"] == "done"].sort_values(known[:1]).head(10) if known else points.head(10)
        rows = [
            [str(row["id"])[:10], *(str(row[axis]) for axis in self.axes),
             *(quantity(float(row[name]), units[name][0]) for name in known)]
            for _, row in best.iterrows()
        ]  # fmt: skip
        told = ", ".join(f"{number} {state}" for state, number in self.counts().items())
        finding = f"{told}; the best {len(rows)} by {known[0].replace('_', ' ')}" if known else told
        return table_fragment(f"Study {self.name}", finding, ["point", *self.axes, *known], rows)


def study_data(study: StoredStudy) -> StudyData:
    """Return what the report of a study needs."""
    return StudyData(
        study.name, study.description, accelsim.__version__, study.points(), list(study.axes), study.quantities,
        study.objectives,
    )  # fmt: skip


def sweep(
    study: str | Path | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    processes: int | None = None,
    scheduler: str | None = None,
    plugins: Sequence[str | Path] = (),
    retry_failed: bool = False,
) -> Study:
    """Run a study, or what is left of it.

    Parameters
    ----------
    study : str, Path or mapping
        A study file, or what one would say.
    out : str or Path, optional
        Folder of the results; ``results/NAME`` if not given.
    processes, scheduler, plugins, retry_failed
        As :func:`accelsim.study.runner.sweep`.

    Raises
    ------
    AccelsimError
        If the study is wrong; points that fail are rows with their error.
    """
    wanted = dict(study) if isinstance(study, Mapping) else place(study, "study", "a study file, or a mapping")
    done = run_study(
        wanted, None if out is None else place(out, "out"), processes=whole(processes, "processes"),
        scheduler=None if scheduler is None else str(place(scheduler, "scheduler", "an address")),
        plugins=tuple(map(str, places(plugins, "plugins", "files or modules"))), retry_failed=retry_failed,
    )  # fmt: skip
    folder = done.folder
    done.close()
    return Study(folder)


def open_study(path: str | Path) -> Study:
    """Open a study that was run earlier, by its folder.

    Raises
    ------
    AccelsimError
        If there is none.
    """
    found = StoredStudy.open(place(path, "open_study"))
    folder = found.folder
    found.close()
    return Study(folder)
