"""Several kinds of core on one chip: what a kind inherits, who lives where, and that equal kinds change nothing."""

import numpy as np
import pytest
from timing_builders import chip, chip_data, compile_and_build, conv_network, layer_chain

from accelsim.costs import parts
from accelsim.costs.area import component_area
from accelsim.costs.leakage import component_leakage
from accelsim.costs.prices import component_prices
from accelsim.errors import ConfigError, MappingError
from accelsim.hardware.cores import cores_of
from accelsim.hardware.loader import load_chip
from accelsim.hardware.schema import json_schema
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import map_network
from accelsim.network.events import EventStream
from accelsim.pipeline.flow import run
from accelsim.timing.simulate import simulate

HALF = [{"type": "core", "count": 2}, {"type": "other"}]


def mixed(other, cores=HALF, **changes) -> ChipSpec:
    return ChipSpec.model_validate(chip_data(**changes) | {"core_types": {"other": other}, "cores": cores})


def test_a_kind_has_what_it_does_not_state_from_the_base_after_all_overrides():
    made = load_chip("hetero", ["core.synapse_memory.ports=1R1W", "core_types.dense.membrane.memory.banks=4"]).spec
    dense = made.core_types["dense"]
    assert (dense.synapse_memory.ports, dense.synapse_memory.banks, dense.synapse_lanes) == ("1R1W", 8, 8)
    assert (dense.membrane.memory.banks, made.core.membrane.memory.banks) == (4, 2)
    assert [cores_of(made).name(core) for core in (0, 11, 12, 15)] == ["core", "core", "dense", "dense"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["core_types.dense.synapse_lanes=0"], "core_types.dense.synapse_lanes: expected at least 1, got 0"),
        (["core.neuron_lanes=0"], "core.neuron_lanes: expected at least 1, got 0"),
        (["core_types.dense.membrane.bits=8"], "core_types: dense: expected membrane.bits to be that of core, 16"),
        (["cores=[{type: big}]"], "cores: expected kinds among core, dense, got 'big'"),
        (["cores=[{type: core}, {type: dense}]"], "cores: expected a count in every entry but one"),
        (["cores=[{type: core}]"], "cores: expected cores of every kind, got none of dense"),
        (["core_types={core: {}}"], "core_types: expected names other than 'core'"),
        (["core_types.dense.lanes=3"], "core_types.dense.lanes: expected a known path"),
        (["core_types.dense=3"], "core_types.dense: expected a mapping of keys, got 3"),
    ],
)
def test_errors_name_the_kind(overrides, said):
    with pytest.raises(ConfigError) as caught:
        load_chip("hetero", overrides)
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert len(caught.value.problems) == 1


def test_more_cores_than_the_network_carries_are_refused():
    with pytest.raises(ConfigError, match=r"cores: expected 16 cores in all .* got 17"):
        cores_of(load_chip("hetero", ["cores=[{type: core, count: 13}, {type: dense, count: 4}]"]).spec)
    assert "CoreSpecPartial" in str(json_schema()["$defs"]["ChipSpec"]["properties"]["core_types"])


