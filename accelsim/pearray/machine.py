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
        If the dataflow is unknown, or a parameter is missing, unknown or out of range; with file, line and path.
    """
    spec = loaded.spec
    try:
        kind = DATAFLOWS.get(spec.elements.dataflow)
    except UnknownNameError as error:
        raise ConfigError(f"{_where(loaded, 'elements.dataflow')}: elements.dataflow: {error}") from None
    try:
        options = kind.Options.model_validate(_given(loaded))
    except ValidationError as error:
        raise ConfigError(_problems(loaded, kind, error)) from None
    if kind.whole_layer and spec.order == "timestep":
        raise ConfigError(
            f"{_where(loaded, 'order')}: order: expected layer, got timestep: {spec.elements.dataflow} takes all "
            "timesteps of a layer together"
        )
    return kind(spec, options)


def _problems(loaded: LoadedArray, kind: type[Dataflow], error: ValidationError) -> list[str]:
    known, given = list(kind.Options.model_fields), _given(loaded)
    told = []
    for details in error.errors(include_url=False):
        key = str(details["loc"][0])
        path = child(f"elements.options.{loaded.spec.elements.dataflow}", key)
        if details["type"] == "extra_forbidden":
            text = unknown_key(key, known)
        elif details["type"] == "missing":
            text = f"expected a value, got nothing: {loaded.spec.elements.dataflow} needs it"
        else:
            text = f"{details['msg']}, got {shown(given.get(key))}"
        told.append(f"{_where(loaded, path)}: {path}: {text}")
    return told


def _given(loaded: LoadedArray) -> dict[str, Any]:
    return dict(loaded.spec.elements.options.get(loaded.spec.elements.dataflow, {}))


def _where(loaded: LoadedArray, path: str) -> str:
    while path and path not in loaded.locations:
        path = path.rpartition(".")[0]
    return str(loaded.locations[path])
