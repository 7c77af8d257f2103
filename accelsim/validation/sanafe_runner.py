"""Run SANA-FE: a program for an interpreter that has it installed, and needs nothing else.

    python sanafe_runner.py NETWORK.json TIMESTEPS MODEL RESULT.json

``NETWORK.json`` describes the layers (see :mod:`accelsim.validation.sanafe_peer`). The result is one JSON object:
version, totals, a list per quantity by timestep, seconds of every phase, and the peak resident memory.
"""

import importlib
import importlib.metadata
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main(network_file: str, timesteps: int, model: str) -> dict[str, Any]:
    """Build the network, map it, run it, and return what was measured."""
    description = json.loads(Path(network_file).read_text(encoding="utf-8"))
    began = time.perf_counter(), time.process_time()
    sanafe = importlib.import_module("sanafe")
    arch = sanafe.load_loihi()
    network = sanafe.Network()
    _build(network, arch, description)
    chip = sanafe.SpikingChip(arch)
    chip.load(network)
    loaded = time.perf_counter(), time.process_time()
    found = chip.sim(
        timesteps, timing_model=model, processing_threads=1, scheduler_threads=0, perf_trace=description["trace"]
    )
    ended = time.perf_counter(), time.process_time()
    return {
        "version": importlib.metadata.version("sanafe"),
        "totals": {key: value for key, value in found.items() if key != "perf_trace"},
        "trace": found.get("perf_trace") or {},  # None where it was not asked for
        "load_wall_s": loaded[0] - began[0],
        "load_cpu_s": loaded[1] - began[1],
        "sim_wall_s": ended[0] - loaded[0],
        "sim_cpu_s": ended[1] - loaded[1],
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _build(network: Any, arch: Any, description: dict[str, Any]) -> None:
    """Create and connect the layers, and deal their neurons to cores in order, the remainder to the last."""
    cores = [core for tile in arch.tiles for core in tile.cores]
    before: Any = None
    first = 0
    for layer in description["layers"]:
        attributes = {"threshold": layer["threshold"], "leak_decay": 1.0, "reset_mode": "hard"}
        group = network.create_neuron_group(layer["name"], layer["neurons"], model_attributes=attributes)
        for neuron, bias in enumerate(layer["biases"]):
            group[neuron].set_attributes(model_attributes={"bias": bias})
        shape = layer["inputs"]
        if shape is not None and layer["kernel"] is None:
            before.connect_neurons_dense(group, {"w": layer["weights"]})
        elif shape is not None:
            height, width, channels = shape
            before.connect_neurons_conv2d(
                group, {"w": layer["weights"]}, width, height, channels, *layer["kernel"], *layer["stride"]
            )
        share = layer["neurons"] // layer["cores"]
        for neuron in range(layer["neurons"]):
            group[neuron].set_attributes(soma_hw_name="loihi_lif")
            group[neuron].map_to_core(cores[first + min(neuron // share, layer["cores"] - 1)])
        before, first = group, first + layer["cores"]


if __name__ == "__main__":
    result = main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    Path(sys.argv[4]).write_text(json.dumps(result), encoding="utf-8")
