"""The decorator of every compiled kernel, and where compiled code is kept.

Numba's file cache notices an edit of the file that holds a kernel, but not of a kernel that it calls in another file.
The cache folder of a kernel is therefore named after a hash of its file and of all of accelsim that this file imports,
directly or not: an edit of anything that could be compiled into the kernel makes a fresh folder. Only accelsim's
kernels go there; numba's own settings stay as the user made them.
"""

import contextlib
import functools
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import numba
import numba.core.config as numba_config
import platformdirs

F = TypeVar("F", bound=Callable[..., object])

_KEPT_SECONDS = 30 * 24 * 3600


_PACKAGE = Path(__file__).parent

_IMPORT = re.compile(
    r"^\s*(?:from\s+(accelsim[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)|import\s+(accelsim[\w.]*))", re.MULTILINE
)


def _module_file(name: str) -> Path | None:
    """Return the source of a module of this package, None for what is not one (a class, a function)."""
    place = _PACKAGE.parent.joinpath(*name.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@functools.cache
def _imports(path: Path) -> tuple[bytes, frozenset[Path]]:
    """Return the contents of a source file, and the files of this package that it names in imports."""
    content = path.read_bytes()
    found = set()
    for package, names, module in _IMPORT.findall(content.decode()):
        base = module or package
        inner = [f"{base}.{name}" for name in re.findall(r"\w+", names)]
        found |= {file for file in map(_module_file, (base, *inner)) if file is not None}
    return content, frozenset(found)


@functools.cache
def source_hash(*sources: Path) -> str:
    """Return a hash of source files and of every file of this package that they import, directly or not."""
    reached, open_ends = set(sources), list(sources)
    while open_ends:
        news = _imports(open_ends.pop())[1] - reached
        reached |= news
        open_ends += news
    digest = hashlib.sha256()
    for file in sorted(reached):
        digest.update(file.name.encode())
        digest.update(_imports(file)[0])
    return digest.hexdigest()[:16]


@functools.cache
def _kernel_folder() -> Path | None:
    """Return the folder of all compiled kernels, cleared of what is old, or None where nothing can be written.

    ``NUMBA_CACHE_DIR``, where set, is the parent; else the user's cache folder.
    """
    base = os.environ.get("NUMBA_CACHE_DIR")
    parent = (Path(base) if base else Path(platformdirs.user_cache_dir("accelsim"))) / "kernels"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _KEPT_SECONDS
        stale = [path for path in parent.iterdir() if path.stat().st_mtime < oldest]
    except OSError:
        return None
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return parent if os.access(parent, os.W_OK) else None


def cache_folder(source: Path) -> Path | None:
    """Return the folder of the compiled kernels of a source file, or None where nothing can be written."""
    parent = _kernel_folder()
    if parent is None:
        return None
    folder = parent / source_hash(source)
    try:
        folder.mkdir(exist_ok=True)
        folder.touch()
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


@contextlib.contextmanager
def _cache_directory(folder: Path) -> Iterator[None]:
    previous = getattr(numba_config, "CACHE_DIR")  # noqa: B009 - numba sets its options from a table
    setattr(numba_config, "CACHE_DIR", str(folder))  # noqa: B010
    try:
        yield
    finally:
        setattr(numba_config, "CACHE_DIR", previous)  # noqa: B010


def kernel(function: F) -> F:
    """Compile ``function`` with numba, cached on disk: no Python objects, no fastmath, interpreter lock released."""
    return _compiled(function, {})


def loop_kernel(function: F) -> F:
    """Compile a long-running loop over preallocated arrays: as :func:`kernel`, without reference counts.

    Numba counts references to an array whenever a tuple gives it out, atomically: measured, two thirds of the time of a
    simulated step. A function compiled so must not create arrays.
    """
    return _compiled(function, {"_nrt": False})


def _compiled(function: F, options: dict[str, bool]) -> F:
    folder = cache_folder(Path(function.__code__.co_filename))
    if folder is None:
        return cast("F", numba.njit(nogil=True, **options)(function))  # type: ignore[call-overload]
    with _cache_directory(folder):
        return cast("F", numba.njit(nogil=True, cache=True, **options)(function))  # type: ignore[call-overload]


def inlined(function: F) -> F:
    """Mark ``function`` for use inside other kernels: numba puts its body in the place of each call."""
    return cast("F", numba.njit(nogil=True, inline="always")(function))
