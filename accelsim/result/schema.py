"""The shape of ``result.json``, version 2, as pydantic models: what is written, and all that is accepted when read.

``accelsim.result.schema.ResultFile.model_json_schema()`` is the JSON Schema. Numbers that JSON lacks: NaN is ``null``,
the infinities are ``"Infinity"`` and ``"-Infinity"``; they occur only in ``values`` and in a quantity's ``value``.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Final = "accelsim.result"
VERSION: Final = 2
MAX_BYTES: Final = 256 * 1024 * 1024
"""Largest file that is read."""
MAX_ROWS: Final = 2_000_000
"""Most rows of one table."""

Text = Annotated[str, StringConstraints(max_length=4000)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ColumnType = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "str"
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ColumnFile(_Part):
    """A column: its NumPy type by name, and one value per row."""

    name: Key
    unit: Text
    definition: Text
    type: ColumnType
    values: Annotated[list[Any], Field(max_length=MAX_ROWS)]


class TableFile(_Part):
    """A table: columns of equal length."""

    name: Key
    columns: Annotated[list[ColumnFile], Field(max_length=256)]


class QuantityFile(_Part):
    """A headline number."""

    value: float | Literal["Infinity", "-Infinity"] | None
    unit: Text
    definition: Text


Totals = Annotated[dict[Key, QuantityFile], Field(max_length=1000)]


class BaselineFile(_Part):
    """The ANN on the MAC array."""

    name: Text
    activations: Text
    totals: Totals
    layers: TableFile
    components: TableFile
    variants: TableFile
    fairest: Text
    reason: Text


class ResultFile(_Part):
    """The whole file."""

    format: Literal["accelsim.result"]
    version: Literal[2]
    meta: dict[str, Any]
    config: dict[str, Any]
    workload: dict[str, Any]
    totals: Totals
    samples: TableFile
    layers: TableFile
    cores: TableFile
    components: TableFile
    causes: TableFile
    steps: TableFile
    links: TableFile
    routers: TableFile
    activity: TableFile
    raster: TableFile
    prices: TableFile
    parameters: TableFile
    analytic: TableFile
    baseline: BaselineFile
    warnings: Annotated[list[Text], Field(max_length=10000)]
