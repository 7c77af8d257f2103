"""Seeded random machines for the comparison of the two engines: steps made of tables, and whole chips."""

import numpy as np
from functional_builders import random_graph, random_network
from timing_builders import UNIT_TIMING, chip_data, conv_network, fixed_latency, ports_at, router, step_work

from accelsim.compression.format import adds_zeros
from accelsim.hardware.spec import ChipSpec, MulticastSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES, build_fabric
from accelsim.mapping.axons import AXON, COST
from accelsim.mapping.trees import build_trees
from accelsim.network.events import EventStream
from accelsim.timing.tables import AxonTables, Endpoints, StepWork, fixed_latency_tables, noc_tables


def mesh_size(rng) -> tuple[int, ...]:
    """A mesh of 1x1 to 4x4, a line, or a small box."""
    dimensions = int(rng.choice([1, 2, 2, 2, 3]))
    return tuple(int(extent) for extent in rng.integers(1, {1: 8, 2: 5, 3: 3}[dimensions], size=dimensions))


def random_topology(rng):
    """Any topology but a mesh, small."""
    name = str(rng.choice(["torus", "torus", "ring", "tree", "crossbar"]))
    sizes = {
        "torus": [(3,), (4, 4), (5, 3), (3, 1, 4), (2, 6), (3, 3, 3), (7, 2)],
        "ring": [(2,), (3,), (4,), (7,), (8,)],
        "tree": [(2, 2), (4, 3), (8, 4), (4, 2), (9, 3), (7, 2)],
        "crossbar": [(1,)],
    }[name]
    return TOPOLOGIES.get(name)(sizes[int(rng.integers(len(sizes)))])


def random_router(rng, classes: int = 1):
    """Half of them with stages of one cycle; speculation knows no others."""
    plain = bool(rng.random() < 0.5)
    return router(
        virtual_channels=max(classes, int(rng.choice([1, 1, 2, 3, 4]))),
        buffer_flits=int(rng.integers(1, 9)),
        routing_delay=int(rng.integers(0, 2 if plain else 4)),
        vc_alloc_delay=1 if plain else int(rng.integers(1, 4)),
        switch_alloc_delay=1 if plain else int(rng.integers(1, 4)),
        switch_delay=int(rng.integers(1, 3)),
        link_delay=int(rng.integers(1, 4)),
        credit_delay=int(rng.integers(0, 3)),
        speculative=plain and bool(rng.random() < 0.8),
    )


def random_step(seed: int, *, fixed: bool = False):
    """Return (network, axons, work) of one step: a core on every router, and one or two ports besides.

    ``fixed``: a network of fixed-latency links instead of routers.
    """
    rng = np.random.default_rng(seed)
    topology = TOPOLOGIES.get("mesh")(mesh_size(rng)) if fixed or rng.random() < 0.4 else random_topology(rng)
    extra = rng.integers(0, topology.routers, size=int(rng.integers(1, 3))).tolist()
    attachments = [*range(topology.core_routers), *extra]
    if topology.routers == 1:
        attachments += [0] * int(rng.integers(0, 6))
    longest = int(rng.choice([1, 1, 3]))
    fabric, depths = build_fabric(topology, attachments), _depths(rng, len(attachments), longest)
    if fixed:
        noc = fixed_latency_tables(fabric, random_links(rng, len(topology.size)), depths)
    else:
        noc = noc_tables(fabric, random_router(rng, topology.classes), depths)
    return noc, *_axons_and_work(rng, len(attachments), longest)


def random_multicast_step(seed: int):
    """Return (network, axons, work, trees) of one step on routers that fork; a neuron fires from its home alone."""
    rng = np.random.default_rng(seed)
    topology = TOPOLOGIES.get("mesh")(mesh_size(rng)) if rng.random() < 0.4 else random_topology(rng)
    extra = rng.integers(0, topology.routers, size=int(rng.integers(1, 3))).tolist()
    attachments = [*range(topology.core_routers), *extra]
    if topology.routers == 1:
        attachments += [0] * int(rng.integers(0, 6))
    longest = int(rng.choice([1, 1, 2, 4]))
    fabric, depths = build_fabric(topology, attachments), _depths(rng, len(attachments), longest)
    changes = {"speculative": False, "vc_alloc_delay": 1, "switch_alloc_delay": 1}
    changes["buffer_flits"] = int(rng.integers(longest, longest + 5))
    spec = random_router(rng, topology.classes).model_copy(update=changes)
    return _forks(rng, fabric, noc_tables(fabric, spec, depths), longest)


