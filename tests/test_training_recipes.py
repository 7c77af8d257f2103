"""Training loop and recipes: a resumed run is the run, a finished point stays, a page tells what was found."""

import json
import shlex
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nir")

from training_builders import dataset, network  # noqa: E402

from accelsim.errors import ConfigError, TrainingError  # noqa: E402
from accelsim.network.workload import load_workload  # noqa: E402
from accelsim.training import recipe  # noqa: E402
from accelsim.training.architecture import LayerSpec, projections  # noqa: E402
from accelsim.training.bench import Bench  # noqa: E402
from accelsim.training.fit import FitOptions, Hooks, fit, rate_at  # noqa: E402
from accelsim.training.keep import MOST_BYTES, keep_best  # noqa: E402
from accelsim.training.losses import ann_loss  # noqa: E402
from accelsim.training.page import write_page  # noqa: E402
from accelsim.training.recipe import RECIPES, parameters_of, run_recipe  # noqa: E402
from accelsim.training.recipe_spec import changed, command_of, read_recipe  # noqa: E402
from accelsim.training.scores import score_ann  # noqa: E402

TINY = (
    "data.train=1100", "data.validation=60", "data.test=60", "threads=1", "samples=2", "seeds=[0]",
    "meta.epochs=2", "compress.epochs=2", "train.epochs=1", "quantize.epochs=1", "converted_timesteps=8",
    "calibration=32", "density=0.3",
    "layers=[{conv: 8, kernel: 5, stride: 2}, {pool: 2}, {conv: 16, kernel: 3}, {dense: 64}]",
)  # fmt: skip


class Cut(Exception):
    """Stands for a run that is killed."""


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_that_was_cut_ends_like_one_that_was_not(tmp_path, optimizer):
    data, options = dataset(), FitOptions(4, 1e-2, batch=16, optimizer=optimizer)

    def train(folder, cut):
        net = network(data)
        seen = []

        def after(epoch, _):
            seen.append(epoch)
            if epoch == cut:
                raise Cut

        torch.manual_seed(5)
        rows = fit(net, data.train, ann_loss(net), options, log=folder / "log.csv", hooks=Hooks(after_epoch=after))
        return net, rows, seen

    whole, rows, _ = train(tmp_path / "whole", None)
    with pytest.raises(Cut):
        train(tmp_path / "cut", 2)
    resumed, again, seen = train(tmp_path / "cut", None)
    assert seen == [2, 3] and again == rows
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert score_ann(whole, data.test).accuracy > 0.6
    assert (tmp_path / "whole" / "log.csv").read_text().count("\n") == 5


def test_the_rate_rises_and_falls():
    options = FitOptions(1, 1.0, warm_up=0.2)
    rates = [rate_at(options, at) for at in np.linspace(0, 1, 11)]
    assert rates[2] == pytest.approx(1.0) and rates[0] == pytest.approx(0.1) and rates[-1] == pytest.approx(0.01)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    data = dataset()
    net = network(data)
    fit(net, data.train, ann_loss(net), FitOptions(1, 1e-3), log=tmp_path / "log.csv")
    other = network(data, layers=())
    with pytest.raises(TrainingError, match="expected a checkpoint of this network"):
        fit(other, data.train, ann_loss(other), FitOptions(2, 1e-3), log=tmp_path / "log.csv")
    (tmp_path / "log.safetensors").write_bytes(b"no such thing")
    with pytest.raises(TrainingError, match="expected a checkpoint, got something else"):
        fit(net, data.train, ann_loss(net), FitOptions(2, 1e-3), log=tmp_path / "log.csv")


@pytest.mark.parametrize("name", RECIPES.names())
@pytest.mark.parametrize("quick", [False, True])
def test_parameters_of_every_recipe_are_valid(name, quick):
    read_recipe(RECIPES.get(name).spec, parameters_of(name), quick=quick)


@pytest.mark.parametrize("name", RECIPES.names())
def test_the_command_of_a_page_gives_its_parameters(name):
    spec, path = RECIPES.get(name).spec, parameters_of(name)
    short = read_recipe(spec, path, quick=True)
    entries = changed(short, read_recipe(spec, path))
    assert entries and read_recipe(spec, path, entries) == short
    assert changed(short, short) == []


