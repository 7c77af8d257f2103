"""What the tests of timing and mapping share: one step on either engine, small chips, and networks in numbers."""

import copy
from typing import NamedTuple

import numpy as np

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.hardware.spec import ChipSpec, FixedLatencySpec, RouterSpec
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.mapping.axons import AXON, COST
from accelsim.mapping.mapping import map_network
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.timing.compiled.packets import run_packets as compiled_packets
from accelsim.timing.compiled.run import step_runner
from accelsim.timing.machine import build_machine
from accelsim.timing.packets import PacketTrace
from accelsim.timing.records import ROUTER_COUNT, STEP, TERMINAL_COUNT
from accelsim.timing.reference.packets import run_packets as reference_packets
from accelsim.timing.reference.step import run_step as reference_step
from accelsim.timing.tables import AxonTables, Endpoints, NocTables, StepWork, fixed_latency_tables, noc_tables

ENGINES = ("reference", "compiled")
UNIT_ROUTER = RouterSpec(
    virtual_channels=1,
    buffer_flits=4,
    routing_delay=1,
    speculative=False,
    vc_alloc_delay=1,
    switch_alloc_delay=1,
    switch_delay=1,
    link_delay=1,
    credit_delay=1,
)
"""All delays of one cycle, one virtual channel: the router of the worked examples."""


UNIT_TIMING = {
    "scan_cycles": 1,
    "update_cycles": 0,
    "spike_cycles": 0,
    "axon_out_cycles": 1,
    "axon_in_cycles": 0,
    "synapse_cycles": 1,
}
"""Pipelined engines: nothing takes longer than its share."""


class Step(NamedTuple):
    """Everything that an engine says about one step."""

    terminals: np.ndarray
    routers: np.ndarray
    links: np.ndarray
    summary: np.ndarray

    @property
    def end(self) -> int:
        return int(self.summary["end"][0])

    def total(self, name: str) -> int:
        return int((self.terminals if name in TERMINAL_COUNT.names else self.routers)[name].sum())


def router(**changes) -> RouterSpec:
    return RouterSpec.model_validate({**UNIT_ROUTER.model_dump(), **changes})


def network(
    topology, attachments=None, spec=UNIT_ROUTER, *, input_queue=16, spike_fifo=32, injection_queue=8, axon_out=1
) -> NocTables:
    """Return the tables of a network with one core per router, or terminals on the routers ``attachments``."""
    attachments = range(topology.routers) if attachments is None else attachments
    depths = [
        np.broadcast_to(np.asarray(depth, np.int32), (len(attachments),)).copy()
        for depth in (input_queue, spike_fifo, injection_queue, axon_out)
    ]
    return noc_tables(build_fabric(topology, attachments), spec, Endpoints(*depths))


def fixed_latency(**changes) -> FixedLatencySpec:
    return FixedLatencySpec.model_validate(
        {"delay": [3, 5], "interval": [2, 4], "local_delay": 1, "queue_packets": 2, **changes}
    )


def fixed_network(topology, spec, attachments=None, *, input_queue=16, spike_fifo=32, injection_queue=8, axon_out=1):
    """Return the tables of a network of fixed-latency links; see :func:`network`."""
    attachments = range(topology.routers) if attachments is None else attachments
    depths = [
        np.broadcast_to(np.asarray(depth, np.int32), (len(attachments),)).copy()
        for depth in (input_queue, spike_fifo, injection_queue, axon_out)
    ]
    return fixed_latency_tables(build_fabric(topology, attachments), spec, Endpoints(*depths))


def axon_tables(reaches, rows) -> AxonTables:
    """Return axons from a list of axon numbers per neuron and one dict (terminal, cycles, ...) per axon."""
    costs = np.zeros(len(rows), dtype=COST)
    costs["flits"] = costs["cycles"] = costs["ideal"] = 1
    terminal = np.zeros(len(rows), np.int32)
    for at, row in enumerate(rows):
        for name, value in row.items():
            (terminal if name == "terminal" else costs[name])[at] = value
    ptr = np.concatenate(([0], np.cumsum([len(item) for item in reaches]))).astype(np.int64)
    axon = np.zeros(ptr[-1], dtype=AXON)
    axon["cost"] = [number for item in reaches for number in item]
    axon["terminal"] = terminal[axon["cost"]]
    return AxonTables(ptr, axon, costs)


