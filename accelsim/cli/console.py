"""Where the command line writes: results to stdout, progress and errors to stderr; nothing is read as markup."""

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH_OF_A_PIPE: Final = 200
"""Columns where no terminal says: tables in files and pipes are not cut at 80."""


def results() -> "Console":
    """Return a console on stdout."""
    return _console(stderr=False)


def messages() -> "Console":
    """Return a console on stderr."""
    return _console(stderr=True)


def print_error(message: str) -> None:
    """Write ``error: `` and a message to stderr, each line of it whole."""
    console = messages()
    for line in message.splitlines() or [""]:
        console.print("error: ", style="bold red", end="")
        console.print(line, soft_wrap=True)


def print_text(text: str) -> None:
    """Write text to stdout as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_OF_A_PIPE
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, width=width)
