"""A small chip, written out, that the tests of costs share."""

import copy

from timing_builders import UNIT_TIMING

from accelsim.hardware.spec import ChipSpec

SRAM = {"capacity": "2 KiB", "width": 32, "banks": 2, "ports": "1RW"}

CHIP = {
    "name": "tiny", "description": "test chip", "clock": "200 MHz", "schedule": "pipelined",
    "technology": {
        "node": "45 nm", "sram_cell": "itrs-lop", "temperature": "300 K", "sram_source": "cacti7",
        "arithmetic_source": "horowitz45", "noc_source": "dsent", "unused_cores": "gated", "overrides": [],
    },
    "noc": {
        "topology": "mesh", "size": [4, 4], "concentration": 1, "flit_bits": 32, "link_length": "1 mm",
        "router": {
            "virtual_channels": 2, "buffer_flits": 4, "routing_delay": 1, "vc_alloc_delay": 1, "switch_alloc_delay": 1,
            "speculative": False, "switch_delay": 1, "link_delay": 1, "credit_delay": 1,
        },
    },
    "core": {
        "synapse_lanes": 8, "mac_lanes": 4, "neuron_lanes": 2, "scan": "all", "input_queue": 16, "spike_fifo": 32,
        "injection_queue": 128, "pipeline_drain": 4, "timing": UNIT_TIMING,
        "weight_format": "dense", "skip_zero_weights": False,
        "conv_storage": "shared",
        "multi_spike": "repeat",
        "axon_memory": {"entry_bits": 32, "memory": SRAM},
        "routing_memory": {"entry_bits": 32, "memory": SRAM},
        "synapse_memory": {"capacity": "64 KiB", "width": 64, "banks": 4, "ports": "1RW"},
        "membrane": {"bits": 16, "memory": {"capacity": "2 KiB", "width": 32, "banks": 2, "ports": "1R1W"}},
        "accumulator": {"bits": 12, "memory": {"capacity": "4 KiB", "width": 32, "banks": 4, "ports": "1R1W"}},
    },
    "ports": [
        {
            "name": name, "direction": name, "router": at, "cycles_per_event": 1, "input_queue": 4, "spike_fifo": 4,
            "injection_queue": 4, "energy_per_event": energy, "source": "invented for the tests",
        }
        for name, at, energy in (("input", [0, 0], "1.5 pJ"), ("output", [3, 3], "2.5 pJ"))
    ],
    "barrier": {"cycles": 4},
    "mapping": {"partition": "compact", "placement": "row_major", "order": "pixel"},
    "baseline": {
        "rows": 8, "columns": 8, "dataflow": "ws", "activation_bits": 8, "weight_bits": 8, "accumulator_bits": 32,
        "input_buffer": SRAM, "weight_buffer": SRAM, "output_buffer": SRAM,
        "dram": {"energy": "8 pJ/bit", "bandwidth": "4 GB/s", "source": "LPDDR4, Accelergy"},
    },
}


def chip(**changes):
    """Return the chip with values changed by dotted path, dots written as two underscores."""
    data = copy.deepcopy(CHIP)
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = data
        for name in parents:
            at = at[name]
        at[last] = value
    return ChipSpec.model_validate(data)
