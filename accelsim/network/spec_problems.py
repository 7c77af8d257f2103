"""Problems of a checked mapping as ``file:line: dotted.path: expected ..., got ...``."""

from collections.abc import Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from accelsim.hardware.problems import shown, unknown_key
from accelsim.hardware.yaml_reader import Locations, child

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
    "too_short": "at least {min_length} items",
    "too_long": "at most {max_length} items",
    "tuple_type": "a list",
    "list_type": "a list",
}


def spec_problems(
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
            text = unknown_key(str(steps[-1]), keys_at(model, steps[:-1]))
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


def keys_at(model: type[BaseModel], steps: Sequence[str | int]) -> list[str]:
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
