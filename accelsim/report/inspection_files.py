"""An inspection as JSON, tables and figures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsim.errors import OutputError
from accelsim.report.files import prepare_folder, write_csv
from accelsim.result.inspection import Inspection
from accelsim.result.run_result import Quantity
from accelsim.result.serialize import plain
from accelsim.result.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT: Final = "accelsim.inspection"
VERSION: Final = 1


def inspection_json(inspection: Inspection) -> str:
    """Return an inspection as JSON text without the figures' data, ending in a newline; what is not finite is null."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "meta": plain(inspection.meta, "meta"),
        "totals": _quantities(inspection.totals),
        "neurobench": _quantities(inspection.neurobench),
        **{name: _columns(item) for name, item in inspection.tables().items()},
        "warnings": list(inspection.warnings),
    }
    return json.dumps(document, allow_nan=False, indent=1) + "\n"


def write_figures(inspection: Inspection, folder: Path) -> list[Path]:
    """Write the figures as PNG and SVG and the tables as CSV into ``folder``, and return the files.

    Raises
    ------
    OutputError
        With the path and the reason.
    """
    from accelsim.report.figures.confusion import draw_matrix  # noqa: PLC0415 - matplotlib is slow to load
    from accelsim.report.figures.inspection import draw_raster, draw_rates, draw_weights  # noqa: PLC0415
    from accelsim.report.figures.style import styled  # noqa: PLC0415
    from accelsim.result.classes import confusion  # noqa: PLC0415

    matrix = confusion(inspection.samples["label"], inspection.samples["prediction"])
    drawings: dict[str, Callable[[], Figure]] = {
        "rates": lambda: draw_rates(inspection),
        "raster": lambda: draw_raster(inspection),
        "weights": lambda: draw_weights(inspection),
        "confusion": lambda: draw_matrix(matrix),
    }
    prepare_folder(folder)
    written: list[Path] = []
    try:
        for name, table in inspection.tables().items():
            written.append(folder / f"{name}.csv")
            write_csv(table, written[-1])
        with styled():
            for name, draw in drawings.items():
                figure = draw()
                for kind, metadata in (("png", {"Software": "accelsim"}), ("svg", {"Date": None})):
                    written.append(folder / f"{name}.{kind}")
                    figure.savefig(written[-1], metadata=metadata)
    except OSError as error:
        raise OutputError(f"cannot write figures to {folder}: {error.strerror or error}") from error
    return written


def _quantities(items: dict[str, Quantity]) -> dict[str, Any]:
    return {
        key: {"value": _finite(item.value), "unit": item.unit, "definition": item.definition}
        for key, item in items.items()
    }


def _columns(table: Table) -> dict[str, Any]:
    return {item.name: [_finite(value) for value in item.values.tolist()] for item in table.columns}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
