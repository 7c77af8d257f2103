"""The server process that workers are forked off.

It imports the engines once, beside whatever the driver does meanwhile: importing this module is cheap. Where a system
has no such server, workers start by themselves.
"""

import multiprocessing
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
    from multiprocessing import forkserver  # noqa: PLC0415 - not on every system

    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([_PRELOADED])
    forkserver.ensure_running()
    return found
