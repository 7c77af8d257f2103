"""Ctrl-C while modules are imported: it waits until they are.

Libraries turn an exception in the midst of their import into others, or lose it, and what is half imported stays so.
A second Ctrl-C does not wait.
"""

import _thread
import signal
import time
from types import FrameType
from typing import Final

_IMPORT: Final = "<frozen importlib._bootstrap>"
_SECONDS: Final = 0.02
"""Between two looks at whether the import has ended."""


class _Interrupts:
    """A handler of SIGINT, which raises ``KeyboardInterrupt`` as Python's own does, but not within an import."""

    def __init__(self) -> None:
        self._waiting = False
        self._looking = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_second = self._waiting and not self._looking
        self._looking = False
        self._waiting = not is_second and _is_importing(frame)
        if not self._waiting:
            signal.default_int_handler(number, frame)
        _thread.start_new_thread(self._look_again, ())

    def _look_again(self) -> None:
        time.sleep(_SECONDS)
        self._looking = True
        _thread.interrupt_main()


def answer_interrupts() -> None:
    """Install the handler, except where interrupts are ignored, as below ``nohup``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _Interrupts())


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != _IMPORT:
        frame = frame.f_back
    return frame is not None
