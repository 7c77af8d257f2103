"""A network file of anywhere as a workload folder: the file itself, its input, and the ``workload.yaml`` to run them.

Files are copied as they are, so that their hashes stay those of the source; what the user stated goes into
``workload.yaml``, and nothing else: the dialect keeps its defaults. Weights that lie on a grid already (integers times
a scale) are taken as integers, unless something else is asked for. The folder is loaded before it is kept.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from accelsim.errors import AccelsimError, ConfigError, NetworkError, OutputError, WorkloadError
from accelsim.hardware.quantities import Spec
from accelsim.hardware.yaml_reader import parse_yaml
from accelsim.hardware.yaml_writer import write_yaml
from accelsim.network.event_files import recorded_timesteps
from accelsim.network.graph import Network
from accelsim.network.importers.importer import import_network, importer_of
from accelsim.network.importers.options import KEYS, ImportOptions, expect_complete
from accelsim.network.npz import Npz
from accelsim.network.pruning.pruner import prune
from accelsim.network.quantize import GRID, quantize
from accelsim.network.quantize_schema import quantization
from accelsim.network.spec_problems import spec_problems
from accelsim.network.workload import MANIFEST, load_workload
from accelsim.network.workload_schema import NetworkSpec

RECORDED_FORMATS: Final = ("densities", "spike_tensors")
"""Formats of activity: they stand in the section ``recording`` of ``workload.yaml``."""

AUTO: Final = "auto"
"""``quantize`` that follows the weights: ``grid`` where they lie on one, ``none`` otherwise."""


@dataclass(frozen=True)
class ImportRequest:
    """What ``accelsim import`` was asked for.

    Attributes
    ----------
    source : Path
        The network file.
    folder : Path
        To be made; it must not exist, or be empty.
    options : ImportOptions
    time : str or None
        The timestep as stated, with unit.
    file_format : str or None
    quantize, prune : str
        ``auto``, ``none``, ``grid`` or ``8,granularity=channel``; ``magnitude,sparsity=0.5,scope=layer``.
    input, labels : Path or None
    labels_key : str or None
        Array of an npz file of labels.
    timesteps : int or None
        Of each sample; None for those of a recording.
    overrides : sequence of str
        ``input.encoding=latency``: entries of ``workload.yaml``.
    """

    source: Path
    folder: Path
    options: ImportOptions
    time: str | None = None
    file_format: str | None = None
    quantize: str = AUTO
    prune: str | None = None
    input: Path | None = None
    labels: Path | None = None
    labels_key: str | None = None
    timesteps: int | None = None
    overrides: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Imported:
    """What was read and written.

    Attributes
    ----------
    network : Network
        As it runs: pruned, and in integers where it is quantised.
    folder : Path
    files : list of str
    notes : list of str
        What the reader has to know: grids found or not, what is missing.
    """

    network: Network
    folder: Path
    files: list[str]
    notes: list[str] = field(default_factory=list)


def import_workload(request: ImportRequest) -> Imported:
    """Read a network file, write a workload folder, and load it.

    Raises
    ------
    AccelsimError
        If the file cannot be read, the folder is not empty or cannot be written, or the workload does not load.
    """
    folder = request.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: expected a folder that does not exist yet, or an empty one")
    if is_recorded(request.source, request.file_format):
        _expect_nothing_else(request)
        return _kept(request, lambda made: _recorded(request, made))
    network = import_network(request.source, request.options, request.file_format)
    notes: list[str] = []
    how = _quantize(request, network, notes)
    return _kept(request, lambda made: _describe(request, network, how, made, notes), network, notes)


def _kept(
    request: ImportRequest,
    describe: Callable[[Path], dict[str, Any]],
    network: Network | None = None,
    notes: list[str] | None = None,
) -> Imported:
    """Make the folder beside its place, load it where it is complete, and move it there."""
    folder = request.folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".import-") as place:
            made = Path(place) / "workload"
            made.mkdir()
            data = describe(made)
            (made / MANIFEST).write_text(write_yaml(data), encoding="utf-8")
            if "input" in data or "recording" in data:
                try:
                    network = load_workload(made, 1).network
                except AccelsimError as error:
                    raise WorkloadError(str(error).replace(f"{made}/", "")) from None
            elif network is not None:
                network = _as_run(network, data["network"])
            names = sorted(item.name for item in made.iterdir())
            if folder.exists():
                folder.rmdir()
            shutil.move(made, folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write the workload: {error.strerror or error}") from None
    if network is None:
        raise WorkloadError(f"{request.source}: expected a network, got none")
    return Imported(network, folder, names, notes or [])


class _Section(Spec):
    """The network alone, of a workload that has no input yet."""

    network: NetworkSpec


def _as_run(network: Network, section: dict[str, Any]) -> Network:
    """Return the network pruned and quantised as its section says."""
    data, locations = parse_yaml(write_yaml({"network": section}), MANIFEST)
    try:
        spec = _Section.model_validate(data).network
    except ValidationError as error:
        raise ConfigError(spec_problems(error, _Section, data, locations)) from None
    if spec.prune is not None:
        network = prune(network, spec.prune.pruning())
    how = quantization(spec.quantize)
    return network if how is None else quantize(network, how)


def _expect_nothing_else(request: ImportRequest) -> None:
    """Refuse what recorded activity has no place for."""
    expect_complete(request.options, "of recorded activity")
    given: dict[str, Any] = {"--input": request.input, "--labels": request.labels, "--prune": request.prune}
    given |= {"--timesteps": request.timesteps, "--quantize": None if request.quantize == AUTO else request.quantize}
    for option, value in given.items():
        if value is not None:
            raise WorkloadError(f"{option}: expected nothing: {request.source} holds activity, got {value}")


def is_recorded(path: Path, file_format: str | None) -> bool:
    """Tell whether a file holds recorded spikes or densities instead of a network.

    Raises
    ------
    EventError
        If an npz file cannot be read.
    """
    if file_format is not None or path.suffix.lower() not in {".npz", ".csv"}:
        return file_format in RECORDED_FORMATS
    if path.suffix.lower() == ".csv":
        return True
    with Npz(path) as file:
        return any(key.endswith(".shape") for key in file.keys)


def _recorded(request: ImportRequest, made: Path) -> dict[str, Any]:
    file = made / f"recording{request.source.suffix.lower()}"
    shutil.copyfile(request.source, file)
    data: dict[str, Any] = {
        "name": _name(request.folder),
        "description": f"Workload of {request.source.name}: recorded or stated activity, made-up weights",
        "recording": {"file": file.name},
        "provenance": _source(request.source),
    }
    _apply(request.overrides, data)
    return data


def _name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", folder.resolve().name)[:64] or "workload"


def _source(path: Path) -> dict[str, Any]:
    return {"source": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _quantize(request: ImportRequest, network: Network, notes: list[str]) -> Any:
    """Return the value of ``network.quantize``."""
    if request.quantize != AUTO:
        return _setting(request.quantize, "bits", "--quantize")
    if network.integer:
        notes.append("weights are integers already and are kept as exported")
        return "none"
    if request.prune is not None:
        notes.append("weights are pruned, so no grid was looked for: float32; state --quantize for integers")
        return "none"
    try:
        quantize(network, GRID)
    except NetworkError as error:
        notes.append(f"weights stay float32: {error}")
        return "none"
    notes.append("weights lie on a grid and are kept exactly, as integers times a scale (quantize: grid)")
    return "grid"


def _describe(request: ImportRequest, network: Network, how: Any, made: Path, notes: list[str]) -> dict[str, Any]:
    """Copy the files and return the description."""
    file = made / f"network{request.source.suffix.lower()}"
    shutil.copyfile(request.source, file)
    for companion in importer_of(request.source, request.file_format).companions(request.source):
        shutil.copyfile(companion, made / f"network{companion.suffix.lower()}")
    stated = {key: getattr(request.options, key) for key in ("dialect", *KEYS)}
    stated["dt"] = request.time
    section: dict[str, Any] = {"file": file.name}
    if request.file_format is not None:
        section["format"] = request.file_format
    section |= {key: value for key, value in stated.items() if value is not None}
    if request.prune is not None:
        section["prune"] = _setting(request.prune, "method", "--prune")
    section["quantize"] = how
    data: dict[str, Any] = {
        "name": _name(request.folder),
        "description": f"{network.name}, imported from {request.source.name}",
        "network": section,
    }
    _add_input(request, network, data, made, notes)
    data["provenance"] = _source(request.source)
    return data


def _add_input(request: ImportRequest, network: Network, data: dict[str, Any], made: Path, notes: list[str]) -> None:
    if request.input is None:
        for option, value in (("--labels", request.labels), ("--timesteps", request.timesteps)):
            if value is not None:
                raise WorkloadError(f"{option} {value}: expected --input with it, got none")
        notes.append(f"no input: add input, timesteps and decoding to {MANIFEST} before a run, or import with --input")
    else:
        events = request.input.suffix.lower() == ".npz"
        place = made / f"input{''.join(request.input.suffixes[-2:]) if not events else '.npz'}"
        _copy(request.input, place)
        stated = any(item.startswith("input.encoding=") for item in request.overrides)
        if request.input.suffix.lower() == ".npy":
            raise WorkloadError(
                f"{request.input}: expected an npz file with the array 'input' (numpy.savez(FILE, input=...)), images "
                "or event recordings; got a bare array"
            )
        if not events and not stated:
            raise WorkloadError(
                f"{request.input}: expected --set input.encoding=..., how it becomes spikes (poisson, latency, graded, "
                "bias_current, event_frames); got nothing"
            )
        data["input"] = {"file": place.name, **({"encoding": "events"} if events else {})}
        timesteps = request.timesteps
        if timesteps is None and events:
            timesteps = recorded_timesteps(request.input)
        if timesteps is None:
            raise WorkloadError(f"{request.input}: timesteps: expected --timesteps N, as the file does not say")
        if request.labels is not None:
            place = made / f"labels{''.join(request.labels.suffixes[-2:])}"
            _copy(request.labels, place)
            key = request.labels_key
            data["labels"] = place.name if key is None else {"file": place.name, "key": key}
        data["timesteps"] = timesteps
    model = network.output.model
    data["decoding"] = "rate" if model is not None and model.spiking else "membrane"
    _apply(request.overrides, data)


def _apply(overrides: Sequence[str], data: dict[str, Any]) -> None:
    """Write overrides into the description, so that the folder stands for itself."""
    for text in overrides:
        path, sign, value = text.partition("=")
        steps = path.split(".")
        if not sign or not all(steps):
            raise ConfigError(f"--set {text}: expected PATH=VALUE, such as input.rate=0.5")
        place = data
        for step in steps[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise ConfigError(f"--set {text}: {step} holds a value, no keys")
            place = inner
        place[steps[-1]] = _value(value, text)


def _setting(text: str, first: str, option: str) -> str | Mapping[str, Any]:
    """Return ``none``, ``grid``, or ``FIRST,key=value,...`` as a mapping."""
    if text in {"none", "grid"}:
        return text
    head, *rest = text.split(",")
    found: dict[str, Any] = {first: _value(head, option)}
    if first == "bits" and not any(item.startswith("granularity=") for item in rest):
        found["granularity"] = "tensor"
    for item in rest:
        key, sign, value = item.partition("=")
        if not sign:
            raise ConfigError(f"{option} {text}: expected values such as key=value, got {item!r}")
        found[key] = _value(value, option)
    return found


def _value(text: str, where: str) -> Any:
    """Return a value as YAML reads it; what is no YAML, such as ``>=``, is text."""
    try:
        return parse_yaml(text, where, lines=False)[0]
    except AccelsimError:
        return text


def _copy(source: Path, place: Path) -> None:
    """Copy a file or folder of the user; what cannot be read is named, not the folder that is written."""
    try:
        if source.is_dir():
            shutil.copytree(source, place)
        else:
            shutil.copyfile(source, place)
    except shutil.Error as error:
        raise WorkloadError(f"{source}: cannot copy it: {error.args[0][0][2]}") from None
    except OSError as error:
        if error.filename is not None and str(error.filename).startswith(str(place.parent)):
            raise
        raise WorkloadError(f"{source}: cannot read it: {error.strerror or error}") from None
