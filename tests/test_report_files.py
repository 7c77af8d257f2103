"""The folder of a run: CSV, parquet and JSON hold the same numbers with units; failures are told and leave nothing."""

import csv
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from sample_result import sample_result
from test_report_serialize import assert_same

from accelsim.errors import OutputError
from accelsim.report import files
from accelsim.report.figures import FIGURES
from accelsim.report.files import prepare_folder, write_result
from accelsim.result.serialize import read_result


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "deep" / "er"
    paths = write_result(sample_result(), folder)
    assert all(path.is_file() for path in paths)
    assert sorted(paths) == sorted(path for path in folder.rglob("*") if path.is_file())
    return folder


@pytest.fixture
def plain_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_: object, name: str, folder: Path) -> None:
        for kind in ("png", "svg"):
            (folder / f"{name}.{kind}").write_text(name)

    monkeypatch.setattr(files, "write_figure", write)


def test_json_is_the_result(written: Path) -> None:
    assert_same(sample_result(), read_result(written))


def test_csv_and_parquet_are_equal_and_carry_units(written: Path) -> None:
    with (written / "tables" / "columns.csv").open(newline="") as stream:
        listed = {(row["table"], row["column"]): (row["unit"], row["definition"]) for row in csv.DictReader(stream)}
    for name, table in {**sample_result().tables(), **sample_result().derived_tables()}.items():
        with (written / "tables" / f"{name}.csv").open(newline="") as stream:
            header, *rows = csv.reader(stream)
        stored = parquet.read_table(written / "tables" / f"{name}.parquet")
        assert header == [f"{c.name} [{c.unit}]" if c.unit else c.name for c in table.columns]
        assert len(rows) == len(table) == stored.num_rows
        for at, column in enumerate(table.columns):
            field = stored.schema.field(at)
            assert field.name == column.name
            assert {
                key.decode(): value.decode() for key, value in field.metadata.items() if not key.startswith(b"PARQUET")
            } == {"unit": column.unit, "definition": column.definition}
            np.testing.assert_array_equal(stored.column(at).to_numpy(), column.values)
            text = [row[at] for row in rows]
            kind = column.values.dtype.kind
            values = [x == "True" for x in text] if kind == "b" else text if kind == "U" else [float(x) for x in text]
            np.testing.assert_array_equal(values, column.values)
            assert listed[name, column.name] == (column.unit, column.definition)


def test_totals_of_both_machines(written: Path) -> None:
    with (written / "totals.csv").open(newline="") as stream:
        rows = {(row["machine"], row["name"]): row for row in csv.DictReader(stream)}
    assert float(rows["snn", "energy_per_inference"]["value"]) == 1.25e6
    assert rows["snn", "energy_per_inference"]["unit"] == "pJ"
    assert float(rows["ann", "macs"]["value"]) == 1_550_000


def test_writing_again_replaces_and_leaves_other_files_alone(tmp_path: Path, plain_figures: None) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.png").write_text("keep")
    write_result(sample_result(snn_pj=1e6), tmp_path)
    assert (tmp_path / "figures" / "energy.png").exists()
    write_result(sample_result(snn_pj=2e6), tmp_path, figures=False)
    assert read_result(tmp_path).totals["energy_per_inference"].value == 2e6
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["mine.png"]
    assert not list(tmp_path.glob(".partial*"))


def test_two_writings_are_equal_byte_for_byte(written: Path, tmp_path: Path) -> None:
    for path in write_result(sample_result(), tmp_path):
        assert path.read_bytes() == (written / path.relative_to(tmp_path)).read_bytes(), path


@pytest.mark.parametrize("below", ["", "more"])
def test_a_folder_that_is_a_file(tmp_path: Path, below: str) -> None:
    (tmp_path / "taken").write_text("x")
    folder = tmp_path / "taken" / below
    with pytest.raises(OutputError, match=r"cannot write results to .*taken.*: (File exists|Not a directory)"):
        write_result(sample_result(1, 1, 1), folder, figures=False)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(dir: Path) -> None:  # noqa: A002
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuse)
    with pytest.raises(OutputError, match=r"cannot write results to .*out: Permission denied"):
        prepare_folder(tmp_path / "out")


def test_a_full_disk_leaves_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(sample_result(snn_pj=1e6), tmp_path, figures=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_parquet", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_result(sample_result(snn_pj=2e6), tmp_path, figures=False)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_progress_hears_of_every_file(tmp_path: Path, plain_figures: None) -> None:
    heard: list[object] = []

    class Ear:
        def stage(self, name: str, total: int | None = None) -> "Ear":
            heard.append((name, total))
            return self

        def __enter__(self) -> "Ear":
            return self

        def __exit__(self, *_: object) -> None:
            heard.append("end")

        def advance(self, n: int = 1) -> None:
            heard.append(n)

    write_result(sample_result(1, 1, 1), tmp_path, progress=Ear())
    assert heard == [("files", 18 + len(FIGURES)), *[1] * (18 + len(FIGURES)), "end"]
