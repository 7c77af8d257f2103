"""The command ``export``: a workload's network as one file."""

from pathlib import Path
from typing import Annotated

import typer

Workload = Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundled workload, or a folder.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="NAME.snn (accelsim's own) or NAME.nir.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one entry of workload.yaml first; may be repeated."),
]


def export(workload: Workload, output: Output, *, overrides: Set = None) -> None:
    """Write the network of a workload: as simulated, without loss (.snn), or as a NIR graph in float32 (.nir).

    For example: accelsim export mnist_conv -o mnist.snn
    """
    from accelsim.network.exporting import export_workload

    written = export_workload(workload, output, tuple(overrides or ()))
    typer.echo(f"{output}: {written}")
