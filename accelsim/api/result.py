"""Results with views: tables as data frames, figures, HTML in a notebook."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.api.options import place
from accelsim.api.pictures import Pictures
from accelsim.errors import UnknownNameError
from accelsim.report import comparison
from accelsim.report.html.fragment import table_fragment
from accelsim.result.run_result import RunResult
from accelsim.result.serialize import read_result
from accelsim.result.table import Table

if TYPE_CHECKING:
    import pandas as pd


class Result(RunResult):
    """The result of a run; see :class:`accelsim.result.run_result.RunResult` for what it holds.

    Examples
    --------
    >>> result = accelsim.run(hw="core", samples=4)                # doctest: +SKIP
    >>> result.table()                                             # doctest: +SKIP
    >>> result.table("layers")                                     # doctest: +SKIP
    >>> result.plot.energy()                                       # doctest: +SKIP
    """

    @classmethod
    def of(cls, result: RunResult) -> "Result":
        """Return a result with views."""
        return cls(**{field.name: getattr(result, field.name) for field in dataclasses.fields(RunResult)})

    @property
    def plot(self) -> Pictures:
        """Figures by name."""
        return Pictures(self)

    def value(self, name: str) -> float:
        """Return a headline number by name, in the unit that ``totals`` states.

        Raises
        ------
        UnknownNameError
            With the known names.
        """
        if name not in self.totals:
            raise UnknownNameError("total", name, self.totals)
        return self.totals[name].value

    def table(self, name: str = "comparison") -> "pd.DataFrame":
        """Return a table as a data frame; units and definitions are in its ``attrs``.

        Parameters
        ----------
        name : str
            ``comparison`` (the SNN beside the ANN), ``totals``, or one of the result's tables: ``samples``, ``layers``,
            ``cores``, ``components``, ``causes``, ``steps``, ...

        Raises
        ------
        UnknownNameError
            With the known names.
        """
        import pandas as pd  # noqa: PLC0415 - slow to load

        if name == "comparison":
            rows = comparison.rows(self)
            data = {"SNN": [row.snn for row in rows], "ANN": [row.ann for row in rows]}
            data["SNN against ANN"] = [row.verdict for row in rows]
            return pd.DataFrame(data, index=[row.name.strip() for row in rows])
        if name == "totals":
            totals = {"SNN": self.totals, "ANN": self.baseline.totals}
            every = list(dict.fromkeys(key for side in totals.values() for key in side))
            units = [next(side[key].unit for side in totals.values() if key in side) for key in every]
            numbers = {
                machine: [side[key].value if key in side else float("nan") for key in every]
                for machine, side in totals.items()
            }
            return pd.DataFrame({**numbers, "unit": units}, index=every)
        known = {**self.tables(), **self.derived_tables()}
        if name not in known:
            raise UnknownNameError("table", name, ["comparison", "totals", *known])
        return frame(known[name])

    def report(self) -> str:
        """Return the report of the terminal as text."""
        from accelsim.report.terminal import report_text  # noqa: PLC0415 - rich is slow to load

        return report_text(self)

    def html(self, path: str | Path) -> Path:
        """Write the report as one HTML file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from accelsim.report.html.run_page import write_run_page  # noqa: PLC0415

        write_run_page(self, Path(path))
        return Path(path)

    def save(self, folder: str | Path, *, figures: bool = True) -> Path:
        """Write ``result.json``, tables and figures into a folder, as ``accelsim run --out`` does.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from accelsim.report.files import write_result  # noqa: PLC0415

        write_result(self, Path(folder), figures=figures)
        return Path(folder)

    def __repr__(self) -> str:
        chip, workload = self.config.get("name", "?"), self.workload.get("name", "?")
        return f"<Result: {workload} on {chip}, {len(self.samples)} samples. {comparison.verdict(self).plain}>"

    def _repr_html_(self) -> str:
        rows = [(row.name.strip(), row.snn, row.ann, row.verdict) for row in comparison.rows(self)]
        chip, workload = self.config.get("name", "?"), self.workload.get("name", "?")
        number = len(self.samples)
        title = f"{workload} on {chip}, {number} sample{'s' if number != 1 else ''}"
        heads = ("", "SNN", "ANN", "SNN against ANN")
        return table_fragment(title, comparison.verdict(self).plain, heads, rows)


def frame(table: Table) -> "pd.DataFrame":
    """Return a table as a data frame, units and definitions by column in its ``attrs``."""
    import pandas as pd  # noqa: PLC0415

    made = pd.DataFrame({column.name: column.values for column in table.columns})
    made.attrs["units"] = {column.name: column.unit for column in table.columns}
    made.attrs["definitions"] = {column.name: column.definition for column in table.columns}
    return made


def load_result(path: str | Path) -> Result:
    """Read a result: a folder that ``run --out`` wrote, or its ``result.json``.

    Raises
    ------
    ResultFileError
        If there is none, or it is damaged.
    """
    return Result.of(read_result(Path(place(path, "load_result"))))
