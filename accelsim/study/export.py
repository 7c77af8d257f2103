"""Tables of a study for other programs: ``points.csv`` and ``points.parquet``, made from the database.

Both are written beside and moved into place, so that a reader never sees half a table.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from accelsim.study.database import Database

_FIXED: Final = ("status", "error", "violations", "seconds", "engine_seconds")


def export(database: Database, folder: Path) -> list[Path]:
    """Write the points of a study as CSV and as parquet; return the files.

    In CSV the header of a total is ``name [unit]``; in parquet, unit and definition are metadata of its column, and
    values that are not numbers or texts are JSON.
    """
    quantities = database.quantities()
    rows = list(database.rows())
    axes = list(dict.fromkeys(name for row in rows for name in row["axes"]))

    def plain(value: Any) -> Any:
        return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)

    csv_file, parquet_file = folder / "points.csv", folder / "points.parquet"
    with replaced(csv_file) as path, path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        units = [f"{name} [{unit}]" if unit else name for name, (unit, _) in quantities.items()]
        writer.writerow(["id", *axes, *units, *_FIXED])
        for row in rows:
            broken = "; ".join(row["violations"])
            writer.writerow(
                [
                    row["id"], *(plain(row["axes"].get(name)) for name in axes),
                    *(row["totals"].get(name) for name in quantities), row["status"], row["error"], broken,
                    row["seconds"], row["engine_seconds"],
                ]
            )  # fmt: skip
    arrays: list[tuple[pa.Field, pa.Array]] = []

    def add(name: str, values: list[Any], **metadata: str) -> None:
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1 and not kinds <= {int, float}:
            values = [None if value is None else str(value) for value in values]
        array = pa.array(values, from_pandas=False)
        arrays.append((pa.field(name, array.type, metadata=metadata or None), array))

    add("id", [row["id"] for row in rows])
    for name in axes:
        add(name, [plain(row["axes"].get(name)) for row in rows])
    for name, (unit, text) in quantities.items():
        add(name, [row["totals"].get(name, float("nan")) for row in rows], unit=unit, definition=text)
    for name in ("status", "error", "seconds", "engine_seconds"):
        add(name, [row[name] for row in rows])
    add("violations", ["; ".join(row["violations"]) for row in rows])
    with replaced(parquet_file) as path:
        schema = pa.schema([field for field, _ in arrays])
        parquet.write_table(pa.Table.from_arrays([array for _, array in arrays], schema=schema), path)
    return [csv_file, parquet_file]


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a file to write that takes the place of ``path`` when it is whole."""
    hidden = path.with_name(f".{path.name}.partial")
    try:
        yield hidden
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)
