"""The ``accelsim`` command.

Exit codes: 0 done, 1 a validation found a difference or the reader of a pipe went away, 2 an input or the usage is
wrong, 130 interrupted. Anything with a traceback is a defect of accelsim.
"""

import importlib
import importlib.util
import os
import sys
from typing import Annotated, Final

import typer

import accelsim
from accelsim.cli.console import print_error
from accelsim.errors import AccelsimError

_COMMANDS: Final = (
    "run", "compare", "sweep", "pareto", "import_", "export", "inspect", "check", "compress", "report", "train",
    "doctor",
)  # fmt: skip
"""Commands of one function: module ``accelsim.cli.<name>`` has a function ``<name>``; a last underscore is Python's."""
_GROUPS: Final = ("energy", "hw", "validate")
"""Commands with sub-commands: module ``accelsim.cli.<name>`` has a Typer ``app``."""


def build() -> typer.Typer:
    """Return the application with every command whose module is installed."""
    app = typer.Typer(
        name="accelsim",
        help="Simulate event-driven spiking-neural-network accelerators, cycle by cycle.\n\n"
        "For example: accelsim run --hw core --workload mnist_conv --samples 4",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in _COMMANDS:
        if importlib.util.find_spec(f"accelsim.cli.{name}") is not None:
            app.command(name.rstrip("_"))(getattr(importlib.import_module(f"accelsim.cli.{name}"), name))
    for name in _GROUPS:
        app.add_typer(importlib.import_module(f"accelsim.cli.{name}").app, name=name)
    return app


def main() -> None:
    """Run the command line and exit."""
    code = 0
    try:
        build()(prog_name="accelsim")
    except AccelsimError as error:
        print_error(str(error))
        code = 2
    except KeyboardInterrupt:
        code = 130
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if code == 130:
        print_error("interrupted")
    sys.exit(_flushed(code))


def _flushed(code: int) -> int:
    """Flush stdout; where its reader went away, keep Python from complaining about it at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"accelsim {accelsim.__version__}")
        raise typer.Exit


def _options(
    plugin: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE.py|MODULE", help="Import Python code that registers models; may be repeated."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if plugin:
        from accelsim.pipeline.plugins import load_plugin

        for name in plugin:
            load_plugin(name)
