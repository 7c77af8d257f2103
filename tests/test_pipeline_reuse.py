"""Stages read nothing that their key leaves out, and runs that share stages are equal to runs that share nothing."""

import dataclasses
import hashlib

import numpy as np
import pytest
from pydantic import BaseModel

from accelsim.baseline.baseline import SnnAccuracy, run_baseline
from accelsim.errors import AccelsimError
from accelsim.hardware.loader import load_machine
from accelsim.network.workload import load_workload
from accelsim.pipeline import flow
from accelsim.pipeline.array_flow import host_of, measure_array
from accelsim.pipeline.array_tables import totals as array_totals
from accelsim.pipeline.flow import measure
from accelsim.pipeline.inputs import ArrayInputs, ChipInputs
from accelsim.pipeline.reuse import (
    ALONE,
    NOT_IN_ARRAY_BASELINE,
    NOT_IN_BASELINE,
    NOT_IN_DRAFT,
    NOT_IN_MAPPING,
    Reuse,
    part_of,
)
from accelsim.pipeline.totals import totals
from accelsim.result.progress import NO_PROGRESS

CHANGES = (
    "clock=100 MHz", "schedule=native", "technology.node=32 nm", "technology.temperature=350 K",
    "technology.unused_cores=leaking", "noc.flit_bits=64", "noc.link_length=1 mm", "noc.router.virtual_channels=2",
    "noc.router.routing_delay=0", "core.synapse_lanes=4", "core.mac_lanes=8", "core.neuron_lanes=8", "core.scan=all",
    "core.input_queue=8", "core.pipeline_drain=9", "core.timing.axon_in_cycles=3", "core.weight_format=csr",
    "core.skip_zero_weights=false", "core.synapse_memory.banks=8", "core.membrane.bits=20", "core.accumulator.bits=24",
    "core.accumulator.memory.banks=4", "ports[0].energy_per_event=3 pJ", "ports[0].cycles_per_event=2",
    "barrier.cycles=40", "mapping.partition=compact", "mapping.placement=row_major", "mapping.order=channel",
    "baseline.rows=8", "baseline.dataflow=os", "baseline.weight_buffer.capacity=128 KiB",
    "baseline.dram.energy=9 pJ/bit",
)  # fmt: skip


ARRAY_CHANGES = (
    "clock=100 MHz", "order=timestep", "technology.node=32 nm", "technology.temperature=350 K", "elements.columns=64",
    "elements.accumulator_bits=20", "elements.dataflow=spike_stream", "storage.buffers.weight_buffer.banks=4",
    "neurons.lanes=16", "neurons.state_bits=20", "formats.inputs=coo", "dram.energy=9 pJ/bit",
    "dram.bandwidth=1 GB/s", "baseline.rows=8", "baseline.weight_buffer.capacity=128 KiB",
    "baseline.dram.energy=9 pJ/bit",
)  # fmt: skip


def outcome(load, change, reuse, hw="core"):
    machine = load_machine(hw, [] if change is None else [change])
    given = {"hw": hw, "workload_name": "mnist_conv", "chip": machine, "workload": load}
    if hw == "core":
        made = measure(ChipInputs(**given), "compiled", 1, reuse=reuse)
    else:
        made = measure_array(ArrayInputs(**given), 1, NO_PROGRESS, reuse=reuse)
    own = totals(made) if hw == "core" else array_totals(made)
    numbers = {name: item.value for name, item in own.items()}
    numbers |= {f"baseline.{name}": item.value for name, item in made.baseline.totals.items()}
    rows = list(made.baseline.variants.rows())
    return repr((numbers, rows))


TABLE = "{key_bits: 16, entry_bits: 48, memory: {capacity: 32 KiB, width: 64, banks: 1, ports: 1RW}}"
MULTICAST = ("noc.flit_bits=8", f"noc.multicast={TABLE}")
FIXED = ("noc.router=null", "noc.fixed_latency={delay: [1, 1], interval: [1, 1], local_delay: 1, queue_packets: 4}")
MACHINES = {
    "core": ("core", ()), "multicast": ("core", MULTICAST), "fixed latency": ("core", FIXED), "hetero": ("hetero", ()),
    "serial": ("serial", ("core.synapse_memory.capacity=32 KiB",)),
}  # fmt: skip


class Read(Exception):
    """Something was read that a key leaves out."""


class Unreadable:
    """Stands where nothing may look: whatever is done with it, but to hand it on or to ask whether it is None."""

    def __init__(self, path):
        object.__setattr__(self, "path", path)

    def __getattribute__(self, name):
        raise Read(f"{object.__getattribute__(self, 'path')} ({name})")


def refuse(name):
    def method(self, *_args):
        raise Read(f"{object.__getattribute__(self, 'path')} ({name})")

    return method


SPECIAL = (
    "eq", "ne", "lt", "le", "gt", "ge", "hash", "bool", "len", "iter", "next", "contains", "getitem", "int", "float",
    "index", "round", "str", "repr", "format", "abs", "neg", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv",
    "rtruediv", "floordiv", "rfloordiv", "mod", "rmod", "pow", "rpow", "and", "or", "lshift", "rshift", "array", "call",
)  # fmt: skip
for special in SPECIAL:
    setattr(Unreadable, f"__{special}__", refuse(special))


