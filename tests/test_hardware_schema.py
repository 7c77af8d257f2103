"""The JSON Schema that editors read, judged by a small validator of our own."""

import re

import pytest

from accelsim.hardware.loader import load_machine
from accelsim.hardware.memory_spec import SramSpec
from accelsim.hardware.port_spec import PortSpec
from accelsim.hardware.presets import preset_names, preset_path
from accelsim.hardware.schema import json_schema, keys_at, model_at
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.yaml_reader import read_yaml

SCHEMA = json_schema()
TYPES = {
    "null": type(None), "object": dict, "array": list, "string": str, "integer": int, "boolean": bool,
    "number": (int, float),
}  # fmt: skip


KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "enum", "const", "$ref", "$defs", "$schema",
    "if", "then", "else", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "title",
    "description", "anyOf", "default", "patternProperties", "propertyNames", "minProperties",
}  # fmt: skip


def accepts(value, schema):
    """Follow the JSON Schema keywords that the schema uses; an unknown keyword fails the test."""
    assert set(schema) <= KEYWORDS
    if "$ref" in schema:
        return accepts(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in schema:
        return any(accepts(value, one) for one in schema["anyOf"])
    if "if" in schema:
        fixed = schema["if"].get("properties", {})
        there = set(schema["if"]["required"]) <= set(value)
        branch = "then" if there and all(value[key] == item["const"] for key, item in fixed.items()) else "else"
        return accepts(value, schema[branch])
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "boolean")):
        return False
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        return False
    if value is None:
        return kind == "null"
    if isinstance(value, dict) and "patternProperties" in schema:
        ((pattern, inner),) = schema["patternProperties"].items()
        enough = len(value) >= schema.get("minProperties", 0)
        return enough and all(re.search(pattern, key) and accepts(item, inner) for key, item in value.items())
    if isinstance(value, dict) and isinstance(schema["additionalProperties"], dict):
        return all(accepts(item, schema["additionalProperties"]) for item in value.values())
    if isinstance(value, dict):
        properties = schema["properties"]
        assert schema["additionalProperties"] is False
        return set(schema.get("required", ())) <= set(value) <= set(properties) and all(
            accepts(item, properties[key]) for key, item in value.items()
        )
    if isinstance(value, list):
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return fits and all(accepts(item, schema["items"]) for item in value)
    if isinstance(value, str):
        fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return fits and re.search(schema.get("pattern", ""), value) is not None
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_accepted_as_written_and_as_resolved(name):
    assert accepts(read_yaml(preset_path(name))[0], SCHEMA)
    assert accepts(load_machine(name).data, SCHEMA)


@pytest.mark.parametrize(
    ("change", "accepted"),
    [
        ({}, False),  # without extends, everything is required
        ({"extends": "core"}, True),
        ({"extends": "core", "core": {"synapse_memory": {"banks": 2}}}, True),
        ({"extends": "core", "core": {"synapse_memory": {"bank": 2}}}, False),
        ({"extends": "core", "core": {"synapse_memory": {"banks": 257}}}, False),
        ({"extends": "core", "core": {"synapse_memory": {"ports": "2RW"}}}, False),
        ({"extends": "core", "core": {"skip_zero_weights": 1}}, False),
        ({"extends": "core", "clock": 200}, False),
        ({"extends": "core", "ports": [{"name": "in"}]}, False),  # lists are replaced, so their items are whole
        ({"extends": "core", "noc": {"size": [1, 1, 1, 1]}}, False),
        ({"extends": 3}, False),
        ({"extends": "core", "barrier": {"cycles": {"1": 5, "4": 9}}}, True),
        ({"extends": "core", "barrier": {"cycles": {"1": -5}}}, False),
        ({"extends": "core", "energies": None}, False),
        ({"extends": "core", "energies": {"others": "included"}}, True),
        ({"extends": "core", "energies": {"others": "derived"}}, False),
    ],
)
def test_what_the_schema_accepts(change, accepted):
    assert accepts(change, SCHEMA) is accepted


def test_field_texts_become_descriptions():
    properties = SCHEMA["$defs"]["CoreSpec"]["properties"]
    assert properties["pipeline_drain"]["description"] == "Cycles that empty the pipelines at the end of a step."
    assert SCHEMA["$defs"]["SramSpecPartial"]["properties"]["width"]["description"] == "Word width, bit."
    assert "capacity with unit" in SCHEMA["$defs"]["SramSpec"]["properties"]["capacity"]["description"]


def test_keys_along_a_path():
    assert model_at([]) is ChipSpec
    assert model_at(["core", "membrane", "memory"]) is SramSpec
    assert model_at(["ports", 0]) is PortSpec
    assert model_at(["core", "scan"]) is None
    assert model_at(["core", "scan", "x"]) is None
    assert keys_at(["core", "synapse_memory"]) == ["banks", "capacity", "ports", "width"]
    assert keys_at(["clock"]) == []
