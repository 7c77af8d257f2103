"""The study of published energies: its table, its readings on a small network, and the whole where time allows."""

from functools import partial

import numpy as np
import pytest
from typer.testing import CliRunner

from accelsim.cli.validate import app
from accelsim.errors import ConfigError
from accelsim.validation.paper3 import (
    ENCODINGS,
    MATCHED,
    NETWORK,
    QUANTISED,
    READINGS,
    Layer,
    Study,
    dense_storage,
    read_published,
)

SMALL = (Layer("Conv", 8, 16, 12, 3), Layer("Dense", 4096, 64, 1, 1))
"""The dense layer does not fit into the scratchpads, the convolution does."""
BY_NAME = {item.name: item for item in READINGS}
TABLE = "paper3_energy_table.csv"


@pytest.fixture(scope="module")
def small():
    return Study(0.1, SMALL, 4)


def test_the_network_has_the_shapes_of_the_study():
    weights = [item.channels * item.filters * item.kernel**2 for item in NETWORK]
    assert weights == [2304, *[147456] * 4, 1048576, 56320]
    products = [count * item.side**2 * 20 for count, item in zip(weights, NETWORK, strict=True)]
    assert [round(item / 1e6, 2) for item in products] == [754.97, 12079.60, 3019.90, 754.97, 188.74, 20.97, 1.13]


def test_the_published_fit(shared_data):
    density, energy, cycles = read_published(shared_data / TABLE).eight_bit
    slope, floor = np.polyfit(density, energy, 1)
    assert (len(density), round(slope, 2), round(floor, 2)) == (15, 11.82, 11.49)
    assert np.corrcoef(density, energy)[0, 1] ** 2 == pytest.approx(0.991, abs=5e-4)
    assert len(cycles) == 15


def test_the_slope_of_dram_follows_by_hand(small):
    """A word per weight: the dense layer is fetched in each of the 4 timesteps, the convolution once."""
    reading = BY_NAME[MATCHED].overrides
    more, less = (small.point(density, 8, (*reading, "dram.energy=8 pJ/bit")).energy for density in (1.0, 0.5))
    free = [small.point(density, 8, (*reading, "dram.energy=0 pJ/bit")).energy for density in (1.0, 0.5)]
    words = 0.5 * (4 * 4096 * 64 + 8 * 16 * 9)
    metadata = words * 4
    expected = (words * 64 + metadata) * 8e-9
    assert more - less - (free[0] - free[1]) == pytest.approx(expected, rel=0.01)


def test_orders_that_the_study_shows(small):
    reading = BY_NAME[MATCHED].overrides
    pruned = {name: small.point(0.2, 8, (*reading, f"formats.weights={name}")).energy for name in ENCODINGS}
    assert sorted(pruned, key=lambda name: pruned[name]) == ["rle", "cp", "uop", "ubm"]
    packed = BY_NAME["packed-resident"].overrides
    ratio = [
        small.point(QUANTISED[bits], bits, packed).energy / small.point(1.0, bits, dense_storage(packed)).energy
        for bits in QUANTISED
    ]
    assert ratio[0] < 1 < ratio[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode,prune\n", ":1: expected a column stat, got mode, prune"),
        ("", ":1: expected a column mode, got none"),
        (",".join(["mode,stat,prune,bits,cycles_rle,rle_uJ,cp_uJ,uop_uJ,ubm_uJ"]) + "\njoint,mean,x,8,1,1,1,1,1\n",
         ":2: prune: expected a number, got 'x'"),
        ("mode,stat,prune,bits,cycles_rle,rle_uJ,cp_uJ,uop_uJ,ubm_uJ\njoint,mean,0,8,1,1,1,1,1\n",
         "expected at least two 8-bit rows"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_the_authors(tmp_path, text, message):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_published(tmp_path / "table.csv")


def test_the_command_prints_every_reading(shared_data, monkeypatch):
    from accelsim.validation import paper3

    monkeypatch.setattr(paper3, "Study", partial(Study, network=SMALL[:1], timesteps=2))
    done = CliRunner().invoke(app, ["paper3", str(shared_data / TABLE), "--activity", "0.2"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("published, 8 bit: 11.49 + 11.82 mJ x density")
    for line in ("assumed:", "packed-resident  ", "rle < cp < uop < ubm", "sparse / dense", "published 1.457"):
        assert line in done.output


@pytest.mark.validate
def test_the_slope_under_the_matched_reading(shared_data):
    """Within 15 % of the published one at every activity up to the one at which cycles rise as published."""
    density, energy, _ = read_published(shared_data / TABLE).eight_bit
    published = float(np.polyfit(density, energy, 1)[0])
    for activity in (0.05, 0.2):
        slope, _, _ = Study(activity).slopes(density, BY_NAME[MATCHED].overrides)
        assert slope == pytest.approx(published, rel=0.15)


@pytest.mark.validate
def test_sparse_storage_pays_up_to_three_bits_where_weights_are_packed():
    study, packed = Study(0.206), BY_NAME["packed-resident"].overrides
    for bits, pays in ((3, True), (4, False)):
        dense = study.point(1.0, bits, dense_storage(packed)).energy
        assert (study.point(QUANTISED[bits], bits, packed).energy < dense) is pays
