"""No number without a source: every bundled table has a column or a section of provenance, every preset its sources."""

import csv
import re

import pytest

from accelsim.hardware.loader import load_chip
from accelsim.hardware.presets import preset_names
from accelsim.hardware.sources.tables import read_table

WITH_TOOL = {"sram_cacti7": 3864, "noc_dsent": 256}
"""Tables whose rows are all output of one tool, named in PROVENANCE.md, and their number of rows."""


def tables(repository):
    return sorted(path.stem for path in (repository / "accelsim" / "hardware" / "data").glob("*.csv"))


def test_every_row_of_every_table_has_a_source(repository):
    page = (repository / "accelsim" / "hardware" / "data" / "PROVENANCE.md").read_text()
    for name in tables(repository):
        rows = read_table(name)
        assert f"## {name}.csv ({len(rows):,} rows)".replace(",", " ") in page, name
        if name in WITH_TOOL:
            assert len(rows) == WITH_TOOL[name]
            section = page.split(f"## {name}.csv")[1].split("\n## ")[0]
            assert re.search(r"^- Tool: .*(commit [0-9a-f]{40}|doi:10\.)", section, re.MULTILINE | re.DOTALL)
            continue
        for row in rows:
            assert len(row["source"] or "") >= 8, (name, row)
            assert None not in row.values(), (name, row)
            assert row.get("evidence", "A") in {"A", "B", "C", "derived"}, (name, row)


@pytest.mark.parametrize(("ours", "theirs"), [
    ("wire_cacti7", "wire_cacti7"), ("scaling_stillmaker2017_area", "scaling_stillmaker2017_area"),
])  # fmt: skip
def test_tables_are_those_of_the_tools(ours, theirs, shared_data):
    with (shared_data / "energy" / f"{theirs}.csv").open(newline="") as stream:
        expected = list(csv.DictReader(stream))
    found = [{key: value for key, value in row.items() if key != "source"} for row in read_table(ours)]
    assert found == expected


@pytest.mark.parametrize("name", preset_names("core_mesh"))
def test_the_dram_of_every_preset_is_a_row_of_the_table(name):
    dram = load_chip(name).spec.baseline.dram
    rows = {row["op"]: row for row in read_table("op_energy") if row["category"] == "dram" and row["unit"] == "pJ/bit"}
    standard = dram.source.split(",")[0]
    assert dram.energy == float(rows[standard]["value"])
    assert "CactiDRAM.type2energy" in dram.source
    assert "CactiDRAM.type2energy" in rows[standard]["source"]
