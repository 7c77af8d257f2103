"""The command ``run``: simulate a workload on a chip and show what came out.

Everything slow is imported inside, so that ``--help`` answers at once.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.cli.completion import chips, workloads

if TYPE_CHECKING:
    from accelsim.pipeline.timeline import TimelineRequest
    from accelsim.result.run_result import RunResult


Hw = Annotated[
    str,
    typer.Option(
        "--hw", metavar="NAME|FILE", help="Chip: name of a preset, or a YAML file.", rich_help_panel="What",
        autocompletion=chips,
    ),
]  # fmt: skip
Workload = Annotated[
    str,
    typer.Option(
        "--workload", metavar="NAME|DIR", help="Workload: a bundled name, or a folder.", rich_help_panel="What",
        autocompletion=workloads,
    ),
]  # fmt: skip
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples", min=1, metavar="N", help="Samples to run; 16, or all of a shorter input, if not given.",
        rich_help_panel="What",
    ),
]  # fmt: skip
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        rich_help_panel="What",
        help="Change one parameter of the chip, such as core.synapse_memory.banks=8; may be repeated.",
    ),
]
EngineChoice = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="compiled|reference",
        help="Timing engine; the reference is slow and readable.",
        rich_help_panel="How",
    ),
]
WorkloadOverrides = Annotated[
    list[str] | None,
    typer.Option(
        "--workload-set",
        metavar="PATH=VALUE",
        rich_help_panel="What",
        help="Change one entry of workload.yaml, such as network.quantize.bits=4; may be repeated.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option("--threads", min=1, metavar="N", help="Threads; all cores if not given.", rich_help_panel="How"),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, metavar="N", help="Seed of random input encodings.", rich_help_panel="How"),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor keep activity traces.", rich_help_panel="How")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write result.json, tables and figures there.", rich_help_panel="Output"),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print result.json instead of the report.", rich_help_panel="Output")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No report and no progress bars.", rich_help_panel="Output")]
NoFigures = Annotated[
    bool, typer.Option("--no-figures", help="Leave the figures out of --out.", rich_help_panel="Output")
]
Ann = Annotated[
    Path | None,
    typer.Option(
        "--ann", metavar="FILE", rich_help_panel="What",
        help="An ANN for the baseline (IF nodes stand for rectifiers); the network's own weights if not given.",
    ),
]  # fmt: skip
StateChoice = Annotated[
    str,
    typer.Option(
        "--state", metavar="reset|carry", rich_help_panel="What",
        help="carry: the samples are windows of one stream, and states go on from one to the next.",
    ),
]  # fmt: skip
BackToBack = Annotated[
    bool,
    typer.Option(
        "--back-to-back", rich_help_panel="How",
        help="Simulate all samples once more, each behind the last at once: throughput in samples per second.",
    ),
]  # fmt: skip
TimelineFile = Annotated[
    Path | None,
    typer.Option(
        "--timeline", metavar="FILE", rich_help_panel="Output",
        help="Write what every engine and link did, cycle by cycle, as a trace for ui.perfetto.dev or speedscope.",
    ),
]  # fmt: skip
TimelineSteps = Annotated[
    str | None,
    typer.Option(
        "--timeline-steps", metavar="FIRST:END", rich_help_panel="Output",
        help="Hardware steps of the timeline, END left out; from the first, as many as it holds, if not given.",
    ),
]  # fmt: skip
TimelineSample = Annotated[
    int,
    typer.Option("--timeline-sample", min=0, metavar="N", help="Sample of the timeline.", rich_help_panel="Output"),
]

Origin = Annotated[
    str | None,
    typer.Option("--from", metavar="DIR/#ID", rich_help_panel="What", help="A point of a study, run again as it was."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="ADDRESS", rich_help_panel="How",
        help="Dask scheduler, such as tcp://host:8786, whose workers simulate the steps of all samples.",
    ),
]  # fmt: skip


def run_command(
    context: typer.Context,
    *,
    hw: Hw = "core",
    workload: Workload = "mnist_conv",
    samples: Samples = None,
    overrides: Overrides = None,
    workload_overrides: WorkloadOverrides = None,
    engine: EngineChoice = "compiled",
    threads: Threads = None,
    seed: Seed = None,
    out: Out = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_cache: NoCache = False,
    no_figures: NoFigures = False,
    ann: Ann = None,
    back_to_back: BackToBack = False,
    state: StateChoice = "reset",
    origin: Origin = None,
    scheduler: Scheduler = None,
    timeline: TimelineFile = None,
    timeline_steps: TimelineSteps = None,
    timeline_sample: TimelineSample = 0,
) -> None:
    """Simulate a workload on a chip, cycle by cycle, and compare it with the same network as an ANN.

    For example: accelsim run --hw core --set core.synapse_memory.banks=8 --out results/banks8

    A point of a study: accelsim run --from results/banks/#3fa2
    """
    from accelsim.cli.progress import make_progress
    from accelsim.network.events import A_FEW

    if out is not None:
        from accelsim.report.files import prepare_folder

        prepare_folder(out)
    if state not in {"reset", "carry"}:
        raise typer.BadParameter(f"--state: expected reset or carry, got {state!r}")
    wanted = _timeline(timeline, timeline_steps, timeline_sample)
    progress = make_progress(quiet=quiet)
    from accelsim import pipeline

    what: dict[str, Any] = {
        "hw": hw,
        "workload": workload,
        "samples": A_FEW if samples is None else samples,
        "workload_overrides": tuple(workload_overrides or ()),
        "engine": engine,
        "ann": ann,
    }
    if origin is not None:
        given = [f"--{name}" for name in ("hw", "workload", "engine", "ann") if _is_given(context, name)]
        if given:
            raise typer.BadParameter(f"expected --from without {' and '.join(given)}: the point has its own")
        what = _point(origin, overrides or (), samples, workload_overrides or ())
    what |= {"overrides": tuple(overrides or ()), "threads": threads, "seed": seed, "timeline": wanted}
    what |= {"progress": progress, "cache": not no_cache}
    what |= {"back_to_back": back_to_back, "state": state}
    if scheduler is None:
        result = pipeline.run(**what)
    else:
        from accelsim.study.spread import spread_over

        with spread_over(scheduler) as (spread, elsewhere):
            result = pipeline.run(**{**what, "threads": elsewhere}, spread=spread)
    if out is not None:
        from accelsim.report.files import write_result

        write_result(result, out, figures=not no_figures, progress=progress)
    show(result, as_json=as_json, quiet=quiet)
    if out is not None and not (as_json or quiet):
        typer.echo(f"\nFiles: {out}")
    if timeline is not None and not (as_json or quiet):
        typer.echo(f"\nTimeline: {timeline}, to be opened with ui.perfetto.dev or speedscope")


run = run_command
"""The name under which the application looks a command up."""


def _is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option was stated, if only as what it is anyway."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _point(
    text: str, overrides: Sequence[str], samples: int | None, workload_overrides: Sequence[str]
) -> dict[str, Any]:
    """Return what a point of a study says, for the pipeline."""
    from accelsim.study.rerun import load_point

    point = load_point(text, overrides)
    return {
        "hw": point.chip,
        "workload": point.workload,
        "samples": point.samples if samples is None else samples,
        "workload_overrides": (*point.workload_overrides, *workload_overrides),
        "engine": point.engine,
        "ann": point.ann,
        "origin": point.origin,
    }


def _timeline(path: Path | None, steps: str | None, sample: int) -> "TimelineRequest | None":
    if path is None:
        if steps is not None or sample:
            raise typer.BadParameter("expected --timeline FILE beside --timeline-steps and --timeline-sample")
        return None
    from accelsim.pipeline.timeline import TimelineRequest, parse_steps

    return TimelineRequest(path, sample, None if steps is None else parse_steps(steps))


def show(result: "RunResult", *, as_json: bool, quiet: bool) -> None:
    """Print a result: as JSON and nothing else, as a report, or not at all."""
    if as_json:
        from accelsim.result.serialize import to_json

        sys.stdout.write(to_json(result))
        sys.stdout.flush()
    elif not quiet:
        from accelsim.report.terminal import print_report

        print_report(result)
