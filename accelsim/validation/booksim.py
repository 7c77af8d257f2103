"""BookSim2's packet traces: run them on our routers and compare every packet.

A case is three files of one name: ``.cfg`` (the network), ``.trace`` (a packet a line: cycle, source, destination,
flits; a source keeps the order of the file) and ``.csv`` (what BookSim2 measured: packet number, source, the cycles
in which the head left the source and head and tail arrived). Each may be gzipped.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import TOPOLOGIES, build_fabric
from accelsim.timing.compiled.packets import run_packets as run_compiled
from accelsim.timing.packets import PacketTimes, PacketTrace
from accelsim.timing.reference.packets import run_packets as run_reference
from accelsim.timing.tables import NocTables, noc_tables
from accelsim.validation.booksim_config import BooksimNetwork, read_network
from accelsim.validation.booksim_text import find_file, line_of, read_integers, read_lines

PACKET_ENGINES: Final[Mapping[str, Callable[[NocTables, PacketTrace], PacketTimes]]] = {
    "compiled": run_compiled,
    "reference": run_reference,
}

_MAX_BYTES: Final = 1 << 28
_MAX_PACKETS: Final = 5_000_000
_MAX_FLITS: Final = 50_000_000
_MAX_LENGTH: Final = 65_536
_MAX_CYCLE: Final = 1 << 40

_TIMES: Final = ("itime", "head_atime", "tail_atime")
_CHECKED: Final = {"src": "source", "dst": "target", "size": "flits", "ctime": "created"}


@dataclass(frozen=True, eq=False)
class BooksimCase:
    """A network, a trace, and BookSim2's times of its packets.

    Attributes
    ----------
    times : dict of str to (packets,) int64
        In the order of the trace; of itime, head_atime and tail_atime those that the file has.
    """

    name: str
    network: BooksimNetwork
    trace: PacketTrace
    times: dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Comparison:
    """How many packets of a case differ; ``first`` describes the earliest of them."""

    name: str
    packets: int
    mismatches: int
    first: str


def case_names(folder: Path) -> list[str]:
    """Return the names of the cases of a folder in order.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: expected a folder of .cfg, .trace and .csv files")
    files = [path.name.removesuffix(".gz") for path in folder.iterdir() if path.is_file()]
    names = {name[: -len(end)] for end in (".cfg", ".trace") for name in files if name.endswith(end)}
    if not names:
        raise ConfigError(f"{folder}: expected .cfg, .trace and .csv files, found none")
    return sorted(names)


def load_case(folder: Path, name: str) -> BooksimCase:
    """Read the three files of a case.

    Raises
    ------
    ConfigError
        With every problem of the first file that has one: missing, malformed, out of range, or not modelled.
    """
    paths = {end: find_file(folder, name + end) for end in (".cfg", ".trace", ".csv")}
    missing = [f"{folder / (name + end)}: no such file, plain or .gz" for end, path in paths.items() if path is None]
    config, packets, measured = paths.values()
    if config is None or packets is None or measured is None:
        raise ConfigError(missing)
    network = read_network(config)
    trace = read_trace(packets, network.nodes)
    if network.topology == "torus":
        _refuse_drawn_directions(packets, network.size, trace)
    return BooksimCase(name, network, trace, _read_times(measured, packets, trace))


def read_trace(path: Path, nodes: int) -> PacketTrace:
    """Read a packet trace of a network with so many nodes."""
    lines = read_lines(path, _MAX_BYTES)
    rows = read_integers(path, lines, 0, 4, None)
    limits = ((0, _MAX_CYCLE), (0, nodes - 1), (0, nodes - 1), (1, _MAX_LENGTH))
    for at, (what, (low, high)) in enumerate(zip(("cycle", "source", "destination", "flits"), limits, strict=True)):
        wrong = np.flatnonzero((rows[:, at] < low) | (rows[:, at] > high))
        if wrong.size:
            line, got = line_of(lines, 0, int(wrong[0])), rows[wrong[0], at]
            raise ConfigError(f"{path}:{line}: {what}: expected {low} to {high}, got {got}")
    if len(rows) > _MAX_PACKETS or rows[:, 3].sum() > _MAX_FLITS:
        raise ConfigError(f"{path}: expected at most {_MAX_PACKETS} packets and {_MAX_FLITS} flits")
    return PacketTrace(*(np.ascontiguousarray(rows[:, at]) for at in range(4)))


