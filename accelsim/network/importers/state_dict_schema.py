"""The list of layers beside a ``state_dict``: what the tensors do not say, in YAML."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StringConstraints, ValidationError

from accelsim.errors import ConfigError
from accelsim.hardware.quantities import Count, CountOrZero, Spec
from accelsim.hardware.yaml_reader import read_yaml
from accelsim.network.spec_problems import spec_problems

MAX_LAYERS: Final = 1000
MAX_BYTES: Final = 1 << 20

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Size = Annotated[Count, Field(le=1 << 24)]
Pair = Size | Annotated[list[Size], Field(min_length=2, max_length=2)]
PairOrZero = CountOrZero | Annotated[list[CountOrZero], Field(min_length=2, max_length=2)]
Number = Annotated[float, Field(allow_inf_nan=False)] | Text
"""A number, or the name of a tensor."""


class ConvSpec(Spec):
    """A convolution; 1-D where its weights have three axes. ``weights`` is the name of its module."""

    type: Literal["conv"]
    weights: Text
    stride: Pair = 1
    padding: PairOrZero | Literal["same", "valid"] = 0
    dilation: Pair = 1
    groups: Size = 1


class DenseSpec(Spec):
    """A dense layer."""

    type: Literal["dense"]
    weights: Text


class BatchNormSpec(Spec):
    """A batch norm in evaluation, folded into the convolution or dense layer in front."""

    type: Literal["batch_norm"]
    weights: Text
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-5


class PoolSpec(Spec):
    """A pool over spikes; ``max_pool`` is the OR of its window, neurons of their own."""

    type: Literal["sum_pool", "avg_pool", "max_pool"]
    kernel: Pair
    stride: Pair | None = None
    padding: PairOrZero = 0


class FlattenSpec(Spec):
    """Channel-first flattening."""

    type: Literal["flatten"]


class NeuronsSpec(Spec):
    """Neurons: a type of NIR with its parameters, each a number or the name of a tensor."""

    type: Literal["neurons"]
    model: Literal["IF", "LIF", "LI", "I", "CubaLIF", "CubaLI", "Threshold"]
    threshold: Number | None = None
    beta: Number | None = None
    tau: Number | None = None
    alpha: Number | None = None
    tau_syn: Number | None = None
    r: Number | None = None
    w_in: Number | None = None
    v_leak: Number | None = None
    v_reset: Number | None = None
    recurrent: Text | None = None


Layer = Annotated[
    ConvSpec | DenseSpec | BatchNormSpec | PoolSpec | FlattenSpec | NeuronsSpec, Field(discriminator="type")
]


class ChoicesSpec(Spec):
    """Choices of the dialect that the training made."""

    dt: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    reset: Text | None = None
    reset_delay: StrictBool | None = None
    threshold_op: Literal[">", ">="] | None = None
    spike_mode: Text | None = None
    membrane_floor: float | Text | None = None
    norm_input: StrictBool | None = None
    synapse: Text | None = None
    refractory: CountOrZero | None = None


class LayersSpec(Spec):
    """A whole list of layers."""

    dialect: Text | None = None
    choices: ChoicesSpec = ChoicesSpec()
    input: Annotated[list[Size], Field(min_length=1, max_length=3)]
    layers: Annotated[list[Layer], Field(min_length=1, max_length=MAX_LAYERS)]


def read_layers(path: Path) -> LayersSpec:
    """Return the checked list of layers.

    Raises
    ------
    ConfigError
        With every problem of the file, by line.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ConfigError(
            f"{path}: expected the list of layers of the tensors beside them: {error.strerror or error}"
        ) from None
    if size > MAX_BYTES:
        raise ConfigError(f"{path}: {size} bytes, the limit is {MAX_BYTES}")
    data: dict[str, Any]
    data, locations = read_yaml(path)
    try:
        return LayersSpec.model_validate(data)
    except ValidationError as error:
        raise ConfigError(spec_problems(error, LayersSpec, data, locations)) from None