def _forks(rng, fabric, noc, longest: int):
    terminals, neurons = fabric.terminals, int(rng.integers(2, 40))
    home = np.sort(rng.integers(0, terminals, size=neurons))
    hot = int(rng.integers(0, terminals))
    sets = []
    for _ in range(neurons):
        chosen = set(np.flatnonzero(rng.random(terminals) < rng.choice([0.05, 0.3, 0.9])).tolist())
        sets.append(sorted(chosen | ({hot} if rng.random() < 0.4 else set())))
    ptr = np.concatenate(([0], np.cumsum([len(own) for own in sets]))).astype(np.int64)
    axon = np.zeros(ptr[-1], dtype=AXON)
    axon["terminal"] = [terminal for own in sets for terminal in own]
    axon["cost"] = np.arange(len(axon))
    costs = np.zeros(len(axon), dtype=COST)
    costs["flits"] = np.repeat(rng.integers(1, longest + 1, size=neurons), np.diff(ptr))
    for name in COST.names[1:]:
        costs[name] = rng.choice([1, 1, 2, 5, 20] if name == "cycles" else [0, 3, 8], size=len(axon))
    trees = build_trees(fabric, home, ptr, axon["terminal"], costs["flits"])
    axons = AxonTables(ptr, axon, costs, trees.of_axons(ptr))
    bursts = [[] for _ in range(terminals)]
    for terminal in range(terminals):
        own = np.flatnonzero(home == terminal)
        for _ in range(int(rng.integers(0, 6)) if len(own) else 0):
            bursts[terminal].append((int(rng.integers(1, 6)), rng.choice(own, int(rng.integers(1, 5))).tolist()))
    return noc._replace(nodes=trees.nodes, branches=trees.branches), axons, step_work(bursts), trees


def random_links(rng, dimensions: int):
    return fixed_latency(
        delay=rng.integers(1, 9, size=dimensions).tolist(),
        interval=rng.integers(1, 5, size=dimensions).tolist(),
        local_delay=int(rng.integers(1, 4)),
        queue_packets=int(rng.integers(1, 5)),
    )


def _depths(rng, terminals: int, longest: int) -> Endpoints:
    low = (longest, 1, 1)
    depths = [rng.integers(least, 6, size=terminals).astype(np.int32) for least in low]
    return Endpoints(*depths, rng.choice([1, 1, 1, 1, 1, 1, 2, 7], size=terminals).astype(np.int32))


def _axons_and_work(rng, terminals: int, longest: int) -> tuple[AxonTables, StepWork]:
    axons = int(rng.integers(1, 60))
    terminal, rows = np.zeros(axons, np.int32), np.zeros(axons, dtype=COST)
    hot = rng.integers(0, terminals, size=2)  # most cases have a terminal or two that everybody sends to
    terminal[:] = np.where(rng.random(axons) < 0.3, rng.choice(hot, axons), rng.integers(0, terminals, axons))
    rows["flits"] = rng.integers(1, longest + 1, size=axons)
    rows["cycles"] = rng.choice([1, 1, 2, 5, 20], size=axons)
    for name in COST.names[2:]:
        rows[name] = rng.integers(0, 9, size=axons)
    neurons = int(rng.integers(1, 40))
    degree = rng.integers(0, 4, size=neurons)
    axon = np.zeros(degree.sum(), dtype=AXON)
    axon["cost"] = rng.integers(0, axons, degree.sum())
    axon["terminal"] = terminal[axon["cost"]]
    tables = AxonTables(np.concatenate(([0], np.cumsum(degree))).astype(np.int64), axon, rows)
    burst_ptr, cycles, fired, fired_ptr, who = [0], [], [], [0], []
    for _ in range(terminals):
        bursts = int(rng.integers(0, 7))
        for at in range(bursts):
            silent = at == bursts - 1 and rng.random() < 0.5
            count = 0 if silent else int(rng.integers(1, 5))
            cycles.append(int(rng.integers(1, 6)))
            fired.append(count)
            who += rng.integers(0, neurons, size=count).tolist()
        burst_ptr.append(len(cycles))
        fired_ptr.append(len(who))
    work = StepWork(
        np.array(burst_ptr, np.int64),
        np.array(cycles, np.int32),
        np.array(fired, np.int32),
        np.array(fired_ptr, np.int64),
        np.array(who, np.int32),
    )
    return tables, work


