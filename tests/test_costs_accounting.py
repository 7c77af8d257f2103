"""The energy account: sums against a naive loop, and a check that notices every kind of tampering."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.costs.accounting import account, check
from accelsim.counters import Counters, EnergyTable, Price
from accelsim.errors import ConservationError, CostError

COMPONENTS = {
    "core[0].memory": "memory", "core[0].engine": "engine", "core[1].memory": "memory", "core[1].engine": "engine",
    "router[0,0]": "router", "port[in]": "port:in",
}
ACTIONS = {"memory": ("read", "write"), "engine": ("add",), "router": ("clock",), "port:in": ("event",)}
KEYS = [(path, action) for path, kind in COMPONENTS.items() for action in ACTIONS[kind]]


def build(counts, prices, static, samples):
    counters = Counters(samples)
    for key, values in zip(KEYS, counts, strict=True):
        counters.add(*key, np.array(values))
    table = EnergyTable({key: Price(price, "invented") for key, price in zip(KEYS, prices, strict=True)})
    leaked = dict(zip(COMPONENTS, map(np.array, static), strict=True))
    return counters, table, leaked


@st.composite
def runs(draw):
    samples = draw(st.integers(1, 4))

    def many(element, number):
        row = st.lists(element, min_size=samples, max_size=samples)
        return draw(st.lists(row, min_size=number, max_size=number))

    prices = draw(st.lists(st.floats(1e-6, 1e4), min_size=len(KEYS), max_size=len(KEYS)))
    return build(many(st.integers(0, 10**12), len(KEYS)), prices, many(st.floats(0, 1e9), len(COMPONENTS)), samples)


@settings(max_examples=60, deadline=None)
@given(runs())
def test_every_view_equals_a_naive_sum(run):
    counters, table, static = run
    result = account(counters, table, COMPONENTS, static)
    for at in range(counters.samples):
        def dynamic(select, at=at):
            return math.fsum(int(counters[key][at]) * table.prices[key].energy_pj for key in KEYS if select(key[0]))

        def leaked(select, at=at):
            return math.fsum(static[path][at] for path in COMPONENTS if select(path))

        groups = {
            "total": ({"": result.total()}, lambda _: ""),
            "kind": (result.by_kind(), COMPONENTS.get),
            "owner": (result.by_owner(), lambda path: path.split(".")[0]),
            "component": (result.components, lambda path: path),
        }
        for splits, group_of in groups.values():
            assert set(splits) == {group_of(path) for path in COMPONENTS}
            for name, split in splits.items():
                member = lambda path, name=name, group_of=group_of: group_of(path) == name  # noqa: E731
                assert split.dynamic[at] == pytest.approx(dynamic(member), rel=1e-12)
                assert split.static[at] == pytest.approx(leaked(member), rel=1e-12)
                assert split.total[at] == split.dynamic[at] + split.static[at]
        assert set(result.by_core()) == {"core[0]", "core[1]"}
        by_action = result.by_action()
        expected = dynamic(lambda path: COMPONENTS[path] == "engine")
        assert by_action["engine", "add"][at] == pytest.approx(expected, rel=1e-12)


def example():
    counts = [[7 * at + 3, at] for at in range(len(KEYS))]
    return build(counts, [0.1 * (at + 1) for at in range(len(KEYS))], [[0.5, 1.5]] * len(COMPONENTS), 2)


def test_idle_components_appear_with_their_leakage():
    counters, table, static = example()
    components, static = {**COMPONENTS, "core[2].memory": "memory"}, {**static, "core[2].memory": np.ones(2)}
    result = account(counters, table, components, static)
    assert result.components["core[2].memory"].dynamic.tolist() == [0, 0]
    assert result.by_core()["core[2]"].total.tolist() == [1, 1]


def test_nothing_counted_is_no_energy():
    result = account(Counters(3), EnergyTable({}), COMPONENTS, {})
    assert result.total().total.tolist() == [0, 0, 0]
    assert result.by_action() == {}


def test_strange_components_are_all_named():
    counters, table, static = example()
    counters.add("core[9].memory", "read", 1)
    with pytest.raises(CostError, match=r"energy of unknown components: attic, core\[9\]\.memory"):
        account(counters, table, COMPONENTS, {**static, "attic": np.ones(2)})


def test_unpriced_actions_are_all_named():
    counters, table, static = example()
    counters.add("router[0,0]", "fly", 1)
    counters.add("core[0].engine", "divide", 1)
    with pytest.raises(CostError, match=r"no energy for core\[0\]\.engine\.divide, router\[0,0\]\.fly"):
        account(counters, table, COMPONENTS, static)


def test_negative_counts_are_a_defect():
    counters, table, static = example()
    counters.add("router[0,0]", "clock", -1000)
    with pytest.raises(ConservationError, match=r"negative count of router\[0,0\]\.clock"):
        account(counters, table, COMPONENTS, static)


@pytest.mark.parametrize("factor", [1 + 1e-10, 1 - 1e-10, 0.0, np.nan])
@pytest.mark.parametrize("where", ["dynamic", "static", "action"])
def test_tampering_is_noticed(where, factor):
    counters, table, static = example()
    good = account(counters, table, COMPONENTS, static)
    check(good, counters, table, static)
    dynamic, static_, actions = good.dynamic.copy(), good.static.copy(), dict(good.actions)
    path = "core[1].memory"
    at, scale = list(good.kinds).index(path), np.array([1.0, factor])
    if where == "dynamic":
        dynamic[at] *= scale
    elif where == "static":
        static_[at] *= scale
    else:
        actions[path, "read"] = actions[path, "read"] * scale
    bad = dataclasses.replace(good, dynamic=dynamic, static=static_, actions=actions)
    with pytest.raises(ConservationError, match=r"sample 1: .* pJ, but recomputed it is .* pJ"):
        check(bad, counters, table, static)


def test_a_lost_component_is_noticed():
    counters, table, static = example()
    good = account(counters, table, COMPONENTS, static)
    lost = list(good.kinds).index("core[1].memory")
    kinds = {path: kind for path, kind in good.kinds.items() if path != "core[1].memory"}
    dynamic, static_ = np.delete(good.dynamic, lost, 0), np.delete(good.static, lost, 0)
    actions = {key: energy for key, energy in good.actions.items() if key[0] in kinds}
    with pytest.raises(ConservationError, match=r"energy (by action|total, dynamic)"):
        check(dataclasses.replace(good, kinds=kinds, dynamic=dynamic, static=static_, actions=actions),
              counters, table, static)
