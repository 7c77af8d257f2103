"""Traces on disk: exact round trips, damage that is noticed, and a cache that stays within its limit."""

import json
import logging
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import OutputError
from accelsim.trace.activity import ActivityTrace, PopulationActivity
from accelsim.trace.file import TraceError, load_trace, save_trace
from accelsim.trace.store import TraceStore, cached_trace, trace_bytes, trace_folder


def make_trace(seed=0, key="ab12", samples=3, timesteps=4, size=11):
    rng = np.random.default_rng(seed)
    populations = {}
    for name, bitmaps in (("in", 0), ("layer/1 ü", (size + 7) // 8)):
        counts = rng.integers(0, size, samples * timesteps)
        index = np.concatenate([np.sort(rng.permutation(size)[:n]) for n in counts]).astype(np.int32)
        maps = rng.integers(0, 256, (2, samples * timesteps, bitmaps), dtype=np.uint8)
        populations[name] = PopulationActivity(np.concatenate(([0], np.cumsum(counts))), index, maps[0], maps[1])
    output, first = rng.normal(size=(samples, 2)), rng.integers(0, 5, (samples, 2)).astype(np.int32)
    return ActivityTrace(key, samples, timesteps, populations, output, first, {"layer/1 ü.membrane": 7})


def assert_same(left, right):
    assert (left.key, left.samples, left.timesteps, left.overflows) == (
        right.key, right.samples, right.timesteps, right.overflows,
    )  # fmt: skip
    assert list(left.populations) == list(right.populations)
    pairs = [(left.output, right.output), (left.first_spike, right.first_spike)]
    for name, activity in left.populations.items():
        other = right.populations[name]
        pairs += [(getattr(activity, part), getattr(other, part)) for part in ("ptr", "index", "touched", "nonzero")]
    for one, two in pairs:
        assert one.dtype == two.dtype
        assert np.array_equal(one, two)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), samples=st.integers(1, 4), timesteps=st.integers(1, 5), size=st.integers(1, 20))
def test_round_trip(tmp_path_factory, seed, samples, timesteps, size):
    path = tmp_path_factory.mktemp("trace") / "new" / "t.npz"
    trace = make_trace(seed, samples=samples, timesteps=timesteps, size=size)
    save_trace(trace, path)
    assert_same(load_trace(path), trace)
    assert [item.name for item in path.parent.iterdir()] == ["t.npz"]


def test_every_cut_and_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "t.npz"
    trace = make_trace()
    save_trace(trace, path)
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(TraceError):
            load_trace(path)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 200).tolist():
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            assert_same(load_trace(path), trace)  # a byte that carries nothing, such as a time stamp
        except TraceError:
            continue


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    """Write the archive again with changed arrays, so that all check sums hold."""
    with np.load(path) as archive:
        arrays = dict(archive)
    change(arrays)
    (np.savez if compression == zipfile.ZIP_STORED else np.savez_compressed)(path, **arrays)


def header_of(arrays):
    return json.loads(arrays["header"].tobytes())


def set_header(arrays, **values):
    arrays["header"] = np.frombuffer(json.dumps(header_of(arrays) | values).encode(), np.uint8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update({"1.index": a["1.index"][:-1]}), r"1\.index: expected int32"),
        (lambda a: a.update({"1.index": a["1.index"].astype(np.int64)}), r"1\.index: expected int32.* got int64"),
        (lambda a: a["1.index"].__setitem__(0, 99), r"population layer/1 ü: a neuron is outside 0\.\.15"),
        (lambda a: a["0.index"].__setitem__(0, -1), "population in: a neuron is outside"),
        (lambda a: a["0.ptr"].__setitem__(1, 10**6), "population in: pointers do not describe"),
        (lambda a: set_header(a, samples=4), "pointers do not describe"),
        (lambda a: set_header(a, format="other"), "expected format 'accelsim-trace-3', got 'other'"),
        (lambda a: a.pop("output"), "not a whole trace"),
        (lambda a: a.update(header=np.zeros(3, np.uint8)), "not a whole trace"),
    ],
)
def test_inconsistent_files_are_refused(tmp_path, change, message):
    path = tmp_path / "t.npz"
    save_trace(make_trace(), path)
    rewritten(path, change)
    with pytest.raises(TraceError, match=message):
        load_trace(path)


