"""Cycles of published array models on recorded spikes: read a table of them and compare every figure.

The table is what Prosperity's simulator (Wei et al., HPCA 2025; dubcyfor3/Prosperity @6ee1c6f) reports of its models of
Eyeriss, PTB, SATO, MINT and Prosperity itself: a row per network, model and layer, in columns ``network, model, layer,
compute_cycles`` and others that are compared where a model of ours has them. The spikes lie beside it, ``NETWORK.npz``.
What ran them are the bundled machines with ``elements.compat: prosperity``.

Facts of the published runs that the spikes do not tell, and that :data:`NETWORKS` states: which layers ran; that
``lif_6`` of VGG9 has 4096 neurons behind a layer of 1024 outputs; that a convolution of Prosperity's own model is
listed twice, once as ``NAME_kernelK_fc``.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from accelsim.errors import ConfigError
from accelsim.hardware.loader import load_array
from accelsim.network.npz import Npz
from accelsim.pearray.dataflow import Dataflow
from accelsim.pearray.layer import ArrayLayer, Shape, unfolded
from accelsim.pearray.machine import build_dataflow

_MAX_BYTES: Final = 1 << 24
_COLUMNS: Final = ("network", "model", "layer", "compute_cycles")

MODELS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Eyeriss": ("eyeriss_14x12", ()),
    "PTB": ("ptb", ()),
    "SATO": ("sato", ()),
    "MINT": ("mint", ()),
    "Prosperity_bit": ("prosperity", ("elements.dataflow=spike_stream",)),
    "Prosperity": ("prosperity", ()),
}
"""Bundled machine and overrides by the table's name of the model."""


@dataclass(frozen=True)
class Published:
    """A layer of a published run: ``neurons`` behind it where the run's number is not the layer's own."""

    name: str
    updates: str
    outputs: int
    kernel: int = 0
    padding: int = 0
    neurons: int = 0


NETWORKS: Final[Mapping[str, tuple[Published, ...]]] = {
    "lenet5_mnist": (
        Published("conv2d_1", "lif_2", 16, kernel=5),
        Published("fc_0", "lif_3", 120),
        Published("fc_1", "lif_4", 84),
    ),
    "vgg9_cifar10": (
        Published("conv2d_1", "lif_1", 64, kernel=3, padding=1),
        Published("conv2d_2", "lif_2", 128, kernel=3, padding=1),
        Published("conv2d_3", "lif_3", 128, kernel=3, padding=1),
        Published("conv2d_4", "lif_4", 256, kernel=3, padding=1),
        Published("conv2d_5", "lif_5", 256, kernel=3, padding=1),
        Published("fc_0", "lif_6", 1024, neurons=4096),
    ),
}
"""Layers of the published runs (simulator/configs.py), by network."""


@dataclass(frozen=True)
class RowResult:
    """One row: how many figures were compared, and one line per figure that differs."""

    compared: int
    mismatches: tuple[str, ...]


