"""Every event format gives back what an independent writer, or another program, wrote; damage is located."""

import numpy as np
import pyarrow as pa
import pytest
from conftest import REPOSITORY
from event_file_writers import (
    write_aedat2,
    write_aedat3,
    write_aedat4,
    write_hdf5_table,
    write_nmnist,
    write_shd,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accelsim.errors import EventError, UnknownNameError
from accelsim.network.event_formats.event_format import EVENT_FORMATS
from accelsim.network.event_recordings import open_recordings

FIXED = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def compressed(codec):
    def pack(data):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()

    return pack


def write_npz(path, t, x, y, p):
    np.savez(path, **{name: np.asarray(item, np.int64) for name, item in zip("txyp", (t, x, y, p), strict=True)})


def write_structured_npz(path, t, x, y, p):
    rows = np.array(list(zip(x, y, t, p, strict=True)), dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "i1")])
    np.savez(path, rows)


WRITERS = {
    "nmnist": ("a.bin", write_nmnist),
    "aedat2_dvs128": ("a.aedat", write_aedat2),
    "aedat2_davis": ("a.aedat", lambda *a: write_aedat2(*a, camera="DavisRGBW640")),
    "aedat3": ("a.aedat", write_aedat3),
    "aedat4": ("a.aedat4", write_aedat4),
    "aedat4 lz4": ("a.aedat4", lambda *a: write_aedat4(*a, pack=compressed("lz4"), compression=1)),
    "aedat4 zstd": ("a.aedat4", lambda *a: write_aedat4(*a, pack=compressed("zstd"), compression=3)),
    "hdf5_table": ("a.h5", write_hdf5_table),
    "hdf5_table root": ("a.hdf5", lambda *a: write_hdf5_table(*a, group="")),
    "hdf5_table structured": ("a.h5", lambda *a: write_hdf5_table(*a, structured=True)),
    "npz_table": ("a.npz", write_npz),
    "npz_table structured": ("a.npz", write_structured_npz),
}


def test_every_registered_format_has_a_writer_here():
    others = {"dvs_gesture", "nmnist_npz", "shd", "text_frames"}  # tests of their own below
    assert {name.split()[0] for name in WRITERS} | others == set(EVENT_FORMATS.names())


@pytest.mark.parametrize("case", WRITERS)
@FIXED
@given(data=st.data())
def test_what_was_written_is_read(case, tmp_path, data):
    name = case.split()[0]
    number = data.draw(st.integers(0, 40))
    t = sorted(data.draw(st.lists(st.integers(0, (1 << 23) - 1), min_size=number, max_size=number)))
    x = data.draw(st.lists(st.integers(0, 127), min_size=number, max_size=number))
    y = data.draw(st.lists(st.integers(0, 127), min_size=number, max_size=number))
    p = data.draw(st.lists(st.integers(0, 1), min_size=number, max_size=number))
    file, write = WRITERS[case]
    write(tmp_path / file, t, x, y, p)
    unit = 1e3 if "table" in name else None
    found = open_recordings(tmp_path / file, None, unit)
    assert (found.format, found.samples.available, found.samples.polarities) == (name, 1, 2)
    sample = found.samples.read(0)
    assert sample.time.tolist() == [1000 * item for item in t] and sample.time.dtype == np.int64
    assert (sample.x.tolist(), sample.y.tolist(), sample.polarity.tolist()) == (x, y, p)


@pytest.mark.parametrize("kind", ["plain", "lz4", "zstd"])
def test_files_of_dv_processing(kind):
    found = open_recordings(REPOSITORY / "tests" / "data" / f"dv_processing_{kind}.aedat4", None, None)
    assert found.samples.sensor == (30, 40)
    sample, i = found.samples.read(0), np.arange(60)
    np.testing.assert_array_equal(sample.time, (1_700_000_000_000_000 + 37 * i) * 1000)
    np.testing.assert_array_equal(sample.x, i * 7 % 40)
    np.testing.assert_array_equal(sample.y, i * 3 % 30)
    np.testing.assert_array_equal(sample.polarity, i % 2)