def step_work(bursts) -> StepWork:
    """Return the work of a step from a list of (cycles, fired neurons) per terminal."""
    flat = [burst for own in bursts for burst in own]
    fired = [[neuron for _, neurons in own for neuron in neurons] for own in bursts]

    def pointers(counts) -> np.ndarray:
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    return StepWork(
        pointers([len(own) for own in bursts]),
        np.array([cycles for cycles, _ in flat], np.int32),
        np.array([len(neurons) for _, neurons in flat], np.int32),
        pointers([len(own) for own in fired]),
        np.array([neuron for own in fired for neuron in own], np.int32),
    )


def empty_step(noc: NocTables) -> Step:
    return Step(
        np.zeros(len(noc.terminals), TERMINAL_COUNT),
        np.zeros(noc.routers, ROUTER_COUNT),
        np.zeros((noc.routers, noc.ports), np.int64),
        np.zeros(1, STEP),
    )


def run_step(engine: str, noc: NocTables, axons: AxonTables, work: StepWork) -> Step:
    out = empty_step(noc)
    if engine == "reference":
        reference_step(noc, axons, work, *out)
    else:
        step_runner(noc)(axons, work, *out)
    return out


def differences(ours: Step, theirs: Step) -> list[str]:
    """Return the fields in which two steps differ."""
    wrong = [] if np.array_equal(ours.links, theirs.links) else ["links"]
    for part in ("terminals", "routers", "summary"):
        left, right = getattr(ours, part), getattr(theirs, part)
        wrong += [f"{part}.{name}" for name in left.dtype.names if not np.array_equal(left[name], right[name])]
    return wrong


def run_packets(engine: str, noc: NocTables, packets):
    """Run packets (created, source, target, flits) on the routers alone."""
    columns = np.array(packets, dtype=np.int64).reshape(-1, 4)
    trace = PacketTrace(*(np.ascontiguousarray(columns[:, at]) for at in range(4)))
    return (reference_packets if engine == "reference" else compiled_packets)(noc, trace)


def packet_network(topology, spec=UNIT_ROUTER, attachments=None) -> NocTables:
    return noc_tables(build_fabric(topology, range(topology.routers) if attachments is None else attachments), spec)


def line(length: int) -> Mesh:
    return Mesh((length,))


def _memory(capacity, width=32, banks=1, ports="1R1W"):
    return {"capacity": capacity, "width": width, "banks": banks, "ports": ports}


def _port(name, at, **changes):
    own = {
        "name": name,
        "direction": name,
        "router": at,
        "cycles_per_event": 1,
        "input_queue": 8,
        "spike_fifo": 4,
        "injection_queue": 4,
        "energy_per_event": "1 pJ",
        "source": "invented for the tests",
    }
    return {**own, **changes}


