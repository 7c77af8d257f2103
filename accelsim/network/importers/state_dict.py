"""A PyTorch ``state_dict`` as safetensors, with a list of its layers beside it (``NAME.yaml``).

The tensors say no geometry, no neurons and no order; the list does, see
:mod:`accelsim.network.importers.state_dict_schema`. Together they are the graph that a NIR file would hold, and are
read as one: neurons follow a dialect. Represented: convolutions, dense layers, batch norm in evaluation (folded), sum,
average and max pools, flattening, neurons with an optional projection onto themselves. Weights that
``torch.nn.utils.prune`` keeps apart (``weight_orig``, ``weight_mask``) are multiplied. Not read: pickled files
(``.pt``, ``.pth``), which run code when they are opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from accelsim.errors import NetworkError
from accelsim.network.graph import Network
from accelsim.network.importers.dialects.dialect import DIALECTS, Dialect
from accelsim.network.importers.hdf5_file import MAX_ELEMENTS, MAX_TOTAL_BYTES, naming
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.nir_file import RawGraph, RawNode
from accelsim.network.importers.nir_graph import build_network
from accelsim.network.importers.options import METADATA, USER, settle
from accelsim.network.importers.state_dict_schema import (
    BatchNormSpec,
    ConvSpec,
    DenseSpec,
    LayersSpec,
    NeuronsSpec,
    PoolSpec,
    read_layers,
)

MAX_TENSORS: Final = 10_000
LIST: Final = "stated in the list of layers"
EXPONENTIAL: Final = ("sinabs", "rockpool")
"""Dialects whose leak factor is exp(-dt/tau); the others have 1 - dt/tau."""

Floats = npt.NDArray[np.float64]
Tensors = dict[str, npt.NDArray[Any]]


@IMPORTERS.register("state_dict")
class StateDictImporter(Importer):
    """Reads ``.safetensors`` files."""

    suffixes: ClassVar[tuple[str, ...]] = (".safetensors",)

    @classmethod
    def companions(cls, path: Path) -> list[Path]:
        """Return the list of layers."""
        return [path.with_suffix(".yaml")]

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the float32 network of a state_dict; see :meth:`Importer.read`."""
        spec = read_layers(path.with_suffix(".yaml"))
        with naming(f"{path}"):
            build = _build(spec, read_tensors(path), options)
            network = build_network(build.graph(spec), build.options, path.stem)
            provenance = {**network.provenance, "format": "state_dict", "format_version": "safetensors"}
            provenance["repairs"] = [*provenance.get("repairs", []), *build.notes]
            origin = LIST if options.dialect is None else USER
            dialect = {"dialect": {"value": build.options.dialect, "from": origin}}
            listed = {key: {**one, "from": LIST} if one["from"] == METADATA else one
                      for key, one in network.provenance["choices"].items()}  # fmt: skip
            provenance["choices"] = dialect | listed
            return replace(network, provenance=provenance)


def read_tensors(path: Path) -> Tensors:
    """Return the tensors of a safetensors file.

    Raises
    ------
    NetworkError
        If the file is missing, damaged, too large, or holds a type that NumPy does not have.
    """
    try:
        if path.stat().st_size > MAX_TOTAL_BYTES:
            raise NetworkError(f"{path.stat().st_size} bytes, the limit is {MAX_TOTAL_BYTES}")
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            if len(names) > MAX_TENSORS:
                raise NetworkError(f"{len(names)} tensors, the limit is {MAX_TENSORS}")
            return {name: np.asarray(file.get_tensor(name)) for name in names}
    except OSError as error:
        raise NetworkError(f"cannot read the network file: {error.strerror or error}") from None
    except (SafetensorError, TypeError, ValueError, AttributeError, OverflowError, MemoryError) as error:
        raise NetworkError(f"expected a safetensors file, got another format or a damaged one: {error}") from None