def test_skipped_time_of_an_nmnist_file(tmp_path):
    # Row 240 marks 2**13 us that the clock skipped; it is no event.
    write_nmnist(tmp_path / "a.bin", [5, 6, 7], [1, 0, 2], [3, 240, 4], [1, 0, 1])
    sample = open_recordings(tmp_path / "a.bin", None, None).samples.read(0)
    assert sample.time.tolist() == [5000, (7 + 8192) * 1000] and sample.y.tolist() == [3, 4]


def test_time_overflow_of_aedat3(tmp_path):
    write_aedat3(tmp_path / "a.aedat", [9], [1], [2], [1], overflow=3)
    sample = open_recordings(tmp_path / "a.aedat", None, None).samples.read(0)
    assert sample.time.tolist() == [((3 << 31) + 9) * 1000]


def test_labelled_windows_of_dvs_gesture(tmp_path):
    write_aedat3(tmp_path / "user01_led.aedat", [5, 10, 15, 20, 25], [1, 2, 3, 4, 5], [0] * 5, [0, 1, 0, 1, 0])
    (tmp_path / "user01_led_labels.csv").write_text("class,startTime_usec,endTime_usec\n11,10,20\n3,20,30\n")
    found = open_recordings(tmp_path / "user01_led.aedat", None, None)
    assert (found.format, found.samples.available, found.samples.sensor) == ("dvs_gesture", 2, (128, 128))
    first, second = found.samples.read(0), found.samples.read(1)
    assert (first.x.tolist(), first.label, first.origin) == ([2, 3], 10, 10_000)
    assert (second.x.tolist(), second.label, second.origin) == ([4, 5], 2, 20_000)
    (tmp_path / "user01_led_labels.csv").write_text("class,startTime_usec,endTime_usec\n11,10,x\n")
    with pytest.raises(EventError, match=r"user01_led_labels.csv:2: expected class,startTime_usec,endTime_usec, got"):
        open_recordings(tmp_path / "user01_led.aedat", None, None)


def test_spikes_of_shd(tmp_path):
    write_shd(tmp_path / "shd_test.h5", [([0.5, 0.25], [699, 0]), ([], [])], [19, 3])
    found = open_recordings(tmp_path / "shd_test.h5", None, None)
    assert (found.format, found.samples.available, found.samples.sensor) == ("shd", 2, (1, 700))
    sample = found.samples.read(0)
    assert (sample.time.tolist(), sample.x.tolist(), sample.label) == ([500_000_000, 250_000_000], [699, 0], 19)
    assert found.samples.read(1).time.size == 0 and found.samples.read(1).label == 3


def test_frames_as_text(shared_data):
    found = open_recordings(shared_data / "dvs_clip" / "stimuli_class2.txt", None, None)
    sample = found.samples.read(0)
    text = (shared_data / "dvs_clip" / "stimuli_class2.txt").read_text().splitlines()
    assert sample.time.size == sum(line.count("1") for line in text if not line.startswith("//"))
    assert found.samples.sensor == (32, 32) and sample.origin == 113430646_000


