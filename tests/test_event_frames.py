"""Recordings cut into timesteps: a naive twin, recorded arrays, and every key of ``input`` in a workload."""

from dataclasses import replace

import numpy as np
import pytest
from event_file_writers import write_nmnist, write_shd
from hypothesis import given, settings
from hypothesis import strategies as st
from network_builders import chain, flatten, neuron_if

from accelsim.errors import AccelsimError, ConfigError, EventError, WorkloadError
from accelsim.network.event_formats.event_format import RawSample, RawSamples
from accelsim.network.event_frames import Frames, make_frames
from accelsim.network.event_recordings import open_recordings
from accelsim.network.events import Limit
from accelsim.network.workload import load_workload


def raw(t, x, y, p, origin=0):
    columns = (np.array(t, np.int64), np.array(x, np.int32), np.array(y, np.int32), np.array(p, np.uint8))
    return RawSample(*columns, origin, "here")


def many(*samples, sensor=(4, 6), polarities=2):
    return RawSamples(len(samples), sensor, polarities, labelled=False, read=samples.__getitem__)


def dense(framed, shape):
    events = framed.events
    out = np.zeros((events.samples * events.timesteps, events.size), int)
    step = np.repeat(np.arange(len(out)), np.diff(events.ptr))
    np.add.at(out, (step, events.index), 1)
    return out.reshape(events.samples, events.timesteps, *shape)


