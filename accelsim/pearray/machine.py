"""From a loaded description to the execution model that it names, its parameters checked."""

from typing import Any

from pydantic import ValidationError

from accelsim.errors import ConfigError, UnknownNameError
from accelsim.hardware.loader import LoadedArray
from accelsim.hardware.problems import shown, unknown_key
from accelsim.hardware.yaml_reader import child
from accelsim.pearray.dataflow import DATAFLOWS, Dataflow


def build_dataflow(loaded: LoadedArray) -> Dataflow:
    """Return the execution model of an array.

    Raises
    ------
    ConfigError
        If the dataflow is unknown, or a parameter is missing, unknown or out of range, or it does not run on such
        elements; with file, line and path.
    """
    spec = loaded.spec
    try:
        kind = DATAFLOWS.get(spec.elements.dataflow)
    except UnknownNameError as error:
        raise ConfigError(f"{_where(loaded, 'elements.dataflow')}: elements.dataflow: {error}") from None
    others = [problem for name in spec.elements.options for problem in _option_problems(loaded, name)]
    if others:
        raise ConfigError(others)
    try:
        options = kind.Options.model_validate(_given(loaded, spec.elements.dataflow))
    except ValidationError as error:
        raise ConfigError(_problems(loaded, spec.elements.dataflow, kind, error)) from None
    if kind.whole_layer and spec.order == "timestep":
        raise ConfigError(
            f"{_where(loaded, 'order')}: order: expected layer, got timestep: {spec.elements.dataflow} takes all "
            "timesteps of a layer together"
        )
    if spec.elements.columns > kind.most_columns:
        raise ConfigError(
            f"{_where(loaded, 'elements.columns')}: elements.columns: expected at most {kind.most_columns} with "
            f"{spec.elements.dataflow}, got {spec.elements.columns}"
        )
    if kind.one_bit and spec.elements.multiplies:
        raise ConfigError(
            f"{_where(loaded, 'elements.multiplies')}: elements.multiplies: expected false, got true: "
            f"{spec.elements.dataflow} works on bits of spikes"
        )
    return kind(spec, options)


def _option_problems(loaded: LoadedArray, name: str) -> list[str]:
    """Return the problems of the parameters for a dataflow that is not named; they need not be complete."""
    if name == loaded.spec.elements.dataflow:
        return []
    try:
        kind = DATAFLOWS.get(name)
        kind.Options.model_validate(_given(loaded, name))
    except UnknownNameError as error:
        path = child("elements.options", name)
        return [f"{_where(loaded, path)}: {path}: {error}"]
    except ValidationError as error:
        return _problems(loaded, name, kind, error, complete=False)
    return []


def _problems(
    loaded: LoadedArray, name: str, kind: type[Dataflow], error: ValidationError, *, complete: bool = True
) -> list[str]:
    known, given = list(kind.Options.model_fields), _given(loaded, name)
    told = []
    for details in error.errors(include_url=False):
        if details["type"] == "missing" and not complete:
            continue
        key = str(details["loc"][0])
        path = child(f"elements.options.{name}", key)
        if details["type"] == "extra_forbidden":
            text = unknown_key(key, known)
        elif details["type"] == "missing":
            text = f"expected a value, got nothing: {name} needs it"
        else:
            text = f"{details['msg']}, got {shown(given.get(key))}"
        told.append(f"{_where(loaded, path)}: {path}: {text}")
    return told


def _given(loaded: LoadedArray, name: str) -> dict[str, Any]:
    return dict(loaded.spec.elements.options.get(name, {}))


def _where(loaded: LoadedArray, path: str) -> str:
    while path and path not in loaded.locations:
        path = path.rpartition(".")[0]
    return str(loaded.locations[path])
