"""YANA's memory images: the text files that its host loads into the cores of a 2x2 mesh.

A line is 32 bits of text: kind (3), data (24), place of the core (5: y, then x, two's complement, y towards negative).
Four lines are one entry, address before contents, right-aligned in their 96 bits. Widths of the contents: mapping 31
(last index 1, end line 15, start line 15), a line of two routes 72 (each weight 16, neuron 10, y 2, x 3, relative to
the core), a line of four weights 72 (18 each), leak factor 8, threshold 11, gain 16. Source: YANA
(fzi-forschungszentrum-informatik/yana), global_params.vh and mem_init_unit.sv; facts of the format, no code.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from accelsim.errors import NetworkError

MAX_BYTES: Final = 64 << 20
CORES: Final = 4
KINDS: Final = {
    "mem_weights": ("000", 72), "mem_mapping": ("001", 31), "mem_routing": ("010", 72), "threshold": ("011", 11),
    "tau_mem_inv": ("100", 16), "leak_ram": ("101", 8),
}  # fmt: skip
"""By the beginning of a file's name: kind, and width of an entry's contents."""
WEIGHT_BITS: Final = 18
GAIN_BITS: Final = 16
LEAK_BITS: Final = 8
LEAK_FACTORS: Final = 32
_ROUTE_BITS: Final = 31
_LINES: Final = 4

Place = tuple[int, int]


@dataclass(frozen=True)
class Route:
    """One synapse at its source: where the target is, its number there, and the address of the weight."""

    place: Place
    neuron: int
    weight: int


@dataclass(frozen=True)
class CoreImages:
    """The memories of one core.

    Attributes
    ----------
    place : (x, y)
    routes : dict of int to tuple of Route
        By channel or neuron, in the order in which packets are sent.
    weights : dict of int to int
        Two's complement, by address.
    leak : tuple of int
        Empty where none is given.
    threshold, gain : int
        0 where none is given.
    """

    place: Place
    routes: dict[int, tuple[Route, ...]]
    weights: dict[int, int]
    leak: tuple[int, ...]
    threshold: int
    gain: int


def read_images(folder: Path) -> dict[Place, CoreImages]:
    """Return the memories of every core, by its place.

    Raises
    ------
    NetworkError
        Naming the file and line that cannot be read.
    """
    if not folder.is_dir():
        raise NetworkError(f"{folder}: expected a folder of memory images, got no folder")
    cores = {}
    for core in range(CORES):
        place = (core % 2, core // 2)
        entries = {kind: _entries(folder / f"{kind}_core_{core}.txt", kind, place) for kind in KINDS}
        leak = entries["leak_ram"]
        if leak and sorted(leak) != list(range(LEAK_FACTORS)):
            raise NetworkError(f"{folder}: leak_ram_core_{core}.txt: expected {LEAK_FACTORS} factors, got {len(leak)}")
        cores[place] = CoreImages(
            place,
            _routes(folder, core, place, entries["mem_mapping"], entries["mem_routing"]),
            {4 * line + at: _signed(word >> WEIGHT_BITS * at, WEIGHT_BITS)
             for line, word in entries["mem_weights"].items() for at in range(4)},
            tuple(leak[at] for at in sorted(leak)),
            entries["threshold"].get(0, 0),
            entries["tau_mem_inv"].get(0, 0),
        )  # fmt: skip
    if not any(core.routes for core in cores.values()):
        raise NetworkError(f"{folder}: expected mem_mapping_core_N.txt and the other memory images, got no mapping")
    return cores


def _entries(path: Path, kind: str, place: Place) -> dict[int, int]:
    """Return the contents of a file by address; nothing where there is no file."""
    if not path.exists():
        return {}
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NetworkError(f"{path}: {path.stat().st_size} bytes, the limit is {MAX_BYTES}")
        lines = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkError(f"{path}: cannot be read: {error}") from None
    mark, width = KINDS[kind]
    core = f"{-place[1] & 3:02b}{place[0] & 7:03b}"
    out: dict[int, int] = {}
    if len(lines) % _LINES:
        raise NetworkError(f"{path}: expected {_LINES} lines per entry, got {len(lines)} lines")
    for at in range(0, len(lines), _LINES):
        value = 0
        for number, line in enumerate(lines[at : at + _LINES], at + 1):
            if len(line) != 32 or set(line) - {"0", "1"} or line[:3] != mark or line[27:] != core:
                raise NetworkError(f"{path}:{number}: expected {mark}, 24 bits of data and core {core}, got {line:.40}")
            value = value << 24 | int(line[3:27], 2)
        out[value >> width] = value & ((1 << width) - 1)
    return out


def _routes(
    folder: Path, core: int, place: Place, mapping: dict[int, int], lines: dict[int, int]
) -> dict[int, tuple[Route, ...]]:
    routes = {}
    for neuron, word in mapping.items():
        start, end, last = word & 0x7FFF, word >> 15 & 0x7FFF, word >> 30
        own = []
        for line in range(start, end + 1):
            for at in range(last + 1 if line == end else 2):
                if line not in lines:
                    raise NetworkError(
                        f"{folder}: mem_mapping_core_{core}.txt: {neuron} has routes in line {line}, "
                        f"which mem_routing_core_{core}.txt does not give"
                    )
                own.append(_route(lines[line] >> _ROUTE_BITS * at, place))
        twice = [target for target, count in Counter((item.place, item.neuron) for item in own).items() if count > 1]
        if twice:
            raise NetworkError(
                f"{folder}: mem_mapping_core_{core}.txt: {neuron} has two routes to neuron {twice[0][1]}"
            )
        routes[neuron] = tuple(own)
    return routes


def _route(word: int, place: Place) -> Route:
    x, y = place[0] + _signed(word, 3), place[1] - _signed(word >> 3, 2)
    return Route((x, y), word >> 5 & 0x3FF, word >> 15 & 0xFFFF)


def _signed(word: int, bits: int) -> int:
    value = word & ((1 << bits) - 1)
    return value - (1 << bits) if value >> (bits - 1) else value
