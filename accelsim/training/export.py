"""Write a trained network as a workload: NIR graph, a few digits in idx format and ``workload.yaml``.

The exported float32 weights lie on the grid ``code * scale`` with ``max |code| = 127`` per tensor, so an
importer that quantises to 8 bits symmetrically recovers the integer codes without loss.
"""

from __future__ import annotations

import gzip
import math
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import nir
import numpy as np
import numpy.typing as npt
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from accelsim.training.neurons import BETA, BITS, THRESHOLD, QuantizedLayer

TIMESTEP: Final = 1e-4
"""Duration of one timestep in seconds, the default of snnTorch's exporter."""


def write_idx(path: Path, data: npt.NDArray[np.uint8]) -> None:
    """Write bytes in the gzip-compressed idx format of MNIST, without a time stamp.

    Parameters
    ----------
    path
        Target file.
    data
        Array of any shape, ``uint8``.
    """
    header = bytes([0, 0, 8, data.ndim]) + np.array(data.shape, dtype=">u4").tobytes()
    path.write_bytes(gzip.compress(header + data.tobytes(), mtime=0))


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read a gzip-compressed idx file of unsigned bytes.

    Parameters
    ----------
    path
        File such as ``t10k-images-idx3-ubyte.gz``.

    Returns
    -------
    ndarray
        ``uint8``, ``(n, 28, 28)`` pixels of 0..255 or ``(n,)`` labels.

    Raises
    ------
    ValueError
        If the file is not idx data of type ``uint8`` or its length does not fit its header.
    """
    raw = gzip.decompress(path.read_bytes())
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08" or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(f"{path} is not an idx file of unsigned bytes")
    shape = tuple(int(size) for size in np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4))
    data = np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * len(shape))
    if data.size != math.prod(shape):
        raise ValueError(f"{path} holds {data.size} bytes where its header announces {shape}")
    return data.reshape(shape)


def poisson_events(
    digits: npt.NDArray[np.uint8], first: int, timesteps: int, *, rate: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Encode digits; the spikes of one depend on the seed and on its position only, not on other digits.

    This is the contract of ``encoding: poisson`` in the manifest: each digit draws from a Philox stream of
    its own, in the order timestep, channel, row, column.

    Parameters
    ----------
    digits
        Pixels ``(n, 28, 28)``, ``uint8``.
    first
        Position of the first digit in its file; position is the second word of the Philox key.
    timesteps
        Number of timesteps ``T``.
    rate
        Spike probability of a white pixel per timestep, 0..1.
    seed
        First word of the Philox key.

    Returns
    -------
    ndarray
        Spikes ``(T, n, 1, 28, 28)``, bool.
    """
    events = np.empty((timesteps, len(digits), 1, *digits.shape[1:]), dtype=np.bool_)
    for offset, digit in enumerate(digits):
        key = np.array([seed, first + offset], dtype=np.uint64)
        draws = np.random.Generator(np.random.Philox(key=key)).random((timesteps, 1, *digit.shape))
        events[:, offset] = draws < rate * digit / 255
    return events


def _lif_node(shape: tuple[int, ...]) -> nir.LIF:
    return nir.LIF(
        tau=np.full(shape, TIMESTEP / (1.0 - BETA), dtype=np.float32),
        r=np.full(shape, 1.0 / (1.0 - BETA), dtype=np.float32),
        v_leak=np.zeros(shape, dtype=np.float32),
        v_threshold=np.full(shape, THRESHOLD, dtype=np.float32),
        v_reset=np.zeros(shape, dtype=np.float32),
    )


def _weight_node(layer: QuantizedLayer, source: tuple[int, ...]) -> nir.Conv2d | nir.Linear:
    geometry = layer.projection
    metadata = {"bits": BITS, "scale": layer.scale, "zero_weights": float(np.mean(layer.codes == 0))}
    if len(geometry.shape) == 2:
        return nir.Linear(weight=layer.weight, metadata=metadata)
    return nir.Conv2d(
        input_shape=(source[1], source[2]),
        weight=layer.weight,
        stride=geometry.stride,
        padding=geometry.padding,
        dilation=1,
        groups=1,
        bias=np.zeros(geometry.shape[0], dtype=np.float32),
        metadata=metadata,
    )


def to_nir(layers: list[QuantizedLayer], input_shape: tuple[int, int, int]) -> nir.NIRGraph:
    """Build the NIR graph in snnTorch's export convention.

    Parameters
    ----------
    layers
        The network, input side first.
    input_shape
        Channels, height and width of the input in pixels.

    Returns
    -------
    nir.NIRGraph
        A type-checked chain ``input -> conv1 -> lif1 -> ... -> output``; ``tau`` is in seconds.
    """
    nodes: dict[str, Any] = {"input": nir.Input(input_type=np.array(input_shape))}
    shape: tuple[int, ...] = input_shape
    for index, layer in enumerate(layers, start=1):
        geometry = layer.projection
        if geometry.pool > 1:
            pair = (geometry.pool, geometry.pool)
            nodes[f"pool{index - 1}"] = nir.AvgPool2d(kernel_size=pair, stride=pair, padding=(0, 0))
            shape = geometry.pooled_shape(shape)
        if len(geometry.shape) == 2 and len(shape) == 3:
            nodes["flatten"] = nir.Flatten(input_type=np.array(shape), start_dim=0, end_dim=-1)
        nodes[geometry.name] = _weight_node(layer, shape)
        shape = geometry.output_shape(shape)
        nodes[f"lif{index}"] = _lif_node(shape)
    nodes["output"] = nir.Output(output_type=np.array(shape))
    codes = np.concatenate([layer.codes.ravel() for layer in layers])
    metadata = {"bits": BITS, "granularity": "tensor", "zero_weights": float(np.mean(codes == 0))}
    return nir.NIRGraph(nodes, list(pairwise(nodes)), metadata=metadata)


def write_manifest(
    path: Path, *, timesteps: int, rate: float, encoding_seed: int, provenance: dict[str, Any]
) -> None:
    """Write ``workload.yaml``.

    Parameters
    ----------
    path
        Target file.
    timesteps
        Timesteps per inference.
    rate
        Spike probability of a white pixel per timestep, 0..1.
    encoding_seed
        First key word of the Philox stream; the second is the index of the digit in the file.
    provenance
        Where the network comes from and what it reaches.
    """
    quantize = CommentedMap(bits=BITS, granularity="tensor")
    quantize.fa.set_flow_style()
    manifest = {
        "name": "mnist_conv",
        "description": "Pruned 8-bit convolutional spiking network for MNIST digits, Poisson-coded input",
        "network": {
            "file": "network.nir",
            "dialect": "euler",
            "dt": f"{TIMESTEP * 1e6:g} us",
            "reset": "subtract",
            "threshold_op": DoubleQuotedScalarString(">"),
            "quantize": quantize,
        },
        "input": {
            "file": "digits-idx3-ubyte.gz",
            "encoding": "poisson",
            "rate": rate,
            "seed": encoding_seed,
        },
        "labels": "labels-idx1-ubyte.gz",
        "timesteps": timesteps,
        "decoding": "rate",
        "provenance": provenance,
    }
    yaml = YAML()
    yaml.width = 200
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(manifest, stream)