def twin(sample, frames, sensor):
    """One event after the other, as a person would do it."""
    height, width = sensor[::-1] if frames.transpose else sensor
    top, left, rows, columns = frames.crop or (0, 0, height, width)
    channels = 2 if frames.polarity in ("both", "swap") else 1
    out = np.zeros((frames.timesteps, rows // frames.downsample, columns // frames.downsample, channels), int)
    zero = min(sample.time, default=0) if frames.time_zero == "first_event" else sample.origin
    order = sorted(range(sample.time.size), key=lambda at: (sample.time[at], at))
    taken = 0
    for at in order:
        x, y, p = int(sample.x[at]), int(sample.y[at]), int(sample.polarity[at])
        if frames.transpose:
            x, y = y, x
        x = width - 1 - x if "x" in frames.flip else x
        y = height - 1 - y if "y" in frames.flip else y
        x, y = x - left, y - top
        if not (0 <= x < columns and 0 <= y < rows) or sample.time[at] < zero:
            continue
        if frames.polarity in ("on", "off") and p != (frames.polarity == "on"):
            continue
        channel = {"both": p, "swap": 1 - p}.get(frames.polarity, 0)
        step = (sample.time[at] - zero) // frames.window if frames.window else taken // frames.events_per_step
        taken += 1
        if step < frames.timesteps:
            out[step, y // frames.downsample, x // frames.downsample, channel] += 1
    return out if frames.multiple == "count" else np.minimum(out, 1)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_frames_are_those_of_the_naive_twin(data):
    number = data.draw(st.integers(1, 40))
    column = lambda low, high: data.draw(st.lists(st.integers(low, high), min_size=number, max_size=number))  # noqa: E731
    sample = raw(column(-5, 60), column(0, 5), column(0, 3), column(0, 1), origin=data.draw(st.integers(-5, 20)))
    frames = Frames(
        timesteps=data.draw(st.integers(1, 5)),
        multiple=data.draw(st.sampled_from(["or", "count"])),
        time_zero=data.draw(st.sampled_from(["first_event", "file"])),
        polarity=data.draw(st.sampled_from(["both", "swap", "merge", "on", "off"])),
        transpose=data.draw(st.booleans()),
        flip=data.draw(st.sampled_from(["", "x", "y", "xy"])),
        crop=data.draw(st.sampled_from([None, (0, 0, 4, 4), (1, 2, 2, 2), (0, 1, 2, 3)])),
    )
    cut = frames.crop or (0, 0, 2, 2)
    if cut[2] % 2 == 0 and cut[3] % 2 == 0:
        frames = replace(frames, downsample=data.draw(st.sampled_from([1, 2])))
    if data.draw(st.booleans()):
        frames = replace(frames, window=data.draw(st.integers(1, 20)))
    else:
        frames = replace(frames, events_per_step=data.draw(st.integers(1, 6)))
    expected = twin(sample, frames, (4, 6))
    if not expected.any():
        with pytest.raises(EventError, match="the input has no event"):
            make_frames(many(sample), frames, "here")
        return
    framed = make_frames(many(sample), frames, "here")
    np.testing.assert_array_equal(dense(framed, expected.shape[1:])[0], expected)
    flat = make_frames(many(sample), frames, "here", channel_first=True)
    np.testing.assert_array_equal(
        dense(flat, (expected[0].size,))[0], expected.transpose(0, 3, 1, 2).reshape(frames.timesteps, -1)
    )
    told = framed.report
    assert told["read"] == number == sum(told[key] for key in ("used", "before", "outside", "polarity", "late"))


def test_recorded_arrays_of_nmnist_are_reproduced(shared_data):
    found = open_recordings(shared_data / "nmnist" / "nmnist_1100_raw5byte.npz", None, None)
    assert (found.format, found.samples.available) == ("nmnist_npz", 100)
    recorded = np.load(shared_data / "sinabs_nmnist" / "input_10digits_300x2x34x34.npz")
    # The ten files are the first test sample of each digit; ids of the test samples count from 60001.
    labels = [found.samples.read(at).label for at in range(100)]
    first = [labels.index(digit) for digit in range(10)]
    assert [60001 + at for at in first] == recorded["file_id"].tolist()
    frames = Frames(300, "count", "first_event", window=1_000_000, polarity="both", sensor=(34, 34))
    for digit, at in enumerate(first):
        one = RawSamples(1, None, 2, labelled=True, read=lambda _, at=at: found.samples.read(at))
        framed = make_frames(one, frames, "nmnist")
        assert framed.labels.tolist() == [digit]
        made = dense(framed, (34, 34, 2))[0].transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(made, recorded["frames"][digit])


def test_frames_of_a_text_file_come_back(shared_data):
    path = shared_data / "dvs_clip" / "stimuli_class2.txt"
    found = open_recordings(path, None, None)
    framed = make_frames(found.samples, Frames(10, "or", "file", window=50_000_000), "clip")
    rows = [line for line in path.read_text().splitlines() if not line.startswith("//")]
    expected = np.array([[int(sign) for sign in row] for row in rows if row]).reshape(10, 32, 32)
    np.testing.assert_array_equal(dense(framed, (32, 32))[0], expected)


def test_a_stream_is_cut_into_overlapping_samples():
    t = np.arange(0, 100, 5)
    stream = raw(t + 1000, t % 6, t % 4, t % 2, origin=1000)
    frames = Frames(3, "count", "file", window=10, polarity="merge", stride=20)
    framed = make_frames(many(stream), frames, "here")
    # Whole samples of 30 ns begin at 0, 20, 40, 60 within the 95 ns that the recording lasts.
    assert framed.events.samples == 4
    whole = twin(stream, replace(frames, timesteps=10, stride=None), (4, 6))
    got = dense(framed, (4, 6, 1))
    for at in range(4):
        np.testing.assert_array_equal(got[at], whole[2 * at : 2 * at + 3])
    assert make_frames(many(stream), frames, "here", Limit(2)).events.samples == 2
    with pytest.raises(EventError, match="asked for 5 samples, the input has 4"):
        make_frames(many(stream), frames, "here", Limit(5))


def test_a_pixel_outside_the_sensor_is_located(tmp_path):
    write_nmnist(tmp_path / "a.bin", [1, 2], [3, 34], [0, 1], [0, 0])
    found = open_recordings(tmp_path / "a.bin", None, None)
    frames = Frames(1, "or", "file", window=1000, polarity="both", sensor=(34, 34))
    message = r"a.bin: event 1 \(byte 5\): x 34 is outside 0..33"
    with pytest.raises(EventError, match=message):
        make_frames(found.samples, frames, "a.bin")


MANIFEST = """\
name: tiny
description: events
network:
  file: net.nir
  dialect: euler
  dt: 1 s
  reset: subtract
  threshold_op: ">"
  quantize: none
input:
  file: Train
  encoding: event_frames
  window: 1 us
  time_zero: file
  multiple: or
  polarity: both
  sensor: [2, 3]
labels: input
timesteps: 4
decoding: rate
provenance:
  made: by hand
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "workload.yaml").write_text(MANIFEST)
    for label, name in ((1, "1"), (0, "2")):
        (tmp_path / "Train" / str(label)).mkdir(parents=True)
        write_nmnist(tmp_path / "Train" / str(label) / f"{name}.bin", [0, 0, 3], [0, 2, 1], [1, 0, 0], [1, 0, 1])
    middle = {"f": flatten((2, 2, 3)), "fc": ("Linear", {"weight": np.arange(24.0).reshape(2, 12)})}
    chain(tmp_path / "net.nir", (2, 2, 3), middle, neuron_if((2,)), (2,))
    return tmp_path


def test_a_workload_of_event_files(folder):
    load = load_workload(folder)
    assert load.labels.tolist() == [1, 0]
    # (y, x, p) -> (y * 3 + x) * 2 + p: off at (0, 2), on at (1, 0); then on at (0, 1)
    assert load.events.index.tolist() == [4, 7, 3] * 2
    assert load.events.ptr.tolist() == [0, 2, 2, 2, 3, 5, 5, 5, 6]
    assert load.provenance["input"]["format"] == "nmnist" and load.provenance["input"]["events"]["used"] == 6
    assert set(load.hashes) == {"workload.yaml", "net.nir", "Train/1/1.bin", "Train/0/2.bin"}
    assert load_workload(folder, samples=1).labels.tolist() == [1]
    merged = load_workload(folder, overrides=["input.polarity=swap", "timesteps=1"])
    assert merged.events.index.tolist() == [5, 6] * 2


def test_a_flat_network_counts_pixels_channel_first(folder):
    chain(folder / "net.nir", (12,), {"fc": ("Linear", {"weight": np.ones((2, 12))})}, neuron_if((2,)), (2,))
    load = load_workload(folder, samples=1)
    # (p, y, x) -> (p * 2 + y) * 3 + x
    assert load.events.index.tolist() == [2, 9, 7]


def test_spikes_of_shd_enter_a_flat_network(folder):
    write_shd(folder / "shd.h5", [([0.0, 0.0021], [3, 699])], [1])
    chain(folder / "net.nir", (700,), {"fc": ("Linear", {"weight": np.ones((2, 700))})}, neuron_if((2,)), (2,))
    text = MANIFEST.replace("file: Train", "file: shd.h5").replace("window: 1 us", "window: 1 ms")
    (folder / "workload.yaml").write_text(text.replace("  polarity: both\n  sensor: [2, 3]\n", ""))
    load = load_workload(folder)
    assert load.events.index.tolist() == [3, 699] and load.events.ptr.tolist() == [0, 1, 1, 2, 2]
    assert load.labels.tolist() == [1]


PROBLEMS = [
    (["input.window=3"], "input.window: expected .* with a unit|input.window"),
    (["input.window=0.5 ns"], "input.window: expected a whole number of nanoseconds"),
    (["input.events_per_step=3"], "input: expected either window or events_per_step, got both"),
    (["input.rate=0.5"], "input.rate: expected no such key for encoding event_frames, got 0.5"),
    (["input.format=bin"], "input.format: expected a known event format, got 'bin'. Known: aedat2_davis"),
    (["input.polarity=all"], "input.polarity: expected 'both', 'swap', 'merge', 'on' or 'off', got 'all'"),
    (["input.sensor=[2]"], "input.sensor"),
    (["input.crop=[0, 0, 3, 3]"], r"input.crop: expected a part of \(2, 3\), got \[0, 0, 3, 3\]"),
    (["input.downsample=2"], r"input.downsample: expected a divisor of \(2, 3\), got 2; crop first"),
    (["input.polarity=merge"], r"shape of a sample: expected \(2, 3, 2\).* got \(2, 3, 1\)"),
    (["input.format=aedat4"], "expected 1 .. 1048576 files .aedat4, got 0"),
    (["input.time_unit=us"], "expected no input.time_unit"),
    (["labels=nowhere.idx"], "nowhere.idx"),
]


@pytest.mark.parametrize(("overrides", "message"), PROBLEMS)
def test_mistakes_are_located(folder, overrides, message):
    with pytest.raises(AccelsimError, match=message):
        load_workload(folder, overrides=overrides)


def test_keys_that_are_missing_or_too_many(folder):
    (folder / "workload.yaml").write_text(MANIFEST.replace("  multiple: or\n  polarity: both\n", ""))
    with pytest.raises(ConfigError, match=r"input.multiple: expected a value for encoding event_frames"):
        load_workload(folder)
    (folder / "workload.yaml").write_text(MANIFEST.replace("  polarity: both\n", ""))
    with pytest.raises(EventError, match=r"input.polarity: expected both, swap, merge, on or off, got nothing"):
        load_workload(folder)
    (folder / "workload.yaml").write_text(MANIFEST.replace("window: 1 us", "stride: 1 us\n  events_per_step: 2"))
    with pytest.raises(ConfigError, match=r"workload.yaml:13: input.stride: expected window beside it"):
        load_workload(folder)


def test_labels_inside_need_recordings_that_have_them(folder):
    write_nmnist(folder / "one.bin", [0], [0], [0], [0])
    with pytest.raises(EventError, match="labels: expected a label with every sample, but format nmnist has none here"):
        load_workload(folder, overrides=["input.file=one.bin"])
    with pytest.raises(WorkloadError, match=r"input.stride cuts a recording into samples"):
        load_workload(folder, overrides=["input.stride=1 us", "labels=x.idx"])
