"""Runs that share stages are equal to runs that share nothing, whatever key of the chip changes between them."""

import pytest

from accelsim.hardware.loader import load_chip
from accelsim.network.workload import load_workload
from accelsim.pipeline.flow import measure
from accelsim.pipeline.inputs import ChipInputs
from accelsim.pipeline.reuse import ALONE, Reuse, part_of
from accelsim.pipeline.totals import totals

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


def outcome(load, change, reuse):
    chip = load_chip("core", [] if change is None else [change])
    inputs = ChipInputs(hw="core", workload_name="mnist_conv", chip=chip, workload=load)
    made = measure(inputs, "compiled", 1, reuse=reuse)
    numbers = {name: item.value for name, item in totals(made).items()}
    numbers |= {f"baseline.{name}": item.value for name, item in made.baseline.totals.items()}
    rows = list(made.baseline.variants.rows())
    return repr((numbers, rows))


@pytest.mark.slow
def test_nothing_stale_is_reused():
    load = load_workload("mnist_conv", 1)
    shared = Reuse()
    plain = outcome(load, None, shared)
    for change in CHANGES:
        try:
            alone = outcome(load, change, ALONE)
        except Exception as error:  # noqa: BLE001 - a chip that cannot be is refused either way
            alone = str(error)
        try:
            found = outcome(load, change, shared)
        except Exception as error:  # noqa: BLE001
            found = str(error)
        assert found == alone, change
    assert outcome(load, None, shared) == plain


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
