"""Neuron models as plain values, for files: every field by its name, arrays apart.

A model is a dataclass of arrays, words, flags and numbers. What comes from a file is checked against the types that the
class declares before it is built; the class then checks the values.
"""

import dataclasses
import types
import typing
from typing import Any, Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.model import NEURON_MODELS, NeuronModel

ARITHMETIC: Final = {"int32": np.int32, "float32": np.float32}


def model_record(model: NeuronModel) -> tuple[str, dict[str, Any]]:
    """Return the registered name of a model and its fields: arrays, words, flags, numbers, None, ``{"dtype": name}``.

    Raises
    ------
    NetworkError
        If the model is not registered, or has a field of another kind.
    """
    name = next((name for name in NEURON_MODELS if NEURON_MODELS.get(name) is type(model)), None)
    if name is None:
        raise NetworkError(f"{type(model).__name__}: expected a registered neuron model, got another class")
    record: dict[str, Any] = {}
    for item in dataclasses.fields(model):  # type: ignore[arg-type]
        value = getattr(model, item.name)
        if isinstance(value, type) and value.__name__ in ARITHMETIC:
            value = {"dtype": value.__name__}
        elif not (value is None or isinstance(value, np.ndarray | str | bool | int | float)):
            raise NetworkError(f"{type(model).__name__}.{item.name}: cannot be written: {type(value).__name__}")
        record[item.name] = value
    return name, record


def model_of(name: str, record: dict[str, Any]) -> NeuronModel:
    """Return the model of a record; the inverse of :func:`model_record`.

    Raises
    ------
    UnknownNameError
        If no model has the name.
    NetworkError
        If a field is missing, unknown, or not of the declared type; what the model itself refuses.
    """
    kind = NEURON_MODELS.get(name)
    hints = typing.get_type_hints(kind)
    names = [item.name for item in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if set(record) != set(names):
        raise NetworkError(f"neuron model {name}: expected {', '.join(names)}; got {', '.join(map(str, record))}")
    values = {}
    for key in names:
        value = record[key]
        if isinstance(value, dict):
            value = ARITHMETIC.get(str(value.get("dtype")))
        if not _fits(hints[key], value):
            raise NetworkError(f"neuron model {name}: {key}: expected {_told(hints[key])}, got {_shown(record[key])}")
        values[key] = value
    return kind(**values)


def _fits(hint: Any, value: Any) -> bool:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return any(_fits(part, value) for part in inside)
    if origin is typing.Literal:
        return isinstance(value, str) and value in inside
    if origin is np.ndarray:
        return isinstance(value, np.ndarray)
    if origin is type:
        return isinstance(value, type)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _told(hint: Any) -> str:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in {types.UnionType, typing.Union}:
        return " or ".join(_told(part) for part in inside)
    if origin is typing.Literal:
        return " or ".join(map(repr, inside))
    return {np.ndarray: "an array", type: "a dtype"}.get(origin, getattr(hint, "__name__", str(hint)))


def _shown(value: Any) -> str:
    return "an array" if isinstance(value, np.ndarray) else repr(value)[:80]