CHIP = {
    "name": "toy",
    "description": "test chip",
    "clock": "100 MHz",
    "schedule": "pipelined",
    "technology": {
        "node": "45 nm",
        "sram_cell": "itrs-lop",
        "temperature": "300 K",
        "sram_source": "cacti7",
        "arithmetic_source": "horowitz45",
        "noc_source": "dsent",
        "unused_cores": "gated",
        "overrides": [],
    },
    "noc": {
        "topology": "mesh",
        "size": [2, 2],
        "concentration": 1,
        "flit_bits": 32,
        "link_length": "1 mm",
        "router": UNIT_ROUTER.model_dump(),
    },
    "core": {
        "synapse_lanes": 4,
        "mac_lanes": 2,
        "neuron_lanes": 2,
        "scan": "touched",
        "input_queue": 8,
        "spike_fifo": 4,
        "injection_queue": 4,
        "pipeline_drain": 2,
        "timing": UNIT_TIMING,
        "weight_format": "dense",
        "skip_zero_weights": False,
        "conv_storage": "shared",
        "multi_spike": "repeat",
        "axon_memory": {"entry_bits": 32, "memory": _memory("2 KiB")},
        "routing_memory": {"entry_bits": 32, "memory": _memory("2 KiB")},
        "synapse_memory": _memory("8 KiB", ports="1RW"),
        "membrane": {"bits": 16, "memory": _memory("1 KiB", banks=2)},
        "accumulator": {"bits": 16, "memory": _memory("2 KiB", banks=2)},
    },
    "ports": [_port("input", [0, 0]), _port("output", [1, 1])],
    "barrier": {"cycles": 5},
    "mapping": {"partition": "compact", "placement": "row_major", "order": "pixel"},
    "baseline": {
        "rows": 8,
        "columns": 8,
        "dataflow": "ws",
        "activation_bits": 8,
        "weight_bits": 8,
        "accumulator_bits": 32,
        "input_buffer": _memory("2 KiB"),
        "weight_buffer": _memory("2 KiB"),
        "output_buffer": _memory("2 KiB"),
        "dram": {"energy": "8 pJ/bit", "bandwidth": "4 GB/s", "source": "LPDDR4, Accelergy"},
    },
}


def chip(**changes) -> ChipSpec:
    """Return the toy chip with values changed by dotted path, dots written as two underscores."""
    return ChipSpec.model_validate(chip_data(**changes))


def chip_data(**changes) -> dict:
    """Return the values of :func:`chip`."""
    data = copy.deepcopy(CHIP)
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = data
        for name in parents:
            at = at[int(name) if name.isdigit() else name]
        at[last] = value
    return data


def ports_at(source, target, **changes):
    """Return an input and an output port on two routers."""
    return [_port("input", source, **changes), _port("output", target, **changes)]


def layer_chain(weights, threshold=1, bits=8) -> Network:
    """Return dense layers of integrate-and-fire neurons from their (n_target, n_source) integer weights."""
    populations = {"in": Population("in", (weights[0].shape[1],), None)}
    projections = []
    for at, matrix in enumerate(weights):
        name, size = f"l{at + 1}", matrix.shape[0]
        limit = np.full(size, threshold, np.int32)
        populations[name] = Population(name, (size,), IF(limit, np.zeros(size, np.int32), "subtract", ">="))
        source = "in" if at == 0 else f"l{at}"
        projections.append(Projection(source, name, dense(matrix.astype(np.int32), bits)))
    return Network("chain", populations, tuple(projections), 1e-3)


def conv_network(rng, side, channels, filters, outputs, density=0.7) -> Network:
    """Return input -> 3x3 convolution -> dense, with integer weights of which some are zero."""

    def sparse(shape):
        return (rng.integers(-7, 12, shape) * (rng.random(shape) < density)).astype(np.int32)

    weights = sparse((filters, channels, 3, 3))
    kernel, shape = convolution(weights, (side, side, channels), padding=(1, 1), bits=8)
    size = side * side * filters
    populations = {
        "in": Population("in", (side, side, channels), None),
        "conv": Population("conv", shape, IF(np.full(size, 8, np.int32), np.zeros(size, np.int32), "subtract", ">=")),
        "out": Population(
            "out", (outputs,), IF(np.full(outputs, 9, np.int32), np.zeros(outputs, np.int32), "value", ">")
        ),
    }
    edges = (Projection("in", "conv", kernel), Projection("conv", "out", dense(sparse((outputs, size)), 8)))
    return Network("conv", populations, edges, 1e-3)


def activity(network: Network, events: EventStream, spec: ChipSpec):
    """Execute a network in the widths of a chip."""
    core = spec.core
    limits = Numerics(core.membrane.bits, core.accumulator.bits) if network.integer else Numerics(None, None)
    return execute(network, events, limits, 1, delay=spec.edge_delay)


def compile_and_build(network: Network, events: EventStream, spec: ChipSpec, **options):
    """Return (machine, mapping) of a network on a chip."""
    trace = activity(network, events, spec)
    mapping = map_network(network, spec, events.kind, events.value_bits)
    return build_machine(network, spec, mapping, trace, **options), mapping
