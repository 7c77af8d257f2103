"""A front as files: a table with the full configuration of each point, and figures."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from accelsim.hardware.yaml_reader import child
from accelsim.study.export import replaced
from accelsim.study.front import Front
from accelsim.study.study import Study

_METADATA: Final[dict[str, dict[str, Any]]] = {
    "pdf": {"Creator": "accelsim", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "accelsim", "Date": None},
    "png": {"Software": "accelsim"},
}
"""Nothing in a file changes from day to day."""


def write_front(study: Study, front: Front, folder: Path) -> list[Path]:
    """Write ``front.csv``, one row per point of the front, and ``front.pdf``, ``.svg`` and ``.png``.

    A row has objectives, axes, totals and every configured value.

    Columns of the configuration are dotted paths: of the chip as in a hardware file, of the workload with the prefix
    ``workload.``, of the run with the prefix ``run.``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = front.table
    flat = [dict(_flat(study, point)) for point in table["id"]]
    paths = list(dict.fromkeys(path for item in flat for path in item if path not in table.columns))
    target = folder / "front.csv"
    with replaced(target) as path, path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*table.columns, *paths])
        for values, item in zip(table.itertuples(index=False, name=None), flat, strict=True):
            writer.writerow([*map(_plain, values), *(item.get(name) for name in paths)])
    return [target, *_draw(study, front, folder)]


def _draw(study: Study, front: Front, folder: Path) -> list[Path]:
    from accelsim.report.figures.pareto import FrontPlot, draw  # noqa: PLC0415 - matplotlib is slow to load
    from accelsim.report.figures.style import styled  # noqa: PLC0415

    names = [item.name for item in front.objectives]
    plot = FrontPlot(
        study.name, names, [front.units[name] for name in names], [item.direction for item in front.objectives],
        front.points[names].to_numpy(dtype=np.float64), front.points["group"].to_numpy(dtype=object),
        front.points["front"].to_numpy(dtype=bool), front.points["knee"].to_numpy(dtype=bool), front.group or "",
    )  # fmt: skip
    made = []
    with styled():
        figure = draw(plot)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for kind, metadata in _METADATA.items():
            made.append(folder / f"front.{kind}")
            figure.savefig(made[-1], metadata=metadata)
    return made


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _flat(study: Study, point: str) -> Iterator[tuple[str, Any]]:
    configuration = study.configuration(point)
    yield from _leaves(configuration["chip"], "")
    yield from _leaves(configuration["workload"], "workload")
    yield from _leaves(configuration["run"], "run")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, child(path, str(key)))
    elif isinstance(value, list) and any(isinstance(item, list | dict) for item in value):
        for at, item in enumerate(value):
            yield from _leaves(item, child(path, at))
    else:
        yield path, _plain(value)
