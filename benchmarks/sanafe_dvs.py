"""SANA-FE's DVS-gesture run in SANA-FE and here, one thread each: time, load time and memory.

``SANAFE_PYTHON=path/to/python python sanafe_dvs.py [TIMESTEPS]``: a Python with SANA-FE. Every run is a process of
its own. Load is what happens before the first timestep: imports, reading network and chip, mapping and, here, loading
compiled kernels, which a run of two timesteps forces. A first run of each kind, which may have to compile, does not
count. SANA-FE runs its ``detailed`` timing model.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import print_table, quantity

from accelsim.compression.format import adds_zeros
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.mapping.mapping import map_network
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate
from accelsim.validation.sanafe_compare import sanafe_chip
from accelsim.validation.sanafe_network import read_dvs_network
from accelsim.validation.sanafe_peer import package_folder, run_peer

VIRTUAL_CHANNELS = (
    "noc.router={virtual_channels: 1, buffer_flits: 16, routing_delay: 0, vc_alloc_delay: 1, speculative: true, "
    "switch_alloc_delay: 1, switch_delay: 1, link_delay: 39, credit_delay: 1}"
)
"""BookSim2's router with look-ahead and speculation: 41 cycles of 0.1 ns per hop, as Loihi's east and west."""
NETWORKS: dict[str, tuple[str, ...]] = {
    "fixed latency": (),
    "virtual channels": ("noc.fixed_latency=null", VIRTUAL_CHANNELS),
}
"""Overrides of the network of routers, by name."""
TIMESTEPS = 1000
RUNS = 3


def own(place: str, overrides: tuple[str, ...], timesteps: int) -> dict[str, float]:
    """Run the network here, in this process."""
    dvs, chip = read_dvs_network(Path(place)), sanafe_chip(overrides)
    core, events = chip.core, dvs.silence(timesteps)
    limits = Numerics(core.membrane.bits, core.accumulator.bits)
    touch = adds_zeros(core.weight_format, skip_zero_weights=core.skip_zero_weights)

    def functional(steps: int) -> Any:
        return execute(dvs.network, dvs.silence(steps), limits, 1, delay=chip.edge_delay, zeros_touch=touch)

    mapping = map_network(dvs.network, chip, events.kind, events.value_bits)
    simulate(build_machine(dvs.network, chip, mapping, functional(2)), chip, mapping, "compiled", 1)
    loaded = time.process_time()
    wall = time.time()
    trace = functional(timesteps)
    executed = time.process_time()
    timing = simulate(build_machine(dvs.network, chip, mapping, trace), chip, mapping, "compiled", 1)
    ended = time.process_time()
    return {
        "load_cpu_s": loaded,
        "ready_at": wall,
        "functional_cpu_s": executed - loaded,
        "timing_cpu_s": ended - executed,
        "sim_cpu_s": ended - loaded,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "hardware_ms": float(timing.step_cycles.sum()) / chip.clock * 1e-6,
        "packets": float(timing.terminals["packets_out"].sum()),
        "events": float(timing.terminals["issued"].sum()),
    }


def in_process(place: str, name: str, timesteps: int) -> dict[str, float]:
    """Run the network here, in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    began = time.time()
    done = subprocess.run(
        [sys.executable, __file__, "--own", place, name, str(timesteps)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return {**found, "load_wall_s": found["ready_at"] - began}


def peer(place: str, interpreter: str, timesteps: int) -> dict[str, float]:
    """Run SANA-FE."""
    found = run_peer(read_dvs_network(Path(place)), timesteps, "detailed", interpreter, trace=False)
    return {
        "load_cpu_s": found.load_cpu_s,
        "load_wall_s": found.load_wall_s,
        "sim_cpu_s": found.sim_cpu_s,
        "peak_rss_mb": found.peak_rss_mb,
        "hardware_ms": found.totals["sim_time"] * 1e3,
        "packets": found.totals["packets_sent"],
        "events": found.totals["spikes"],
    }


def fastest(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the run with the least processor time: what other programs disturbed least."""
    return min(runs, key=lambda run: run["sim_cpu_s"])


def main() -> None:
    interpreter = os.environ.get("SANAFE_PYTHON")
    if not interpreter:
        print("sanafe_dvs: skipped: SANAFE_PYTHON names no Python with SANA-FE")
        return
    timesteps = int(sys.argv[1]) if len(sys.argv) > 1 else TIMESTEPS
    place = str(package_folder(interpreter))
    theirs = fastest([peer(place, interpreter, timesteps) for _ in range(RUNS)])
    runs = {"SANA-FE, detailed": theirs}
    for name in NETWORKS:
        in_process(place, name, 2)
        runs[f"accelsim, {name}"] = fastest([in_process(place, name, timesteps) for _ in range(RUNS)])
    rows = []
    for name, run in runs.items():
        parts = f" ({run['functional_cpu_s']:.3f} + {run['timing_cpu_s']:.3f})" if "timing_cpu_s" in run else ""

        def ratio(key: str, run: dict[str, float] = run) -> str:
            return f"{theirs[key] / run[key]:.3g}x"

        rows.append(
            (
                name, f"{run['sim_cpu_s']:.3f}{parts}", ratio("sim_cpu_s"), quantity(run["events"] / run["sim_cpu_s"]),
                quantity(run["packets"] / run["sim_cpu_s"]), f"{run['load_wall_s']:.2f}", ratio("load_wall_s"),
                f"{run['peak_rss_mb']:.0f}", ratio("peak_rss_mb"), f"{run['hardware_ms']:.3f}",
            )
        )  # fmt: skip
    head = (
        "simulator", "CPU s (function + timing)", "faster", "synaptic events/s", "packets/s", "load s", "faster",
        "peak MB", "smaller", "hardware ms",
    )  # fmt: skip
    print_table(f"DVS gesture on Loihi, {timesteps} timesteps, one thread, the best of {RUNS}", head, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--own"]:
        print(json.dumps(own(sys.argv[2], NETWORKS[sys.argv[3]], int(sys.argv[4]))))
    else:
        main()
