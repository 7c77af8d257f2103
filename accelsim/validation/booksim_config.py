"""BookSim2's configuration files: which network a ``.cfg`` describes, or which of its settings is not modelled.

Syntax ``key = value;`` with ``//`` comments. A missing setting has BookSim2's default. Settings of its traffic,
statistics and output do not matter to a packet trace and are not looked at.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from accelsim.errors import ConfigError
from accelsim.hardware.spec import MAX_ROUTERS, RouterSpec
from accelsim.timing.tables import MAX_CHANNELS
from accelsim.validation.booksim_text import read_lines

_MAX_BYTES: Final = 1 << 20
_MAX_SLOTS: Final = 1 << 21
"""Buffer slots of all routers together."""

_STATEMENT: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([^=]*?)\s*")

_NUMBERS: Final = {
    "k": (8, 1, MAX_ROUTERS),
    "n": (2, 1, 6),
    "num_vcs": (16, 1, 1 << 20),
    "vc_buf_size": (8, 1, 1 << 20),
    "routing_delay": (1, 0, 1 << 20),
    "vc_alloc_delay": (1, 1, 1 << 20),
    "sw_alloc_delay": (1, 1, 1 << 20),
    "st_prepare_delay": (0, 0, 1 << 20),
    "st_final_delay": (1, 0, 1 << 20),
    "credit_delay": (0, 0, 1 << 20),
    "speculative": (0, 0, 1),
    "use_noc_latency": (1, 0, 1),
}
"""Modelled settings: BookSim2's default, least and largest value."""

_MODELLED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "topology": ("torus", ("mesh", "torus")),
    "router": ("iq", ("iq",)),
    "vc_allocator": ("islip", ("islip",)),
    "sw_allocator": ("islip", ("islip",)),
    "buffer_policy": ("private", ("private",)),
    "priority": ("none", ("none",)),
    "alloc_iters": ("1", ("1",)),
    "input_speedup": ("1", ("1",)),
    "output_speedup": ("1", ("1",)),
    "internal_speedup": ("1", ("1",)),
    "output_buffer_size": ("-1", ("-1",)),
    "buf_size": ("-1", ("-1",)),
    "c": ("1", ("1",)),
    "subnets": ("1", ("1",)),
    "classes": ("1", ("1",)),
    "use_read_write": ("0", ("0",)),
    "link_failures": ("0", ("0",)),
    "wait_for_tail_credit": ("0", ("0",)),
    "hold_switch_for_packet": ("0", ("0",)),
    "vc_busy_when_full": ("0", ("0",)),
    "vc_prioritize_empty": ("0", ("0",)),
    "vc_priority_donation": ("0", ("0",)),
    "vc_shuffle_requests": ("0", ("0",)),
    "noq": ("0", ("0",)),
}
"""Settings with a meaning for the cycles of a packet of which one choice is modelled: default, choices."""

_ROUTING: Final = {"mesh": ("dor", "dim_order"), "torus": ("dim_order",)}
"""Routing functions of each topology; BookSim2's default, ``none``, is not one."""

_MODELLED_SPECULATION: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "spec_check_elig": ("1", ("1",)),
    "spec_check_cred": ("1", ("1",)),
    "spec_sw_allocator": ("prio", ("prio",)),
}
"""The same, looked at with ``speculative`` alone."""

_ROUTER_FIELDS: Final = {
    "num_vcs": "virtual_channels",
    "vc_buf_size": "buffer_flits",
    "routing_delay": "routing_delay",
    "speculative": "speculative",
    "vc_alloc_delay": "vc_alloc_delay",
    "sw_alloc_delay": "switch_alloc_delay",
    "credit_delay": "credit_delay",
}


@dataclass(frozen=True)
class BooksimNetwork:
    """The network of a configuration file: ``mesh`` or ``torus``, its extents, and its routers.

    ``long_links``: flits and credits take a cycle more between routers, as on BookSim2's tori by default; the credits
    of terminals do not.
    """

    topology: str
    size: tuple[int, ...]
    router: RouterSpec
    long_links: bool

    @property
    def nodes(self) -> int:
        """Routers, each with one terminal."""
        return int(self.size[0] ** len(self.size))


