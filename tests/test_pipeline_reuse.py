"""Runs that share stages are equal to runs that share nothing, whatever key of the chip changes between them."""

import pytest

from accelsim.errors import AccelsimError
from accelsim.hardware.loader import load_machine
from accelsim.network.workload import load_workload
from accelsim.pipeline.array_flow import measure_array
from accelsim.pipeline.array_tables import totals as array_totals
from accelsim.pipeline.flow import measure
from accelsim.pipeline.inputs import ArrayInputs, ChipInputs
from accelsim.pipeline.reuse import ALONE, Reuse, part_of
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
