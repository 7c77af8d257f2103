"""What a user reads when a network does not fit: which layer, which memory, what is missing, what would fit."""

import numpy as np
import pytest
from functional_builders import random_network
from timing_builders import chip, conv_network, layer_chain, ports_at

from accelsim.errors import MappingError
from accelsim.mapping.mapping import map_network


def message(net, kind="spikes", **changes) -> str:
    with pytest.raises(MappingError) as caught:
        map_network(net, chip(**changes), kind, 8)
    return str(caught.value)


MEMORY_OF_12 = {"width": 32, "banks": 1, "ports": "1RW", "capacity": "48 B"}
SMALL = {"width": 32, "banks": 1, "ports": "1RW"}


def test_one_neuron_too_big():
    """2000 inputs need 2000 axon entries and as many words; a core has 512 entries and 2048 words."""
    text = message(layer_chain([np.ones((3, 600))]))
    assert text == (
        "population l1: a single neuron does not fit a core\n"
        "  core.axon_memory: needs 600 entries (2.344 KiB), has 512 entries (2 KiB), 88 entries (0.3438 KiB) missing"
    )


def test_one_neuron_too_big_in_two_memories():
    text = message(layer_chain([np.ones((3, 600))]), core__synapse_memory={**SMALL, "capacity": "1 KiB"})
    lines = text.splitlines()
    assert len(lines) == 3
    assert lines[2] == (
        "  core.synapse_memory: needs 600 words (2.344 KiB), has 256 words (1 KiB), 344 words (1.344 KiB) missing"
    )


def test_population_too_big():
    """100 neurons of 16 bit need 50 words; 4 cores of 8 words hold 32."""
    net = layer_chain([np.ones((100, 2))])
    text = message(net, core__membrane__memory={**SMALL, "capacity": "32 B"})
    assert text == (
        "population l1 does not fit 4 cores: core.membrane.memory would have to hold 50 words (0.1953 KiB), all cores "
        "together hold 32 words (0.125 KiB), 18 words (0.07031 KiB) missing (and slices of a population hold some "
        "entries twice). It would fit about 8 cores like these, or 4 cores with 13 words (0.05078 KiB) each"
        "; a chip with layer_serial runs it group by group, weights from DRAM"
    )


def test_too_few_cores():
    """Four layers that each fill a core, on two cores; the message names the largest."""
    net = layer_chain([np.ones((n, m)) for n, m in ((14, 2), (16, 14), (13, 16), (15, 13))])
    text = message(
        net, core__membrane__memory={**SMALL, "capacity": "32 B"}, noc__size=[2, 1], ports=ports_at([0, 0], [1, 0])
    )
    assert text == (
        "the network needs 4 cores, the chip has 2: core.membrane.memory is the scarcest, 30 words (0.1172 KiB) "
        "needed, 16 words (0.0625 KiB) present, 14 words (0.05469 KiB) missing; population l2 takes 8 words "
        "(0.03125 KiB) of it. It would fit 4 cores like these, or 2 cores with about 19 words (0.07422 KiB) each "
        "(weight format dense); a chip with layer_serial runs it group by group, weights from DRAM"
    )


def test_what_would_fit_fits():
    """The sizes that the messages name are not just words."""
    net = layer_chain([np.ones((100, 2))])
    memory = {**SMALL, "capacity": "52 B"}
    assert map_network(net, chip(core__membrane__memory=memory), "spikes", 1).used_cores == [0, 1, 2, 3]
    memory = {**SMALL, "capacity": "32 B"}
    assert len(map_network(net, chip(core__membrane__memory=memory, noc__size=[4, 2]), "spikes", 1).used_cores) == 7


