"""``accelsim validate``: hold the simulator against recordings of other simulators."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import network_options as given
from accelsim.cli.paper3 import paper3

app = typer.Typer(help="Compare with recordings of other simulators.", no_args_is_help=True)


app.command()(paper3)


class AxesOrder(StrEnum):
    """The first two axes of recorded arrays."""

    tn = "tn"
    nt = "nt"


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

    For example: accelsim validate sanafe --wheel sanafe.whl --timesteps 100
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
    """Run BookSim2's packet traces and compare the cycles of every packet; exit code 1 if one differs.

    For example: accelsim validate booksim traces/ --engine reference
    """
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
def spikes(
    network: Annotated[Path, typer.Argument(metavar="NETWORK", help="A network file, such as network.nir.")],
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="An npz file with the spikes of its layers.")],
    source: Annotated[
        Path | None, typer.Option("--input", metavar="FILE", help="Npz file of the input, if not the recording itself.")
    ] = None,
    axes: Annotated[
        AxesOrder, typer.Option("--axes", help="First axes of the arrays: timesteps, samples (tn) or the reverse (nt).")
    ] = AxesOrder.tn,
    layer: Annotated[
        list[str] | None,
        typer.Option("--layer", metavar="KEY=NAME", help="Which array is which layer's; by their names if not given."),
    ] = None,
    file_format: given.Format = None,
    dialect: given.Dialect = None,
    dt: given.Dt = None,
    reset: given.Reset = None,
    reset_delay: given.ResetDelay = None,
    threshold_op: given.ThresholdOp = None,
    spike_mode: given.SpikeMode = None,
    membrane_floor: given.MembraneFloor = None,
    norm_input: given.NormInput = None,
    synapse: given.Synapse = None,
    refractory: given.Refractory = None,
) -> None:
    """Compare a network with spikes recorded in its framework, every entry; exit code 1 if one differs.

    Teacher-forced: each layer driven by the recorded spikes of the layers in front. Free-running: the whole network
    from its input. Ties are entries within 1e-5 of the threshold; they are decided as recorded and counted apart.

    For example: accelsim validate spikes network.nir recording.npz --axes tn
    """
    from accelsim.network.importers.importer import import_network
    from accelsim.validation.spike_recording import input_key, layer_keys, read_counts
    from accelsim.validation.spikes import compare_spikes

    options = given.import_options(
        dialect, dt, reset, reset_delay, threshold_op, spike_mode, membrane_floor, norm_input, synapse, refractory
    )
    loaded = import_network(network, options, file_format)
    keys = layer_keys(recording, loaded, given.pairs(layer, "--layer"))
    place = recording if source is None else source
    inputs = read_counts(place, {input_key(place): "input"}, axes.value)["input"]
    recorded = read_counts(recording, keys, axes.value)
    width = max(len(name) for name in ("layer", *recorded))
    heads = f"{'entries':>10}  {'spikes':>9}  mismatches  {'ties':>6}  as recorded"
    typer.echo(f"{'mode':<14}  {'layer':<{width}}  {heads}")
    lines = []
    for line in compare_spikes(loaded, inputs, recorded):
        lines.append(line)
        first = f"  {line.first}" if line.first else ""
        typer.echo(
            f"{line.mode:<14}  {line.layer:<{width}}  {line.entries:>10}  {line.spikes:>9}  {line.mismatches:>10}  "
            f"{line.ties:>6}  {line.decided:>11}{first}"
        )
    wrong = sum(line.mismatches for line in lines)
    typer.echo(f"{len(recorded)} layers, {inputs.shape[0]} samples, {inputs.shape[1]} timesteps, {wrong} mismatches")
    if wrong:
        other = "nt" if axes is AxesOrder.tn else "tn"
        typer.echo(f"(if samples and timesteps are the other way round: --axes {other})", err=True)
        raise typer.Exit(1)


@app.command()
def scalesim(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="A layer a row: shape, array, dataflow, what SCALE-Sim reported."),
    ],
) -> None:
    """Compare cycles, utilisation and words of layers that SCALE-Sim 3.0.0 ran; exit code 1 if a figure differs.

    For example: accelsim validate scalesim layers.csv
    """
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


@app.command()
def prosperity(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="Rows of network, model, layer, compute_cycles; spikes beside it."),
    ],
) -> None:
    """Compare cycles of array models with those of Prosperity's simulator, layer by layer; exit code 1 if one differs.

    For example: accelsim validate prosperity ../shared/data/spike_tensors/prosperity_small_oracle.csv
    """
    from accelsim.validation.prosperity import compare_file

    rows = wrong = 0
    for outcome in compare_file(file):
        rows, wrong = rows + 1, wrong + len(outcome.mismatches)
        for line in outcome.mismatches:
            typer.echo(line)
    typer.echo(f"{rows} rows, {wrong} mismatches")
    if wrong:
        raise typer.Exit(1)


@app.command(
    epilog="Examples: accelsim validate yana DIR | accelsim validate yana DIR --engine reference | "
    "accelsim validate yana DIR --sample my_events.txt --steps 50 --json"
)
def yana(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", envvar="ACCELSIM_YANA", help="Folder with shd_0 and steps_sample0.csv."),
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="FILE", help="Events to run instead: lines of a step and 16 bits."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, max=65535, metavar="N", help="Duration of --sample; 101 if not given."),
    ] = None,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Timing engine; the reference is slow and readable.")
    ] = Engine.compiled,
    as_json: Annotated[bool, typer.Option("--json", help="Print every step's end as JSON.")] = False,
) -> None:
    """Run YANA's SHD network and compare its cycles and states with its RTL; exit code 1 if one differs.

    Nothing of YANA is part of accelsim: its images and the RTL's recorded cycles are read from DIR.
    """
    import dataclasses
    import json

    from accelsim.errors import ConfigError
    from accelsim.validation.yana import validate

    if folder is None:
        raise ConfigError("DIR: expected the folder of YANA's memory images, as argument or in ACCELSIM_YANA, got none")
    if steps is not None and sample is None:
        raise ConfigError("--steps: expected only with --sample: the recorded inputs have their own duration")
    outcomes = []
    for outcome in validate(folder, engine.value, sample, steps):
        outcomes.append(outcome)
        if as_json:
            continue
        told = "not recorded" if outcome.expected is None else "equal" if outcome.equal else f"RTL {outcome.expected}"
        parts = [f"{outcome.name:<22} {outcome.events:>7} events {outcome.cycles:>9} cycles  {told}"]
        if outcome.wrong_steps is not None:
            parts.append(f"{len(outcome.ends)} steps, {outcome.wrong_steps} differ")
        if outcome.wrong_states is not None:
            parts.append(f"{outcome.wrong_states} output states differ")
        typer.echo("  ".join(parts))
    if as_json:
        runs = [{**dataclasses.asdict(outcome), "equal": outcome.equal} for outcome in outcomes]
        typer.echo(json.dumps({"engine": engine.value, "runs": runs}, indent=1))
    if not all(outcome.equal for outcome in outcomes):
        raise typer.Exit(1)
