"""The command ``check``: does a workload fit a chip, before any run."""

from typing import Annotated

import typer

Workload = Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundled workload, or a folder.")]
Hw = Annotated[str, typer.Option("--hw", metavar="NAME|FILE", help="Name of a bundled chip or array, or a YAML file.")]
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

    Of a layer-serial array: tiles and utilisation of every layer, and what fits which buffer.

    For example: accelsim check mnist_conv --hw core --set core.synapse_memory.capacity="16 KiB",
    or accelsim check mnist_conv --hw loas
    """
    from accelsim.hardware.loader import LoadedArray, load_machine

    changes = tuple(workload_overrides or ())
    machine = load_machine(hw, overrides or ())
    if isinstance(machine, LoadedArray):
        from accelsim.pipeline.array_check import check_array
        from accelsim.report.array_fit import print_array_fit

        array = check_array(machine, workload, changes)
        print_array_fit(array)
        fits = array.fits
    else:
        from accelsim.pipeline.check import check as hold
        from accelsim.report.fit import print_fit

        fit = hold(hw, workload, overrides=tuple(overrides or ()), workload_overrides=changes)
        print_fit(fit)
        fits = fit.fits
    if not fits:
        raise typer.Exit(1)