def test_a_folder_of_classes_is_ordered_by_file_name(tmp_path):
    for label, name in ((7, "00002"), (0, "00001"), (7, "00003")):
        (tmp_path / "Test" / str(label)).mkdir(parents=True, exist_ok=True)
        write_nmnist(tmp_path / "Test" / str(label) / f"{name}.bin", [int(name)], [1], [1], [1])
    (tmp_path / "Test" / "7" / "notes.md").write_text("x")
    found = open_recordings(tmp_path / "Test", None, None)
    read = [found.samples.read(at) for at in range(3)]
    assert [(item.time[0] // 1000, item.label) for item in read] == [(1, 0), (2, 7), (3, 7)]
    assert found.samples.labelled and not found.classes
    assert [file.name for file in found.used_files(2)] == ["00001.bin", "00002.bin"]


def test_named_classes_are_numbered_in_alphabetical_order(tmp_path):
    for label in ("zebra", "ant"):
        (tmp_path / label).mkdir()
        write_nmnist(tmp_path / label / "1.bin", [1], [1], [1], [1])
    found = open_recordings(tmp_path, None, None)
    assert found.classes == ["ant", "zebra"]
    assert [found.samples.read(at).label for at in range(2)] == [0, 1]


def test_samples_of_files_with_several_are_found(tmp_path):
    for at, sizes in enumerate(((1, 2), (3,))):
        write_shd(tmp_path / f"{at}.h5", [([0.5] * size, range(size)) for size in sizes], list(sizes))
    found = open_recordings(tmp_path, None, None)
    assert [found.samples.read(at).label for at in range(3)] == [1, 2, 3]
    assert len(found.used_files(2)) == 1 and len(found.used_files(3)) == 2


BROKEN = {
    "nmnist cut": ("a.bin", lambda p: write_nmnist(p, [1, 2], [1, 1], [1, 1], [1, 1]), -2, "byte 5: expected records"),
    "aedat2 cut": ("a.aedat", lambda p: write_aedat2(p, [1, 2], [1, 1], [1, 1], [1, 1]), -3, "expected records of 8"),
    "aedat3 cut": ("a.aedat", lambda p: write_aedat3(p, [1, 2], [1, 1], [1, 1], [1, 1]), -3, "truncated or corrupt"),
    "aedat3 head": ("a.aedat", lambda p: write_aedat3(p, [1], [1], [1], [1]), -25, "a packet header is cut short"),
    "aedat4 cut": ("a.aedat4", lambda p: write_aedat4(p, [1], [1], [1], [1]), -3, "truncated"),
    "aedat4 head": ("a.aedat4", lambda p: p.write_bytes(b"#!AER-DAT4.0\r\n\xff\xff\xff\x7f"), None, "a header of"),
    "aedat4 text": ("a.aedat4", lambda p: p.write_bytes(b"#!AER-DAT4.0\r\n\x10\0\0\0" + b"\x7f" * 16), None, "byte 14"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_damage_is_located(case, tmp_path):
    name, write, cut, message = BROKEN[case]
    path = tmp_path / name
    write(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(EventError, match=message) as caught:
        open_recordings(path, None, None).samples.read(0)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("case", WRITERS)
@FIXED
@given(data=st.data())
def test_random_damage_is_an_error_or_other_events_but_no_crash(case, tmp_path, data):
    file, write = WRITERS[case]
    path = tmp_path / file
    write(path, [1, 2, 3], [1, 2, 3], [4, 5, 6], [0, 1, 0])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        name = case.split()[0]
        open_recordings(path, name, 1e3 if "table" in name else None).samples.read(0)
    except EventError as error:
        assert str(path) in str(error)


def test_what_is_no_recording_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"")
    (tmp_path / "b.txt").write_text("hello")
    with pytest.raises(EventError, match=r"b.txt: expected input.format, one of aedat2_davis.*none of them"):
        open_recordings(tmp_path / "b.txt", None, None)
    with pytest.raises(EventError, match="expected a file of events or a folder of such files, got nothing"):
        open_recordings(tmp_path / "c", None, None)
    with pytest.raises(EventError, match=r"expected 1 .. 1048576 files .aedat4, got 0"):
        open_recordings(tmp_path, "aedat4", None)
    with pytest.raises(UnknownNameError):
        open_recordings(tmp_path / "a.bin", "aedat5", None)
    with pytest.raises(EventError, match=r"expected no input.time_unit: format nmnist states"):
        open_recordings(tmp_path / "a.bin", None, 1.0)
    write_npz(tmp_path / "t.npz", [1], [1], [1], [2])
    with pytest.raises(EventError, match=r"expected input.time_unit"):
        open_recordings(tmp_path / "t.npz", None, None)
    with pytest.raises(EventError, match="event 0: expected polarity 0 or 1"):
        open_recordings(tmp_path / "t.npz", None, 1.0).samples.read(0)
    write_aedat2(tmp_path / "d.aedat", [1], [1], [1], [1], camera="")
    with pytest.raises(EventError, match=r"expected input.format"):
        open_recordings(tmp_path / "d.aedat", None, None)
    assert open_recordings(tmp_path / "d.aedat", "aedat2_dvs128", None).samples.read(0).x.tolist() == [1]
