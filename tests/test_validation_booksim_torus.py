"""Tori against BookSim2's ``dim_order_torus``: every packet of recorded traces, on both engines."""

import numpy as np
import pytest
from repository_files import ROOT

from accelsim.errors import ConfigError
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.hardware.topologies.torus import Torus
from accelsim.timing.tables import noc_tables
from accelsim.validation import booksim
from accelsim.validation.booksim import load_case

TORI = ROOT / "tests" / "recordings" / "booksim_torus"


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_tori_packet_by_packet(engine):
    """``k8`` and ``k3`` have BookSim2's default of long links, ``k8`` no packet with two equal ways."""
    found = list(booksim.compare_folder(TORI, engine))
    assert [case.packets for case in found] == [500, 500, 500, 379]
    assert [case.first for case in found] == [""] * 4


@pytest.mark.parametrize("change", ["credit", "classes", "long links"])
def test_the_tori_notice_a_wrong_router(change):
    case = load_case(TORI, "k8_n2_vc6x5_long")
    fabric = build_fabric(Torus(case.network.size), range(case.network.nodes))
    noc = noc_tables(fabric, case.network.router)
    right = noc._replace(credit=noc.credit + 1)
    wrong = {
        "credit": noc,
        "classes": right._replace(vc_class=np.zeros_like(right.vc_class)),
        "long links": right._replace(flight=noc.flight - 1),
    }[change]
    times = [booksim.PACKET_ENGINES["compiled"](tables, case.trace).tail_arrived for tables in (right, wrong)]
    assert np.array_equal(times[0], case.times["tail_atime"])
    assert not np.array_equal(times[1], times[0])


def test_directions_that_booksim_draws_are_refused(tmp_path):
    (tmp_path / "line.cfg").write_text("topology = torus; k = 4; n = 1; routing_function = dim_order; num_vcs = 2;")
    (tmp_path / "line.trace").write_text("0 0 3 1\n0 2 0 1\n")
    (tmp_path / "line.csv").write_text("pid,src,itime,tail_atime\n0,0,0,9\n1,2,0,9\n")
    with pytest.raises(ConfigError, match=r"trace: packet 2, 2 to 0: expected one shortest way around every ring of 4"):
        load_case(tmp_path, "line")
