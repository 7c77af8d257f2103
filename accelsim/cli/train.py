"""The command ``train``: a compression system, from training to a cycle-level verdict; needs ``accelsim[train]``.

Everything slow is imported inside, so that ``--help`` answers at once.
"""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from accelsim.errors import TrainingError

NAMES = "spike-thrift|spike-thrift-cifar10|spatio-temporal|quant-prune|quant-prune-nmnist|activity-reg|mnist-conv"


def train(
    *,
    name: Annotated[str, typer.Argument(metavar=NAMES, help="Recipe.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Results; a folder that holds some is continued.")
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of the data set's files; nothing is downloaded."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Parameters instead of the recipe's own.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change one parameter, such as timesteps=6; may be repeated."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Minutes: fewer samples, epochs and points.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="DIR", help="Also write the page of the study, from the results alone."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Also copy the best network there, such as to workloads."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")] = False,
) -> None:
    """Train a network, compress it, export it, and simulate it on a chip beside the ANN baselines.

    For example: accelsim train spike-thrift --data mnist --out results/spike-thrift --quick
    """
    missing = [module for module in ("torch", "nir") if importlib.util.find_spec(module) is None]
    if missing:
        raise TrainingError(f"train: expected {' and '.join(missing)}: pip install 'accelsim[train]'")
    from accelsim.cli.progress import make_progress
    from accelsim.training.keep import keep_best
    from accelsim.training.page import write_page
    from accelsim.training.recipe import run_recipe

    bench = run_recipe(
        name,
        data=data,
        out=out,
        config=config,
        overrides=tuple(overrides or ()),
        quick=quick,
        progress=make_progress(quiet=quiet),
    )
    if page is not None:
        typer.echo(f"Page: {write_page(name, bench, page)}")
    if keep is not None:
        typer.echo(f"Kept: {keep_best(name, bench, keep)}")
    typer.echo(f"Tables: {bench.folder / 'tables'}\nNetworks: {bench.folder / 'workloads'}")
