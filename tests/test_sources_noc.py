"""The DSENT source: exact at the table's points, laws between and beyond, said in the source."""

import csv

import numpy as np
import pytest

from accelsim.errors import CostError
from accelsim.hardware.sources.base import NOC_SOURCES
from accelsim.hardware.sources.scaling import energy_ratio

SOURCE = NOC_SOURCES.get("dsent")()
ROUTER = (
    ("buffer_write_pj", "write_buffer_pj"), ("buffer_read_pj", "read_buffer_pj"),
    ("crossbar_pj", "crossbar_traverse_pj"), ("arbitration_pj", "switch_arbitration_pj"),
    ("clock_pj_per_cycle", "clock_pj_per_cycle"), ("leakage_mw", "leakage_mw"), ("area_mm2", "area_mm2"),
)
NODES = "network-on-chip node, nm (or between 22 and 45): expected one of 11, 22, 32, 45"
LINK = (("energy_pj", "energy_per_flit_hop_pj"), ("leakage_mw", "leakage_mw"), ("area_mm2", "area_mm2"))


def test_every_row_of_dsent_is_returned_exactly(shared_data):
    with (shared_data / "energy" / "noc_dsent.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 256
    for row in rows:
        node, flit = int(row["tech_nm"]), int(row["flit_bits"])
        if row["kind"] == "router":
            found = SOURCE.router(int(row["ports"]), flit, int(row["vcs"]), int(row["buffers_per_vc"]), node)
            pairs = ROUTER
        else:
            found = SOURCE.link(flit, float(row["link_length_mm"]), node)
            pairs = LINK
        assert [getattr(found, ours) for ours, _ in pairs] == [float(row[theirs]) for _, theirs in pairs]
        assert "interpolated" not in found.source and "extended" not in found.source


def test_hop_energy_of_the_reference_router():
    router = SOURCE.router(5, 64, 1, 4, 45)
    hop = router.buffer_write_pj + router.buffer_read_pj + router.crossbar_pj + router.arbitration_pj
    assert hop == pytest.approx(3.30658, rel=1e-5)


def test_28_nm_lies_log_log_between_its_neighbours():
    at = {node: SOURCE.router(5, 64, 1, 4, node) for node in (22, 28, 32)}
    weight = np.log(28 / 22) / np.log(32 / 22)
    for name, _ in ROUTER:
        low, mid, high = (getattr(at[node], name) for node in (22, 28, 32))
        assert mid == pytest.approx(low ** (1 - weight) * high**weight, rel=1e-12)
    assert at[28].source.endswith("28 nm; interpolated log-log between 22 and 32 nm")


def test_buffers_beyond_the_table_are_linear_in_entries():
    shapes = {4: (1, 4), 8: (2, 4), "8 deep": (1, 8), 16: (1, 16)}
    rows = {key: SOURCE.router(5, 64, *shape, 45) for key, shape in shapes.items()}
    for name in ("buffer_write_pj", "buffer_read_pj", "clock_pj_per_cycle", "leakage_mw", "area_mm2"):
        four, eight, eight_deep, sixteen = (getattr(row, name) for row in rows.values())
        assert eight_deep == eight
        assert sixteen == pytest.approx(eight + 2 * (eight - four), rel=1e-12)
    assert rows[16].arbitration_pj == rows[4].arbitration_pj
    assert rows[16].crossbar_pj == rows[4].crossbar_pj
    assert "1 VC x 16 buffers linear in 16 entries (extended beyond the table's 2..8)" in rows[16].source


def test_arbitration_is_linear_in_virtual_channels():
    one, two, four = (SOURCE.router(5, 64, vcs, 4, 45).arbitration_pj for vcs in (1, 2, 4))
    assert four == pytest.approx(one + 3 * (two - one), rel=1e-12)


def test_ports_follow_a_power_law_and_stay_positive():
    routers = [SOURCE.router(ports, 64, 1, 4, 45) for ports in range(2, 9)]
    for name in ("crossbar_pj", "arbitration_pj", "clock_pj_per_cycle", "leakage_mw", "area_mm2"):
        values = np.array([getattr(router, name) for router in routers])
        slopes = np.diff(np.log(values)) / np.diff(np.log(np.arange(2, 9)))
        assert slopes == pytest.approx(np.full(6, slopes[0]), rel=1e-9)
        assert (values > 0).all() and slopes[0] > 0
    assert "6 ports by the power law through 3 and 5" in routers[4].source


@pytest.mark.parametrize("node", [22, 28, 32, 40, 45])
def test_everything_rises_with_flit_width(node):
    for name, _ in ROUTER:
        values = [getattr(SOURCE.router(5, flit, 1, 4, node), name) for flit in range(16, 129, 7)]
        assert (np.diff(values) >= -1e-12 * values[0]).all(), name


def test_links_are_linear_in_length_and_proportional_in_width():
    one = SOURCE.link(64, 1.0, 45)
    assert SOURCE.link(64, 1.5, 45).energy_pj == pytest.approx((one.energy_pj + SOURCE.link(64, 2.0, 45).energy_pj) / 2)
    slope = SOURCE.link(64, 2.0, 45).energy_pj - one.energy_pj
    assert SOURCE.link(64, 3.0, 45).energy_pj == pytest.approx(one.energy_pj + 2 * slope)
    assert SOURCE.link(24, 1.0, 45).energy_pj == pytest.approx(one.energy_pj * 24 / 64, rel=1e-5)
    assert SOURCE.link(256, 1.0, 45).leakage_mw == pytest.approx(one.leakage_mw * 4, rel=1e-4)
    assert "linear in length (extended beyond the table's 0.25..2)" in SOURCE.link(64, 3.0, 45).source
    assert "24-bit flit in proportion to 128 bit" in SOURCE.link(24, 1.0, 45).source


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SOURCE.router(5, 64, 1, 4, 65), f"{NODES}, got 65"),
        (lambda: SOURCE.link(64, 1.0, 14), f"{NODES}, got 14"),
        (lambda: SOURCE.router(9, 64, 1, 4, 45), "router ports: expected 2..8, got 9"),
        (lambda: SOURCE.router(5, 8, 1, 4, 45), "router flit bits: expected 16..128, got 8"),
        (lambda: SOURCE.router(5, 64, 9, 4, 45), "router virtual channels: expected 1..8, got 9"),
        (
            lambda: SOURCE.router(5, 64, 4, 32, 45),
            "router buffer entries per input (VCs x flits): expected 1..64, got 128",
        ),
        (lambda: SOURCE.link(0, 1.0, 45), "link: expected at least 1 bit and 0 mm, got 0 bit and 1 mm"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(CostError) as error:
        call()
    assert str(error.value) == message


def test_scaled_routers_are_45_nm_moved_by_the_node_factors():
    plain, scaled_source = NOC_SOURCES.get("dsent")(), NOC_SOURCES.get("dsent-scaled")()
    for node in (22, 28, 45):
        assert scaled_source.router(5, 32, 1, 4, node) == plain.router(5, 32, 1, 4, node)
        assert scaled_source.link(32, 1.0, node) == plain.link(32, 1.0, node)
    at_45, at_65 = plain.router(5, 32, 1, 4, 45), scaled_source.router(5, 32, 1, 4, 65)
    factor = energy_ratio(65)[0]
    assert at_65.crossbar_pj == pytest.approx(factor * at_45.crossbar_pj)
    assert at_65.clock_pj_per_cycle == pytest.approx(factor * at_45.clock_pj_per_cycle)
    assert at_65.leakage_mw == at_45.leakage_mw
    assert at_65.area_mm2 == pytest.approx(1.5 * at_45.area_mm2)
    assert (at_45.supply_v, at_65.supply_v) == (1.0, 1.1)
    assert "x2.39" in at_65.source or "x2.40" in at_65.source
    assert scaled_source.link(32, 1.0, 65).energy_pj == pytest.approx(factor * plain.link(32, 1.0, 45).energy_pj)
    with pytest.raises(CostError):
        scaled_source.router(5, 32, 1, 4, 130)


def test_links_of_cacti_wires():
    source = NOC_SOURCES.get("dsent-cacti7-wire")()
    link = source.link(64, 2.0, 45)
    assert link.energy_pj == pytest.approx(64 * 2 * 0.249489 / 2)
    assert link.leakage_mw == pytest.approx(2 * source.link(64, 1.0, 45).leakage_mw)
    assert link.supply_v == 1.0
    assert "30% overhead" in link.source
    assert source.router(5, 32, 1, 4, 45) == NOC_SOURCES.get("dsent")().router(5, 32, 1, 4, 45)
    with pytest.raises(CostError, match="wire node, nm: expected one of 22, 28"):
        source.link(64, 2.0, 30)
    with pytest.raises(CostError, match="expected at least 1 bit"):
        source.link(0, 2.0, 45)