def without(spec, paths):
    """Return a description in which some paths cannot be read; in the kinds of core neither, where they are cores'."""
    for path in paths:
        spec = hidden(spec, path.split("."), path)
        own = path.removeprefix("core.")
        if own != path and spec.core_types:
            types = {name: hidden(core, own.split("."), path) for name, core in spec.core_types.items()}
            spec = spec.model_copy(update={"core_types": types})
    return spec


def hidden(block, way, path):
    first, *rest = way
    assert first in type(block).model_fields, path
    inner = getattr(block, first)
    if rest and inner is None:
        return block
    kept = hidden(inner, rest, path) if rest else None if inner is None else Unreadable(path)
    return block.model_copy(update={first: kept})


def digest(item):
    """Return a hash of the content of a result, arrays included."""
    found = hashlib.sha256()

    def walk(one):
        found.update(type(one).__name__.encode())
        if isinstance(one, np.ndarray):
            found.update(f"{one.dtype}{one.shape}".encode() + one.tobytes())
        elif dataclasses.is_dataclass(one):
            for field in dataclasses.fields(one):
                walk(getattr(one, field.name))
        elif isinstance(one, BaseModel):
            walk(one.model_dump_json())
        elif isinstance(one, dict):
            for pair in one.items():
                walk(pair)
        elif isinstance(one, list | tuple):
            for part in one:
                walk(part)
        elif hasattr(one, "__dict__"):
            walk(vars(one))
        else:
            found.update(repr(one).encode())

    walk(item)
    return found.hexdigest()


@pytest.mark.parametrize("name", MACHINES)
def test_no_stage_reads_what_its_key_leaves_out(name):
    hw, changes = MACHINES[name]
    load, chip = load_workload("mnist_conv", 1), load_machine(hw, changes)
    trace = flow._execute(chip, load, 1, NO_PROGRESS, cache=True)
    profile = {
        one: np.bincount(item.index, item.count, load.network.populations[one].size).astype(float)
        for one, item in trace.populations.items()
    }

    def blind(paths):
        return dataclasses.replace(chip, spec=without(chip.spec, paths))

    def mapped(given):
        return flow._place(given, load, profile, ALONE)

    def based(given):
        inputs = ChipInputs(hw=hw, workload_name="mnist_conv", chip=given, workload=load)
        return flow._baseline(inputs, trace, ALONE, resident=name != "serial")

    plain = mapped(chip)
    assert isinstance(plain, list) == (name == "serial")
    assert digest(mapped(blind(NOT_IN_MAPPING))) == digest(plain)
    if name != "serial":  # which has no draft: it does not fit
        network, events = load.network, load.events
        plan = flow.draft_network(network, blind(NOT_IN_DRAFT).spec, events.kind, events.value_bits)
        made = flow.map_network(network, chip.spec, events.kind, events.value_bits, profile, plan=plan)
        assert digest(made) == digest(plain)
    assert digest(based(blind(NOT_IN_BASELINE))) == digest(based(chip))


def test_the_baseline_of_an_array_reads_nothing_that_its_key_leaves_out():
    load, spec = load_workload("mnist_conv", 1), load_machine("prosperity").spec

    def based(given):
        return run_baseline(
            host_of(given), load.network, load.events, load.image, load.labels, snn=SnnAccuracy(), resident=False
        )

    assert digest(based(without_array(spec))) == digest(based(spec))


def without_array(spec):
    for path in NOT_IN_ARRAY_BASELINE:
        spec = hidden(spec, path.split("."), path)
    return spec


def test_what_must_not_be_read_says_so():
    spec = load_machine("core").spec
    blind = without(spec, ("noc.router.buffer_flits",))
    assert blind.noc.router.virtual_channels == spec.noc.router.virtual_channels
    with pytest.raises(Read, match=r"noc\.router\.buffer_flits \(gt\)"):
        blind.noc.router.buffer_flits > 1  # noqa: B015
    with pytest.raises(Read, match=r"noc\.router \(buffer_flits\)"):
        without(spec, ("noc.router",)).noc.router.buffer_flits  # noqa: B018


@pytest.mark.slow
@pytest.mark.parametrize(("hw", "changes"), [("core", CHANGES), ("prosperity", ARRAY_CHANGES)])
def test_nothing_stale_is_reused(hw, changes):
    load = load_workload("mnist_conv", 1)
    shared, refused = Reuse(), []
    plain = outcome(load, None, shared, hw)
    for change in changes:
        try:
            alone = outcome(load, change, ALONE, hw)
        except AccelsimError as error:  # a machine that cannot be is refused either way
            alone = str(error)
            refused.append(change)
        try:
            found = outcome(load, change, shared, hw)
        except AccelsimError as error:
            found = str(error)
        assert found == alone, change
    assert outcome(load, None, shared, hw) == plain
    assert len(refused) <= 3, refused


def test_what_is_kept_and_what_goes():
    reuse = Reuse({"mapping": 2})
    made = []
    for name in "abab":
        reuse.get("mapping", lambda name=name: name, lambda name=name: made.append(name))
    assert made == ["a", "b"]
    reuse.get("mapping", lambda: "c", lambda: made.append("c"))
    reuse.get("mapping", lambda: "a", lambda: made.append("a"))
    assert made == ["a", "b", "c", "a"]


def test_the_part_that_a_stage_reads():
    data = {"clock": 1, "noc": {"size": [1], "router": {}}, "core": {"scan": "all"}}
    assert part_of(data, ("clock", "noc.router")) == '{"core": {"scan": "all"}, "noc": {"size": [1]}}'
    assert data["noc"] == {"size": [1], "router": {}}
