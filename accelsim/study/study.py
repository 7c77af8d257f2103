"""A study on disk, as Python reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import apply_overrides, with_values
from accelsim.network.workload_schema import may_hold_in
from accelsim.study.database import FILE, Database

if TYPE_CHECKING:
    import pandas as pd


class Study:
    """A study: its points, axes, and the configuration of each point.

    Parameters
    ----------
    folder : Path
        The folder with ``study.sqlite``.

    Examples
    --------
    >>> study = Study.open("results/banks")                        # doctest: +SKIP
    >>> study.points().sort_values("energy_per_inference")         # doctest: +SKIP
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._database = Database(folder / FILE)

    @classmethod
    def open(cls, path: str | Path) -> "Study":
        """Open a study by its folder, or by the file in it.

        Raises
        ------
        StudyFileError
            If there is none.
        """
        folder = Path(path)
        return cls(folder.parent if folder.name == FILE else folder)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def name(self) -> str:
        """Name of the study."""
        return str(self._database.fact("name"))

    @property
    def description(self) -> str:
        """What the study file says of itself."""
        return str(self._database.fact("description"))

    @property
    def axes(self) -> dict[str, list[Any]]:
        """Values or labels by axis, in the order of the file; empty for a continuous axis."""
        found: dict[str, list[Any]] = self._database.fact("axes")
        return found

    @property
    def objectives(self) -> list[tuple[str, str]]:
        """Objectives that the file names: total, and ``min`` or ``max``."""
        return [(name, direction) for name, direction in self._database.fact("objectives")]

    @property
    def constraints(self) -> list[str]:
        """Constraints that the file names."""
        return [str(text) for text in self._database.fact("constraints")]

    @property
    def quantities(self) -> dict[str, tuple[str, str]]:
        """Unit and definition of every total."""
        return self._database.quantities()

    def counts(self) -> dict[str, int]:
        """Return the number of points by status: ``done``, ``infeasible``, ``failed``."""
        return self._database.counts()

    def rows(self, *, everything: bool = False) -> Iterator[dict[str, Any]]:
        """Yield points as dictionaries: what :meth:`points` has, with totals and axes by name."""
        return self._database.rows(everything=everything)

    def points(self, *, everything: bool = False) -> "pd.DataFrame":
        """Return one row per point.

        Parameters
        ----------
        everything : bool
            Also points that earlier versions of the study file asked for, or of files that have changed since.

        Returns
        -------
        DataFrame
            Columns ``id``, the axes by dotted path, the totals by name (NaN where a point has none), ``status``,
            ``error``, ``violations`` (constraints that do not hold, joined by ``; ``), ``seconds`` of CPU time and
            ``engine_seconds`` of them in the timing engine; in the order of the study file.
        """
        import pandas as pd  # noqa: PLC0415 - slow to load

        rows = list(self._database.rows(everything=everything))
        axes = list(dict.fromkeys([*self.axes, *(name for row in rows for name in row["axes"])]))
        totals = list(self.quantities)
        columns: dict[str, Any] = {"id": [row["id"] for row in rows]}
        columns |= {name: pd.Series([row["axes"].get(name) for row in rows], dtype=object) for name in axes}
        columns |= {name: [row["totals"].get(name, float("nan")) for row in rows] for name in totals}
        columns |= {name: [row[name] for row in rows] for name in ("status", "error")}
        columns["violations"] = ["; ".join(row["violations"]) for row in rows]
        columns |= {name: [row[name] for row in rows] for name in ("seconds", "engine_seconds")}
        frame = pd.DataFrame(columns)
        for name in axes:  # columns of one kind of value get their type back: numbers are numbers
            kinds = {type(value) for value in frame[name]}
            if (kinds and kinds <= {int, float}) or kinds == {bool}:
                frame[name] = frame[name].infer_objects()
        return frame

    def find(self, name: str) -> str:
        """Return the identity of a point from its beginning, with or without ``#``.

        Raises
        ------
        ConfigError
            If none or several begin so.
        """
        prefix = name.removeprefix("#").lower()
        found = self._database.matching(prefix) if prefix and set(prefix) <= set("0123456789abcdef") else []
        if len(found) != 1:
            got = f"{len(found)} that begin with {name!r}: " + ", ".join(item[:16] for item in found)
            raise ConfigError(f"{self.folder}: expected one point, got {got.rstrip(': ')}")
        return found[0]

    def configuration(self, point: str) -> dict[str, Any]:
        """Return the full configuration of a point.

        Parameters
        ----------
        point : str
            Its identity, or the beginning of it.

        Returns
        -------
        dict
            ``chip``: the resolved hardware description; ``workload``: the resolved workload description; ``run``: names
            of both, ``samples``, ``ann``, ``engine``, what the study ``set`` of the chip and of the workload, and
            digests of the files, the plug-ins and the simulator (``model``) that the result came from.
        """
        stored = self._database.configuration(self.find(point))
        chip = with_values(self._database.document(stored["chip"]), stored["set"])
        workload = self._database.document(stored["description"])
        apply_overrides(stored["workload_set"], workload, {}, may_hold_in(workload))
        run = {name: value for name, value in stored.items() if name not in {"chip", "description"}}
        return {"chip": chip, "workload": workload, "run": run}
