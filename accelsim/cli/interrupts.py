"""Ctrl-C is never lost, and waits until modules that are being imported and kernels that are being compiled are.

Libraries turn an exception in the midst of these into others, or crash, and what is half imported stays so; a second
Ctrl-C does not wait. Where Python calls back, as when an object dies, it ignores an exception: that interrupt comes
again a little later.
"""

import _thread
import signal
import sys
import time
from types import FrameType
from typing import Final

_WHOLE: Final = ("importlib._bootstrap", "numba.", "llvmlite.")
"""Starts of the names of modules that have a frame on the stack only in an import, or while kernels are compiled."""
_SECONDS: Final = 0.02
"""Between two looks at whether it has ended."""


class _Interrupts:
    """A handler of SIGINT, which raises ``KeyboardInterrupt`` as Python's own does, but later where that would harm."""

    def __init__(self) -> None:
        self._waiting = False
        self._looking = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        is_second = self._waiting and not self._looking
        self._looking = False
        self._waiting = not is_second and _is_within(frame)
        if not self._waiting:
            signal.default_int_handler(number, frame)
        _thread.start_new_thread(self._look_again, ())

    def unraisable(self, found: "sys.UnraisableHookArgs") -> None:
        """Take what Python ignores (``sys.unraisablehook``): an interrupt comes again, the rest is written as ever."""
        if issubclass(found.exc_type, KeyboardInterrupt):
            self._waiting = True
            _thread.start_new_thread(self._look_again, ())
        else:
            sys.__unraisablehook__(found)

    def _look_again(self) -> None:
        time.sleep(_SECONDS)
        self._looking = True
        _thread.interrupt_main()


def answer_interrupts() -> None:
    """Install the handler, except where interrupts are ignored, as below ``nohup``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        interrupts = _Interrupts()
        signal.signal(signal.SIGINT, interrupts)
        sys.unraisablehook = interrupts.unraisable


def _is_within(frame: FrameType | None) -> bool:
    while frame is not None and not str(frame.f_globals.get("__name__")).startswith(_WHOLE):
        frame = frame.f_back
    return frame is not None