def test_stages_draw_alike_where_they_are_told_to(tmp_path):
    spec = read_recipe(RECIPES.get("activity-reg").spec, parameters_of("activity-reg"), ["threads=1"])
    bench = Bench(tmp_path, spec, dataset())

    def first(*stage):
        bench.log(*stage)
        return torch.rand(3).tolist()

    assert first("l1-1", 0, "ann") == first("l2-1", 0, "ann") == first("ann", 0) != first("ann", 1)
    assert len({tuple(first(stage, 0)) for stage in ("l1-1", "l2-1", "ann")}) == 3
    assert bench.log("l1-1", 0, "ann").name == "l1-1-0.csv"


def test_a_wrong_parameter_is_named_with_its_line():
    with pytest.raises(ConfigError, match=r"--set meta.epochs=few: meta.epochs: expected .* got 'few'"):
        read_recipe(RECIPES.get("spike-thrift").spec, parameters_of("spike-thrift"), ["meta.epochs=few"])


@pytest.mark.slow
def test_spike_thrift_from_images_to_a_page(shared_data, tmp_path):
    """The smoke of all recipes: they share everything but their stages."""
    out = tmp_path / "out"
    bench = run_recipe("spike-thrift", data=shared_data / "mnist", out=out, overrides=TINY)
    (row,) = bench.rows("stages")
    assert row["agreement"] == 1.0
    assert row["dense_ann"] > 0.5
    assert row["kept"] <= 0.31 * row["weights"]
    macs = 14 * 14 * 8 * 25 + 7 * 7 * 16 * 8 * 9 + 784 * 64 + 640
    assert row["op_count_dense"] == pytest.approx(4.6 * macs / (0.9 * row["core_sops"]))
    assert 0 < row["op_count_compressed"] < row["op_count_dense"]
    assert row["nonzero"] <= row["kept"]
    before = (out / "points.json").read_text()
    again = run_recipe("spike-thrift", data=shared_data / "mnist", out=out, overrides=[*TINY, "threads=2"])
    assert (out / "points.json").read_text() == before and again.rows("stages") == json.loads(json.dumps([row]))
    with pytest.raises(TrainingError, match="holds results of other parameters"):
        run_recipe("spike-thrift", data=shared_data / "mnist", out=out, overrides=[*TINY, "bits=4"])
    twin = bench.predictions("spike_thrift_0")
    assert len(twin) == 60
    bench.remember("spike_thrift_0", (twin + (torch.arange(60) == 7)) % 10)
    with pytest.raises(TrainingError, match=r"expected the twin's prediction for 60 samples, got 98.3333%"):
        keep_best("spike-thrift", bench, tmp_path / "kept")
    bench.remember("spike_thrift_0", twin)
    kept = keep_best("spike-thrift", bench, tmp_path / "kept")
    load = load_workload(kept, 2)
    assert kept.name == load.name == "mnist_spike_thrift"
    stated = load.provenance["stated"]
    assert (stated["test_accuracy"], stated["equal_predictions"]) == (row["exported"], 60)
    assert "| `network.nir` |" in (kept / "README.md").read_text()
    page = write_page("spike-thrift", bench, tmp_path / "page").read_text()
    assert "| seed 0 |" in page and "cycle level: dense array / SNN" in page