def test_pickles_and_compression_are_refused(tmp_path):
    path = tmp_path / "t.npz"
    save_trace(make_trace(), path)
    rewritten(path, lambda a: a.update(output=np.array([print], object)))
    with pytest.raises(TraceError, match="not a whole trace"):
        load_trace(path)
    save_trace(make_trace(), path)
    rewritten(path, lambda a: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(TraceError, match="uncompressed"):
        load_trace(path)


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "t.npz"
    save_trace(make_trace(1), path)

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OutputError, match="disk full"):
        save_trace(make_trace(2), path)
    assert_same(load_trace(path), make_trace(1))
    assert [item.name for item in tmp_path.iterdir()] == ["t.npz"]


def test_a_reader_keeps_the_old_file(tmp_path):
    """A file is replaced, never overwritten: who has it open reads what it was."""
    path = tmp_path / "t.npz"
    save_trace(make_trace(1), path)
    whole = path.read_bytes()
    with path.open("rb") as reader:
        save_trace(make_trace(2), path)
        assert reader.read() == whole
    assert_same(load_trace(path), make_trace(2))


def test_cache_makes_once(tmp_path):
    calls = []

    def make():
        calls.append(1)
        return make_trace()

    for _ in range(3):
        assert_same(cached_trace("ab12", make, tmp_path), make_trace())
    assert len(calls) == 1


def test_damaged_cache_is_reported_and_written_again(tmp_path, caplog):
    cached_trace("ab12", make_trace, tmp_path)
    path = tmp_path / "ab12.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with caplog.at_level(logging.WARNING):
        assert_same(cached_trace("ab12", make_trace, tmp_path), make_trace())
    assert "cached trace ignored" in caplog.text
    assert str(path) in caplog.text
    assert_same(load_trace(path), make_trace())


def test_renamed_cache_file_is_not_believed(tmp_path, caplog):
    save_trace(make_trace(key="ffff"), tmp_path / "ab12.npz")
    assert cached_trace("ab12", make_trace, tmp_path).key == "ab12"
    assert "holds the trace of key ffff" in caplog.text


def test_cache_that_cannot_be_written_is_reported(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    assert_same(cached_trace("ab12", make_trace, blocked / "traces"), make_trace())
    assert "trace not cached" in caplog.text


def test_least_recently_used_goes_first(tmp_path):
    save_trace(make_trace(), tmp_path / "probe")
    size = (tmp_path / "probe").stat().st_size
    store = TraceStore(tmp_path / "cache", limit=3 * size + size // 2)
    for at, key in enumerate(("a", "b", "c")):
        store.put(make_trace(key=key))
        os.utime(store.path(key), (at, at))
    assert store.get("a") is not None  # now the most recently used
    store.put(make_trace(key="d"))
    assert sorted(item.stem for item in store.folder.iterdir()) == ["a", "c", "d"]


def test_trace_above_the_limit_is_not_kept(tmp_path, caplog):
    store = TraceStore(tmp_path / "cache", limit=trace_bytes(make_trace()) - 1)
    store.put(make_trace())
    assert "more than the limit" in caplog.text
    assert store.get("ab12") is None


def test_folder_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ACCELSIM_CACHE_DIR", str(tmp_path))
    assert trace_folder() == tmp_path / "traces"
    monkeypatch.delenv("ACCELSIM_CACHE_DIR")
    assert trace_folder().name == "traces"
    assert "accelsim" in trace_folder().parts


def test_key_must_be_a_hash(tmp_path):
    with pytest.raises(ValueError, match="hexadecimal"):
        TraceStore(tmp_path).path("../elsewhere")
    with pytest.raises(ValueError, match="expected a trace of key cd34, got ab12"):
        cached_trace("cd34", make_trace, tmp_path)