@dataclass
class _Build:
    """Nodes so far, in a row, with side branches of recurrence."""

    tensors: Tensors
    options: ImportOptions
    dialect: type[Dialect]
    dt: float
    nodes: dict[str, RawNode] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    last: str = "input"
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str, values: Mapping[str, Any]) -> None:
        """Add a node behind the last one."""
        if name in self.nodes:
            raise NetworkError(f"layer {name!r}: the name occurs twice")
        self.nodes[name] = RawNode(name, kind, {key: _array(value) for key, value in values.items()})
        self.edges.append((self.last, name))
        self.last = name

    def tensor(self, name: str) -> npt.NDArray[Any]:
        """Return a tensor of finite numbers."""
        if name not in self.tensors:
            raise NetworkError(f"expected a tensor {name!r}, got {', '.join(sorted(self.tensors)[:20]) or 'none'}")
        value = self.tensors[name]
        if value.dtype.kind not in "fiub" or not 1 <= value.size <= MAX_ELEMENTS or not np.isfinite(value).all():
            raise NetworkError(f"tensor {name!r}: expected finite numbers, got {value.dtype} of shape {value.shape}")
        return value

    def weight(self, module: str) -> npt.NDArray[Any]:
        """Return the weights of a module, those pruned taken out."""
        if f"{module}.weight" not in self.tensors and f"{module}.weight_orig" in self.tensors:
            whole, mask = self.tensor(f"{module}.weight_orig"), self.tensor(f"{module}.weight_mask")
            if whole.shape != mask.shape:
                raise NetworkError(f"{module}.weight_mask: expected shape {whole.shape}, got {mask.shape}")
            self.notes.append(f"{module}: weight_orig times weight_mask")
            return np.asarray(whole * mask)
        return self.tensor(f"{module}.weight")

    def graph(self, spec: LayersSpec) -> RawGraph:
        """Return the whole graph."""
        start = RawNode("input", "Input", {"shape": np.array(spec.input)})
        nodes = {"input": start, **self.nodes, "output": RawNode("output", "Output", {}, implied=True)}
        metadata = {key: value for key, value in spec.choices.model_dump().items() if value is not None}
        return RawGraph(nodes, [*self.edges, (self.last, "output")], "", metadata)


def _build(spec: LayersSpec, tensors: Tensors, options: ImportOptions) -> _Build:
    name = options.dialect if options.dialect is not None else spec.dialect
    if name is None:
        known = ", ".join(DIALECTS.names())
        raise NetworkError(f"dialect: expected one of {known}, stated here or in the list of layers; got nothing")
    options = replace(options, dialect=name)
    dialect = DIALECTS.get(name)
    stated = {key: value for key, value in spec.choices.model_dump().items() if value is not None}
    for key, value in stated.items():
        if key not in dialect.allowed and value is not False:
            known = ", ".join(dialect.allowed)
            raise NetworkError(f"choices: {key}: dialect {name} has no such choice, it has {known}; got {value!r}")
    choices = settle(options, stated, dialect.defaults, dialect.allowed)
    build = _Build(tensors, options, dialect, float(choices.dt))
    for at, layer in enumerate(spec.layers):
        with naming(f"layers[{at}] ({layer.type})"):
            if isinstance(layer, ConvSpec):
                _add_conv(build, layer)
            elif isinstance(layer, DenseSpec):
                weight = build.weight(layer.weights)
                if weight.ndim != 2:
                    raise NetworkError(f"{layer.weights}.weight: expected (outputs, inputs), got shape {weight.shape}")
                build.add(layer.weights, *_linear(weight, _bias(build, layer.weights)))
            elif isinstance(layer, BatchNormSpec):
                _fold(build, layer)
            elif isinstance(layer, PoolSpec):
                _add_pool(build, layer, f"{at}_{layer.type}")
            elif isinstance(layer, NeuronsSpec):
                _add_neurons(build, layer, f"{at}_{layer.model}")
            else:
                build.add(f"{at}_flatten", "Flatten", {"start_dim": 0, "end_dim": -1})
    return build


