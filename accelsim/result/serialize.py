"""A result as JSON text and back, without loss: every number returns bit for bit, every column with its type.

The shape of the text is :class:`accelsim.result.schema.ResultFile`. Reading treats the text as untrusted: size, shape,
types and the required columns are checked, and nothing in it is executed. Tuples in ``meta``, ``config`` and
``workload`` become lists.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, NoReturn, get_args

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from accelsim.errors import AccelsimError
from accelsim.result.columns import missing_columns
from accelsim.result.run_result import OWN_TABLES, BaselineResult, Quantity, RunResult
from accelsim.result.schema import (
    FORMAT,
    MAX_BYTES,
    VERSION,
    BaselineFile,
    ColumnFile,
    ColumnType,
    QuantityFile,
    ResultFile,
    TableFile,
)
from accelsim.result.table import Column, Table

_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}
_TYPES = set(get_args(ColumnType))


class ResultFileError(AccelsimError):
    """A result cannot be turned into JSON, or a text is not a result."""


def to_json(result: RunResult) -> str:
    """Return ``result`` as JSON text (ASCII, no NaN), ending in a newline.

    Raises
    ------
    ResultFileError
        If a required column is missing, or a value has no JSON form; the message says which.
    """
    problems = missing_columns(result.tables())
    if problems:
        raise ResultFileError("the result is incomplete: " + "; ".join(problems))
    document = {
        "format": FORMAT,
        "version": VERSION,
        "meta": plain(result.meta, "meta"),
        "config": plain(result.config, "config"),
        "workload": plain(result.workload, "workload"),
        "totals": _totals(result.totals),
        **{name: _table(getattr(result, name)) for name in OWN_TABLES},
        "baseline": {
            "name": result.baseline.name,
            "activations": result.baseline.activations,
            "totals": _totals(result.baseline.totals),
            "layers": _table(result.baseline.layers),
            "components": _table(result.baseline.components),
            "variants": _table(result.baseline.variants),
            "fairest": result.baseline.fairest,
            "reason": result.baseline.reason,
        },
        "warnings": list(result.warnings),
    }
    return json.dumps(document, allow_nan=False, indent=1) + "\n"


def from_json(text: str | bytes, *, where: str = "result") -> RunResult:
    """Return the result that :func:`to_json` wrote.

    Parameters
    ----------
    text : str or bytes
    where : str
        Name of the file for messages.

    Raises
    ------
    ResultFileError
        If the text is too long, not JSON, of another version, or in any part not as documented.
    """
    if len(text) > MAX_BYTES:
        raise ResultFileError(f"{where}: {len(text)} bytes are more than the {MAX_BYTES} that are read")
    try:
        document = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ResultFileError(f"{where}: expected the JSON of a result, got {error or 'nested too deeply'}") from error
    _check_header(document, where)
    try:
        parsed = ResultFile.model_validate(document)
    except ValidationError as error:
        lines = [f"{where}: {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:20]]
        raise ResultFileError("\n".join(lines)) from error
    try:
        result = _result(parsed)
    except ValueError as error:
        raise ResultFileError(f"{where}: {error}") from error
    problems = missing_columns(result.tables())
    if problems:
        raise ResultFileError("\n".join(f"{where}: {line}" for line in problems))
    return result


def read_result(path: Path) -> RunResult:
    """Read ``result.json``, or the folder that holds one.

    Raises
    ------
    ResultFileError
        If there is no such file, or it is not a result.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ResultFileError(f"{file}: cannot be read: {error.strerror or error}") from error
    return from_json(text, where=str(file))


def plain(value: object, where: str) -> Any:
    """Return ``value`` in JSON's own types; ``where`` names it in the error for one that has no such form."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item, f"{where}[{at}]") for at, item in enumerate(value)]
    raise ResultFileError(f"{where}: expected a finite number, text, list or mapping, got {value!r}")


def _number(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return None
    return "Infinity" if value > 0 else "-Infinity"


def _totals(totals: Mapping[str, Quantity]) -> dict[str, Any]:
    return {
        key: {"value": _number(float(item.value)), "unit": item.unit, "definition": item.definition}
        for key, item in totals.items()
    }


def _table(table: Table) -> dict[str, Any]:
    columns = [
        {"name": item.name, "unit": item.unit, "definition": item.definition, **_values(item, table.name)}
        for item in table.columns
    ]
    return {"name": table.name, "columns": columns}


def _values(column: Column, table: str) -> dict[str, Any]:
    values = column.values
    if values.dtype.kind == "U":
        return {"type": "str", "values": values.tolist()}
    if values.dtype.name not in _TYPES or values.ndim != 1:
        raise ResultFileError(
            f"table {table}, column {column.name}: expected one bool, integer, float or text per row, "
            f"got {values.dtype} of shape {values.shape}"
        )
    listed = values.tolist()
    return {"type": values.dtype.name, "values": [_number(x) for x in listed] if values.dtype.kind == "f" else listed}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.40}, which is too large for a float")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} twice")
        found[key] = value
    return found


def _check_header(document: object, where: str) -> None:
    got = (document.get("format"), document.get("version")) if isinstance(document, dict) else (None, None)
    if got != (FORMAT, VERSION):
        raise ResultFileError(
            f"{where}: expected format {FORMAT!r} version {VERSION}, got {got[0]!r} version {got[1]!r}"
        )


def _result(file: ResultFile) -> RunResult:
    return RunResult(
        meta=file.meta,
        config=file.config,
        workload=file.workload,
        totals=_read_totals(file.totals),
        **{name: _read_table(getattr(file, name)) for name in OWN_TABLES},
        baseline=_read_baseline(file.baseline),
        warnings=list(file.warnings),
    )


def _read_baseline(file: BaselineFile) -> BaselineResult:
    totals = _read_totals(file.totals)
    layers, components, variants = (_read_table(item) for item in (file.layers, file.components, file.variants))
    return BaselineResult(
        file.name, file.activations, totals, layers, components, variants, file.fairest, file.reason
    )


def _read_totals(totals: dict[str, QuantityFile]) -> dict[str, Quantity]:
    return {key: Quantity(_read_number(item.value), item.unit, item.definition) for key, item in totals.items()}


def _read_number(value: float | str | None) -> float:
    if value is None:
        return math.nan
    return _INFINITE[value] if isinstance(value, str) else float(value)


def _read_table(file: TableFile) -> Table:
    columns = tuple(
        Column(item.name, item.unit, item.definition, _read_values(item, file.name)) for item in file.columns
    )
    return Table(file.name, columns)


def _read_values(column: ColumnFile, table: str) -> npt.NDArray[Any]:
    where = f"table {table}, column {column.name}"
    dtype = np.dtype(column.type)
    allowed: dict[str, tuple[type, ...]] = {"b": (bool,), "U": (str,), "f": (float, int, type(None))}
    values = column.values
    for at, value in enumerate(values):
        kinds = allowed.get(dtype.kind, (int,))
        infinite = dtype.kind == "f" and isinstance(value, str) and value in _INFINITE
        if not (infinite or (isinstance(value, kinds) and (dtype.kind == "b" or not isinstance(value, bool)))):
            raise ValueError(f"{where}, row {at}: expected {column.type}, got {value!r:.60}")
    if dtype.kind == "f":
        values = [_read_number(value) for value in values]
    try:
        return np.asarray(values, dtype=dtype)
    except OverflowError as error:
        raise ValueError(f"{where}: a value does not fit into {column.type}") from error