def test_routing_memory():
    """50 neurons on one core, each to the 16 cores of the next layer, in 512 entries."""
    net = layer_chain([np.ones((50, 2)), np.ones((60, 50))])
    changes = {
        "noc__size": [4, 4],
        "core__routing_memory": {"entry_bits": 32, "memory": {**SMALL, "capacity": "1 KiB"}},
        "core__accumulator__memory": {**SMALL, "capacity": "200 B"},
    }
    assert map_network(net, chip(**changes), "spikes", 1).routing_entries.max() <= 256
    changes["core__routing_memory"] = {"entry_bits": 32, "memory": {**SMALL, "capacity": "160 B"}}
    text = message(net, **changes)
    assert text == (
        "core[0] (l1): core.routing_memory needs 100 entries of 32 bit, has 40, 60 missing; it would fit with at least "
        "3200 bit, or with the layer on more cores"
    )


def test_a_value_wider_than_a_word():
    """An accumulator has to fit a word; the states of a neuron and its bias may take several."""
    net = random_network(1)
    spec = chip(core__membrane={"bits": 32, "memory": {**SMALL, "capacity": "1 KiB"}})
    biased = [name for name, item in net.populations.items() if item.bias is not None and item.bias.any()]
    parts = map_network(net, spec, "spikes", 1).parts
    assert biased
    assert {part.words_per_membrane for part in parts if part.population in biased} == {2}  # 48 bit
    narrow = {"width": 16, "banks": 1, "ports": "1RW"}
    text = message(
        random_network(1, integer=False),
        core__accumulator={"bits": 16, "memory": {**narrow, "capacity": "1 KiB"}},
        core__membrane__memory={"width": 64, "banks": 1, "ports": "1RW", "capacity": "1 KiB"},
    )
    assert "core.accumulator.memory.width is 16 bit" in text
    assert "32 bit" in text
    assert "float32" in text


def test_values_need_mac_lanes():
    text = message(layer_chain([np.ones((3, 2))]), kind="graded", core__mac_lanes=0)
    assert text == (
        "input: graded needs packets with values, but core.mac_lanes is 0; use encoded spikes or bias_current"
    )
    assert map_network(layer_chain([np.ones((3, 2))]), chip(core__mac_lanes=0), "spikes", 1).used_cores == [0]


def test_bias_current_loads_one_population():
    text = message(random_network(2), kind="bias_current")
    assert "bias_current loads the biases of one population" in text
    assert "2 projections" in text


@pytest.mark.parametrize("inputs", [3, 500])
def test_bias_current_with_the_spikes_of_a_run(inputs):
    """The port has one packet source per bias, not per input neuron; a profile of input spikes has to fit that."""
    net = layer_chain([np.ones((10, inputs)), np.ones((2, 10))])
    profile = {name: np.arange(item.size, dtype=float) for name, item in net.populations.items()}
    spec = chip(mapping__placement="traffic")
    mapping = map_network(net, spec, "bias_current", 8, profile)
    assert mapping.axons.neurons == 10 + 10 + 2
    assert mapping.load_target == "l1"


def test_a_neuron_other_than_the_first_too_big():
    """Neuron 0 has one input, neuron 2 has 600: the message is that of a neuron that does not fit."""
    weights = np.zeros((3, 600))
    weights[:, 0] = 1
    weights[2] = 1
    text = message(layer_chain([weights]))
    assert "a single neuron does not fit a core" in text


def test_packets_fit_the_queues():
    """A packet that is longer than its target's input queue can never be taken: said before simulating."""
    net = layer_chain([np.ones((3, 2))])
    spec = chip(noc__flit_bits=4, core__input_queue=2)
    with pytest.raises(MappingError, match="input_queue"):
        map_network(net, spec, "spikes", 1)


def test_a_shared_kernel_that_no_core_holds():
    """The kernel of a convolution stands in every slice: four cores do not hold four times as much of it."""
    text = message(conv_network(np.random.default_rng(0), 4, 1, 8, 3, 1.0), core__synapse_memory=MEMORY_OF_12)
    assert text == (
        "population conv does not fit 4 cores: core.synapse_memory: the largest slice still needs 18 words (0.07031 "
        "KiB), a core has 12 words (0.04688 KiB), 6 words (0.02344 KiB) missing (every slice holds what all its "
        "neurons share, such as a kernel)"
    )
