"""``accelsim validate``: hold the simulator against recordings of other simulators."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Compare with recordings of other simulators.", no_args_is_help=True)


class Engine(StrEnum):
    """Which of the two timing engines runs."""

    compiled = "compiled"
    reference = "reference"


@app.callback()
def group() -> None:
    """Keep the name of a sub-command necessary."""


@app.command()
def booksim(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of NAME.cfg, .trace and .csv, plain or .gz.")],
    engine: Annotated[
        Engine, typer.Option("--engine", help="Timing engine; the reference is slow and readable.")
    ] = Engine.compiled,
) -> None:
    """Run BookSim2's packet traces and compare the cycles of every packet; exit code 1 if one differs."""
    from accelsim.errors import ConfigError
    from accelsim.validation.booksim import Comparison, case_names, compare_folder

    names = case_names(folder)
    width = max(len(name) for name in names)
    done: list[Comparison] = []
    problems: list[str] = []
    for outcome in compare_folder(folder, engine.value):
        if isinstance(outcome, ConfigError):
            problems += outcome.problems
            continue
        done.append(outcome)
        first = f"  first: {outcome.first}" if outcome.first else ""
        typer.echo(f"{outcome.name:<{width}}  {outcome.packets:>9} packets  {outcome.mismatches:>9} mismatches{first}")
    wrong = sum(outcome.mismatches for outcome in done)
    packets = sum(outcome.packets for outcome in done)
    typer.echo(f"{len(done)} of {len(names)} cases, {packets} packets, {wrong} mismatches ({engine.value} engine)")
    if problems:
        raise ConfigError(problems)
    if wrong:
        raise typer.Exit(1)