def _refuse_drawn_directions(path: Path, size: tuple[int, ...], trace: PacketTrace) -> None:
    """Refuse packets for which both ways around a ring are equally long: BookSim2 draws one of them at random."""
    here, there, drawn = trace.source, trace.target, np.zeros(len(trace.created), np.bool_)
    for extent in size:
        drawn |= 2 * ((there - here) % extent) == extent
        here, there = here // extent, there // extent
    if drawn.any():
        at = int(np.argmax(drawn))
        raise ConfigError(
            f"{path}: packet {at + 1}, {trace.source[at]} to {trace.target[at]}: expected one shortest way around "
            f"every ring of {size[0]} routers (an odd k has no other), got two equal ones, of which BookSim2 draws one"
        )


def _read_times(path: Path, trace_path: Path, trace: PacketTrace) -> dict[str, npt.NDArray[np.int64]]:
    """Read BookSim2's times and bring them into the order of the trace.

    BookSim2 numbers packets as it makes them, and each source makes those of its list in order: the k-th number of a
    source is its k-th line. Without numbers the cycles in which heads left tell the same.
    """
    lines = read_lines(path, _MAX_BYTES)
    names = [name.strip() for name in (lines[0] if lines else "").split(",")]
    order_by = "pid" if "pid" in names else "itime"
    needed = ("src", order_by, "tail_atime")
    if len(set(names)) < len(names) or not set(needed) <= set(names):
        raise ConfigError(f"{path}:1: expected distinct columns, with {', '.join(needed)} among them, got {lines[:1]}")
    rows = read_integers(path, lines, 1, len(names), ",")
    column = {name: rows[:, at] for at, name in enumerate(names)}
    if len(rows) != len(trace.created):
        raise ConfigError(f"{path}: expected the {len(trace.created)} packets of {trace_path}, got {len(rows)}")
    measured = np.lexsort((column[order_by], column["src"]))
    made = np.argsort(trace.source, kind="stable")
    if order_by == "pid" and np.unique(column["pid"]).size < len(rows):
        raise ConfigError(f"{path}: pid: expected a number for every packet, some are repeated")
    for name, field in _CHECKED.items():
        if name in column:
            ours, theirs = getattr(trace, field)[made], column[name][measured]
            wrong = np.flatnonzero(ours != theirs)
            if wrong.size:
                at = wrong[0]
                line, said = line_of(lines, 1, int(measured[at])), f"packet {made[at] + 1} of {trace_path}"
                raise ConfigError(f"{path}:{line}: {name}: expected {ours[at]} as in {said}, got {theirs[at]}")
    times = {}
    for name in _TIMES:
        if name in column:
            times[name] = np.empty(len(rows), np.int64)
            times[name][made] = column[name][measured]
    return times


def run_case(case: BooksimCase, engine: str) -> PacketTimes:
    """Run the trace of a case on one of the engines."""
    fabric = build_fabric(TOPOLOGIES.get(case.network.topology)(case.network.size), range(case.network.nodes))
    noc = noc_tables(fabric, case.network.router)
    if case.network.long_links:
        noc = noc._replace(credit=noc.credit + 1)
    return PACKET_ENGINES[engine](noc, case.trace)


def compare(case: BooksimCase, engine: str) -> Comparison:
    """Run a case and count the packets of which a cycle differs."""
    result = run_case(case, engine)
    ours = dict(zip(_TIMES, (result.injected, result.head_arrived, result.tail_arrived), strict=True))
    wrong = np.zeros(len(case.trace.created), dtype=np.bool_)
    earliest = np.full(len(wrong), np.iinfo(np.int64).max)
    for name, theirs in case.times.items():
        differs = ours[name] != theirs
        wrong |= differs
        earliest = np.where(differs, np.minimum(earliest, theirs), earliest)
    if not wrong.any():
        return Comparison(case.name, len(wrong), 0, "")
    at = int(np.argmin(earliest))
    pairs = ((name, ours[name][at], theirs[at]) for name, theirs in case.times.items())
    said = ", ".join(f"{name} {here} instead of {there}" for name, here, there in pairs if here != there)
    packet = f"packet {at + 1} (cycle {case.trace.created[at]}, {case.trace.source[at]} to {case.trace.target[at]})"
    return Comparison(case.name, len(wrong), int(wrong.sum()), f"{packet}: {said}")


def compare_folder(folder: Path, engine: str) -> Iterator[Comparison | ConfigError]:
    """Compare the cases of a folder in order; one that cannot be read yields what is wrong with it."""
    for name in case_names(folder):
        try:
            yield compare(load_case(folder, name), engine)
        except ConfigError as error:
            yield error
