"""The server process that workers are forked off.

It imports the engines once, beside whatever the driver does meanwhile: importing this module is cheap. Where a system
has no such server, workers start by themselves.
"""

import multiprocessing
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_PRELOADED: Final = "accelsim.study.preload"


def is_starting() -> bool:
    """Return whether this is a worker that still imports its main script."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


def context() -> "ForkServerContext | SpawnContext":
    """Return how workers start, never by a fork of this process, which may have threads; the server starts now."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver, resource_tracker  # noqa: PLC0415 - not on every system

    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([_PRELOADED])
    # An interrupt of the terminal is the driver's to answer, also while the server still imports. The tracker, which
    # the server needs, unblocks signals when it starts: it goes first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return found
