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
def sanafe(
    wheel: Annotated[
        Path | None,
        typer.Option(
            "--wheel", metavar="PATH", help="A site-packages folder, .whl or .npz; the installed package if not given."
        ),
    ] = None,
    timesteps: Annotated[int, typer.Option("--timesteps", min=1, metavar="N", help="Timesteps to run.")] = 1000,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Timing engine; the reference is slow and readable.")
    ] = Engine.compiled,
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="INTERPRETER", help="A Python with SANA-FE, to run it and compare."),
    ] = None,
) -> None:
    """Run SANA-FE's DVS-gesture network on its Loihi and compare counts and energies; exit code 1 if one differs.

    SANA-FE itself is run where it is installed, or with --python; its published totals are compared at 1000 timesteps.
    """
    import importlib.util
    import sys

    from accelsim.validation.sanafe_compare import compare, run_own
    from accelsim.validation.sanafe_network import read_dvs_network
    from accelsim.validation.sanafe_peer import package_folder, run_peer

    if python is None and importlib.util.find_spec("sanafe") is not None:
        python = sys.executable
    place = wheel if wheel is not None or python is None else package_folder(python)
    dvs = read_dvs_network(place)
    own = run_own(dvs, timesteps, engine.value)
    peer = None if python is None else run_peer(dvs, timesteps, "simple", python)
    lines = list(compare(dvs, own, peer))
    width = max(len(line.quantity) for line in lines)
    numbers = max(len(number) for line in lines for number in (line.expected, line.found))
    typer.echo(f"{'quantity':<{width}}  {'expected':>{numbers}}  {'found':>{numbers}}  difference")
    for line in lines:
        told = line.difference or "none"
        typer.echo(f"{line.quantity:<{width}}  {line.expected:>{numbers}}  {line.found:>{numbers}}  {told}")
    wrong = sum(bool(line.difference) for line in lines)
    milliseconds = float(own.cycles.sum()) / own.chip.clock * 1e-6
    typer.echo(
        f"{len(lines)} quantities over {timesteps} timesteps, {wrong} differ ({engine.value} engine); "
        f"{milliseconds:.6g} ms on our machine, a model of its own"
    )
    if wrong:
        raise typer.Exit(1)


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


@app.command()
def scalesim(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="A layer a row: shape, array, dataflow, what SCALE-Sim reported."),
    ],
) -> None:
    """Compare cycles, utilisation and words of layers that SCALE-Sim 3.0.0 ran; exit code 1 if a figure differs."""
    from accelsim.validation.scalesim import compare_file

    rows = compared = wrong = differing = 0
    for outcome in compare_file(file):
        rows, compared = rows + 1, compared + outcome.compared
        wrong, differing = wrong + len(outcome.mismatches), differing + bool(outcome.mismatches)
        for line in outcome.mismatches:
            typer.echo(line)
    typer.echo(f"{rows} rows, {compared} figures, {wrong} mismatches in {differing} rows")
    if wrong:
        raise typer.Exit(1)
