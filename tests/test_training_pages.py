"""Pages of recipes from rows alone: seeds in one row, verdicts, storage that pays, what helps which machine."""

import pytest

pytest.importorskip("torch")

from accelsim.training.cells import over_seeds
from accelsim.training.page import draw
from accelsim.training.recipe import Figure
from accelsim.training.recipes.activity_reg_page import MACHINES, best_points
from accelsim.training.recipes.quant_prune_page import crossing, sections


def test_a_figure_without_points_above_its_floor_shows_all(tmp_path):
    draw(Figure("x", "X", "x", "y", [("a", [(1.0, 0.2), (2.0, 0.3)])], floor=0.95), tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_seeds_of_a_point_are_told_in_one_row():
    rows = [{"key": str(at), "bits": 8 - at // 2, "share": 0.1 * at, "name": "x"} for at in range(4)]
    columns = [("key", "", ""), ("bits", "bits", ""), ("share", "", "share"), ("name", "", "")]
    assert over_seeds(rows, columns, "bits") == [
        {"key": "mean of 2 seeds", "bits": 8, "share": "5.00 % (0.00 % .. 10.00 %)", "name": ""},
        {"key": "mean of 2 seeds", "bits": 7, "share": "25.00 % (20.00 % .. 30.00 %)", "name": ""},
    ]
    (one,) = over_seeds(rows[:2], columns)
    assert (one["bits"], one["share"]) == ("8", "5.00 % (0.00 % .. 10.00 %)")
    assert over_seeds(rows[:1], columns) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [([(0.1, 0.5), (0.5, 0.9), (0.9, 1.1)], "70%"), ([(0.1, 1.2), (0.9, 1.3)], "never"), ([(0.1, 0.2)], "always"),
     ([(0.1, 1.1), (0.3, 0.9), (0.5, 1.3)], "35%")],
)  # fmt: skip
def test_where_a_line_crosses_one(line, expected):
    assert crossing(line) == expected


def test_the_verdict_compares_the_cheapest_points_of_equal_accuracy():
    def row(bits, pruned, accuracy, dense, packed, seed=0, schedule="joint"):
        key = "_energy_per_inference"
        return {"bits": bits, "pruned": pruned, "exported": accuracy, "validation": accuracy, "schedule": schedule,
                "seed": seed, "density": 1 - pruned, "key": f"{bits} {pruned}", "agreement": 1.0,
                f"m_dense{key}": dense, f"m_packed{key}": packed,
                "m_dense_energy_delay": dense, "m_packed_energy_delay": packed, "m_packed_energy_static": 1.0,
                "m_dense_energy_static": 2.0, "m_dense_dynamic_dram": dense - 2,
                "m_packed_dynamic_dram": packed - 1, "m_dense_energy_dynamic": dense - 2,
                "m_packed_energy_dynamic": packed - 1}  # fmt: skip

    rows = [row(2, 0.0, 0.95, 40.0, 60.0), row(2, 0.8, 0.80, 20.0, 10.0), row(8, 0.0, 0.955, 100.0, 120.0),
            row(8, 0.8, 0.95, 90.0, 50.0)]  # fmt: skip
    found = {item.title: item for item in sections(rows, {"m": ("dense", "packed")}, 0, 0.01, 5)}
    verdict = found["Bits or pruning"].rows[0]
    chosen = [verdict[key] for key in ("bits", "pruned", "both")]
    assert chosen == ["2 bit, 0% pruned, joint", "8 bit, 80% pruned, joint", "2 bit, 0% pruned, joint"]
    assert (verdict["bits_energy"], verdict["pruned_energy"]) == (40.0, 50.0)
    assert verdict["ratio"] == verdict["paper"] == "1.25"
    assert verdict["dynamic"] == f"{49 / 38:.3g}"
    assert [item["key"] for item in found["Front on m"].rows] == ["2 0.8", "2 0.0", "8 0.0"]
    assert [item["key"] for item in found["Grid"].rows] == ["2 0.0", "2 0.8", "8 0.0", "8 0.8"]
    assert found["Grid"].text.startswith("4 of 5 points")
    assert found["Where sparse storage pays"].rows[2]["8"] == "1.200"
    assert found["Weights left below which it pays"].rows[0]["2"] == f"{0.2 + 0.8 * 0.5 / 1.0:.0%}"

    # A second seed, on which 8 bit is better: ternary loses 0.5 and 2.5 points, 1.5 in the mean.
    rows += [row(2, 0.0, 0.96, 50.0, 70.0, 1), row(8, 0.0, 0.985, 110.0, 130.0, 1), row(8, 0.8, 0.98, 95.0, 60.0, 1),
             row(2, 0.0, 0.99, 1.0, 1.0, 0, "sequential")]  # fmt: skip
    found = {item.title: item for item in sections(rows, {"m": ("dense", "packed")}, 0, 0.01, 9)}
    verdict = found["Bits or pruning"].rows[0]
    assert (verdict["bits"], verdict["bits_energy"]) == ("8 bit, 0% pruned, joint", 105.0)
    assert (verdict["pruned"], verdict["pruned_energy"]) == ("8 bit, 80% pruned, joint", 55.0)
    assert (verdict["both"], verdict["both_energy"]) == ("2 bit, 0% pruned, sequential", 1.0)
    low, high = 50 / 100, 60 / 110
    assert verdict["ratio"] == f"{(low + high) / 2:.3g} ({low:.3g} .. {high:.3g})"
    assert verdict["paper"] == f"{(50 / 40 + 60 / 50) / 2:.3g} (1.2 .. 1.25)"
    told = found["Bits alone, pruning alone"].rows
    assert [item["point"] for item in told] == ["2 bit, 0% pruned, joint", "8 bit, 0% pruned, joint",
                                                "8 bit, 80% pruned, joint"]  # fmt: skip
    assert told[0]["lost"] == "1.50 % (0.50 % .. 2.50 %)" and told[0]["seeds"] == "mean of 2 seeds"
    without = sections([item for item in rows if item["bits"] == 2], {"m": ("dense", "packed")}, 0, 0.01, 9)
    assert without[1].rows[0]["bits"] == "none" and without[1].rows[0]["ratio"] == ""


def test_what_helps_is_chosen_by_the_mean_of_the_seeds():
    def row(name, strength, seed, held, energy):
        return {"name": name, "strength": strength, "seed": seed, "ann": held, "ann_validation": held, "exported": held,
                "validation": held, "c_sops": energy, "c_energy_per_inference": energy, "effective_macs": energy,
                "skipping_energy": energy}  # fmt: skip

    def best(*rows):
        (found,) = best_points([*plain, *rows], MACHINES[0], "c", (0, 1), 0.01)
        return found["strength"], found["seeds"], found["energy"], found["snn_lost"], found["spread"]

    plain = [row("none", 0.0, 0, 0.98, 100.0), row("none", 0.0, 1, 0.99, 120.0)]
    sweep = [row("l1", 1.0, 0, 0.975, 60.0), row("l1", 3.0, 0, 0.972, 40.0), row("l1", 9.0, 0, 0.9, 10.0)]
    assert best(*sweep) == (3.0, 1, 100.0 / 40.0, pytest.approx(0.008), "0.80 % to 0.80 %")
    missed = row("l1", 3.0, 1, 0.97, 44.0)  # loses 2 points to its own seed: 1.4 in the mean
    assert best(*sweep, missed)[:2] == (1.0, 1)
    held = row("l1", 3.0, 1, 0.985, 44.0)
    assert best(*sweep, held) == (3.0, 2, 110.0 / 42.0, pytest.approx(0.0065), "0.50 % to 0.80 %")
    assert best_points(sweep, MACHINES[0], "c", (0, 1), 0.01) == []
    assert best_points([*plain, sweep[2]], MACHINES[0], "c", (0, 1), 0.01) == []
