"""Every packet of every BookSim2 trace, cycle for cycle, on both engines; and zero-load latencies."""

import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from timing_builders import ENGINES, packet_network, router, run_packets

from accelsim.hardware.topologies.mesh import Mesh

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "booksim"
TRACES = sorted(path.stem for path in (DATA / "traces").glob("*.cfg"))
NONE = pytest.param("", marks=pytest.mark.skip(reason=f"no traces at {DATA}"))


def table(path: Path, delimiter: str | None, header: int) -> np.ndarray:
    """Read integers from a file that may be gzipped."""
    if path.exists():
        return np.loadtxt(path, dtype=np.int64, delimiter=delimiter, skiprows=header, ndmin=2)
    with gzip.open(f"{path}.gz", "rt") as text:
        return np.loadtxt(text, dtype=np.int64, delimiter=delimiter, skiprows=header, ndmin=2)


@cache
def load(name: str):
    """Return (size, router, packets as created, source, target, flits; BookSim2's itime, head_atime, tail_atime).

    BookSim2 numbers packets in the order in which it makes them; a source takes those of its list in order, so per
    source the k-th number is the k-th line.
    """
    folder = DATA / "traces"
    lines = (folder / f"{name}.cfg").read_text().splitlines()
    keys = dict(line.strip().rstrip(";").split(" = ") for line in lines if " = " in line)
    spec = router(
        virtual_channels=int(keys["num_vcs"]),
        buffer_flits=int(keys["vc_buf_size"]),
        routing_delay=int(keys["routing_delay"]),
        switch_delay=int(keys["st_final_delay"]),
        credit_delay=int(keys["credit_delay"]),
        speculative=keys["speculative"] == "1",
    )
    packets = table(folder / f"{name}.trace", None, 0)
    made = table(folder / f"{name}.csv", ",", 1)
    by_source = np.lexsort((made[:, 0], made[:, 1]))
    lines_by_source = np.argsort(packets[:, 1], kind="stable")
    times = np.empty((len(packets), 3), np.int64)
    times[lines_by_source] = made[by_source, 5:8]
    assert np.array_equal(packets[lines_by_source][:, [1, 2, 3, 0]], made[by_source, 1:5])
    return (int(keys["k"]),) * int(keys["n"]), spec, packets, times


def measured(engine: str, size, spec, packets) -> np.ndarray:
    result = run_packets(engine, packet_network(Mesh(size), spec), packets)
    return np.stack([result.injected, result.head_arrived, result.tail_arrived], axis=1)


@pytest.mark.parametrize("name", TRACES or [NONE])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_packet_of_a_trace(engine, name):
    size, spec, packets, times = load(name)
    wrong = (measured(engine, size, spec, packets) != times).any(axis=1)
    assert not wrong.any(), f"{wrong.sum()} of {len(packets)} packets, first line {int(np.argmax(wrong)) + 1}"


def test_the_traces_cover_channels_sizes_and_lengths(shared_data):
    loaded = [load(name) for name in TRACES]
    plain = [item for item in loaded if item[1].routing_delay == 1 and not item[1].speculative]
    assert len(plain) >= 20
    assert {(spec.virtual_channels, spec.buffer_flits) for _, spec, _, _ in plain} == {(1, 4), (1, 8), (4, 8)}
    assert {size for size, *_ in plain} == {(4, 4), (8, 8)}
    assert {int(flits) for item in plain for flits in item[2][:, 3]} >= {1, 5}
    assert sum(len(packets) for _, _, packets, _ in plain) > 5000


WRONG = {
    "credit_delay": 2,
    "routing_delay": 0,
    "switch_delay": 2,
    "link_delay": 2,
    "buffer_flits": 3,
    "virtual_channels": 2,
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("field", WRONG)
def test_the_traces_notice_a_wrong_router(engine, field, shared_data):
    size, spec, packets, times = load("snnburst_k8_vc1x4_R1V1S1")
    assert getattr(spec, field) != WRONG[field]
    mutant = spec.model_copy(update={field: WRONG[field]})
    assert (measured(engine, size, mutant, packets[:400]) != times[:400]).any()
