"""The command ``compress``: what pruning, fewer bits and fewer timesteps cost and save, without training.

Everything slow is imported inside, so that ``--help`` answers at once.
"""

from pathlib import Path
from typing import Annotated

import typer

CURVES = "pruning|bits|timesteps|thresholds"


def compress(
    workload: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A bundled one, or a folder.")] = "mnist_conv",
    *,
    hw: Annotated[str, typer.Option("--hw", metavar="NAME|FILE", help="Chip or array that energy is of.")] = "core",
    curves: Annotated[
        list[str] | None, typer.Option("--curve", metavar=CURVES, help="All if not given; may be repeated.")
    ] = None,
    pruning: Annotated[
        str | None, typer.Option("--pruning", metavar="SHARE,...", help="Shares of all weights that go.")
    ] = None,
    bits: Annotated[str | None, typer.Option("--bits", metavar="N,...", help="Widths of weights, 2..16.")] = None,
    timesteps: Annotated[
        str | None, typer.Option("--timesteps", metavar="SHARE,...", help="Shares of the timesteps that are left.")
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option("--thresholds", metavar="PERCENTILE,...", help="That a threshold becomes of its input."),
    ] = None,
    variance: Annotated[
        float | None, typer.Option("--variance", metavar="SHARE", help="That significant dimensions stay below.")
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", min=0, metavar="N", help="That accuracy is taken on; 0 for all.")
    ] = 64,
    timed: Annotated[
        int, typer.Option("--timed", min=1, metavar="N", help="Of them, run on the machine cycle by cycle.")
    ] = 4,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change an entry of the hardware file.")
    ] = None,
    workload_overrides: Annotated[
        list[str] | None, typer.Option("--workload-set", metavar="PATH=VALUE", help="Change an entry of workload.yaml.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write tables and a figure there.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, metavar="N", help="All cores if none.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")] = False,
) -> None:
    """Follow accuracy and energy while a network is pruned, quantised, cut in time or given other thresholds.

    For example: accelsim compress mnist_conv --curve pruning --curve bits --out results/compress
    """
    import os

    from accelsim.cli.progress import make_progress
    from accelsim.errors import ConfigError

    chosen = curves or CURVES.split("|")
    unknown = [name for name in chosen if name not in CURVES.split("|")]
    if unknown:
        raise ConfigError(f"--curve: expected {CURVES.replace('|', ', ')}, got {', '.join(unknown)}")
    values = {"pruning": pruning, "bits": bits, "timesteps": timesteps, "thresholds": thresholds}
    idle = [f"--{name}" for name, text in values.items() if text is not None and name not in chosen]
    if idle:
        beside = " ".join(f"--curve {option[2:]}" for option in idle)
        raise ConfigError(f"{', '.join(idle)}: expected {beside} beside it, or no --curve at all")
    if out is not None:
        from accelsim.report.files import prepare_folder

        prepare_folder(out)
    from accelsim.posttraining.compress import Settings
    from accelsim.posttraining.compress import compress as follow
    from accelsim.posttraining.terminal import print_compression

    usual = Settings()
    settings = Settings(
        pruning=_numbers("--pruning", pruning, usual.pruning) if "pruning" in chosen else (),
        bits=tuple(map(int, _numbers("--bits", bits, usual.bits, whole=True))) if "bits" in chosen else (),
        timesteps=_numbers("--timesteps", timesteps, usual.timesteps) if "timesteps" in chosen else (),
        thresholds=_numbers("--thresholds", thresholds, usual.thresholds) if "thresholds" in chosen else (),
        variance=usual.variance if variance is None else variance,
    )
    found = follow(
        workload,
        hw,
        samples=samples or None,
        timed=timed,
        settings=settings,
        overrides=tuple(overrides or ()),
        workload_overrides=tuple(workload_overrides or ()),
        threads=threads or os.cpu_count() or 1,
        progress=make_progress(quiet=quiet),
    )
    print_compression(found)
    if out is not None:
        from accelsim.posttraining.files import write_compression

        write_compression(found, out)
        typer.echo(f"\nTables and figure: {out}")


def _numbers(option: str, text: str | None, usual: tuple[float, ...], *, whole: bool = False) -> tuple[float, ...]:
    from accelsim.errors import ConfigError

    if text is None:
        return usual
    try:
        return tuple(float(int(item) if whole else float(item)) for item in text.split(","))
    except ValueError:
        kind = "whole numbers" if whole else "numbers"
        raise ConfigError(f"{option}: expected {kind} with commas between, got {text!r}") from None