SMALL = ("threads=1", "samples=2", "seeds=[0]")
DIGITS = (
    *SMALL, "data.train=700", "data.validation=60", "data.test=60", "ann.epochs=1", "calibration=32", "scored=50",
    "layers=[{conv: 8, kernel: 5, stride: 2}, {pool: 2}, {conv: 8, kernel: 3}, {dense: 32}]",
)  # fmt: skip
SMOKES = {
    "spatio-temporal": (
        *DIGITS, "converted_timesteps=6", "timesteps=[3]", "lower.epochs=1", "quantize.epochs=1", "bits=[8, 4]",
        "noise=[0.0, 0.3]", "accumulated=100",
    ),
    "activity-reg": (
        *DIGITS, "seeds=[0, 1]", "timesteps=4", "strengths={l1: [0.3], synops: [0.3]}", "repeated={}", "loss_allowed=1",
    ),
    "quant-prune": (
        *SMALL, "data.train=130", "data.validation=22", "data.test=44", "pretrain.epochs=1", "tune.epochs=2",
        "hardware=[{chip: core}]", "formats={core: [dense, csr]}", "bits=[2, 5, 8]", "pruning=[0.0]",
        "schedules=[sequential]",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOKES)
def test_every_other_recipe_from_data_to_a_page(shared_data, tmp_path, name):
    data = None if name == "quant-prune" else shared_data / "mnist"
    bench = run_recipe(name, data=data, out=tmp_path / "out", overrides=SMOKES[name])
    tables = [path.stem for path in sorted((tmp_path / "out" / "tables").iterdir())]
    rows = [row for table in tables for row in bench.rows(table) if "agreement" in row]
    assert {"spatio-temporal": 2, "activity-reg": 6, "quant-prune": 3}[name] == len(rows)
    assert all(row["agreement"] == 1.0 and 0.0 <= row["validation"] <= 1.0 for row in rows)
    text = write_page(name, bench, tmp_path / "page").read_text()
    assert f"--set {shlex.quote(SMOKES[name][3])}" in text
    assert "**Numbers in these words** are those of the study with its own parameters" in text
    assert "nan" not in text.lower()
    kept = keep_best(name, bench, tmp_path / "kept")
    assert load_workload(kept, 2).provenance["stated"]["made_by"].startswith(f"accelsim train {name} --set")


FIRES_FIRST = (
    "neurons={order: fire_first, reset: zero, leak: 1.0, surrogate: atan, train_threshold: false, train_leak: false}"
)


@pytest.mark.parametrize(
    ("name", "entry", "message"),
    [
        ("spike-thrift", "hardware=[{chip: nosuch}]", "hardware nosuch: .*nosuch"),
        ("spike-thrift", "hardware=[{chip: core}, {chip: core}]", "a name of its own .* got core twice"),
        ("spike-thrift", "hardware=[]", "hardware: expected at least 1 items, got a list"),
        ("spike-thrift", "samples=25", "samples: expected at most the 24 test samples, got 25"),
        ("spike-thrift", "input.kind=frames", "input.kind: expected poisson or graded for bars, got frames"),
        ("quant-prune", "formats={core: [dense, nosuch]}", "hardware core_nosuch: .*unknown weight format 'nosuch'"),
        ("spike-thrift", FIRES_FIRST, "neurons: reset: expected subtract with order: fire_first"),
        ("activity-reg", "scored=1", "scored: expected at least the 2 samples of a cycle-level run, got 1"),
        ("quant-prune", "pruning=[0.0, 1.0]", r"pruning\[1\]: expected less than 1"),
        ("quant-prune", "tune.epochs=1", "tune.epochs: expected at least 2 where pruning comes first"),
    ],
)
def test_what_would_end_a_run_ends_it_before_it_begins(tmp_path, monkeypatch, name, entry, message):
    monkeypatch.setattr(recipe, "read_dataset", lambda *_: dataset())
    small = ["samples=2"]
    if name == "quant-prune":
        small += ["hardware=[{chip: core}]", "formats={core: [dense]}", "input.kind=poisson"]
    with pytest.raises((TrainingError, ConfigError), match=message):
        run_recipe(name, data=None, out=tmp_path / "out", overrides=[*small, entry])
    assert not (tmp_path / "out").exists()


def test_more_timesteps_than_frames_are_refused_before_training(tmp_path):
    short = ["data.timesteps=4", "data.train=44", "data.validation=11", "data.test=22", "samples=2", "timesteps=5"]
    with pytest.raises(TrainingError, match="timesteps: expected at most the 4 frames of a sample, got 5"):
        run_recipe("quant-prune", data=None, out=tmp_path / "out", overrides=short)
    assert not (tmp_path / "out").exists()


def test_results_of_other_data_or_damaged_ones_are_refused(tmp_path):
    spec = read_recipe(RECIPES.get("activity-reg").spec, parameters_of("activity-reg"), ["threads=1"])
    bench = Bench(tmp_path, spec, dataset())
    bench.log("ann", 0)
    bench.point("grid", "one", lambda: {"exported": 0.5})
    again = Bench(tmp_path, spec.model_copy(update={"threads": 2}), dataset())
    assert again.rows("grid") == [{"key": "one", "exported": 0.5}]
    data = dataset()
    other = replace(data, test=replace(data.test, labels=data.test.labels[::-1].copy()))
    with pytest.raises(TrainingError, match=r"holds results of other data \(parameters.json: data\)"):
        Bench(tmp_path, spec, other)
    with pytest.raises(TrainingError, match=r"other parameters \(parameters.json: ann, layers\)"):
        Bench(tmp_path, spec.model_copy(update={"ann": spec.ann.model_copy(update={"epochs": 1}), "layers": ()}), data)
    for text in ("{", "[1]", '{"grid": 3}'):
        (tmp_path / "points.json").write_text(text)
        with pytest.raises(TrainingError, match=r"points.json: expected tables of points, got something else"):
            Bench(tmp_path, spec, dataset())
    (tmp_path / "parameters.json").write_text("{")
    with pytest.raises(TrainingError, match="holds results of other parameters"):
        Bench(tmp_path, spec, dataset())


def test_networks_are_judged_again_and_not_trained_on_another_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "read_dataset", lambda *_: dataset())
    small = ["threads=1", "samples=2", "seeds=[0]", "strengths={l1: [0.3]}", "repeated={}", "timesteps=4",
             "ann.epochs=1", "scored=8", "loss_allowed=1", "calibration=8"]  # fmt: skip

    def found(*more):
        bench = run_recipe("activity-reg", data=None, out=tmp_path, overrides=[*small, *more])
        return {row["key"]: row for row in bench.rows("grid")}

    first = found()
    weights = {path: path.stat().st_mtime_ns for path in (tmp_path / "log").glob("*.safetensors")}
    assert len(first) == len(weights) == 2
    other = found("hardware=[{chip: core, overrides: [clock=100 MHz]}]", "samples=3")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "log").glob("*.safetensors")} == weights
    for key, row in other.items():
        assert row["exported"] == first[key]["exported"] and row["core_latency"] > 1.5 * first[key]["core_latency"]
    more = found("hardware=[{chip: core, overrides: [clock=100 MHz]}]", "samples=3", "seeds=[0, 1]")
    assert other.items() <= more.items() and len(more) == 4