@pytest.mark.parametrize("seed", range(4))
def test_kinds_that_are_equal_in_all_but_name_change_nothing(seed):
    rng = np.random.default_rng(seed)
    net = conv_network(rng, 5, 2, 4, 6)
    events = EventStream.from_dense(rng.random((2, 4, net.input.size)) < 0.4)
    slices = {"conv": 2, "out": 2}
    plain, two = (make(mapping__slices=slices) for make in (chip, lambda **changes: mixed({}, **changes)))
    results = []
    for spec in (plain, two):
        machine, mapping = compile_and_build(net, events, spec)
        results.append((simulate(machine, spec, mapping, "compiled", 1), mapping))
    (one, where), (other, there) = results
    assert [part.terminal for part in where.parts] == [part.terminal for part in there.parts]
    assert there.layout.name(3) == "other"
    for name in ("terminals", "routers", "scans", "step_cycles"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_a_population_lives_where_it_fits_and_where_values_can_be_multiplied():
    rng = np.random.default_rng(0)
    net = layer_chain([rng.integers(1, 9, (30, 200)), rng.integers(1, 9, (10, 30))])

    def kinds(spec, kind="spikes"):
        mapping = map_network(net, spec, kind, 4)
        return {part.population: mapping.layout.name(part.terminal) for part in mapping.parts if part.terminal < 4}

    large = {"synapse_memory": {"capacity": "32 KiB"}}
    little = {"core__synapse_memory__capacity": "2 KiB"}  # l1 takes 6000 B, more than two such cores hold
    assert kinds(mixed(large, **little)) == {"l1": "other", "l2": "core"}
    assert kinds(mixed({"mac_lanes": 0}), "graded")["l1"] == "core"
    assert kinds(mixed({"mac_lanes": 2}, core__mac_lanes=0), "graded")["l1"] == "other"
    with pytest.raises(MappingError, match="mac_lanes is 0"):
        kinds(mixed({}, core__mac_lanes=0), "graded")
    nowhere = r"population l1 fits no kind of core\n  core: .*\n  other: has no mac_lanes"
    with pytest.raises(MappingError, match=nowhere):
        kinds(mixed({"mac_lanes": 0}, **little), "graded")


def test_many_populations_are_assigned_in_turn():
    rng = np.random.default_rng(1)
    net = layer_chain([rng.integers(1, 9, (6, 6)) for _ in range(12)])  # 2 ** 12 combinations
    mapping = map_network(net, mixed({"neuron_lanes": 1}), "spikes", 1)
    assert {mapping.layout.name(core) for core in mapping.used_cores} == {"core", "other"}


def test_kinds_must_agree_in_adding_zeros():
    net = layer_chain([np.ones((4, 3))])
    with pytest.raises(MappingError, match=r"agree in whether a stored zero is added .* core: added, other: skipped"):
        map_network(net, mixed({"skip_zero_weights": True}), "spikes", 1)


def test_every_placer_keeps_cores_in_their_kind():
    rng = np.random.default_rng(2)
    net = layer_chain([rng.integers(1, 9, (30, 20)), rng.integers(1, 9, (30, 30)), rng.integers(1, 9, (5, 30))])
    for placement in ("row_major", "column_major", "traffic"):
        spec = mixed(
            {"mac_lanes": 0}, [{"type": "other", "count": 5}, {"type": "core"}], noc__size=[3, 3],
            mapping__placement=placement, mapping__slices={"l1": 3, "l2": 3, "l3": 1},
        )  # fmt: skip
        mapping = map_network(net, spec, "graded", 4)
        homes = {part.terminal for part in mapping.parts if part.population == "l1"}
        assert {mapping.layout.name(core) for core in homes} == {"core"}
        for core, held in mapping.occupation.items():
            assert held.synapse_words <= mapping.layout.of(core).synapse_memory.words


def test_prices_leakage_and_area_are_those_of_a_chip_of_that_kind():
    spec = load_chip("hetero").spec
    count = parts.instances(spec)
    assert (count["synapse_memory"], count["synapse_memory:dense"], count["router"]) == (12, 4, 16)
    for make in (component_prices, component_leakage, component_area):
        mixed_values, alone = make(spec, False), make(spec.of_kind("dense"), False)
        for key, value in alone.items():
            kind = key if isinstance(key, str) else key[0]
            name = parts.of_core(kind, "dense") if kind in parts.CORE_KINDS else kind
            assert mixed_values[name if isinstance(key, str) else (name, key[1])] == value
    prices = component_prices(spec, False)
    assert prices["synapse_memory:dense", "read"].energy_pj > 2 * prices["synapse_memory", "read"].energy_pj


def test_the_report_tells_kinds_apart():
    result = run("hetero", "mnist_conv", samples=1, threads=1)
    cores = result.cores
    assert set(cores["type"][:12].tolist()) == {"core"}
    assert set(cores["type"][12:].tolist()) == {"dense"}
    used = [kind for kind, neurons in zip(cores["type"], cores["neurons"], strict=True) if neurons]
    assert set(used) == {"core", "dense"}
    assert "synapse memory:dense" in result.components["component"].tolist()
