"""The cache of traces: one file per content key, least recently used files deleted above a size limit.

A damaged file is reported in the log, ignored and written again. A cache that cannot be written is reported in the log;
the trace is then simply made anew the next time.
"""

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs
from filelock import FileLock

from accelsim.errors import OutputError
from accelsim.trace.activity import ActivityTrace
from accelsim.trace.file import TraceError, load_trace, save_trace

CACHE_LIMIT: Final = 2 << 30
"""Bytes that the cache keeps unless told otherwise."""

_LOG = logging.getLogger(__name__)


def trace_folder() -> Path:
    """Return the folder of cached traces: ``$ACCELSIM_CACHE_DIR/traces``, else below the user's cache folder."""
    base = os.environ.get("ACCELSIM_CACHE_DIR")
    return (Path(base) if base else Path(platformdirs.user_cache_dir("accelsim"))) / "traces"


@dataclass(frozen=True)
class TraceStore:
    """Traces by content key in a folder.

    Attributes
    ----------
    folder : pathlib.Path
    limit : int
        Bytes that the folder may hold; a larger trace is not kept.
    """

    folder: Path
    limit: int = CACHE_LIMIT

    def path(self, key: str) -> Path:
        """Return the file of a key.

        Raises
        ------
        ValueError
            If the key is not a hash.
        """
        if not key.isalnum():
            raise ValueError(f"trace key: expected hexadecimal digits, got {key!r}")
        return self.folder / f"{key}.npz"

    def get(self, key: str) -> ActivityTrace | None:
        """Return the trace of a key and mark it as used, or None where there is none that can be read."""
        path = self.path(key)
        try:
            trace = load_trace(path)
        except FileNotFoundError:
            return None
        except TraceError as error:
            _LOG.warning("cached trace ignored: %s", error)
            return None
        if trace.key != key:
            _LOG.warning("cached trace ignored: %s holds the trace of key %s", path, trace.key)
            return None
        try:
            os.utime(path)
        except OSError as error:
            _LOG.debug("cached trace not marked as used: %s", error)
        return trace

    def put(self, trace: ActivityTrace) -> None:
        """Keep a trace, and delete the least recently used ones above the limit."""
        size = trace_bytes(trace)
        if size > self.limit:
            _LOG.warning("trace not cached: %d bytes are more than the limit of %d", size, self.limit)
            return
        try:
            save_trace(trace, self.path(trace.key))
            self._evict()
        except (OutputError, OSError) as error:
            _LOG.warning("trace not cached: %s", error)

    def _evict(self) -> None:
        files = []
        for path in self.folder.glob("*.npz"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process deleted it
                continue
            files.append((status.st_mtime_ns, status.st_size, path))
        held = sum(size for _, size, _ in files)
        for _, size, path in sorted(files, key=lambda item: (item[0], item[2].name)):
            if held <= self.limit:
                break
            path.unlink(missing_ok=True)
            held -= size


def trace_bytes(trace: ActivityTrace) -> int:
    """Return the size of a trace's arrays, bytes."""
    total = trace.output.nbytes + trace.first_spike.nbytes
    for item in trace.populations.values():
        total += item.ptr.nbytes + item.index.nbytes + item.touched.nbytes + item.nonzero.nbytes
        total += 0 if item.count is None else item.count.nbytes
    return int(total)


def cached_trace(key: str, make: Callable[[], ActivityTrace], folder: Path | None = None) -> ActivityTrace:
    """Return the trace of ``key`` from the cache, or make it and keep it.

    Parameters
    ----------
    key : str
        Content key, see :func:`accelsim.functional.key.trace_key`.
    make : callable
        Makes the trace; called where none is cached.
    folder : pathlib.Path, optional
        Default: :func:`trace_folder`.

    Raises
    ------
    ValueError
        If ``make`` gives a trace of another key.
    """
    store = TraceStore(trace_folder() if folder is None else folder)
    found = store.get(key)
    if found is not None:
        return found
    with _alone(store, key):  # whoever comes second waits, and reads what the first one made
        found = store.get(key)
        if found is not None:
            return found
        made = make()
        if made.key != key:
            raise ValueError(f"expected a trace of key {key}, got {made.key}")
        store.put(made)
    return made


def _alone(store: TraceStore, key: str) -> contextlib.AbstractContextManager[object]:
    """Return a lock between processes; one of 256, so that a folder of traces is not full of locks."""
    folder = store.folder / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{key[:2]}.lock").acquire()
    except OSError as error:
        _LOG.warning("trace may be made twice: %s", error)
        return contextlib.nullcontext()
