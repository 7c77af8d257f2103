"""A front as files: a table with the full configuration of each point, and figures."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from accelsim.hardware.yaml_reader import child
from accelsim.study.export import replaced
from accelsim.study.front import Front
from accelsim.study.study import Study


def write_front(study: Study, front: Front, folder: Path) -> list[Path]:
    """Write ``front.csv``: one row per point of the front, with objectives, axes, totals and every configured value.

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
    return [target]


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