def random_network_kind(rng) -> dict:
    """Routers, or in a quarter of the cases fixed-latency links on two dimensions."""
    if rng.random() < 0.25:
        return {"noc__router": None, "noc__fixed_latency": random_links(rng, 2).model_dump()}
    return {"noc__router": random_router(rng).model_dump()}


def random_synchronisation(rng, corner) -> dict:
    """Tokens, with up to two slots more, or any barrier, some of them with a tick."""
    if rng.random() < 0.4:
        return {"synchronization": "dependency", "core__accumulator_slots": int(rng.choice([2, 2, 3, 4]))}
    kind = str(rng.choice(["stated", "stated", "ideal", "tree", "message"]))
    changes = {"kind": kind, "cycles": int(rng.integers(0, 9)), "root": corner if rng.random() < 0.5 else [0, 0]}
    own = {"barrier": {**changes, "hop_cycles": int(rng.integers(1, 4)), "settle_cycles": int(rng.integers(0, 9))}}
    return own | ({"tick": f"{int(rng.integers(1, 300)) * 10} ns"} if rng.random() < 0.3 else {})


def _sync(rng, corner, changes) -> dict:
    """The order of layers is kept by a barrier."""
    found = random_synchronisation(rng, corner)
    return {} if changes.get("schedule") == "sequential" and "synchronization" in found else found


