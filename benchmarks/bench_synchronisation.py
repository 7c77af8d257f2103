"""What the barrier costs, and what removing it gives: the same work with every kind of barrier, and with tokens.

Cycles are simulated, so that the table does not depend on the machine that this runs on.
"""

from bench_scaling import Simulation, layered
from common import print_table

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.loader import load_chip
from accelsim.mapping.mapping import map_network
from accelsim.network.events import Limit
from accelsim.network.workload import load_workload
from accelsim.timing.causes import CAUSES
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate

SETTINGS = {
    "barrier, stated cycles": [],
    "barrier, messages": ["barrier.kind=message"],
    "barrier, ideal": ["barrier.kind=ideal"],
    "tokens, 2 slots": ["synchronization=dependency"],
    "tokens, 3 slots": ["synchronization=dependency", "core.accumulator_slots=3"],
    "tokens, 4 slots": ["synchronization=dependency", "core.accumulator_slots=4"],
}


def bundled(*settings: str) -> Simulation:
    """Return the bundled workload on the default chip, with room for a third and a fourth slot of accumulators."""
    load = load_workload("mnist_conv", Limit(8))
    chip = load_chip("core", ["core.accumulator.memory.capacity=8 KiB", *settings]).spec
    limits = Numerics(chip.core.membrane.bits, chip.core.accumulator.bits)
    trace = execute(load.network, load.events, limits, 1)
    profile = {name: trace.by_neuron(name, load.network.populations[name].size) for name in trace.populations}
    mapping = map_network(load.network, chip, load.events.kind, load.events.value_bits, profile)
    return build_machine(load.network, chip, mapping, trace), chip, mapping


def full(*settings: str) -> Simulation:
    """Return eight layers of which each fills a row of the 8x8 mesh."""
    return layered(8, 200, *settings)


def bench_synchronisation() -> None:
    for title, make in (("core, mnist_conv, 8 samples", bundled), ("large, 8 layers on 64 cores, 200 steps", full)):
        rows, first = [], 0.0
        for name, settings in SETTINGS.items():
            timing = simulate(*make(*settings), "compiled", 1)
            cycles = float(timing.step_cycles.sum(axis=1).mean())
            first = first or cycles
            waited = timing.causes[:, :, CAUSES.index("barrier")].sum() / timing.causes.sum()
            packets = timing.terminals["packets_in"].sum()
            tokens = timing.terminals["tokens_in"].sum() / packets
            rows.append((name, f"{cycles:,.0f}", f"{first / cycles:.2f}x", f"{waited:.0%}", f"{tokens:.2f}"))
        print_table(title, ("steps end with", "cycles per sample", "speed", "barrier", "tokens per packet"), rows)


if __name__ == "__main__":
    bench_synchronisation()
