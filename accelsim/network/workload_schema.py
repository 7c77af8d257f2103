"""What a ``workload.yaml`` says, and its problems as ``file:line: dotted.path: expected ..., got ...``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, StrictBool, StringConstraints, ValidationError

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import apply_overrides
from accelsim.hardware.problems import shown, unknown_key
from accelsim.hardware.quantities import Count, CountOrZero, Spec, Time
from accelsim.hardware.yaml_reader import Locations, child, read_yaml
from accelsim.network.importers.dialects.dialect import DIALECTS
from accelsim.network.importers.importer import IMPORTERS
from accelsim.network.input_schema import FileName, InputSpec, input_problems
from accelsim.network.quantize_schema import PruneSpec, QuantizeSpec

INPUT_LABELS: Final = "input"
"""``labels`` of recordings that bring their own: by sub-folder, by window, or in the file."""

MAX_TIMESTEPS: Final = 1 << 20

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("expected more than 0")
    return value


class NetworkSpec(Spec):
    """The network file and what it does not say itself."""

    file: FileName
    format: Annotated[str, AfterValidator(lambda name: _known(IMPORTERS.names(), "importer", name))] | None = None
    dialect: Annotated[str, AfterValidator(lambda name: _known(DIALECTS.names(), "dialect", name))] | None = None
    dt: Annotated[Time, AfterValidator(_positive)] | None = None
    reset: Literal["subtract", "zero", "v_reset", "none"] | None = None
    reset_delay: StrictBool | None = None
    threshold_op: Literal[">", ">="] | None = None
    spike_mode: Literal["single", "multi"] | None = None
    membrane_floor: Annotated[float, Field(strict=True)] | Literal["none", "-threshold"] | None = None
    norm_input: StrictBool | None = None
    synapse: Literal["filter", "jump"] | None = None
    refractory: Annotated[CountOrZero, Field(le=127)] | None = None
    prune: PruneSpec | None = None
    quantize: QuantizeSpec | Literal["none", "grid"]


class NpzKey(Spec):
    """An array of an npz file."""

    file: FileName
    key: FileName


class WorkloadSpec(Spec):
    """A whole ``workload.yaml``."""

    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    network: NetworkSpec
    input: InputSpec
    labels: FileName | NpzKey | None = None
    timesteps: Annotated[Count, Field(le=MAX_TIMESTEPS)]
    decoding: Literal["rate", "membrane", "membrane_max", "first_spike"]
    provenance: dict[str, Any]


class RecordingSpec(Spec):
    """A file of spike tensors, and what it does not say; see :class:`accelsim.network.spike_tensors.MadeUp`."""

    file: FileName
    density: Annotated[float, Field(strict=True, ge=0, le=1)]
    weight_bits: Annotated[Count, Field(ge=2, le=16)]
    seed: CountOrZero
    kernel: Annotated[Count, Field(le=64)]
    padding: Annotated[CountOrZero, Field(le=63)]
    outputs: Annotated[Count, Field(le=1 << 20)]


class DensitiesSpec(Spec):
    """A table of densities (csv), and what it does not say; see :mod:`accelsim.network.densities`."""

    file: FileName
    weight_bits: Annotated[Count, Field(ge=2, le=16)]
    seed: CountOrZero
    padding: Annotated[CountOrZero, Field(le=63)]


class RecordedSpec(Spec):
    """A whole ``workload.yaml`` whose spikes are recorded: ``recording`` stands for network and input."""

    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    recording: RecordingSpec
    provenance: dict[str, Any]


class DrawnSpec(RecordedSpec):
    """The same of densities, at which spikes are drawn."""

    recording: DensitiesSpec  # type: ignore[assignment]


def read_workload_spec(
    path: Path, overrides: Sequence[str] = ()
) -> tuple[WorkloadSpec | RecordedSpec, dict[str, Any]]:
    """Return the checked description of a workload, and the same as plain values.

    Parameters
    ----------
    path : Path
        A ``workload.yaml``.
    overrides : sequence of str
        ``network.quantize.bits=4``, applied in order.

    Raises
    ------
    ConfigError
        With every problem of the file.
    """
    data, locations = read_yaml(path)
    model = _kind(data)
    apply_overrides(overrides, data, locations, lambda steps, key: key in _keys_at(model, steps))
    try:
        spec = model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_problems(error, model, data, locations)) from None
    extra = input_problems(spec.input, locations) if isinstance(spec, WorkloadSpec) else []
    if extra:
        raise ConfigError(extra)
    return spec, data


def _kind(data: dict[str, Any]) -> type[WorkloadSpec | RecordedSpec]:
    if "recording" not in data:
        return WorkloadSpec
    recording = data["recording"]
    file = recording.get("file") if isinstance(recording, dict) else None
    return DrawnSpec if isinstance(file, str) and file.lower().endswith(".csv") else RecordedSpec


def _known(names: Sequence[str], kind: str, name: str) -> str:
    if name not in names:
        raise ValueError(f"expected a known {kind}, got {name!r}. Known: {', '.join(sorted(names))}")
    return name


_EXPECTED: Final = {
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}


def _problems(
    error: ValidationError, model: type[BaseModel], data: dict[str, Any], locations: Locations
) -> list[str]:
    """Return one line per problem in the order of the file; alternatives of one key are joined by "or"."""
    found: dict[str, list[str]] = {}
    for details in error.errors(include_url=False):
        steps = _steps_in(data, details["loc"], missing=details["type"] in {"missing", "extra_forbidden"})
        path = ""
        for step in steps:
            path = child(path, step)
        kind, context = details["type"], details.get("ctx", {})
        if kind == "missing":
            text = "expected a value, got nothing: the key is missing"
        elif kind == "extra_forbidden":
            text = unknown_key(str(steps[-1]), _keys_at(model, steps[:-1]))
        elif kind == "value_error":
            text = str(context["error"])
            text = text if ", got" in text else f"{text}, got {shown(_value_at(data, steps))}"
        else:
            plain = {key: f"{value:g}" if isinstance(value, float) else value for key, value in context.items()}
            expected = _EXPECTED.get(kind, details["msg"]).format_map(plain)
            text = f"expected {expected}, got {shown(_value_at(data, steps))}"
        found.setdefault(path, []).append(text)
    placed = []
    for path, texts in found.items():
        if any(other.startswith(f"{path}.") for other in found):
            continue  # the mapping was meant, and what is wrong inside it is said there
        parts = path.split(".")
        tries = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        where = next((locations[name] for name in tries if name in locations), locations[""])
        placed.append((where.line, f"{where}: {path}: {_joined(texts)}"))
    return [text for _, text in sorted(placed)]


def _joined(texts: Sequence[str]) -> str:
    """Join the alternatives of a union: the common tail ``, got ...`` is said once."""
    heads, tails = zip(*(text.partition(", got ")[::2] for text in dict.fromkeys(texts)), strict=True)
    if len(texts) == 1 or len(set(tails)) > 1:
        return " or ".join(dict.fromkeys(texts))
    first, *others = (head.removeprefix("expected ") for head in heads)
    return f"expected {' or '.join((first, *others))}, got {tails[0]}"


def _steps_in(data: Any, loc: Sequence[Any], *, missing: bool) -> list[str | int]:
    """Keep the steps of a location that are in the data: pydantic adds the names of a union's alternatives."""
    steps: list[str | int] = []
    for position, step in enumerate(loc):
        last = missing and position == len(loc) - 1
        if last or (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int)):
            steps.append(step)
            data = data[step] if not last or (isinstance(data, dict) and step in data) else None
    return steps


def _value_at(data: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _keys_at(model: type[BaseModel], steps: Sequence[str | int]) -> list[str]:
    """Return the keys of a mapping of the description; none where it is no mapping or has keys of its own."""
    for step in steps:
        if str(step) not in model.model_fields:
            return []
        annotation = model.model_fields[str(step)].annotation
        parts = [part for part in (annotation, *get_args(annotation)) if isinstance(part, type)]
        models = [part for part in parts if issubclass(part, BaseModel)]
        if not models:
            return []
        model = models[0]
    return sorted(model.model_fields)
