"""The command ``check``: does a workload fit a chip, before any run."""

from typing import Annotated

import typer

Workload = Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundled workload, or a folder.")]
Hw = Annotated[str, typer.Option("--hw", metavar="NAME|FILE", help="Name of a bundled chip, or a YAML file.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one parameter of the chip; may be repeated."),
]
WorkloadSet = Annotated[
    list[str] | None,
    typer.Option("--workload-set", metavar="PATH=VALUE", help="Change one entry of workload.yaml; may be repeated."),
]


def check(
    workload: Workload = "mnist_conv",
    *,
    hw: Hw = "core",
    overrides: Set = None,
    workload_overrides: WorkloadSet = None,
) -> None:
    """Say whether a workload fits a chip, what each memory holds, and what overflows first; exit code 1 if it does not.

    For example: accelsim check mnist_conv --hw core --set core.synapse_memory.capacity="16 KiB"
    """
    from accelsim.pipeline.check import check as hold
    from accelsim.report.fit import print_fit

    fit = hold(hw, workload, overrides=tuple(overrides or ()), workload_overrides=tuple(workload_overrides or ()))
    print_fit(fit)
    if not fit.fits:
        raise typer.Exit(1)