def read_network(path: Path) -> BooksimNetwork:
    """Return the network that a configuration file describes.

    Raises
    ------
    ConfigError
        With every problem of the file: syntax, values out of range, settings that are not modelled.
    """
    settings, problems = _statements(path)
    numbers: dict[str, int] = {}
    for name, (default, low, high) in _NUMBERS.items():
        text, line = settings.get(name, (str(default), 0))
        value = int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else None
        if value is None or not low <= value <= high:
            problems.append(f"{_where(path, line)}: {name}: expected an integer from {low} to {high}, got {text!r}")
        else:
            numbers[name] = value
    topology = settings.get("topology", (_MODELLED["topology"][0], 0))[0]
    rules = _MODELLED | (_MODELLED_SPECULATION if numbers.get("speculative") else {})
    rules |= {"routing_function": ("none", _ROUTING.get(topology, ("dim_order",)))}
    for name, (default_text, choices) in rules.items():
        text, line = settings.get(name, (default_text, 0))
        if not any(_equal(text, choice) for choice in choices):
            origin = "" if line else " (BookSim2's default)"
            problems.append(f"{_where(path, line)}: {name}: expected {' or '.join(choices)}, got {text!r}{origin}")
    if topology == "torus" and numbers.get("num_vcs", 0) % 2:
        problems.append(
            f"{_where(path, settings.get('num_vcs', ('', 0))[1])}: num_vcs: expected an even number on a torus "
            f"(BookSim2's two classes overlap in an odd one, which is not modelled), got {numbers['num_vcs']}"
        )
    if problems:
        raise ConfigError(problems)
    size = (numbers["k"],) * numbers["n"]
    channels = (2 * numbers["n"] + 1) * numbers["num_vcs"]
    if numbers["k"] ** numbers["n"] > MAX_ROUTERS:
        problems.append(f"{path}: k, n: expected k^n <= {MAX_ROUTERS} routers, got {numbers['k']}^{numbers['n']}")
    if channels > MAX_CHANNELS:
        problems.append(f"{path}: num_vcs: expected (2 n + 1) num_vcs <= {MAX_CHANNELS}, got {channels}")
    slots = numbers["k"] ** numbers["n"] * channels * numbers["vc_buf_size"]
    if slots > _MAX_SLOTS:
        problems.append(f"{path}: vc_buf_size: expected at most {_MAX_SLOTS} flits of buffers in all, got {slots}")
    long_links = topology == "torus" and bool(numbers["use_noc_latency"])
    numbers["link_delay"] = 2 if long_links else 1
    return BooksimNetwork(topology, size, _router(path, settings, numbers, problems), long_links)


def _router(
    path: Path, settings: dict[str, tuple[str, int]], numbers: dict[str, int], problems: list[str]
) -> RouterSpec:
    """Return the routers; ``problems`` so far and those of the routers raise."""
    fields = {field: numbers[name] for name, field in _ROUTER_FIELDS.items()}
    fields["speculative"] = bool(numbers["speculative"])
    fields["switch_delay"] = numbers["st_prepare_delay"] + numbers["st_final_delay"]
    fields["link_delay"] = numbers["link_delay"]
    names = {field: name for name, field in _ROUTER_FIELDS.items()} | {"switch_delay": "st_final_delay"}
    try:
        router = RouterSpec.model_validate(fields)
    except ValidationError as error:
        for item in error.errors():
            name = names[str(item["loc"][0])] if item["loc"] else "speculative"
            got = f", got {fields[str(item['loc'][0])]}" if item["loc"] else ""
            what = item["msg"].removeprefix("Value error, ")
            problems.append(f"{_where(path, settings.get(name, ('', 0))[1])}: {name}: {what}{got}")
    if problems:
        raise ConfigError(problems)
    return router


def _statements(path: Path) -> tuple[dict[str, tuple[str, int]], list[str]]:
    """Return the (value, line) of every setting, and the problems met."""
    found: dict[str, tuple[str, int]] = {}
    problems: list[str] = []
    rest, begun = "", 0
    for line, text in enumerate(read_lines(path, _MAX_BYTES), 1):
        begun = begun if rest.strip() else line
        *whole, rest = f"{rest}\n{text.partition('//')[0]}".split(";")
        for statement in whole:
            parts = _STATEMENT.fullmatch(statement)
            if parts is None:
                problems.append(f"{path}:{begun}: expected `key = value;`, got {statement.strip()[:60]!r}")
                continue
            name, value = parts[1], parts[2].strip('"')
            if name in found and found[name][0] != value:
                problems.append(f"{path}:{line}: {name}: is already {found[name][0]!r} in line {found[name][1]}")
            found[name] = (value, line)
            begun = line
    if rest.strip():
        problems.append(f"{path}:{begun}: expected `key = value;`, got {rest.strip()[:60]!r}")
    return found, problems


def _where(path: Path, line: int) -> str:
    return f"{path}:{line}" if line else str(path)


def _equal(text: str, choice: str) -> bool:
    """Compare as numbers where both are."""
    try:
        return float(text) == float(choice)
    except ValueError:
        return text == choice
