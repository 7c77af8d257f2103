"""What runs of one process share: results of stages, by everything that a stage depends on.

A stage depends on its workload and on a part of the chip. The part is the whole resolved description without what the
stage is known not to read, so that a key that a hardware file gains counts until somebody says otherwise; a test runs
every stage with all of that made unreadable. The least recently used results go first.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, TypeVar

T = TypeVar("T")
_WORDS: Final = ("name", "description", "limits", "provenance")
_ROUTER: Final = ("virtual_channels", "routing_delay", "vc_alloc_delay", "speculative", "switch_alloc_delay",
                  "switch_delay", "link_delay", "credit_delay")  # fmt: skip
NOT_IN_MAPPING: Final = (*_WORDS, "clock", "technology", "energies", "barrier", "baseline", "noc.fixed_latency",
                         "noc.link_length", *(f"noc.router.{name}" for name in _ROUTER))  # fmt: skip
"""What the mapping does not read; a multicast packet has to fit the router's buffers."""
NOT_IN_DRAFT: Final = (*NOT_IN_MAPPING, "noc.flit_bits", "core.synapse_lanes", "core.neuron_lanes", "core.scan",
                       "core.input_queue", "core.spike_fifo", "core.injection_queue", "core.pipeline_drain",
                       "core.timing", "core.synapse_memory.banks")  # fmt: skip
"""What cutting a network into parts does not read, where the partitioner is one of accelsim's own."""
NOT_IN_BASELINE: Final = (*_WORDS, "barrier", "mapping", "schedule", "noc.topology", "noc.size", "noc.concentration",
                          "noc.router", "noc.fixed_latency", "noc.link_length", "core.synapse_lanes", "core.mac_lanes",
                          "core.neuron_lanes", "core.scan", "core.input_queue", "core.spike_fifo",
                          "core.injection_queue", "core.pipeline_drain", "core.timing", "core.weight_format",
                          "core.skip_zero_weights", "core.conv_storage", "core.multi_spike", "core.axon_memory",
                          "core.routing_memory", "core.synapse_memory", "core.accumulator")  # fmt: skip
"""What the MAC array beside the chip does not read."""
NOT_IN_ARRAY_BASELINE: Final = (*_WORDS, "order", "elements", "scratchpads", "storage", "formats", "dram")
"""The same beside a layer-serial array."""
KEPT: Final[Mapping[str, int]] = {"trace": 2, "operations": 2, "baseline": 64, "draft": 64, "mapping": 16}
"""Results that are kept by stage: a trace may take many megabytes, a baseline takes few."""


class Reuse:
    """Results of stages, kept.

    Parameters
    ----------
    kept : mapping of str to int
        How many results of each stage.
    """

    def __init__(self, kept: Mapping[str, int] = KEPT) -> None:
        self._kept = dict(kept)
        self._held: dict[str, OrderedDict[Hashable, Any]] = {stage: OrderedDict() for stage in kept}

    def get(self, stage: str, key: Callable[[], Hashable], make: Callable[[], T]) -> T:
        """Return the result of a stage under its key; made where it is not there."""
        held, name = self._held[stage], key()
        if name in held:
            held.move_to_end(name)
        else:
            held[name] = make()
            while len(held) > self._kept[stage]:
                held.popitem(last=False)
        found: T = held[name]
        return found


class Alone(Reuse):
    """Nothing is kept: a run by itself."""

    def get(self, stage: str, key: Callable[[], Hashable], make: Callable[[], T]) -> T:  # noqa: ARG002 - see Reuse
        """Make the result."""
        return make()


ALONE: Final = Alone()


def part_of(data: Mapping[str, Any], without: tuple[str, ...]) -> str:
    """Return resolved data without some paths, as text that is equal where the data is."""
    kept = dict(data)
    for path in without:
        block = kept
        *way, last = path.split(".")
        for name in way:
            if not isinstance(block.get(name), dict):
                break
            block[name] = dict(block[name])
            block = block[name]
        else:
            block.pop(last, None)
    return json.dumps(kept, sort_keys=True)