def _add_conv(build: _Build, layer: ConvSpec) -> None:
    weight = build.weight(layer.weights)
    if weight.ndim not in {3, 4}:
        raise NetworkError(f"{layer.weights}.weight: expected 3 or 4 axes, got shape {weight.shape}")
    bias = _bias(build, layer.weights)
    values = {
        "weight": weight,
        "bias": np.zeros(weight.shape[0], np.float32) if bias is None else bias,
        "stride": _pair(layer.stride, weight.ndim - 2),
        "padding": layer.padding if isinstance(layer.padding, str) else _pair(layer.padding, weight.ndim - 2),
        "dilation": _pair(layer.dilation, weight.ndim - 2),
        "groups": layer.groups,
    }
    build.add(layer.weights, "Conv2d" if weight.ndim == 4 else "Conv1d", values)


def _add_pool(build: _Build, layer: PoolSpec, name: str) -> None:
    kernel = _pair(layer.kernel, 2)
    stride = kernel if layer.stride is None else _pair(layer.stride, 2)
    kind = "AvgPool2d" if layer.type == "avg_pool" else "SumPool2d"
    build.add(name, kind, {"kernel_size": kernel, "stride": stride, "padding": _pair(layer.padding, 2)})
    if layer.type == "max_pool":
        build.add(f"{name}_or", "Threshold", {"threshold": np.float32(0.5)})


def _fold(build: _Build, layer: BatchNormSpec) -> None:
    """Fold a batch norm into the weights and bias in front."""
    node = build.nodes.get(build.last)
    if node is None or node.type not in {"Conv1d", "Conv2d", "Linear", "Affine"}:
        got = "the input" if node is None else node
        raise NetworkError(f"{layer.weights}: expected a convolution or dense layer in front, got {got}")
    weight = np.asarray(node.values["weight"], dtype=np.float64)
    size = weight.shape[0]
    mean, variance = (_per_channel(build, layer.weights, key, size) for key in ("running_mean", "running_var"))
    gain = _per_channel(build, layer.weights, "weight", size, 1.0)
    shift = _per_channel(build, layer.weights, "bias", size, 0.0)
    if (variance < 0).any():
        raise NetworkError(f"{layer.weights}.running_var: expected at least 0, got {variance.min():g}")
    factor = gain / np.sqrt(variance + layer.eps)
    bias = np.asarray(node.values.get("bias", np.zeros(size)), dtype=np.float64)
    values = {
        **node.values,
        "weight": (weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))).astype(np.float32),
        "bias": ((bias - mean) * factor + shift).astype(np.float32),
    }
    kind = "Affine" if node.type == "Linear" else node.type
    build.nodes[build.last] = RawNode(node.name, kind, values)
    build.notes.append(f"{layer.weights}: batch norm folded into {node.name}")


def _add_neurons(build: _Build, layer: NeuronsSpec, name: str) -> None:
    build.add(name, layer.model, _parameters(build, layer))
    if layer.recurrent is not None:
        kind, values = _linear(build.weight(layer.recurrent), _bias(build, layer.recurrent))
        if layer.recurrent in build.nodes:
            raise NetworkError(f"layer {layer.recurrent!r}: the name occurs twice")
        build.nodes[layer.recurrent] = RawNode(layer.recurrent, kind, values)
        build.edges += [(name, layer.recurrent), (layer.recurrent, name)]


def _parameters(build: _Build, layer: NeuronsSpec) -> dict[str, Any]:
    """Return the parameters of a neuron node."""
    known = _PARAMETERS[layer.model]
    stated: dict[str, Floats] = {}
    for key in _ALL_PARAMETERS:
        value = getattr(layer, key)
        if value is None:
            continue
        if key not in known:
            raise NetworkError(f"{layer.model}: {key}: expected no such parameter; it has {', '.join(known)}")
        found = build.tensor(value).astype(np.float64) if isinstance(value, str) else np.array(float(value))
        stated[key] = found.reshape(()) if found.size == 1 else found
    values: dict[str, Any] = {}
    tau = None
    if "tau" in known:
        tau = _tau(build, layer.model, "tau", "beta", stated)
        values["tau_mem" if "tau_syn" in known else "tau"] = tau
    if "tau_syn" in known:
        values["tau_syn"] = _tau(build, layer.model, "tau_syn", "alpha", stated)
        values["w_in"] = stated.get("w_in", _gain(build, values["tau_syn"]))
    if "threshold" in known:
        if "threshold" not in stated:
            raise NetworkError(f"{layer.model}: threshold: expected a number or the name of a tensor, got nothing")
        values["threshold" if layer.model == "Threshold" else "v_threshold"] = stated["threshold"]
    defaults = {"r": _resistance(build, layer.model, tau), "v_leak": np.zeros(()), "v_reset": np.zeros(())}
    return values | {key: stated.get(key, value) for key, value in defaults.items() if key in known}