def random_chip(rng, kind: str, float32: bool, **changes):
    """A small chip with tight queues and narrow banks; sometimes one core, or short flits."""
    size = [int(extent) for extent in rng.choice([1, 1, 1, 2, 3], size=2)]
    corner = [extent - 1 for extent in size]
    flit_bits = int(rng.choice([8, 12, 32]))
    least = -(-(9 + 6 + (32 if float32 or kind == "bias_current" else 16)) // flit_bits)

    def depth(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    word = 64 if float32 else 32
    ports = ports_at([0, 0], corner, input_queue=depth(least, 9), spike_fifo=depth(1, 4), injection_queue=depth(1, 4))
    ports[0]["cycles_per_event"], ports[1]["cycles_per_event"] = int(rng.choice([1, 1, 3])), int(rng.choice([1, 2, 9]))
    memory = {"capacity": "4 KiB", "width": word}
    data = chip_data(
        noc__size=size,
        noc__flit_bits=flit_bits,
        **random_network_kind(rng),
        ports=ports,
        core__synapse_lanes=int(rng.choice([1, 2, 4, 8])),
        core__mac_lanes=int(rng.choice([1, 2, 4])),
        core__neuron_lanes=int(rng.choice([1, 2, 4])),
        core__scan=str(rng.choice(["all", "touched"])),
        core__input_queue=depth(least, least + 4),
        core__spike_fifo=depth(1, 5),
        core__injection_queue=depth(1, 4),
        core__pipeline_drain=depth(0, 5),
        core__weight_format=str(rng.choice(["dense", "bitmask", "csr"])),
        core__skip_zero_weights=bool(rng.random() < 0.5),
        core__conv_storage=str(rng.choice(["shared", "unrolled"])),
        core__synapse_memory={"capacity": "16 KiB", "width": 32, "banks": int(rng.choice([1, 2, 4])), "ports": "1RW"},
        core__membrane__memory={
            **memory,
            "banks": int(rng.choice([1, 2, 4])),
            "ports": str(rng.choice(["1RW", "1R1W"])),
        },
        core__accumulator__memory={
            **memory,
            "banks": int(rng.choice([1, 2, 4])),
            "ports": str(rng.choice(["1RW", "1R1W"])),
        },
        mapping__partition=str(rng.choice(["compact", "spread"])),
        mapping__placement=str(rng.choice(["row_major", "column_major", "traffic"])),
        noc__concentration=int(rng.choice([1, 1, 1, 2, 4])),
        mapping__order=str(rng.choice(["pixel", "channel"])),
        core__timing={
            **UNIT_TIMING,
            "scan_cycles": int(rng.choice([1, 1, 3])),
            "update_cycles": int(rng.choice([0, 0, 2])),
            "spike_cycles": int(rng.choice([0, 0, 5])),
            "axon_in_cycles": int(rng.choice([0, 0, 3])),
            "synapse_cycles": int(rng.choice([1, 1, 2])),
        },
        **{**_sync(rng, corner, changes), **changes},
    )
    return ChipSpec.model_validate(data | random_kinds(rng, data, least))


def random_kinds(rng, data: dict, least: int) -> dict:
    """Several kinds of core in a third of the cases: all that may differ does, at times."""
    base, noc = data["core"], data["noc"]
    cores = TOPOLOGIES.get(noc["topology"])(noc["size"]).cores(noc["concentration"])
    if cores < 2 or rng.random() < 0.6:
        return {}

    def banks():
        return {"banks": int(rng.choice([1, 2, 4])), "ports": str(rng.choice(["1RW", "1R1W"]))}

    def drawn():
        zeros = adds_zeros(base["weight_format"], skip_zero_weights=base["skip_zero_weights"])
        skip = not zeros and bool(rng.random() < 0.7)
        formats = [name for name in ("dense", "bitmask", "csr") if adds_zeros(name, skip_zero_weights=skip) == zeros]
        everything = {
            "synapse_lanes": int(rng.choice([1, 2, 8])),
            "mac_lanes": int(rng.choice([1, 2, 4])),
            "neuron_lanes": int(rng.choice([1, 2, 4])),
            "scan": str(rng.choice(["all", "touched"])),
            "input_queue": int(rng.integers(least, least + 4)),
            "spike_fifo": int(rng.integers(1, 5)),
            "injection_queue": int(rng.integers(1, 4)),
            "pipeline_drain": int(rng.integers(0, 9)),
            "timing": {"scan_cycles": int(rng.choice([1, 4])), "axon_out_cycles": int(rng.choice([1, 2])),
                       "axon_in_cycles": int(rng.choice([0, 2])), "synapse_cycles": int(rng.choice([1, 3]))},
            "conv_storage": str(rng.choice(["shared", "unrolled"])),
            "synapse_memory": {"capacity": "32 KiB", "width": int(rng.choice([32, 64])), "banks": 2},
            "axon_memory": {"memory": {"capacity": "4 KiB"}},
            "membrane": {"memory": banks()},
            "accumulator": {"memory": banks()},
        }  # fmt: skip
        own = {key: value for key, value in everything.items() if rng.random() < 0.6}
        return {**own, "skip_zero_weights": skip, "weight_format": str(rng.choice(formats))} if formats else own

    kinds = {name: drawn() for name in ("second", "third")[: int(rng.integers(1, 3))]}
    first = int(rng.integers(0, cores))
    runs = [{"type": "core", "count": first}] * (first > 0) + [{"type": "second"}]
    if "third" in kinds and cores - first > 1:
        runs.append({"type": "third", "count": int(rng.integers(1, cores - first))})
    elif "third" in kinds:
        del kinds["third"]
    return {"core_types": kinds, "cores": runs}


def random_sample(seed: int):
    """Return (network, events, chip): a random graph in integers or float32, or a convolution, on a random chip."""
    rng = np.random.default_rng(seed)
    integer, kind = True, str(rng.choice(["spikes", "spikes", "graded", "bias_current"]))
    if kind == "bias_current" or rng.random() < 0.4:
        net = conv_network(rng, *(int(n) for n in rng.integers((3, 1, 1, 2), (7, 3, 7, 12))))
    else:
        integer = bool(rng.random() < 0.7)
        net = random_network(seed, integer=integer, readout=str(rng.choice(["lif", "if", "li", "i"])))
    timesteps = int(rng.integers(1, 5))
    return net, random_input(rng, net.input.size, kind, timesteps, integer), random_chip(rng, kind, not integer)


def random_graph_sample(seed: int):
    """Return (network, events, chip): any graph, in any schedule, several spikes as packets or as a value."""
    rng = np.random.default_rng(seed)
    integer, graded = bool(rng.random() < 0.7), bool(rng.random() < 0.5)
    schedule = str(rng.choice(["pipelined", "native", "sequential"]))
    kind = str(rng.choice(["spikes", "spikes", "graded"]))
    most = None if graded and rng.random() < 0.5 else int(rng.integers(2, 6))
    net = random_graph(seed, integer=integer, readout=bool(rng.random() < 0.3), slow=schedule != "native", most=most)
    changes = {"schedule": schedule, "core__multi_spike": "graded" if graded else "repeat"}
    events = random_input(rng, net.input.size, kind, int(rng.integers(1, 6)), integer)
    return net, events, random_chip(rng, kind, not integer, **changes)


def random_wide_sample(seed: int):
    """Return (network, events, chip) of :func:`random_sample` or :func:`random_graph_sample` on another topology.

    Half of the chips fork packets; keys are as wide as addresses, so that packets keep their lengths.
    """
    net, events, spec = (random_sample if seed % 2 else random_graph_sample)(seed)
    rng = np.random.default_rng([seed, 1])
    name, size, low, high = WIDE[int(rng.integers(len(WIDE)))]
    topology, multicast = TOPOLOGIES.get(name)(size), bool(rng.random() < 0.5)
    plain = {"speculative": False, "vc_alloc_delay": 1, "switch_alloc_delay": 1, "buffer_flits": 8}
    changes = plain if multicast else {}
    memory = {"capacity": "16 KiB", "width": 64, "banks": 1, "ports": "1RW"}
    noc = spec.noc.model_copy(
        update={
            "topology": name,
            "size": size,
            "concentration": int(rng.integers(2, 5)) if name == "crossbar" else int(rng.integers(1, 3)),
            "fixed_latency": None,
            "router": random_router(rng, topology.classes).model_copy(update=changes),
            "multicast": MulticastSpec.model_validate({"key_bits": 15, "entry_bits": 48, "memory": memory}),
        }
    )
    noc = noc if multicast else noc.model_copy(update={"multicast": None})
    ports = tuple(port.model_copy(update={"router": at}) for port, at in zip(spec.ports, (low, high), strict=True))
    placed = {"placement": "traffic" if spec.mapping.placement == "column_major" else spec.mapping.placement}
    mapping = spec.mapping.model_copy(update=placed)
    barrier = spec.barrier
    if barrier is not None and barrier.root is not None:
        barrier = barrier.model_copy(update={"root": low})  # in the coordinates of this topology
    same = {"noc": noc, "ports": ports, "mapping": mapping, "barrier": barrier, "core_types": {}, "cores": ()}
    return net, events, spec.model_copy(update=same)


WIDE = (
    ("mesh", (3, 2), (0, 0), (2, 1)),
    ("torus", (3, 3), (0, 0), (1, 2)),
    ("torus", (4, 2), (0, 0), (2, 1)),
    ("ring", (5,), (0,), (2,)),
    ("tree", (4, 3), (0, 2), (0, 2)),
    ("tree", (4, 2), (0, 0), (0, 1)),
    ("crossbar", (1,), (0,), (0,)),
)
"""Topology, size, and the routers of the ports."""


def random_input(rng, size: int, kind: str, timesteps: int, integer: bool) -> EventStream:
    active = rng.random((1, timesteps, size)) < rng.choice([0.1, 0.5, 0.9])
    if kind == "bias_current":
        active[:, 1:] = False
    stream = EventStream.from_dense(active)
    if kind == "spikes":
        return stream
    value = rng.integers(-9, 10, stream.total)
    value = value.astype(np.int32) if integer else (value / 4).astype(np.float32)
    return EventStream(kind, 1, timesteps, size, stream.ptr, stream.index, value, 5, 1.0)
