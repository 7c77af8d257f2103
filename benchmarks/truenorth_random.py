"""A million neurons on 1024 TrueNorth-like cores, random connections, 10 ticks: here and in SANA-FE, one thread each.

``SANAFE_PYTHON=path/to/python python truenorth_random.py``: without it, SANA-FE is skipped. The network is that of the
NeMo comparison that SANA-FE's authors published: every neuron has one synapse, 80 % of them in another core than its
own, all alike at random. There every neuron fires in every tick; TrueNorth's published operating point is 20 Hz, one
neuron in 50 per tick of 1 ms. Both are measured. Neurons integrate a bias of 1; a threshold and a reset potential of
their own put each one's first spike into a random tick of its period.

Time is processor time of one thread over 10 ticks: function and timing, tables of the run included, here; ``sim`` in
SANA-FE, whose TrueNorth has no latencies and no energies at all. Load is everything before. Every run is a process of
its own, a first one that may have to compile kernels does not count.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import print_table, quantity

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import map_network
from accelsim.network.connections.connection import Connection, LayerShape
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

CORES, SIDE, TICKS, RUNS = 1024, 32, 10, 3
CHIP = (
    f"noc.size=[{SIDE}, {SIDE}]", "schedule=native", "ports=[]", "core.axon_memory.memory.capacity=16 KiB",
    "core.routing_memory.memory.capacity=16 KiB", "core.membrane.memory.capacity=8 KiB",
    "core.membrane.memory.width=64", "core.accumulator.memory.capacity=16 KiB", "noc.router=null",
    "noc.fixed_latency={delay: [1, 1], interval: [1, 1], local_delay: 1, queue_packets: 4}",
)  # fmt: skip
"""truenorth with 1024 cores of 1024 neurons, and links without a clock, each one cycle long."""
CASES = ((1024, 50), (256, 1), (1024, 1))
"""Neurons of a core, and ticks between the spikes of a neuron."""

PEER = """
import json, random, resource, sys, time
from pathlib import Path
import sanafe
each, period, ticks, cores, side, file = (int(item) if item.isdigit() else item for item in sys.argv[1:])
source = (Path(sanafe.__file__).parent / "examples" / "truenorth.yaml").read_text()
for old, new in (("width: 64", f"width: {side}"), ("height: 64", f"height: {side}"), ("0..4095", f"0..{cores - 1}"),
                 ("max_neurons_supported: 256", f"max_neurons_supported: {each}")):
    source = source.replace(old, new)
Path(file).write_text(source)
arch, net = sanafe.load_arch(file), sanafe.Network()
random.seed(0)
size = cores * each
shared = {"leak_decay": 1.0, "bias": 1.0, "reset_mode": "hard"}
group = net.create_neuron_group("n", size, model_attributes=shared, soma_hw_name="core_soma",
                                default_synapse_hw_name="core_synapses")
place = [tile.cores[0] for tile in arch.tiles]
for number in range(size):
    first = random.randint(1, period)
    group[number].set_attributes(model_attributes={"threshold": first - 0.5, "reset": float(first - period)})
    group[number].map_to_core(place[number // each])
for number in range(size):
    home = number // each
    core = (home + random.randrange(1, cores)) % cores if random.random() < 0.8 else home
    group[number].connect_to_neuron(group[core * each + random.randrange(each)], {"weight": 1.0})
chip = sanafe.SpikingChip(arch)
chip.load(net)
loaded = time.process_time()
found = chip.sim(ticks, timing_model="detailed", processing_threads=1, scheduler_threads=0)
print(json.dumps({"load": loaded, "cpu": time.process_time() - loaded, "packets": found["packets_sent"],
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def network_of(each: int, period: int) -> Network:
    """Return the network: one synapse of weight 1 per neuron, 80 % of them into another core."""
    rng, size = np.random.default_rng(0), CORES * each
    home = np.repeat(np.arange(CORES), each)
    other = (home + rng.integers(1, CORES, size)) % CORES
    target = np.where(rng.random(size) < 0.8, other, home) * each + rng.integers(0, each, size)
    first = rng.integers(1, period + 1, size).astype(np.int32)
    shape = LayerShape("dense", 1, size, size, 1, size, size, size, size, size)
    ptr, none = np.arange(size + 1, dtype=np.int64), np.zeros((1, 1), np.int32)
    joined = Connection(none + 1, ptr, np.zeros(size, np.int32), target.astype(np.int32), none, size, size, shape, 8)
    neurons = Population("n", (size,), IF(first, first - period, "value", ">="), np.ones(size, np.int32), np.ones(1))
    populations = {"in": Population("in", (1,), None), "n": neurons}
    return Network("random", populations, (Projection("n", "n", joined, delay=1),), 1e-3)


def own(each: int, period: int) -> dict[str, float]:
    """Run the network here, in this process."""
    network, chip = network_of(each, period), load_chip("truenorth", [*CHIP, f"mapping.slices={{n: {CORES}}}"]).spec
    mapping = map_network(network, chip, "spikes", 1)

    def ticks(count: int, chip: ChipSpec = chip) -> int:
        silence = EventStream.from_dense(np.zeros((1, count, 1), np.uint8))
        trace = execute(network, silence, Numerics(16, 16), 1, delay=chip.edge_delay)
        machine = build_machine(network, chip, mapping, trace)
        return int(simulate(machine, chip, mapping, "compiled", 1).terminals["packets_in"].sum())

    ticks(1)  # loads compiled kernels
    loaded = time.process_time()
    packets = ticks(TICKS)
    return {
        "load": loaded,
        "cpu": time.process_time() - loaded,
        "packets": packets,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def fastest(*command: str) -> dict[str, float]:
    """Return the run with the least processor time of several."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    found = []
    for _ in range(RUNS):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    return min(found, key=lambda run: run["cpu"])


def main() -> None:
    interpreter = os.environ.get("SANAFE_PYTHON")
    own_command = [sys.executable, __file__, "--own"]
    subprocess.run([*own_command, "256", "50"], check=True, capture_output=True)  # compiles
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        script, arch = Path(folder) / "peer.py", Path(folder) / "arch.yaml"
        script.write_text(PEER, encoding="utf-8")
        for each, period in CASES:
            runs = {"accelsim": fastest(*own_command, str(each), str(period))}
            if interpreter:
                sizes = [str(item) for item in (each, period, TICKS, CORES, SIDE)]
                runs["SANA-FE, detailed"] = fastest(interpreter, str(script), *sizes, str(arch))
            for name, run in runs.items():
                rows.append((
                    f"{CORES} x {each}", f"{100 / period:.0f} %", name, quantity(run["packets"]), f"{run['cpu']:.3f}",
                    f"{TICKS / run['cpu']:.2f}", f"{run['load']:.1f}", f"{run['peak']:.0f}",
                ))  # fmt: skip
    head = ("neurons", "fire per tick", "simulator", "packets", "CPU s", "ticks per CPU s", "load CPU s", "peak MB")
    print_table(f"Random network, {TICKS} ticks, one thread, the best of {RUNS}", head, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--own"]:
        print(json.dumps(own(int(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