class Runs:
    """The models on the networks of a folder; each layer is run once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._layers: dict[str, dict[str, ArrayLayer]] = {}
        self._cycles: dict[tuple[str, str], dict[str, int]] = {}

    def cycles(self, network: str, model: str) -> dict[str, int]:
        """Return the compute cycles of every layer, of its neurons, and their sum as ``TOTAL``."""
        key = (network, model)
        if key not in self._cycles:
            self._cycles[key] = self._run(network, build(model))
        return self._cycles[key]

    def _run(self, network: str, dataflow: Dataflow) -> dict[str, int]:
        found: dict[str, int] = {}
        for item in NETWORKS[network]:
            layer = self.layers(network)[item.name]
            found[item.name] = dataflow.work(layer).cycles
            found[item.updates] = dataflow.update_cycles(_updated(layer.shape, item))
        return {**found, "TOTAL": sum(found.values())}

    def layers(self, network: str) -> dict[str, ArrayLayer]:
        """Return the layers of a network by name."""
        if network not in self._layers:
            with Npz(self._folder / f"{network}.npz") as file:
                self._layers[network] = {item.name: _layer(file, item) for item in NETWORKS[network]}
        return self._layers[network]


def build(model: str) -> Dataflow:
    """Return the execution model of a published one."""
    preset, overrides = MODELS[model]
    return build_dataflow(load_array(preset, ("elements.compat=prosperity", *overrides)))


def _updated(shape: Shape, item: Published) -> Shape:
    """Return a layer whose neurons are those that the published run updates."""
    if not item.neurons:
        return shape
    return Shape(shape.name, shape.kind, shape.timesteps, 1, shape.window, item.neurons)


def _layer(file: Npz, item: Published) -> ArrayLayer:
    sizes = tuple(int(size) for size in file.array(f"{item.name}.shape").ravel())
    due = 4 if item.kernel else 2
    packed = file.array(f"{item.name}.bits")
    count = int(np.prod(sizes, dtype=np.int64))
    if len(sizes) != due or packed.dtype != np.uint8 or min(sizes) < 1 or packed.size != -(-count // 8):
        raise ConfigError(
            f"{file.path}: {item.name}: expected {due} sizes and their packed bits, got {sizes} and {packed.size} bytes"
        )
    spikes = np.unpackbits(packed, count=count).reshape(sizes)
    if not item.kernel:
        shape = Shape(item.name, "dense", sizes[0], 1, sizes[1], item.outputs)
        return ArrayLayer(shape, spikes.reshape(1, sizes[0], 1, sizes[1]))
    windows = unfolded(spikes, item.kernel, item.padding)
    shape = Shape(item.name, "conv", sizes[0], windows.shape[2], windows.shape[3], item.outputs)
    return ArrayLayer(shape, windows)


@dataclass(frozen=True)
class _Row:
    line: int
    values: Mapping[str, str]

    @cached_property
    def layer(self) -> str:
        """The layer's name, without the mark of a convolution that was made a product."""
        return self.values["layer"].partition("_kernel")[0]


def compare_file(path: Path) -> Iterator[RowResult]:
    """Yield the comparison of every row of a table; networks that are not known here are a mismatch.

    Raises
    ------
    ConfigError
        If the file cannot be read, has no row, lacks a column, or a row is wrong; with file and line.
    """
    runs = Runs(path.parent)
    for row in _rows(path):
        where = f"{path}:{row.line}"
        network, model = row.values["network"], row.values["model"]
        for name, known in ((network, NETWORKS), (model, MODELS)):
            if name not in known:
                raise ConfigError(f"{where}: expected one of {', '.join(known)}, got {name!r}")
        found = runs.cycles(network, model)
        if row.layer not in found:
            raise ConfigError(f"{where}: layer: expected one of {', '.join(found)}, got {row.layer!r}")
        expected = _number(where, row.values["compute_cycles"])
        same = found[row.layer] == expected
        text = f"{where}: {network} {model} {row.layer}: compute_cycles: expected {expected}, got {found[row.layer]}"
        yield RowResult(1, () if same else (text,))


def _rows(path: Path) -> list[_Row]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: expected at most {_MAX_BYTES} bytes, got {path.stat().st_size}")
        reader = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise ConfigError(f"{path}:1: expected columns {', '.join(_COLUMNS)}, got none named {', '.join(missing)}")
        rows = [_Row(reader.line_num, {key: value or "" for key, value in row.items() if key}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read as a table: {getattr(error, 'strerror', None) or error}") from error
    if not rows:
        raise ConfigError(f"{path}: expected rows below the header, found none")
    return rows


def _number(where: str, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"{where}: compute_cycles: expected a number, got {text!r}") from None
    if not 0 <= value <= 1 << 50 or value != int(value):
        raise ConfigError(f"{where}: compute_cycles: expected a whole number, got {text!r}")
    return int(value)
