"""The command ``import``: a network file of any known format as a workload folder."""

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import network_options as given

Source = Annotated[Path, typer.Argument(metavar="FILE", help="A network: .nir, .net, .snn, .safetensors, .npz, .csv.")]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder to make, such as workloads/mine.")]
Quantize = Annotated[
    str,
    typer.Option(
        "--quantize",
        metavar="HOW",
        help="auto (integers where weights lie on a grid), none, grid, or such as 8,granularity=channel.",
    ),
]
Prune = Annotated[
    str | None, typer.Option("--prune", metavar="HOW", help="Such as magnitude,sparsity=0.5,scope=layer.")
]
Input = Annotated[Path | None, typer.Option("--input", metavar="FILE", help="Recorded spikes (npz), images or events.")]
Labels = Annotated[
    str | None, typer.Option("--labels", metavar="FILE[:KEY]", help="Labels: an idx file, or an array of an npz file.")
]
Timesteps = Annotated[
    int | None, typer.Option("--timesteps", min=1, metavar="N", help="Of each sample; all of a recording if not given.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Any entry of workload.yaml, such as input.encoding=poisson."),
]


def import_(
    source: Source,
    output: Output,
    *,
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
    quantize: Quantize = "auto",
    prune: Prune = None,
    input_file: Input = None,
    labels: Labels = None,
    timesteps: Timesteps = None,
    overrides: Set = None,
) -> None:
    """Read a network file, print what it is, and write it as a workload.

    For example: accelsim import model.nir -o workloads/mine --dialect snntorch --input spikes.npz
    """
    from accelsim.network.workload_writer import ImportRequest, import_workload
    from accelsim.report.imported import print_imported

    options = given.import_options(
        dialect, dt, reset, reset_delay, threshold_op, spike_mode, membrane_floor, norm_input, synapse, refractory
    )
    file, _, key = (labels or "").rpartition(":") if labels and ":" in labels else (labels or "", "", "")
    request = ImportRequest(
        source=source,
        folder=output,
        options=options,
        time=dt,
        file_format=file_format,
        quantize=quantize,
        prune=prune,
        input=input_file,
        labels=Path(file) if file else None,
        labels_key=key or None,
        timesteps=timesteps,
        overrides=tuple(overrides or ()),
    )
    print_imported(import_workload(request))
