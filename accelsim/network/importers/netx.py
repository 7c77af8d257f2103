"""netx: the integer networks of lava-dl for Loihi, read from their HDF5 file.

Represented: layers ``input``, ``flatten``, ``dense``, ``conv`` and ``pool`` in a row, with the integer current-based
neurons of Loihi (:mod:`accelsim.neurons.loihi_cuba`) and a delay per layer or neuron. Weights are whole numbers stored
as floats and stay exactly these. Refused, naming the layer: ``concat``, ``average``, ``unpool``, ``convT``,
sigma-delta and resonate-and-fire neurons, and graded spikes.

The ``input`` layer's own neurons turn an image into spikes; these spikes are the input of the network here. On Loihi a
spike is integrated one timestep after it was sent, in every layer: that is the schedule ``native``. The projections
themselves have only the delays that the file states, so that a sample is the same under the schedule ``pipelined``,
where each layer begins one timestep behind the layer in front (lava's ``reset_offset`` by layer).

Source: lava-dl 0.6, the README of ``lava.lib.dl.netx``; equal to the recorded spikes of PilotNet in every layer.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.connections.connection import Connection
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.connection_parts import of_sources
from accelsim.network.importers.hdf5_file import Hdf5Reader, naming, read_hdf5
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.layout import MAX_NEURONS, Layout, layout_of
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.options import USER, expect_complete
from accelsim.neurons.loihi_cuba import LoihiCuba

MAX_LAYERS: Final = 1000
MAX_WEIGHT: Final = 1 << 15
NEURON_TYPES: Final = ("CUBA", "CUBA-LIF", "LOIHI")
LAYER_TYPES: Final = ("input", "flatten", "dense", "conv", "pool")
TIMESTEP: Final = 1e-3
"""lava has no unit of time; slayer trains with one timestep per millisecond."""

Integers = npt.NDArray[np.int32]


@IMPORTERS.register("netx")
class NetxImporter(Importer):
    """Reads lava-dl's ``.net`` files."""

    suffixes: ClassVar[tuple[str, ...]] = (".net",)

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the integer network of a netx file; see :meth:`Importer.read`."""
        with naming(f"{path}"):
            expect_complete(options, "netx", "dt")
            layers = read_hdf5(path, "netx", lambda file: _Reader(path).layers(file))
            network = _network(layers, TIMESTEP if options.dt is None else options.dt, path.stem)
            origin = "format netx: lava has no unit of time" if options.dt is None else USER
            choices = {"dt": {"value": network.dt, "from": origin}}
            return replace(network, provenance={**network.provenance, "choices": choices})


@dataclass(frozen=True, eq=False)
class _Layer(RawNode):
    """A layer as stored."""

    neuron: RawNode | None = None

    def __str__(self) -> str:
        return f"layer/{self.name} ({self.type})"


class _Reader(Hdf5Reader):
    """Walks the known layout."""

    def layers(self, file: Any) -> list[_Layer]:
        root = self.member(file, "layer")
        if not isinstance(root, h5py.Group) or not 1 <= len(root) <= MAX_LAYERS:
            raise NetworkError(
                f"an HDF5 file, but no netx network: expected the group 'layer' with 1..{MAX_LAYERS} layers"
            )
        found = []
        for number in range(len(root)):
            group = self.member(root, str(number))
            if not isinstance(group, h5py.Group):
                raise NetworkError(f"layer: expected layers 0..{len(root) - 1}, got no layer/{number}")
            with naming(f"layer/{number}"):
                kind, values = self._values(group)
                neuron = self.member(group, "neuron")
                raw = None
                if isinstance(neuron, h5py.Group):
                    of, parameters = self._values(neuron)
                    raw = RawNode(f"layer/{number}/neuron", of, parameters)
                found.append(_Layer(str(number), kind, values, neuron=raw))
        return found

    def _values(self, group: Any) -> tuple[str, dict[str, Any]]:
        """Return the type and the numbers of a group; other texts are left unread."""
        kind, values = "unknown", {}
        for key in group:
            item = self.member(group, key)
            if not isinstance(item, h5py.Dataset):
                continue
            if key == "type":
                kind = self.text(group, key)
            elif h5py.check_string_dtype(item.dtype) is None:
                values[key] = self.value(item, key)
        return kind, values


@dataclass
class _Build:
    layout: Layout
    last: str = "input"
    delay: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _network(layers: list[_Layer], dt: float, name: str) -> Network:
    first = layers[0]
    stated = first.type == "input"
    if stated:
        layout = _shape(first)
    elif first.type == "dense":
        layout = Layout((_one(first, "inFeatures", MAX_NEURONS),))
    else:
        raise NetworkError(f"{first}: expected an input layer, or a dense one, in front; got neither")
    build = _Build(layout)
    build.populations["input"] = Population("input", layout.population, None)
    if stated:
        build.notes.append("the input is the spikes of layer/0 (input); its neurons, which make them, are left out")
        build.delay = _delay(first, layout)
    for layer in layers[1:] if stated else layers:
        if layer.type == "flatten":
            build.layout = build.layout.flattened(0, len(build.layout.exported) - 1)
        else:
            _add(build, layer)
    if len(build.populations) == 1:
        raise NetworkError("expected a layer with neurons behind the input, got none")
    if build.delay.any():
        build.notes.append(f"left out: the delay of the last layer ({build.delay.max()}), which shifts the output only")
    provenance = {
        "format": "netx",
        "dialect": "loihi",
        "dt_s": dt,
        "reset": "zero",
        "threshold_op": ">",
        "spike_mode": "single",
        "weights": "whole numbers, as in the file (Loihi stores even ones in 8 bit)",
        "order": "u = dec(u) + 64 x, v = dec(v) + u + 64 bias, fire above 64 vThMant, v = 0",
        "delays": "as in the file; one hop is one timestep under the schedule native, none under pipelined",
        "repairs": build.notes,
    }
    return Network(name, build.populations, tuple(build.projections), dt, provenance)


def _add(build: _Build, layer: _Layer) -> None:
    if layer.type not in LAYER_TYPES[1:]:
        raise NetworkError(f"{layer}: expected a layer of type {', '.join(LAYER_TYPES)}; got {layer.type!r}")
    connection, layout = {"dense": _dense, "conv": _conv, "pool": _pool}[layer.type](layer, build.layout)
    if "shape" in layer.values and _shape(layer).size != layout.size:
        raise NetworkError(f"{layer}: shape: expected {layout.shape}, as follows from the layers in front, got "
                           f"{tuple(layer.values['shape'].tolist())}")  # fmt: skip
    name = f"layer_{layer.name}"
    build.populations[name] = Population(name, layout.population, _neurons(layer, layout), None, np.ones(layout.size))
    for delay in np.unique(build.delay).tolist():
        part = connection if build.delay.size == 1 else of_sources(connection, build.delay == delay)
        if part.run_row.size:
            build.projections.append(Projection(build.last, name, part, (f"layer/{layer.name}",), delay=int(delay)))
    build.layout, build.last, build.delay = layout, name, _delay(layer, layout)


def _dense(layer: _Layer, before: Layout) -> tuple[Connection, Layout]:
    outputs = _one(layer, "outFeatures", MAX_NEURONS)
    weights = _weights(layer)
    if weights.size != outputs * before.size:
        raise NetworkError(f"{layer}: weight: expected {outputs} x {before.size} values, got shape {weights.shape}")
    columns = before.to_neurons(weights.reshape(outputs, *before.exported))
    return dense(columns, _bits(weights)), Layout((outputs,))


def _conv(layer: _Layer, before: Layout) -> tuple[Connection, Layout]:
    weights = _weights(layer)
    if weights.ndim == 5 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return _convolution(layer, weights, before, _one(layer, "groups", MAX_NEURONS) if "groups" in layer.values else 1)


def _pool(layer: _Layer, before: Layout) -> tuple[Connection, Layout]:
    value = _weights(layer)
    height, width = layer.integers("kernelSize", 2)
    channels = before.image[2]
    if value.size != 1 or not 1 <= height * width <= MAX_WEIGHT or min(height, width) < 1:
        raise NetworkError(f"{layer}: expected one weight and a kernelSize of at least 1, got {value.size} weights and "
                           f"{(height, width)}")  # fmt: skip
    weights = np.full((channels, 1, height, width), value.ravel()[0], dtype=np.int32)
    return _convolution(layer, weights, before, channels)


def _convolution(layer: _Layer, weights: Integers, before: Layout, groups: int) -> tuple[Connection, Layout]:
    stride, padding, dilation = (layer.integers(key, 2) for key in ("stride", "padding", "dilation"))
    with naming(f"{layer}"):
        connection, (height, width, channels) = convolution(
            weights,
            before.image,
            stride=(stride[0], stride[1]),
            padding=(padding[0], padding[1]),
            dilation=(dilation[0], dilation[1]),
            groups=groups,
            bits=_bits(weights),
        )
    return connection, Layout((channels, height, width))


def _neurons(layer: _Layer, layout: Layout) -> LoihiCuba:
    raw = layer.neuron
    if raw is None or raw.type not in NEURON_TYPES:
        got = "none" if raw is None else raw.type
        raise NetworkError(f"{layer}: expected neurons of type {', '.join(NEURON_TYPES)}; got {got}")
    if "gradedSpike" in raw.values and raw.values["gradedSpike"].any():
        raise NetworkError(f"{raw}: gradedSpike: expected false, got true: spikes with values are not represented")
    bias = _whole(layer, "bias") if "bias" in layer.values else np.zeros(1, dtype=np.int32)
    refractory = _whole(raw, "refDelay") if "refDelay" in raw.values else np.ones(1, dtype=np.int32)
    current_decay, voltage_decay, threshold = (
        _per_neuron(raw, layout, _whole(raw, key)) for key in ("iDecay", "vDecay", "vThMant")
    )
    rest = (_per_neuron(layer, layout, bias), _per_neuron(raw, layout, refractory))
    with naming(f"{raw}"):
        return LoihiCuba(current_decay, voltage_decay, threshold, *rest)


def _per_neuron(node: RawNode, layout: Layout, values: npt.NDArray[Any]) -> Integers:
    """Return one value per neuron from one for all, one per channel, or all of them channel-first."""
    flat = values.ravel()
    channels = layout.exported[0]
    if flat.size == layout.size:
        spread = flat.reshape(layout.exported)
    elif flat.size in {1, channels}:
        spread = np.broadcast_to(flat.reshape(-1, *(1,) * (len(layout.exported) - 1)), layout.exported)
    else:
        raise NetworkError(f"{node}: expected 1, {channels} or {layout.size} values per layer, got {flat.size}")
    return layout.to_neurons(spread).astype(np.int32)


def _delay(layer: _Layer, layout: Layout) -> npt.NDArray[np.int64]:
    if "delay" not in layer.values:
        return np.zeros(1, dtype=np.int64)
    stated = _whole(layer, "delay")
    if (stated < 0).any():
        raise NetworkError(f"{layer}: delay: expected at least 0 timesteps, got {stated.min()}")
    return stated.ravel().astype(np.int64) if stated.size == 1 else _per_neuron(layer, layout, stated).astype(np.int64)


def _weights(layer: _Layer) -> Integers:
    weights = _whole(layer, "weight").astype(np.int64)
    if layer.neuron is not None and "wgtExp" in layer.neuron.values:
        (shift,) = layer.neuron.integers("wgtExp", 1)
        if not 0 <= shift <= 8:
            raise NetworkError(f"{layer.neuron}: wgtExp: expected 0..8, got {shift}")
        weights <<= shift
    if weights.size == 0 or np.abs(weights).max() >= MAX_WEIGHT:
        raise NetworkError(f"{layer}: weight: expected weights within 16 bit, got "
                           f"{np.abs(weights).max() if weights.size else 'none'}")  # fmt: skip
    return weights.astype(np.int32)


def _whole(node: RawNode, key: str) -> Integers:
    value = node.array(key)
    if (value != np.rint(value)).any() or (np.abs(value) > 1 << 24).any():
        raise NetworkError(f"{node}: {key}: expected whole numbers of at most 2**24, got others")
    return value.astype(np.int32)


def _one(node: RawNode, key: str, limit: int) -> int:
    (value,) = node.integers(key, 1)
    if not 1 <= value <= limit:
        raise NetworkError(f"{node}: {key}: expected 1..{limit}, got {value}")
    return value


def _shape(layer: _Layer) -> Layout:
    layout = layout_of(layer)
    return Layout((layout.size,)) if layout.shape[1:] == (1,) * (len(layout.shape) - 1) else layout


def _bits(weights: Integers) -> int:
    """Return the width of a two's complement number that holds every weight, at least 2."""
    low, high = int(weights.min()), int(weights.max())
    return max(2, 1 + max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0))
