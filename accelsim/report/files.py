"""A result as a folder of files, so that other programs can go on with it.

::

    DIR/result.json            everything (accelsim.result.schema); accelsim.result.serialize.read_result reads it
    DIR/tables/NAME.csv        one per table; header "column [unit]"
    DIR/tables/NAME.parquet    the same numbers; unit and definition in every column's metadata
    DIR/tables/columns.csv     table, column, unit, definition
    DIR/totals.csv             the headline numbers of both machines with unit and definition
    DIR/figures/NAME.png|svg

Everything is written into a hidden folder first and moved into place file by file, ``result.json`` last: a folder whose
``result.json`` is new is complete. Files that do not belong to a result are never touched.
"""

import csv
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from accelsim.errors import OutputError
from accelsim.report.figures import FIGURES, figures_of
from accelsim.result.columns import DERIVED, REQUIRED
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.result.run_result import RunResult
from accelsim.result.serialize import to_json
from accelsim.result.table import Table

_FORMATS = ("png", "svg")


def prepare_folder(folder: Path) -> Path:
    """Make ``folder`` and try to write into it: an impossible ``--out`` is found before the work, not after.

    Raises
    ------
    OutputError
        With the path and the reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _failure(folder, error) from error
    return folder


def write_result(result: RunResult, folder: Path, figures: bool = True, progress: Progress = NO_PROGRESS) -> list[Path]:
    """Write ``result`` into ``folder``, which is made where it does not exist; older results there are replaced.

    Parameters
    ----------
    result : RunResult
    folder : pathlib.Path
    figures : bool
        Whether to draw; without, figures that an older result left in ``folder`` are removed.
    progress : Progress

    Returns
    -------
    list of Path
        The files, ``result.json`` first.

    Raises
    ------
    OutputError
        With the path and the reason; nothing half-written stays behind.
    """
    text = to_json(result)
    prepare_folder(folder)
    names = [Path(name) for name in _names(result, figures)]
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as hidden:
            _write_all(result, Path(hidden), text, figures, progress)
            _move(Path(hidden), folder, names)
    except OSError as error:
        raise _failure(folder, error) from error
    return [folder / name for name in reversed(names)]


def _failure(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write results to {folder}: {error.strerror or error}")


def _names(result: RunResult, figures: bool) -> list[str]:
    names = [f"figures/{name}.{kind}" for name in figures_of(result) for kind in _FORMATS] if figures else []
    names += [f"tables/{name}.{kind}" for name in (*result.tables(), *DERIVED) for kind in ("csv", "parquet")]
    return [*names, "tables/columns.csv", "totals.csv", "result.json"]


def _write_all(result: RunResult, folder: Path, text: str, figures: bool, progress: Progress) -> None:
    (folder / "tables").mkdir()
    (folder / "figures").mkdir()
    tables = {**result.tables(), **result.derived_tables()}
    drawn = figures_of(result) if figures else ()
    with progress.stage("files", len(tables) + len(drawn)) as stage:
        for name, table in tables.items():
            write_csv(table, folder / "tables" / f"{name}.csv")
            write_parquet(table, folder / "tables" / f"{name}.parquet")
            stage.advance(1)
        _write_rows(
            folder / "tables" / "columns.csv",
            ("table", "column", "unit", "definition"),
            ((name, item.name, item.unit, item.definition) for name, table in tables.items() for item in table.columns),
        )
        sides = (("snn", result.totals), ("ann", result.baseline.totals))
        _write_rows(
            folder / "totals.csv",
            ("machine", "name", "value", "unit", "definition"),
            (
                (side, key, item.value, item.unit, item.definition)
                for side, totals in sides
                for key, item in totals.items()
            ),
        )
        (folder / "result.json").write_text(text, encoding="ascii")
        for name in drawn:
            write_figure(result, name, folder / "figures")
            stage.advance(1)


def _move(source: Path, folder: Path, names: Sequence[Path]) -> None:
    known = {Path("figures") / f"{name}.{kind}" for name in FIGURES for kind in _FORMATS}
    known |= {Path("tables") / f"{name}.{kind}" for name in (*REQUIRED, *DERIVED) for kind in ("csv", "parquet")}
    (folder / "result.json").unlink(missing_ok=True)
    for name in known - set(names):
        (folder / name).unlink(missing_ok=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (source / name).replace(folder / name)
    if not any((folder / "figures").glob("*")):
        shutil.rmtree(folder / "figures", ignore_errors=True)


def write_csv(table: Table, path: Path) -> None:
    """Write a table as CSV with a header ``name [unit]``; floats keep every digit."""
    header = [f"{item.name} [{item.unit}]" if item.unit else item.name for item in table.columns]
    _write_rows(path, header, zip(*(item.values.tolist() for item in table.columns), strict=True))


def write_parquet(table: Table, path: Path) -> None:
    """Write a table as parquet; each field's metadata holds ``unit`` and ``definition``."""
    import pyarrow as pa  # noqa: PLC0415 - slow to load, needed here alone
    from pyarrow import parquet  # noqa: PLC0415

    arrays = [
        pa.array(item.values.tolist() if item.values.dtype.kind == "U" else item.values) for item in table.columns
    ]
    fields = [
        pa.field(item.name, array.type, metadata={"unit": item.unit, "definition": item.definition})
        for item, array in zip(table.columns, arrays, strict=True)
    ]
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)


def write_figure(result: RunResult, name: str, folder: Path) -> None:
    """Draw the figure ``name`` and write it as PNG and SVG."""
    from accelsim.report.figures import draw  # noqa: PLC0415 - matplotlib is slow to load
    from accelsim.report.figures.style import styled  # noqa: PLC0415

    with styled():
        figure = draw(name, result)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: that takes longer than drawing
        figure.savefig(folder / f"{name}.png", metadata={"Software": "accelsim"})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": "accelsim"})


def _write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
