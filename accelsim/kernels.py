"""The decorator of every compiled kernel, and where compiled code is kept.

Numba's file cache notices an edit of the file that holds a kernel, but not of a kernel that it calls in another file.
The cache folder is therefore named after a hash of all of accelsim's sources: an edit anywhere makes a fresh folder.
Only accelsim's kernels go there; numba's own settings stay as the user made them.
"""

import contextlib
import functools
import hashlib
import os
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


def source_hash(root: Path) -> str:
    """Return a hash of every Python source below ``root``: names and contents."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder of compiled kernels for these sources, or None where nothing can be written.

    ``NUMBA_CACHE_DIR``, where set, is the parent; else the user's cache folder.
    """
    base = os.environ.get("NUMBA_CACHE_DIR")
    parent = (Path(base) if base else Path(platformdirs.user_cache_dir("accelsim"))) / "kernels"
    folder = parent / source_hash(Path(__file__).parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        oldest = time.time() - _KEPT_SECONDS
        stale = [path for path in parent.iterdir() if path.stat().st_mtime < oldest]
    except OSError:
        return None
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
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
    folder = cache_folder()
    if folder is None:
        return cast("F", numba.njit(nogil=True, **options)(function))  # type: ignore[call-overload]
    with _cache_directory(folder):
        return cast("F", numba.njit(nogil=True, cache=True, **options)(function))  # type: ignore[call-overload]


def inlined(function: F) -> F:
    """Mark ``function`` for use inside other kernels: numba puts its body in the place of each call."""
    return cast("F", numba.njit(nogil=True, inline="always")(function))