_ALL_PARAMETERS: Final = ("threshold", "beta", "tau", "alpha", "tau_syn", "r", "w_in", "v_leak", "v_reset")
_LEAKY: Final = ("beta", "tau", "r", "v_leak")
_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "IF": ("threshold", "r", "v_reset"),
    "LIF": ("threshold", "v_reset", *_LEAKY),
    "LI": _LEAKY,
    "I": ("r",),
    "CubaLIF": ("threshold", "v_reset", "alpha", "tau_syn", "w_in", *_LEAKY),
    "CubaLI": ("alpha", "tau_syn", "w_in", *_LEAKY),
    "Threshold": ("threshold",),
}


def _tau(build: _Build, model: str, key: str, factor: str, stated: Mapping[str, Floats]) -> Floats:
    """Return a time constant, s, from itself or from the leak factor of a timestep."""
    if (key in stated) == (factor in stated):
        got = "both" if key in stated else "neither"
        raise NetworkError(f"{model}: expected either {key} or {factor}, got {got}")
    if key in stated:
        return stated[key]
    leak = stated[factor]
    exponential = build.options.dialect in EXPONENTIAL
    if (leak < 0).any() or (leak >= 1).any() or (exponential and (leak == 0).any()):
        got = f"{leak.min():g}..{leak.max():g}"
        raise NetworkError(f"{model}: {factor}: expected a factor of at least 0 and below 1, got {got}")
    return np.asarray(-build.dt / np.log(leak) if exponential else build.dt / (1.0 - leak))


def _gain(build: _Build, tau: Floats) -> Floats:
    """Return the factor on a synaptic input that leaves it as it is in the dialect."""
    return tau / build.dt if build.options.dialect in {"snntorch", "spikingjelly"} else np.ones(())


def _resistance(build: _Build, model: str, tau: Floats | None) -> Floats:
    """Return the resistance that leaves the input as it is: what the framework's own export writes."""
    dialect = build.options.dialect
    if dialect == "rockpool" and tau is not None:
        return np.asarray(tau * np.exp(-build.dt / tau) / build.dt)
    if dialect in {"sinabs", "spyx", "norse"} or (dialect == "snntorch" and model == "IF"):
        return np.ones(())
    return np.asarray(1.0 / build.dt if tau is None else tau / build.dt)


def _linear(weight: npt.NDArray[Any], bias: npt.NDArray[Any] | None) -> tuple[str, dict[str, Any]]:
    return ("Linear", {"weight": weight}) if bias is None else ("Affine", {"weight": weight, "bias": bias})


def _bias(build: _Build, module: str) -> npt.NDArray[Any] | None:
    name = f"{module}.bias"
    return build.tensor(name) if name in build.tensors else None


def _per_channel(build: _Build, module: str, key: str, size: int, default: float | None = None) -> Floats:
    name = f"{module}.{key}"
    if default is not None and name not in build.tensors:
        return np.full(size, default)
    value = build.tensor(name).astype(np.float64)
    if value.shape != (size,):
        raise NetworkError(f"{name}: expected shape {(size,)}, got {value.shape}")
    return value


def _pair(value: int | list[int], axes: int) -> npt.NDArray[np.int64]:
    return np.array(value if isinstance(value, list) else [value] * axes, dtype=np.int64)


def _array(value: Any) -> Any:
    return value if isinstance(value, str) else np.asarray(value)
