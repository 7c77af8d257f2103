"""``accelsim validate booksim``: every recorded packet, files as they come, and what it says about bad ones."""

import gzip
import re
import shutil
import sys

import numpy as np
import pytest

from accelsim.cli.app import main
from accelsim.errors import ConfigError
from accelsim.validation import booksim, booksim_config, booksim_text
from accelsim.validation.booksim import compare, load_case, read_trace

CONFIG = """\
// a line of four routers
topology = mesh;
k = 4;
n = 1;
routing_function = dor;
num_vcs = 1;
vc_buf_size = 4;
credit_delay = 1;
"""
TRACE = "0 0 3 1\n0 2 2 1\n40 3 0 3\n41 3 1 1\n"
TIMES = """\
pid,src,dst,size,ctime,itime,head_atime,tail_atime,routers
0,0,3,1,0,0,22,22,4
1,2,2,1,0,0,7,7,1
2,3,0,3,40,40,62,64,4
3,3,1,1,41,43,62,62,3
"""
"""5 cycles a router and 2 around; the last packet waits two cycles for the source and two for the channel."""
NAMES = TIMES.splitlines()[0].split(",")


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``accelsim validate booksim`` in this process; return exit code, stdout, stderr."""

    def run(*words):
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["accelsim", "validate", "booksim", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


@pytest.fixture
def folder(tmp_path):
    write(tmp_path)
    return tmp_path


def write(folder, name="line", config=CONFIG, trace=TRACE, times=TIMES):
    for end, text in ((".cfg", config), (".trace", trace), (".csv", times)):
        (folder / (name + end)).write_text(text)


def edit(folder, end, old, new, name="line"):
    path = folder / (name + end)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_all_recorded_cases(command, shared_data):
    code, out, _ = command(shared_data / "booksim" / "traces")
    *lines, summary = out.splitlines()
    assert code == 0
    assert summary == "41 of 41 cases, 15241 packets, 0 mismatches (compiled engine)"
    assert len(lines) == 41
    assert all(re.fullmatch(r"[\w-]+ +\d+ packets +0 mismatches", line) for line in lines)
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)


def test_the_reference_engine(command, shared_data, tmp_path):
    for name in ("rand500_s1_k4_vc4x8_R1V1S1", "hot15to0_s5_k4_vc1x4_R0V1S1spec"):
        for path in (shared_data / "booksim" / "traces").glob(f"{name}.*"):
            shutil.copy(path, tmp_path)
    code, out, _ = command(tmp_path, "--engine", "reference")
    assert (code, out.splitlines()[-1]) == (0, "2 of 2 cases, 515 packets, 0 mismatches (reference engine)")


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_case_by_hand(command, folder, engine):
    assert command(folder, "--engine", engine)[:2] == (
        0, f"line          4 packets          0 mismatches\n1 of 1 cases, 4 packets, 0 mismatches ({engine} engine)\n"
    )  # fmt: skip


@pytest.mark.parametrize("column", ["itime", "head_atime", "tail_atime"])
@pytest.mark.parametrize("packet", range(4))
def test_one_wrong_cycle_is_found(command, folder, column, packet):
    rows = [line.split(",") for line in TIMES.splitlines()]
    at = rows[0].index(column)
    rows[packet + 1][at] = str(int(rows[packet + 1][at]) + 1)
    (folder / "line.csv").write_text("\n".join(",".join(row) for row in rows))
    code, out, err = command(folder)
    assert code == 1
    assert "4 packets          1 mismatches" in out
    assert f"first: packet {packet + 1} (" in out
    assert f"{column} {int(rows[packet + 1][at]) - 1} instead of {rows[packet + 1][at]}" in out
    assert err == ""


def test_mismatches_are_counted_by_packet_and_the_earliest_named(command, folder):
    edit(folder, ".csv", "0,22,22", "0,23,24")
    edit(folder, ".csv", "0,0,7,7", "0,0,8,8")
    write(folder, "other")
    code, out, _ = command(folder)
    assert code == 1
    assert (
        "2 mismatches  first: packet 2 (cycle 0, 2 to 2): head_atime 7 instead of 8, tail_atime 7 instead of 8" in out
    )
    assert re.fullmatch(r"other +4 packets +0 mismatches", out.splitlines()[1])
    assert out.splitlines()[-1] == "2 of 2 cases, 8 packets, 2 mismatches (compiled engine)"


def zip_all(folder):
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def shuffle(folder):
    header, *rows = TIMES.splitlines()
    (folder / "line.csv").write_text("\r\n".join([header, rows[3], rows[0], rows[2], rows[1], ""]))


def columns(*names):
    def keep(folder):
        rows = [dict(zip(NAMES, line.split(","), strict=True)) for line in TIMES.split()[1:]]
        text = [",".join(row.get(name, "7") for name in names) for row in rows]
        (folder / "line.csv").write_text("\n".join([",".join(names), *text]))

    return keep


def blanks(folder):
    (folder / "line.trace").write_text("# cycle src dst flits\n\n" + TRACE.replace(" ", "\t ") + "\n\n")
    (folder / "line.csv").write_text(TIMES.replace(",", " , ") + "\n")


@pytest.mark.parametrize(
    "change",
    [
        zip_all, shuffle, blanks,
        columns("tail_atime", "hops", "src", "pid"),
        columns("src", "dst", "itime", "head_atime", "tail_atime"),
        columns("extra", "pid", "src", "dst", "size", "ctime", "itime", "head_atime", "tail_atime", "routers", "note"),
    ],
)  # fmt: skip
def test_files_as_they_come(command, folder, change):
    change(folder)
    assert command(folder)[0] == 0
    edit_any = next(path for path in folder.iterdir() if ".csv" in path.name)
    data = gzip.decompress(edit_any.read_bytes()) if edit_any.suffix == ".gz" else edit_any.read_bytes()
    wrong = data.replace(b"64", b"66")
    assert wrong != data
    edit_any.write_bytes(gzip.compress(wrong) if edit_any.suffix == ".gz" else wrong)
    assert command(folder)[0] == 1  # what was read is compared


def test_numbers_count_per_source_and_need_not_be_dense(command, folder):
    times = TIMES.replace("\n3,", "\n90,").replace("\n2,", "\n17,").replace("\n1,", "\n99,").replace("\n0,", "\n50,")
    write(folder, times=times)
    assert command(folder)[0] == 0


def test_statements_in_any_layout(folder):
    layout = CONFIG.replace(
        "k = 4;\nn = 1;", 'k=4;n  =\n 1 ;  // "x"\nseed = 3;traffic = hotspot({{5},{1}}); new_key = 2;'
    )
    write(folder, config=layout)
    assert compare(load_case(folder, "line"), "compiled").mismatches == 0


def test_missing_settings_have_booksims_defaults(folder):
    """8 by 8, 16 channels of 8 flits, credit_delay 0, R1V1S1."""
    path = folder / "line.cfg"
    path.write_text("topology = mesh; routing_function = dim_order; num_vcs = 2;")
    network = booksim_config.read_network(path)
    assert network.size == (8, 8)
    assert network.router.model_dump() == {
        "virtual_channels": 2, "buffer_flits": 8, "routing_delay": 1, "speculative": False, "vc_alloc_delay": 1,
        "switch_alloc_delay": 1, "switch_delay": 1, "link_delay": 1, "credit_delay": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ("num_vcs = 3", "virtual_channels", 3), ("vc_buf_size = 5", "buffer_flits", 5),
        ("routing_delay = 0", "routing_delay", 0), ("routing_delay = 3", "routing_delay", 3),
        ("vc_alloc_delay = 2", "vc_alloc_delay", 2), ("sw_alloc_delay = 2", "switch_alloc_delay", 2),
        ("st_final_delay = 2", "switch_delay", 2), ("st_prepare_delay = 1", "switch_delay", 2),
        ("credit_delay = 0", "credit_delay", 0), ("speculative = 1", "speculative", True),
    ],
)  # fmt: skip
def test_every_modelled_setting_reaches_the_router(folder, settings, field, value):
    name = settings.split()[0]
    kept = "".join(line + "\n" for line in CONFIG.splitlines() if not line.startswith(name + " "))
    write(folder, config=f"{kept}{settings};\n")
    case = load_case(folder, "line")
    assert getattr(case.network.router, field) == value
    plain = load_case_of(folder, CONFIG).network.router
    assert {k for k, v in case.network.router.model_dump().items() if v != getattr(plain, k)} == (
        set() if getattr(plain, field) == value else {field}
    )


def load_case_of(folder, config):
    write(folder, "plain", config=config)
    return load_case(folder, "plain")


@pytest.mark.parametrize(("k", "n"), [(2, 1), (3, 2), (2, 3), (2, 4)])
def test_meshes_of_any_dimension(folder, k, n):
    """One packet from the first to the last node: n (k - 1) hops of 5 cycles."""
    last, routers = k**n - 1, n * (k - 1) + 1
    write(
        folder,
        config=CONFIG.replace("k = 4", f"k = {k}").replace("n = 1", f"n = {n}"),
        trace=f"3 0 {last} 1\n",
        times=f"pid,src,itime,head_atime,tail_atime\n0,0,3,{5 * routers + 5},{5 * routers + 5}\n",
    )
    for engine in ("compiled", "reference"):
        assert compare(load_case(folder, "line"), engine).mismatches == 0


BAD = {
    "topology": (".cfg", "mesh", "fly", r"line\.cfg:2: topology: expected mesh or torus, got 'fly'"),
    "no topology": (".cfg", "topology = mesh;", "", r"line\.cfg:\d: routing_function: expected dim_order, got 'dor'"),
    "classes": (".cfg", "mesh;", "torus;", r"line\.cfg:6: num_vcs: expected an even number on a torus .*, got 1"),
    "routing": (".cfg", "dor;", "valiant;", r"line\.cfg:5: routing_function: expected dor or dim_order, got 'valiant'"),
    "allocator": (".cfg", "k = 4;", "k = 4; sw_allocator = loa;", r"line\.cfg:3: sw_allocator: expected islip, got"),
    "iterations": (".cfg", "k = 4;", "k = 4;\nalloc_iters = 2;", r"line\.cfg:4: alloc_iters: expected 1, got '2'"),
    "speed-up": (".cfg", "k = 4;", "k = 4;\ninternal_speedup = 2.0;", r"internal_speedup: expected 1, got '2\.0'"),
    "tail credit": (".cfg", "k = 4;", "k = 4;\nwait_for_tail_credit = 1;", r"wait_for_tail_credit: expected 0"),
    "hold": (".cfg", "k = 4;", "k = 4;\nhold_switch_for_packet = 1;", r"hold_switch_for_packet: expected 0"),
    "prio": (".cfg", "k = 4;", "k = 4;\nspeculative = 1;spec_check_cred = 0;", r"spec_check_cred: expected 1, got '0'"),
    "slow speculation": (
        ".cfg", "k = 4;", "k = 4;\nspeculative = 1;sw_alloc_delay = 2;", r"line\.cfg:4: speculative: .*one cycle"
    ),
    "no number": (".cfg", "k = 4;", "k = four;", r"line\.cfg:3: k: expected an integer from 1 to 4096, got 'four'"),
    "zero": (".cfg", "k = 4;", "k = 0;", r"line\.cfg:3: k: expected an integer from 1 to 4096, got '0'"),
    "large": (".cfg", "n = 1;", "n = 7;", r"line\.cfg:4: n: expected an integer from 1 to 6, got '7'"),
    "twice": (".cfg", "n = 1;", "n = 1; k = 4;k = 5;", r"line\.cfg:4: k: is already '4' in line"),
    "k to the n": (".cfg", "k = 4;\nn = 1;", "k = 9;\nn = 4;", r"k, n: expected k\^n <= 4096 routers, got 9\^4"),
    "channels": (".cfg", "num_vcs = 1;", "num_vcs = 900;", r"line\.cfg.*num_vcs: .*900"),
    "buffers": (".cfg", "vc_buf_size = 4;", "vc_buf_size = 1000000;", r"vc_buf_size: .*1000000"),
    "delay": (".cfg", "k = 4;", "k = 4;\nst_final_delay = 0;", r"line\.cfg:4: st_final_delay: .*got 0"),
    "negative delay": (".cfg", "k = 4;", "k = 4;\nrouting_delay = -1;", r"routing_delay: expected an integer from 0"),
    "no semicolon": (".cfg", "n = 1;", "n = 1", r"line\.cfg:4: expected `key = value;`, got 'n = 1"),
    "no statement": (".cfg", "k = 4;", "hello;", r"line\.cfg:3: expected `key = value;`, got 'hello'"),
    "rest": (".cfg", "credit_delay = 1;", "credit_delay", r"line\.cfg:8: expected `key = value;`, got 'credit_delay'"),
    "three fields": (".trace", "0 2 2 1", "0 2 2", r"line\.trace:2: expected 4 fields, got 3"),
    "five fields": (".trace", "0 0 3 1", "0 0 3 1 9", r"line\.trace:1: expected 4 fields, got 5"),
    "word": (".trace", "40 3", "forty 3", r"line\.trace:3: expected integers of at most 53 bits, got 'forty'"),
    "float": (".trace", "40 3", "40.0 3", r"line\.trace:3: expected integers of at most 53 bits, got '40\.0'"),
    "huge": (".trace", "40 3", "99999999999999999999 3", r"line\.trace:3: expected integers of at most 53 bits"),
    "late": (".trace", "40 3", "9000000000000 3", r"line\.trace:3: cycle: expected 0 to \d+, got 9000000000000"),
    "negative": (".trace", "40 3", "-1 3", r"line\.trace:3: cycle: expected 0 to \d+, got -1"),
    "source": (".trace", "40 3", "40 4", r"line\.trace:3: source: expected 0 to 3, got 4"),
    "destination": (".trace", "3 0 3", "3 4 3", r"line\.trace:3: destination: expected 0 to 3, got 4"),
    "no flits": (".trace", "0 2 2 1", "0 2 2 0", r"line\.trace:2: flits: expected 1 to \d+, got 0"),
    "other packets": (".trace", "0 2 2 1\n", "", r"line\.csv: expected the 3 packets of .*line\.trace, got 4"),
    "other size": (".trace", "0 2 2 1", "0 2 2 2", r"line\.csv:3: size: expected 2 as in packet 2 of .*, got 1"),
    "other target": (".csv", "1,2,2,1", "1,2,3,1", r"line\.csv:3: dst: expected 2 as in packet 2 of .*, got 3"),
    "other source": (".csv", "1,2,2,1", "1,1,2,1", r"line\.csv:3: src: expected 2 as in packet 2 of .*, got 1"),
    "other cycle": (".csv", "3,1,1,41", "3,1,1,42", r"line\.csv:5: ctime: expected 41 as in packet 4 of .*, got 42"),
    "repeated": (".csv", "\n3,3,1", "\n2,3,1", r"line\.csv: pid: .*repeated"),
    "no column": (".csv", "tail_atime", "tail", r"line\.csv:1: expected distinct columns, with src, pid, tail_atime"),
    "twice a column": (".csv", "routers", "pid", r"line\.csv:1: expected distinct columns"),
    "short row": (".csv", "7,7,1", "7,7", r"line\.csv:3: expected 9 fields, got 8"),
    "text row": (".csv", "7,7,1", "7,x,1", r"line\.csv:3: expected integers of at most 53 bits, got 'x'"),
    "empty": (".csv", TIMES, "", r"line\.csv:1: expected distinct columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(command, folder, name):
    end, old, new, message = BAD[name]
    edit(folder, end, old, new)
    code, out, err = command(folder)
    assert code == 2, out
    assert re.search(message, err), err
    assert "Traceback" not in err
    assert out == "0 of 1 cases, 0 packets, 0 mismatches (compiled engine)\n"


@pytest.mark.parametrize("end", [".cfg", ".trace", ".csv"])
def test_a_missing_file_of_a_case(command, folder, end):
    (folder / f"line{end}").unlink()
    code, _, err = command(folder)
    assert code == 2
    assert "no such file, plain or .gz" in err or "expected .cfg, .trace and .csv files" in err


@pytest.mark.parametrize("end", [".cfg", ".trace", ".csv"])
def test_no_text_and_no_gzip(command, folder, end):
    (folder / f"line{end}").write_bytes(b"\xff\xfe\x00 = \x80")
    code, _, err = command(folder)
    assert (code, "expected UTF-8 text" in err) == (2, True)
    (folder / f"line{end}").unlink()
    for data in (b"no gzip", gzip.compress(TRACE.encode())[:-9], gzip.compress(b"x" * 99)[:12] + b"\x00" * 20):
        (folder / f"line{end}.gz").write_bytes(data)
        code, _, err = command(folder)
        assert (code, "cannot be read" in err, "Traceback" in err) == (2, True, False)


def test_a_bad_case_does_not_hide_the_others(command, folder):
    write(folder, "a_bad", trace="1 2 3\n")
    write(folder, "b_wrong", times=TIMES.replace("22,22", "22,23"))
    write(folder, "c_bad", config="topology = fly;\nk = -1;\n")
    code, out, err = command(folder)
    assert code == 2  # input that cannot be read comes before a difference
    assert [line.split()[0] for line in out.splitlines()[:-1]] == ["b_wrong", "line"]
    assert out.splitlines()[-1] == "2 of 4 cases, 8 packets, 1 mismatches (compiled engine)"
    assert err.count("error: ") == 4  # one of a_bad, three of c_bad
    for part in ("a_bad.trace:1", "c_bad.cfg:1: topology", "c_bad.cfg:2: k", "routing_function"):
        assert part in err


def test_a_folder_without_cases(command, tmp_path):
    (tmp_path / "README.md").write_text("nothing")
    assert command(tmp_path)[0] == 2
    code, _, err = command(tmp_path / "nowhere")
    assert (code, "expected a folder" in err) == (2, True)


def test_an_empty_trace_is_a_case(command, folder):
    write(folder, trace="", times=TIMES.splitlines()[0])
    assert command(folder)[:2] == (
        0, "line          0 packets          0 mismatches\n1 of 1 cases, 0 packets, 0 mismatches (compiled engine)\n"
    )  # fmt: skip


def test_files_have_limits(folder, monkeypatch):
    monkeypatch.setattr(booksim, "_MAX_BYTES", 20)
    with pytest.raises(ConfigError, match="at most 20 bytes unpacked"):
        read_trace(folder / "line.trace", 4)
    packed = folder / "bomb.trace.gz"
    packed.write_bytes(gzip.compress(b"0 0 1 1\n" * 100_000))
    with pytest.raises(ConfigError, match="at most 20 bytes unpacked"):
        read_trace(packed, 4)
    monkeypatch.setattr(booksim, "_MAX_BYTES", 1 << 20)
    monkeypatch.setattr(booksim, "_MAX_FLITS", 5)
    with pytest.raises(ConfigError, match="at most 5000000 packets and 5 flits"):
        read_trace(folder / "line.trace", 4)


def test_the_line_of_a_row_skips_what_is_empty(tmp_path):
    lines = ["head", "", "1 2", "# note", "3 4", "5 6 # end"]
    assert [booksim_text.line_of(lines, 1, row) for row in range(3)] == [3, 5, 6]
    assert booksim_text.read_integers(tmp_path, lines, 1, 2, None).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_packets_of_a_source_keep_the_order_of_the_file(folder):
    """A later line of a source waits for the earlier one even where its cycle is smaller."""
    write(
        folder, trace="30 0 1 1\n0 0 1 1\n0 1 0 1\n", times="pid,src,itime,tail_atime\n4,0,30,42\n5,0,31,45\n0,1,0,12\n"
    )
    for engine in ("compiled", "reference"):
        assert compare(load_case(folder, "line"), engine).mismatches == 0
    assert np.array_equal(load_case(folder, "line").times["itime"], [30, 31, 0])
