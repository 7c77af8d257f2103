"""A trained network as a workload folder: NIR graph, a few test samples, labels, ``workload.yaml``.

Integers stay integers: quantised weights are written on their grid, ``code * scale`` in float32, and the workload says
``quantize: grid``, which recovers the codes without loss. Float networks say ``quantize: none``. Dialect ``euler`` for
neurons that integrate first, ``spyx`` for those that fire first. Test samples are the first of the test part, so that
the streams of ``encoding: poisson`` are those of the whole part.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import nir
import numpy as np
import numpy.typing as npt

from accelsim.errors import TrainingError
from accelsim.hardware.yaml_writer import write_yaml
from accelsim.training.data.dataset import Dataset, Split
from accelsim.training.encoding import InputCode, joined
from accelsim.training.idx import write_idx
from accelsim.training.integers import IntegerLayer
from accelsim.training.network import Network
from accelsim.training.projection import Projection
from accelsim.training.spiking import LEAK_STEPS, NeuronOptions

TIMESTEP: Final = 1e-3
"""Duration of an exported timestep, s."""

_FOREVER: Final = 1e30
"""Time constant of a readout that forgets nothing, in a dialect that has leaky ones alone."""


def _neurons(shape: tuple[int, ...], threshold: float, leak_steps: int, options: NeuronOptions) -> Any:
    fire_first = options.order == "fire_first"
    dt = 1.0 if fire_first else TIMESTEP
    level = np.full(shape, threshold, dtype=np.float32)
    rest = np.zeros(shape, dtype=np.float32)
    if leak_steps == LEAK_STEPS:
        return nir.IF(r=np.full(shape, 1.0 / dt, dtype=np.float32), v_threshold=level, v_reset=rest)
    share = 1.0 - leak_steps / LEAK_STEPS
    tau = np.full(shape, dt / share, dtype=np.float32)
    gain = np.full(shape, 1.0 / share, dtype=np.float32)
    return nir.LIF(tau=tau, r=gain, v_leak=rest, v_threshold=level, v_reset=rest)


def _readout(shape: tuple[int, ...], options: NeuronOptions) -> Any:
    if options.order == "integrate_first":
        return nir.I(r=np.full(shape, 1.0 / TIMESTEP, dtype=np.float32))
    ones = np.ones(shape, dtype=np.float32)
    return nir.LI(tau=ones * _FOREVER, r=ones, v_leak=np.zeros(shape, dtype=np.float32))


def _weights(projection: Projection, weight: npt.NDArray[np.float32], source: tuple[int, ...]) -> Any:
    if len(projection.shape) == 2:
        return nir.Linear(weight=weight)
    return nir.Conv2d(
        input_shape=(source[1], source[2]),
        weight=weight,
        stride=projection.stride,
        padding=projection.padding,
        dilation=1,
        groups=1,
        bias=np.zeros(projection.shape[0], dtype=np.float32),
    )


def to_nir(network: Network, layers: list[IntegerLayer] | None, source: tuple[int, ...]) -> nir.NIRGraph:
    """Return the NIR graph of a network.

    Parameters
    ----------
    network : Network
    layers : list of IntegerLayer or None
        Its layers in whole numbers; None to export the float weights.
    source : tuple of int
        (channels, height, width) of the input.
    """
    nodes: dict[str, Any] = {"input": nir.Input(input_type=np.array(source))}
    shape = source
    for number, layer in enumerate(network.layers):
        projection = layer.projection
        weight = (layer.weight * layer.mask).detach().numpy() if layers is None else layers[number].weight
        if projection.pool > 1:
            window = (projection.pool, projection.pool)
            nodes[f"pool{number}"] = nir.AvgPool2d(kernel_size=window, stride=window, padding=(0, 0))
            shape = projection.pooled_shape(shape)
        if len(projection.shape) == 2 and len(shape) > 1:
            nodes["flatten"] = nir.Flatten(input_type=np.array(shape), start_dim=0, end_dim=-1)
        nodes[projection.name] = _weights(projection, np.ascontiguousarray(weight), shape)
        shape = projection.output_shape(shape)
        if layer is network.layers[-1]:
            nodes["readout"] = _readout(shape, network.options)
        else:
            neurons = layer.neurons
            level = float(neurons.threshold.detach())
            nodes[f"lif{number + 1}"] = _neurons(shape, level, neurons.leak_steps, network.options)
    nodes["output"] = nir.Output(output_type=np.array(shape))
    return nir.NIRGraph(nodes, list(pairwise(nodes)))


def write_samples(folder: Path, samples: Split, code: InputCode) -> dict[str, Any]:
    """Write samples and labels into a workload folder; return the entries of ``workload.yaml``."""
    write_idx(folder / "labels-idx1-ubyte.gz", samples.labels.astype(np.uint8))
    if code.kind == "frames":
        frames = joined(samples.inputs, code.timesteps).swapaxes(0, 1)
        np.savez_compressed(
            folder / "events.npz", input=np.packbits(frames.ravel()), input_shape=np.array(frames.shape, dtype=np.int64)
        )
        entry: dict[str, Any] = {"file": "events.npz", "encoding": "events"}
    else:
        images = samples.inputs.transpose(0, 2, 3, 1)
        name = f"images-idx{3 if images.shape[-1] == 1 else 4}-ubyte.gz"
        write_idx(folder / name, np.ascontiguousarray(images[..., 0] if images.shape[-1] == 1 else images))
        entry = {"file": name, "encoding": code.kind}
        entry |= {"value_bits": 8} if code.kind == "graded" else {"rate": code.rate, "seed": code.seed}
    return {"input": entry, "labels": "labels-idx1-ubyte.gz"}


def export_workload(
    folder: Path,
    network: Network,
    layers: list[IntegerLayer] | None,
    data: Dataset,
    code: InputCode,
    *,
    name: str,
    description: str,
    samples: int,
    provenance: Mapping[str, Any],
) -> Path:
    """Write a workload folder.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files in it are replaced.
    network : Network
    layers : list of IntegerLayer or None
        None: the float network.
    data : Dataset
        Gives the input shape and the test samples.
    code : InputCode
    name, description : str
    samples : int
        Test samples to bring along.
    provenance : mapping

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    TrainingError
        If the reset has no counterpart in the dialect.
    """
    options = network.options
    fire_first = options.order == "fire_first"
    if fire_first and options.reset != "subtract":
        raise TrainingError(f"neurons that fire first: expected reset subtract, got {options.reset}")
    folder.mkdir(parents=True, exist_ok=True)
    nir.write(folder / "network.nir", to_nir(network, layers, data.shape), compression_opts=9)
    section: dict[str, Any] = {"file": "network.nir", "dialect": "spyx" if fire_first else "euler"}
    section["dt"] = "1 s" if fire_first else f"{TIMESTEP * 1e3:g} ms"
    section |= {"reset": options.reset, "threshold_op": ">", "quantize": "none" if layers is None else "grid"}
    manifest: dict[str, Any] = {"name": name, "description": description, "network": section}
    manifest |= write_samples(folder, data.test.take(slice(samples)), code)
    manifest |= {"timesteps": code.timesteps, "decoding": "membrane", "provenance": dict(provenance)}
    (folder / "workload.yaml").write_text(write_yaml(manifest), encoding="utf-8")
    return folder
