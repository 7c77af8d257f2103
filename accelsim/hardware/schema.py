"""The shape of a hardware file: which keys stand where, and the JSON Schema that editors read.

A file describes a machine of one of two classes, which its key ``machine`` names; without it, a mesh of cores. The
JSON Schema describes the file as a person writes it: quantities are strings with units, and a file that says
``extends`` may leave out any key of a mapping (lists are always whole).
"""

import ast
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from accelsim.hardware import (
    array_spec,
    barrier_spec,
    core_types,
    elastic_spec,
    layer_serial_spec,
    memory_spec,
    port_spec,
    power_spec,
    spec,
    technology_spec,
)
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.spec import ChipSpec

CORE_MESH: Final = "core_mesh"
PE_ARRAY: Final = "pe_array"
ROOTS: Final[dict[str, type[BaseModel]]] = {CORE_MESH: ChipSpec, PE_ARRAY: PeArraySpec}
"""The root of a file's description by class of machine."""

_PARTIAL = "Partial"


def root_of(data: Mapping[str, Any]) -> type[BaseModel]:
    """Return the specification class of resolved data; a mesh of cores where the class is left out or unknown."""
    return ROOTS.get(str(data.get("machine", CORE_MESH)), ChipSpec)


def model_at(path: Sequence[str | int], root: type[BaseModel] = ChipSpec) -> type[BaseModel] | None:
    """Return the specification class at a path of keys and list positions, or None where there is no mapping."""
    model: type[BaseModel] | None = root
    named = False
    for step in path:
        if isinstance(step, int):
            continue  # an item of a list of parts: the class was found with the list's own key
        if named:
            named = False  # a name of the user's own: the class was found with the mapping's key
            continue
        if model is None or step not in model.model_fields:
            return None
        annotation = model.model_fields[step].annotation
        model, named = _model_in(annotation), get_origin(annotation) is dict
    return None if named else model


def keys_at(path: Sequence[str | int], root: type[BaseModel] = ChipSpec) -> list[str]:
    """Return the keys that a mapping at ``path`` must have; empty where no mapping is due."""
    model = model_at(path, root)
    return sorted(model.model_fields) if model is not None else []


def may_hold_key(path: Sequence[str | int], key: str, root: type[BaseModel] = ChipSpec) -> bool:
    """Tell whether the mapping at ``path`` has ``key``, or keys of the user's own, as ``mapping.slices`` has."""
    if key in keys_at(path, root):
        return True
    model = model_at(path[:-1], root) if path else None  # a mapping of the user's own names
    field = model.model_fields.get(str(path[-1])) if model is not None else None
    return field is not None and get_origin(field.annotation) is dict


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a hardware file."""
    definitions: dict[str, Any] = {}
    for root in ROOTS.values():
        schema = root.model_json_schema()
        definitions |= schema.pop("$defs")
        definitions[root.__name__] = schema
    definitions["ChipSpec"]["properties"]["energies"] = {"$ref": "#/$defs/EnergiesSpec"}  # left out, never null
    for name, comments in _attribute_docstrings().items():
        for key, text in comments.items():
            if name in definitions and key in definitions[name]["properties"]:
                definitions[name]["properties"][key].setdefault("description", text)
    partial = {f"{name}{_PARTIAL}": _relaxed(body) for name, body in definitions.items()}
    kinds = definitions["ChipSpec"]["properties"]["core_types"]  # which inherit from core in every file
    kinds["patternProperties"] = {name: {"$ref": f"#/$defs/CoreSpec{_PARTIAL}"} for name in kinds["patternProperties"]}
    extends = {"type": "string", "description": "Preset or relative path of the file that this one changes."}
    for root in ROOTS.values():
        partial[f"{root.__name__}{_PARTIAL}"]["properties"]["extends"] = extends
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "accelsim hardware description",
        "type": "object",
        "if": {"required": ["machine"], "properties": {"machine": {"const": PE_ARRAY}}},
        "then": _whole_or_partial("PeArraySpec"),
        "else": _whole_or_partial("ChipSpec"),
        "$defs": definitions | partial,
    }


def _whole_or_partial(root: str) -> dict[str, Any]:
    """Return the rule of a root: a file that extends another one may leave out keys."""
    return {
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/{root}{_PARTIAL}"},
        "else": {"$ref": f"#/$defs/{root}"},
    }


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _relaxed(body: dict[str, Any]) -> dict[str, Any]:
    """Copy a definition without its required keys; parts directly below refer to relaxed copies, list items do not."""
    properties = {key: _relaxed_part(value) for key, value in body["properties"].items()}
    return {key: value for key, value in body.items() if key != "required"} | {"properties": properties}


def _relaxed_part(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in value:
        return {**value, "$ref": f"{value['$ref']}{_PARTIAL}"}
    if "anyOf" in value:  # a part that may be left out
        return {**value, "anyOf": [_relaxed_part(one) for one in value["anyOf"]]}
    if "patternProperties" in value:  # parts by name
        parts = {pattern: _relaxed_part(one) for pattern, one in value["patternProperties"].items()}
        return {**value, "patternProperties": parts}
    return dict(value)


def _attribute_docstrings() -> dict[str, dict[str, str]]:
    """Read the text below each field of the modules of specifications."""
    found: dict[str, dict[str, str]] = {}
    modules = (
        power_spec, technology_spec, core_types, layer_serial_spec, port_spec, memory_spec, barrier_spec, elastic_spec,
        spec, array_spec,
    )  # fmt: skip
    for node in (node for module in modules for node in ast.parse(inspect.getsource(module)).body):
        if not isinstance(node, ast.ClassDef):
            continue
        texts = found.setdefault(node.name, {})
        for field, after in zip(node.body, node.body[1:], strict=False):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            if isinstance(text, str):
                texts[field.target.id] = inspect.cleandoc(text)
    return found