def test_a_command_of_quoted_entries_gives_the_same_parameters():
    spec, path = RECIPES.get("quant-prune").spec, parameters_of("quant-prune")
    lanes = "mapping.slices={lif3: 2}"
    entries = ["seeds=[0]", f'hardware=[{{chip: core, overrides: ["{lanes}"]}}]', "formats={core: [dense, csr]}"]
    found = read_recipe(spec, path, entries)
    assert found.hardware[0].overrides == (lanes,)
    words = shlex.split(command_of("quant-prune", changed(found, read_recipe(spec, path))))
    assert words[:3] == ["accelsim", "train", "quant-prune"] and set(words[3::2]) == {"--set"}
    assert read_recipe(spec, path, words[4::2]) == found


def test_fields_that_a_file_leaves_at_their_defaults_can_be_set():
    spec = RECIPES.get("activity-reg").spec
    path = parameters_of("activity-reg")
    changes = ["ann.augment=true", "ann.optimizer=sgd", "dropout=0.1", "data.timesteps=7"]
    found = read_recipe(spec, path, changes)
    assert (found.ann.augment, found.ann.optimizer, found.dropout, found.data.timesteps) == (True, "sgd", 0.1, 7)
    assert read_recipe(spec, path, changed(found, read_recipe(spec, path))) == found
    with pytest.raises(ConfigError, match="expected a known path"):
        read_recipe(spec, path, ["ann.augmented=true"])


def test_too_large_or_missing_workloads_are_not_kept(tmp_path):
    bench = SimpleNamespace(folder=tmp_path, spec=SimpleNamespace(seeds=(3,)), rows=lambda _: [ROW])
    with pytest.raises(TrainingError, match="expected the workload of seed 3, got none"):
        keep_best("spike-thrift", bench, tmp_path / "kept")
    folder = tmp_path / "workloads" / "spike_thrift_3"
    folder.mkdir(parents=True)
    (folder / "workload.yaml").write_text("name: x\n")
    (folder / "network.nir").write_bytes(bytes(MOST_BYTES))
    with pytest.raises(TrainingError, match="expected at most 1048576 bytes"):
        keep_best("spike-thrift", bench, tmp_path / "kept")


def test_the_fan_out_is_the_weights_that_a_neuron_reaches():
    layers = (LayerSpec(conv=6, kernel=5, stride=2), LayerSpec(pool=2), LayerSpec(conv=8), LayerSpec(dense=10))
    made = projections(layers, (3, 32, 32), 4)
    assert [item.fan_out for item in made] == [6 * 25 / 4, 8 * 9, 10, 4]
    inner = torch.ones(1, 1, 3, 32, 32)
    inner[..., :8, :], inner[..., -8:, :], inner[..., :8], inner[..., -8:] = 0, 0, 0, 0
    weight = torch.ones(made[0].shape)
    assert float(made[0].accumulate(inner, weight).sum()) == made[0].fan_out * float(inner.sum())


ROW = {"key": "seed 3", "exported": 0.5, "nonzero": 1}
