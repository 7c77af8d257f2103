"""The strict YAML reader: what it reads, what it refuses, and that nothing else can come out of it."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accelsim.errors import ConfigError
from accelsim.hardware.yaml_reader import MAX_BYTES, Location, parse_yaml, read_yaml
from accelsim.hardware.yaml_writer import write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-12", 1e-12), ("012", 12), ("0o17", 15), ("0x1F", 31), ("-3", -3), ("+3", 3), ("1.5", 1.5), (".5", 0.5),
        ("1.", 1.0), ("on", "on"), ("yes", "yes"), ("True", True), ("false", False), ("~", None), ("", None),
        ("null", None), ("'1'", "1"), ('"true"', "true"), ("64 KiB", "64 KiB"), ("2001-01-01", "2001-01-01"),
        ("1_000", "1_000"), ("1:30", "1:30"), ("0b11", "0b11"), ("<<", "<<"), ("=", "="), ("[1, [2]]", [1, [2]]),
        ("{a: {b: c}}", {"a": {"b": "c"}}), ("|\n  12\n", "12\n"), ("9223372036854775807", 2**63 - 1),
        ("-0x1", "-0x1"), ("1e5", 1e5), ("\ufeff3", 3),
    ],
)  # fmt: skip
def test_scalars_of_the_core_schema(text, value):
    read = parse_yaml(text, "f")[0]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: a: repeated key, first written in line 1"),
        ("a:\n  b: 1\n  'b': 2", "f:3: a.b: repeated key, first written in line 2"),
        ("a: !!python/object/apply:os.system [x]",
         "f:1: a: tags are not allowed, got 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !!int '3'", "f:1: a: tags are not allowed, got 'tag:yaml.org,2002:int'"),
        ("- 1\n- !x 3", "f:2: [1]: tags are not allowed, got '!x'"),
        ("a: &x 1\nb: *x", "f:1: a: anchors and aliases are not allowed; write the value out"),
        ("a: *x", "f:1: a: anchors and aliases are not allowed; write the value out"),
        ("&k a: 1", "f:1: root: tags and anchors are not allowed on keys"),
        ("a: .nan", "f:1: a: expected a finite number, got .nan"),
        ("a: -.inf", "f:1: a: expected a finite number, got -.inf"),
        ("a: 1e999", "f:1: a: expected a finite number, got 1e999"),
        ("a: 9223372036854775808", "f:1: a: expected an integer of at most 64 bit, got 9223372036854775808"),
        ("a: " + "9" * 5000, "f:1: a: expected an integer of at most 64 bit, got " + "9" * 40),
        ("true: a", "f:1: root: expected a text key, got 'true'"),
        ("1: a\n0x1: b", "f:2: 1: repeated key, first written in line 1"),
        ("null: a", "f:1: root: expected a text key, got nothing"),
        ("x:\n  ? [a]\n  : 3", "f:2: x: expected a text key, got a list"),
        ("a: 1\n---\nb: 2", "f:2: expected one document, got a second one"),
        ("%YAML 1.1\n---\na: on", "f:2: expected YAML 1.2, got %YAML 1.1"),
        ("%YAML 1.21\n---\na: on", ("f:1: expected YAML, got text that its parser cannot read: version minor part"
         " can only be 2 or 1, got (1, 21)")),
        ("a: 1\nb: [", ("f:2: expected YAML, got: expected the node content, but found '<stream end>'"
         " while parsing a flow node")),
        ("a: 1\n\tb: 2", ("f:2: expected YAML, got: found character '\\t' that cannot start any token"
         " while scanning for the next token")),
        ('a: "\\ud800"', "f:1: a: expected Unicode text, got half of a surrogate pair"),
        ("a: \x01", "f:1: expected YAML, got: unacceptable character #x0001: special characters are not allowed"),
        ("a: " + "[" * 101 + "]" * 101, "f:1: expected at most 100 levels of nesting, got more"),
    ],
)  # fmt: skip
def test_refused(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f")
    assert str(caught.value) == message


def test_locations_are_those_of_the_keys(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("# comment\na: 1\nports:\n  - name: in\n    router: [0,\n      3]\nb: {c: 1}\n")
    data, locations = read_yaml(file)
    assert data == {"a": 1, "ports": [{"name": "in", "router": [0, 3]}], "b": {"c": 1}}
    lines = {path: place.line for path, place in locations.items()}
    assert lines == {
        "": 1, "a": 2, "ports": 3, "ports[0]": 4, "ports[0].name": 4, "ports[0].router": 5, "ports[0].router[0]": 5,
        "ports[0].router[1]": 6, "b": 7, "b.c": 7,
    }  # fmt: skip
    assert str(locations["b.c"]) == f"{file}:7"
    assert str(Location("--set a=1", 0)) == "--set a=1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": expected a readable YAML file, got: No such file or directory"),
        (b"a: 1\nb: \xff\n", ":2: expected UTF-8 text, got byte 0xff"),
        (b"- 1\n", ":1: expected a mapping 'key: value', got a list"),
        (b"", ":1: expected a mapping 'key: value', got nothing"),
        (b"x" * (MAX_BYTES + 1), f": expected a file of at most {MAX_BYTES} bytes, got a larger one"),
    ],
)
def test_refused_files(tmp_path, content, message):
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(file)
    assert str(caught.value) == f"{file}{message}"


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a readable YAML file, got: Is a directory"):
        read_yaml(tmp_path)


PIECES = st.sampled_from(
    ["a", "b", ": ", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "'", '"', "!!", "!", "&a", "*a", "|", ">", "%YAML 1.2",
     "---", "...", "? ", "#", "\t", "1", ".inf", "0x", "\\u0000", "\0", "\u2028", "\ufeff", "@", "`", "~", "<<", "\r",
     "%TAG ! x"]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=24).map("".join), st.text(max_size=60)))
@example("%TAG ! x\n---\n!a b")
@example("\udc80: 1")
@example("? ")
def test_any_text_is_read_or_refused(text):
    try:
        value, locations = parse_yaml(text, "f")
    except ConfigError as error:
        assert str(error).startswith("f:")
    else:
        json.dumps(value, allow_nan=False)  # plain values only
        assert locations[""].line >= 1


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(tmp_path_factory, raw):
    file = Path(tmp_path_factory.getbasetemp()) / "bytes.yaml"
    file.write_bytes(raw)
    try:
        data, _ = read_yaml(file)
    except ConfigError as error:
        assert str(error).startswith(str(file))
    else:
        assert isinstance(data, dict)


TEXT = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["on", "1e3", "64 KiB", "null", "-", "# x", "a: b"]),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT.filter(bool), inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(TEXT.filter(bool), VALUES, max_size=4))
def test_written_yaml_reads_back(data):
    text = write_yaml(data)
    read, locations = parse_yaml(text, "f")
    assert read == data
    assert parse_yaml(write_yaml(read, locations), "f")[0] == data
