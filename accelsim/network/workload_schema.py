"""What a ``workload.yaml`` says, and its problems as ``file:line: dotted.path: expected ..., got ...``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, ValidationError

from accelsim.errors import ConfigError
from accelsim.hardware.overrides import MayHold, apply_overrides
from accelsim.hardware.quantities import Count, CountOrZero, Spec, Time
from accelsim.hardware.yaml_reader import read_yaml
from accelsim.network.importers.dialects.dialect import DIALECTS
from accelsim.network.importers.importer import IMPORTERS
from accelsim.network.input_schema import FileName, InputSpec, input_problems
from accelsim.network.quantize_schema import PruneSpec, QuantizeSpec
from accelsim.network.spec_problems import keys_at, spec_problems

INPUT_LABELS: Final = "input"
"""``labels`` of recordings that bring their own: by sub-folder, by window, or in the file."""

MAX_TIMESTEPS: Final = 1 << 20

Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.\-]+$")]


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("expected more than 0")
    return value


class NetworkSpec(Spec):
    """The network file and what it does not say itself."""

    file: FileName
    format: Annotated[str, AfterValidator(lambda name: _known(IMPORTERS.names(), "importer", name))] | None = None
    dialect: Annotated[str, AfterValidator(lambda name: _known(DIALECTS.names(), "dialect", name))] | None = None
    dt: Annotated[Time, AfterValidator(_positive)] | None = None
    reset: Literal["subtract", "zero", "v_reset", "none"] | None = None
    reset_delay: StrictBool | None = None
    threshold_op: Literal[">", ">="] | None = None
    spike_mode: Literal["single", "multi"] | None = None
    membrane_floor: Annotated[float, Field(strict=True)] | Literal["none", "-threshold"] | None = None
    norm_input: StrictBool | None = None
    synapse: Literal["filter", "jump"] | None = None
    refractory: Annotated[CountOrZero, Field(le=127)] | None = None
    prune: PruneSpec | None = None
    quantize: QuantizeSpec | Literal["none", "grid"]


class NpzKey(Spec):
    """An array of an npz file."""

    file: FileName
    key: FileName


class NetworkOnlySpec(Spec):
    """A ``workload.yaml`` without an input: enough to map its network or to export it."""

    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    network: NetworkSpec
    ann: FileName | None = None
    """Network file of the ANN beside this network."""
    decoding: Literal["rate", "membrane", "membrane_max", "first_spike"]
    provenance: dict[str, Any]


class WorkloadSpec(NetworkOnlySpec):
    """A whole ``workload.yaml``."""

    input: InputSpec
    labels: FileName | NpzKey | None = None
    timesteps: Annotated[Count, Field(le=MAX_TIMESTEPS)]


class RecordingSpec(Spec):
    """A file of spike tensors, and what it does not say; see :class:`accelsim.network.spike_tensors.MadeUp`."""

    file: FileName
    density: Annotated[float, Field(strict=True, ge=0, le=1)]
    weight_bits: Annotated[Count, Field(ge=2, le=16)]
    seed: CountOrZero
    kernel: Annotated[Count, Field(le=64)]
    padding: Annotated[CountOrZero, Field(le=63)]
    outputs: Annotated[Count, Field(le=1 << 20)]


class DensitiesSpec(Spec):
    """A table of densities (csv), and what it does not say; see :mod:`accelsim.network.densities`."""

    file: FileName
    weight_bits: Annotated[Count, Field(ge=2, le=16)]
    seed: CountOrZero
    padding: Annotated[CountOrZero, Field(le=63)]


class RecordedSpec(Spec):
    """A whole ``workload.yaml`` whose spikes are recorded: ``recording`` stands for network and input."""

    name: Name
    description: Annotated[str, StringConstraints(min_length=1, max_length=600)]
    recording: RecordingSpec
    provenance: dict[str, Any]


class DrawnSpec(RecordedSpec):
    """The same of densities, at which spikes are drawn."""

    recording: DensitiesSpec  # type: ignore[assignment]


def read_workload_spec(
    path: Path, overrides: Sequence[str] = (), *, without_input: bool = False
) -> tuple[NetworkOnlySpec | RecordedSpec, dict[str, Any]]:
    """Return the checked description of a workload, and the same as plain values.

    Parameters
    ----------
    path : Path
        A ``workload.yaml``.
    overrides : sequence of str
        ``network.quantize.bits=4``, applied in order.
    without_input : bool
        Whether the file may leave out the input.

    Raises
    ------
    ConfigError
        With every problem of the file.
    """
    data, locations = read_yaml(path)
    model = NetworkOnlySpec if without_input and not {"input", "recording"} & data.keys() else _kind(data)
    apply_overrides(overrides, data, locations, _holder(model))
    try:
        spec = model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(spec_problems(error, model, data, locations)) from None
    extra = input_problems(spec.input, locations) if isinstance(spec, WorkloadSpec) else []
    if extra:
        raise ConfigError(extra)
    return spec, data


def may_hold_in(data: dict[str, Any]) -> MayHold:
    """Return which keys a description of this kind may hold where it does not say them."""
    return _holder(_kind(data))


def _holder(model: type[NetworkOnlySpec | RecordedSpec]) -> MayHold:
    return lambda steps, key: key in keys_at(model, [str(step) for step in steps])


def _kind(data: dict[str, Any]) -> type[WorkloadSpec | RecordedSpec]:
    if "recording" not in data:
        return WorkloadSpec
    recording = data["recording"]
    file = recording.get("file") if isinstance(recording, dict) else None
    return DrawnSpec if isinstance(file, str) and file.lower().endswith(".csv") else RecordedSpec


def _known(names: Sequence[str], kind: str, name: str) -> str:
    if name not in names:
        raise ValueError(f"expected a known {kind}, got {name!r}. Known: {', '.join(sorted(names))}")
    return name
