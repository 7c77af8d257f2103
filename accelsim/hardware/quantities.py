"""Pydantic field types for quantities with units and for bounded counts."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema

from accelsim.units import CANONICAL, parse_quantity

MAX_CAPACITY = 8 * 1024**4
"""Largest memory, bit: bounds every number derived from one."""


def _quantity(dimension: str) -> Any:
    return Annotated[
        float,
        BeforeValidator(lambda value: parse_quantity(value, dimension)),
        Field(ge=0),
        WithJsonSchema({"type": "string", "description": f"{dimension} with unit (canonical {CANONICAL[dimension]})"}),
    ]


def _capacity(value: object) -> int:
    bits = parse_quantity(value, "capacity")
    if bits != int(bits):
        raise ValueError(f"expected a whole number of bits, got {value!r}")
    if bits > MAX_CAPACITY:
        raise ValueError(f"expected at most 1024 GiB, got {value!r}")
    return int(bits)


Energy = _quantity("energy")
Time = _quantity("time")
Power = _quantity("power")
Frequency = _quantity("frequency")
Length = _quantity("length")
Node = _quantity("node")
Temperature = _quantity("temperature")
Voltage = _quantity("voltage")
Area = _quantity("area")
BitEnergy = _quantity("bit_energy")
Bandwidth = _quantity("bandwidth")
Capacity = Annotated[
    int,
    BeforeValidator(_capacity),
    Field(gt=0),
    WithJsonSchema({"type": "string", "description": "capacity with unit"}),
]
Tick = Annotated[
    float | Literal["asap"],
    PlainValidator(lambda value: value if value == "asap" else parse_quantity(value, "time")),
    WithJsonSchema({"type": "string", "description": f"asap, or time with unit (canonical {CANONICAL['time']})"}),
]
"""A time, or as soon as possible."""
Count = Annotated[int, Field(strict=True, ge=1)]
CountOrZero = Annotated[int, Field(strict=True, ge=0)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]
ComponentName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:\-]+$")]
"""A kind of component, with the kind of core that it is in behind a colon."""
Source = Annotated[str, StringConstraints(min_length=8, max_length=600)]


class Spec(BaseModel):
    """Base of every part of a description: immutable, no unknown key, numbers never read out of strings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
