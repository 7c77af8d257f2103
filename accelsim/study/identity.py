"""The content of a point: what its result depends on, and a name that is a hash of all of it.

Hashed are the resolved chip, the resolved workload with the contents of the files that it names, the ANN's file, the
number of samples, the engine, plug-ins, and the sources and tables of the simulator itself. So equal points of any
study have one name, and a file that changes renames the points that depend on it and no other.
"""

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import accelsim
from accelsim.errors import AccelsimError, ConfigError
from accelsim.pipeline.plugins import load_plugin

_PACKAGE: Final = Path(accelsim.__file__).parent
_VIEWS: Final = frozenset({"cli", "report", "study", "testing", "training", "validation"})
"""Packages that no number depends on."""
_FILE_KEYS: Final = frozenset({"file", "labels", "ann"})
_BLOCK: Final = 1 << 20


class FileHashes:
    """SHA-256 of files, read again where size or time of change differ."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, int, str]] = {}

    def of(self, path: Path) -> str:
        """Return the hash of a file, or of the names and hashes of all files of a folder.

        Raises
        ------
        AccelsimError
            If it cannot be read.
        """
        try:
            if path.is_dir():
                inner = sorted(item for item in path.rglob("*") if item.is_file())
                names = "".join(f"{item.relative_to(path).as_posix()} {self.of(item)}\n" for item in inner)
                return hashlib.sha256(names.encode()).hexdigest()
            state = path.stat()
            known = self._known.get(path)
            if known is not None and known[:2] == (state.st_size, state.st_mtime_ns):
                return known[2]
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise AccelsimError(f"{path}: cannot be read: {error.strerror or error}") from None
        self._known[path] = (state.st_size, state.st_mtime_ns, digest.hexdigest())
        return digest.hexdigest()


def digest_of(value: object) -> str:
    """Return the SHA-256 of plain values, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def named_files(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of files in the description of a workload; its provenance names none."""
    for key, value in data.items():
        if key == "provenance":
            continue
        if isinstance(value, dict):
            yield from named_files(value)
        elif key in _FILE_KEYS and isinstance(value, str):
            yield value


def input_hashes(data: Mapping[str, Any], folder: Path, hashes: FileHashes) -> dict[str, str]:
    """Return the hash of every file and folder that a workload's description names and that exists."""
    found = {}
    for name in dict.fromkeys(named_files(data)):
        path = folder / name
        if "\0" not in name and path.exists():
            found[name] = hashes.of(path)
    return found


@functools.cache
def model_digest() -> str:
    """Return the hash of the simulator: its sources and tables, and the versions of installed plug-ins."""
    digest = hashlib.sha256(accelsim.__version__.encode())
    for path in sorted(_PACKAGE.rglob("*")):
        inner = path.relative_to(_PACKAGE)
        if path.suffix in {".py", ".csv"} and inner.parts[0] not in _VIEWS:
            digest.update(inner.as_posix().encode() + b"\0" + path.read_bytes())
    for name, version in sorted(_outside()):
        digest.update(f"{name} {version}\n".encode())
    return digest.hexdigest()


def plugin_digest(plugins: Sequence[str]) -> dict[str, str]:
    """Return the hash of every plug-in's file.

    Raises
    ------
    ConfigError
        If there is no such file or module.
    """
    found = {}
    for name in plugins:
        if name.endswith(".py"):
            path = Path(name)
        else:
            spec = importlib.util.find_spec(name)
            path = Path(spec.origin) if spec is not None and spec.origin is not None else Path(name)
        if not path.is_file():
            raise ConfigError(f"--plugin {name}: expected a Python file or module, got nothing that can be read")
        found[path.stem] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@functools.cache
def imported(name: str) -> dict[str, str]:
    """Import a plug-in, once in a process; return its hash at that time.

    Raises
    ------
    ConfigError
        If it cannot be read or imported.
    """
    digest = plugin_digest([name])
    load_plugin(name)
    return digest


def _outside() -> Iterator[tuple[str, str]]:
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name != "accelsim" and any(entry.group.startswith("accelsim.") for entry in distribution.entry_points):
            yield name, distribution.version
