"""A result through JSON and back: exact, and hostile texts are refused with a place."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sample_result import sample_result

from accelsim.result import serialize
from accelsim.result.run_result import RunResult
from accelsim.result.serialize import ResultFileError, from_json, read_result, to_json
from accelsim.result.table import Column, Table


def assert_same(one: RunResult, two: RunResult) -> None:
    for name in ("meta", "config", "workload", "warnings"):
        assert getattr(one, name) == getattr(two, name)
    for left, right in ((one.totals, two.totals), (one.baseline.totals, two.baseline.totals)):
        assert list(left) == list(right)
        for key in left:
            assert (left[key].unit, left[key].definition) == (right[key].unit, right[key].definition)
            np.testing.assert_array_equal(left[key].value, right[key].value)
    assert (one.baseline.name, one.baseline.activations) == (two.baseline.name, two.baseline.activations)
    for name, table in one.tables().items():
        other = two.tables()[name]
        assert (table.name, table.names) == (other.name, other.names)
        for column, twin in zip(table.columns, other.columns, strict=True):
            assert (column.unit, column.definition) == (twin.unit, twin.definition)
            assert column.values.dtype.kind == twin.values.dtype.kind
            assert column.values.dtype.kind == "U" or column.values.dtype == twin.values.dtype
            np.testing.assert_array_equal(column.values, twin.values)


def test_round_trip_is_exact() -> None:
    result = sample_result()
    text = to_json(result)
    assert_same(result, from_json(text))
    assert to_json(from_json(text)) == text
    assert "NaN" not in text


DTYPES = st.sampled_from(["bool", "int8", "uint16", "int32", "int64", "uint64", "float32", "float64"])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_column_round_trips(data: st.DataObject) -> None:
    values = data.draw(DTYPES.flatmap(lambda kind: arrays.arrays(kind, st.integers(0, 6))))
    result = with_column(values)
    twin = from_json(to_json(result)).tables()["steps"]["x"]
    assert twin.dtype == values.dtype
    np.testing.assert_array_equal(twin, values)


def with_column(values: np.ndarray) -> RunResult:
    zeros = np.zeros(len(values), dtype=np.int64)
    columns = (Column("step", "", "", zeros), Column("cycles", "cycle", "", zeros), Column("x", "J", "", values))
    return replace(sample_result(1, 1, 2), steps=Table("steps", columns))


def test_what_json_lacks_is_written_as_documented() -> None:
    text = to_json(with_column(np.array([math.nan, math.inf, -math.inf, -0.0])))
    column = json.loads(text)["steps"]["columns"][2]
    assert column["values"] == [None, "Infinity", "-Infinity", 0.0]
    assert math.copysign(1, from_json(text).steps["x"][3]) == -1


def test_numpy_and_paths_in_documents_become_plain() -> None:
    result = replace(sample_result(), meta={"a": np.int64(3), "b": (1, np.float32(0.5)), "c": Path("x/y"), 4: None})
    assert from_json(to_json(result)).meta == {"a": 3, "b": [1, 0.5], "c": "x/y", "4": None}


@pytest.mark.parametrize(
    ("value", "place"), [({"a": {"b": math.nan}}, "meta.a.b"), ({"k": [object()]}, r"meta\.k\[0\]")]
)
def test_what_has_no_json_form_is_named(value: dict, place: str) -> None:
    with pytest.raises(ResultFileError, match=place):
        to_json(replace(sample_result(), meta=value))


def test_an_object_column_is_refused() -> None:
    with pytest.raises(ResultFileError, match=r"table steps, column x: .*object"):
        to_json(with_column(np.array([1, "a"], dtype=object)))


def test_an_incomplete_result_is_not_written() -> None:
    result = sample_result()
    with pytest.raises(ResultFileError, match="table links: no column load"):
        to_json(replace(result, links=Table("links", result.links.columns[:-1])))


def edited(change: str, value: object) -> str:
    document = json.loads(to_json(sample_result(2, 2, 2)))
    at = document
    *path, last = change.split("/")
    for key in path:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "value", "message"),
    [
        ("version", 1, "expected format 'accelsim.result' version 2"),
        ("surprise", 1, "surprise: Extra inputs"),
        ("totals/spikes/value", "many", "totals.spikes.value"),
        ("samples/columns/0/type", "object", "samples.columns.0.type"),
        ("samples/columns/0/values", [1, True], "table samples, column label, row 1: expected int64, got True"),
        ("samples/columns/0/values", [1, 2.5], "row 1: expected int64, got 2.5"),
        ("samples/columns/0/values", [1, 2**70], "does not fit into int64"),
        ("samples/columns/0/values", [1, 2, 3], "columns differ in length"),
        ("samples/columns/1/name", "label", "a column name repeats"),
        ("samples/columns/1/name", "other", "table samples: no column prediction"),
        ("links", None, "links: "),
        ("warnings", "text", "warnings"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(change: str, value: object, message: str) -> None:
    with pytest.raises(ResultFileError) as caught:
        from_json(edited(change, value), where="r.json")
    assert message in str(caught.value)
    assert str(caught.value).startswith("r.json: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[" * 100_000,
        "[]",
        "{}",
        '{"format": NaN}',
        '{"a": 1, "a": 2}',
        '{"a": 1e999}',
        b"\xff\xfe{",
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_texts_that_are_no_result(text: str | bytes) -> None:
    with pytest.raises(ResultFileError, match="expected"):
        from_json(text)


def test_a_long_file_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serialize, "MAX_BYTES", 100)
    (tmp_path / "result.json").write_text(to_json(sample_result(1, 1, 1)))
    with pytest.raises(ResultFileError, match="more than the 100"):
        read_result(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultFileError, match=r"nothing\.json: cannot be read: No such file"):
        read_result(tmp_path / "nothing.json")
