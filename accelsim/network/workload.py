"""A workload: a folder with a network, its input, labels, and a ``workload.yaml`` that says how they belong together.

Loading ends in everything that a run needs: the network in the arithmetic that it runs in, the events in the neuron
order of the input population, and a record of what every file was (SHA-256) and what was assumed.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import AccelsimError, UnknownNameError, WorkloadError
from accelsim.network.densities import read_densities
from accelsim.network.events import EventStream, Limit
from accelsim.network.graph import Network
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import KEYS, ImportOptions
from accelsim.network.pruning.pruner import prune
from accelsim.network.quantize import quantize
from accelsim.network.quantize_schema import quantization
from accelsim.network.recording import Recording
from accelsim.network.spike_tensors import MadeUp, read_spike_tensors
from accelsim.network.workload_input import Labels, no_input, read_input
from accelsim.network.workload_schema import (
    DensitiesSpec,
    NetworkOnlySpec,
    NetworkSpec,
    RecordedSpec,
    RecordingSpec,
    WorkloadSpec,
    read_workload_spec,
)

MANIFEST = "workload.yaml"

MAX_HASHES = 32
"""Files of a workload whose hashes are told one by one."""


@dataclass(frozen=True, eq=False)
class Workload:
    """A network with its input.

    Attributes
    ----------
    name : str
    network : Network
        In float32, or in integers where the workload quantises.
    events : EventStream
    labels : (samples,) int64 or None
    decoding : {"rate", "membrane", "membrane_max", "first_spike"}
    timesteps : int
        Per sample.
    provenance : dict
        What the workload states, what the importer assumed and what quantisation did.
    seed : int or None
        Of the encoding, or of made-up weights.
    hashes : dict of str to str
        SHA-256 of every file, by its name in the workload.
    folder : Path
    description : str
    recording : Recording or None
        Recorded spikes of all populations, which are replayed instead of running the network.
    ann : Path or None
        File of the ANN that the workload names for the baseline.
    image : (samples, n_input) float64 or None
        The analog image behind random events, in the units of the network's input: what an ANN reads.
    """

    name: str
    network: Network
    events: EventStream
    labels: Labels | None
    decoding: Literal["rate", "membrane", "membrane_max", "first_spike"]
    timesteps: int
    provenance: dict[str, Any]
    seed: int | None
    hashes: dict[str, str]
    folder: Path
    description: str = field(default="")
    recording: Recording | None = None
    ann: Path | None = None
    image: npt.NDArray[np.float64] | None = None


def load_workload(
    source: str | Path,
    samples: int | Limit | None = None,
    overrides: Sequence[str] = (),
    *,
    without_input: bool = False,
) -> Workload:
    """Load a workload.

    Parameters
    ----------
    source : str or Path
        The name of a bundled workload, a folder with a ``workload.yaml``, or such a file.
    samples : int, Limit or None
        Samples to use from the start of the input, an error if it has fewer unless the limit says otherwise; None for
        all.
    overrides : sequence of str
        ``timesteps=16``, ``network.quantize.bits=4``: applied to the description in order.
    without_input : bool
        Whether the description may leave out the input, for those who want the network alone: there are no events then.

    Raises
    ------
    AccelsimError
        Naming the file, what was got and what was expected.
    """
    path = workload_file(source)
    folder = path.parent
    spec, data = read_workload_spec(path, overrides, without_input=without_input)
    limit = samples if isinstance(samples, Limit) else Limit(samples)
    if limit.samples is not None and limit.samples < 1:
        raise WorkloadError(f"{path}: samples: expected at least 1, got {limit.samples}")
    if isinstance(spec, RecordedSpec):
        return _recorded(spec, data, path, limit)
    network = _network(spec.network, folder, spec.name)
    if spec.network.prune is not None:
        try:
            network = prune(network, spec.network.prune.pruning())
        except AccelsimError as error:
            raise type(error)(f"{path}: network.prune: {error}") from None
    given = read_input(spec, folder, network, limit) if isinstance(spec, WorkloadSpec) else no_input(network)
    events = given.events
    how = quantization(spec.network.quantize)
    if how is not None:
        scale = events.value_scale if events.kind != "spikes" else 1.0
        try:
            network = quantize(network, how, scale)
        except AccelsimError as error:
            raise type(error)(f"{path}: network.quantize: {error}") from None
    _check_decoding(spec, network, path)
    files = [path, folder / spec.network.file, *given.files]
    return Workload(
        name=spec.name,
        network=network,
        events=events,
        labels=given.labels,
        decoding=spec.decoding,
        timesteps=events.timesteps,
        provenance={
            "stated": spec.provenance,
            "description": data,
            "network": network.provenance,
            **({"input": given.report} if given.report else {}),
        },
        seed=spec.input.seed if isinstance(spec, WorkloadSpec) else None,
        hashes=_hashes(folder, files),
        folder=folder,
        description=spec.description,
        ann=None if spec.ann is None else folder / spec.ann,
        image=given.image,
    )


def _recorded(spec: RecordedSpec, data: dict[str, Any], path: Path, limit: Limit) -> Workload:
    stated = spec.recording
    recording = _read_recording(stated, path.parent / stated.file)
    recording = recording.take(limit.of(recording.events.samples, path))
    return Workload(
        name=spec.name,
        network=recording.network.renamed(spec.name),
        events=recording.events,
        labels=None,
        decoding="rate",
        timesteps=recording.events.timesteps,
        provenance={"stated": spec.provenance, "description": data, "network": recording.network.provenance},
        seed=stated.seed,
        hashes={name: _sha256(path.parent / name) for name in (path.name, stated.file)},
        folder=path.parent,
        description=spec.description,
        recording=recording,
    )


def _read_recording(stated: RecordingSpec | DensitiesSpec, file: Path) -> Recording:
    if isinstance(stated, DensitiesSpec):
        return read_densities(file, stated.weight_bits, stated.padding, stated.seed)
    made_up = MadeUp(
        density=stated.density,
        weight_bits=stated.weight_bits,
        seed=stated.seed,
        kernel=stated.kernel,
        padding=stated.padding,
        outputs=stated.outputs,
    )
    return read_spike_tensors(file, made_up)


def workload_folder() -> Path:
    """Return the folder of the bundled workloads: the installed package, or beside the sources in a checkout.

    Raises
    ------
    WorkloadError
        If neither exists.
    """
    spec = importlib.util.find_spec("accelsim.workloads")
    installed = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    beside = Path(__file__).resolve().parents[2] / "workloads"
    for folder in (*installed, beside):
        if folder.is_dir():
            return folder
    raise WorkloadError(
        f"bundled workloads: expected the package accelsim.workloads or the folder {beside}, got neither"
    )


def workload_names() -> list[str]:
    """Return the names of the bundled workloads, sorted."""
    return sorted(path.parent.name for path in workload_folder().glob(f"*/{MANIFEST}"))


def workload_file(source: str | Path) -> Path:
    """Return the ``workload.yaml`` of a bundled workload, a folder or itself.

    Raises
    ------
    UnknownNameError, WorkloadError
        Where there is none, with the names of the bundled ones.
    """
    text = str(source)
    if (
        isinstance(source, str)
        and not any(sign in text for sign in "/\\")
        and Path(text).suffix not in {".yaml", ".yml"}
    ):
        names = workload_names()
        if text in names:
            return workload_folder() / text / MANIFEST
        if not Path(text).is_dir():
            raise UnknownNameError("workload", text, names)
    path = Path(source)
    if path.is_dir():
        path = path / MANIFEST
    if not path.is_file():
        raise WorkloadError(f"{path}: expected a workload folder with {MANIFEST}, or the name of a bundled one: "
                            f"{', '.join(workload_names())}")  # fmt: skip
    return path


def _network(spec: NetworkSpec, folder: Path, name: str) -> Network:
    # Canonical time is ns; dividing keeps 100 us exactly 1e-4 s.
    stated = {key: getattr(spec, key) for key in KEYS if key != "dt"}
    options = ImportOptions(spec.dialect, None if spec.dt is None else spec.dt / 1e9, **stated)
    return import_network(folder / spec.file, options, spec.format).renamed(name)


def _check_decoding(spec: NetworkOnlySpec, network: Network, path: Path) -> None:
    model = network.output.model
    spiking = model is not None and model.spiking
    if spiking == spec.decoding.startswith("membrane"):
        kind = "spiking neurons" if spiking else "a readout that does not spike"
        fits = "rate or first_spike" if spiking else "membrane or membrane_max"
        raise WorkloadError(
            f"{path}: decoding: expected {fits}, as the output {network.output.name!r} is {kind}, got {spec.decoding}"
        )


def _hashes(folder: Path, files: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of files by name; many files of one sub-folder get one hash of their names and hashes."""
    hashes = {
        item.relative_to(folder).as_posix() if item.is_relative_to(folder) else str(item): _sha256(item)
        for item in dict.fromkeys(files)
    }
    if len(hashes) <= MAX_HASHES:
        return hashes
    inner = {name: value for name, value in hashes.items() if "/" in name}
    digest = hashlib.sha256("".join(f"{name} {value}\n" for name, value in sorted(inner.items())).encode())
    outer = {name: value for name, value in hashes.items() if name not in inner}
    return {**outer, f"{len(inner)} files": digest.hexdigest()}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
