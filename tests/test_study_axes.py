"""Every kind of axis in a sweep by itself, on the bundled workload; studies of both classes of machine."""

import pytest

import accelsim.study.evaluate as evaluation
from accelsim.errors import ConfigError
from accelsim.pipeline import run
from accelsim.study import pareto, sweep
from accelsim.study.axes import make_axis
from accelsim.study.rerun import load_point


@pytest.fixture
def one_worker(monkeypatch):
    """Let all sweeps of a test share a worker: workloads are loaded once."""
    worker = evaluation.Evaluator()
    monkeypatch.setattr(evaluation, "Evaluator", lambda plugins=(): worker)


def points_of(tmp_path, axes, **study):
    whole = {"name": "axes", "hw": "core", "workload": "mnist_conv", "samples": 1, "objectives": ["energy"]}
    made = sweep(whole | {"axes": axes} | study, tmp_path / "out", processes=1)
    table = made.points()
    assert set(table["status"]) == {"done"}, table["error"].tolist()
    return made, table


SAME, LESS, MORE, OTHER = "==", "<", ">", "!="
AXES = {
    "core.synapse_lanes": ([1, 8], {"latency": LESS, "area": MORE, "sops": SAME, "accuracy": SAME, "cores_used": SAME}),
    "core.synapse_memory.width": ([64, 128], {"sops": SAME, "energy": OTHER, "area": OTHER}),
    "clock": (["100 MHz", "200 MHz"], {"latency": LESS, "latency_cycles": SAME, "energy_static": LESS}),
    "mapping.partition": (["spread", "compact"], {"cores_used": LESS, "sops": SAME, "latency": MORE}),
    "core.weight_format": (["dense", "bitmask"], {"sops": SAME, "energy_dynamic": OTHER, "accuracy": SAME}),
    "workload.network.quantize.bits": ([8, 4], {"sops": OTHER, "input_events": SAME, "energy_per_sop": OTHER}),
    "workload.network.prune": (
        [None, {"method": "magnitude", "sparsity": 0.97, "scope": "layer"}],
        {"sops": LESS, "input_events": SAME, "energy_dynamic": LESS},
    ),
    "workload": (["mnist_conv", "dense_256"], {"sops": OTHER, "latency": OTHER, "baseline.latency": OTHER}),
    "workload.timesteps": ([4, 8], {"steps": MORE, "input_events": MORE, "latency": MORE}),
    "workload.input.encoding": (["poisson", "latency"], {"input_events": LESS, "steps": SAME}),
    "seed": ([1, 2], {"input_events": OTHER, "steps": SAME}),
    "samples": ([1, 2], {"sops": OTHER, "steps": SAME}),
}


def test_every_kind_of_axis_does_what_it_says(tmp_path, one_worker):
    wrong = []
    for name, (values, expected) in AXES.items():
        if name == "workload.input.encoding":  # a rate is the rate of spikes, which a latency code has not
            axes = {"encoding": {"choices": {"poisson": {name: "poisson"}, "latency": {"workload.input": {
                "file": "digits-idx3-ubyte.gz", "encoding": "latency"}}}}}  # fmt: skip
        else:
            axes = {name: values}
        table = points_of(tmp_path / name, axes)[1]
        assert len(table) == len(values) == 2
        for total, relation in expected.items():
            before, after = table["energy_per_inference" if total == "energy" else total]
            holds = {SAME: after == before, LESS: after < before, MORE: after > before, OTHER: after != before}
            if not holds[relation]:
                wrong.append(f"{name}: {total} {before} -> {after}, expected {relation}")
    assert not wrong, wrong


def test_chips_and_arrays_in_one_study(tmp_path, one_worker):
    axes = {
        "hw": ["core", "prosperity", "ptb"],
        "elements.columns": {"values": [8, 128], "when": {"hw": "prosperity"}},
        "core.synapse_lanes": {"values": [4, 8], "when": {"hw": "core"}},
    }
    study, table = points_of(tmp_path, axes, constraints=["latency <= 1 s"])
    assert table["hw"].tolist() == ["core", "core", "prosperity", "prosperity", "ptb"]
    narrow = table.iloc[2]
    alone = run("prosperity", "mnist_conv", samples=1, overrides=["elements.columns=8"], threads=1)
    for name, item in alone.totals.items():
        assert narrow[name] == item.value
    assert narrow["baseline.energy_per_inference"] == alone.baseline.totals["energy_per_inference"].value
    assert narrow["energy_static"] != table["energy_static"][3]
    assert set(pareto(study).table["hw"]) <= {"core", "prosperity", "ptb"}
    with pytest.raises(ConfigError, match="objective packets: expected a number at every point, got none at"):
        pareto(study, ["packets"])
    again = load_point(f"{study.folder}/#{narrow['id'][:12]}", ["clock=250 MHz"])
    repeated = run(again.chip, again.workload, samples=again.samples, engine=again.engine, origin=again.origin)
    assert repeated.totals["latency"].value == 2 * narrow["latency"]


def test_what_a_machine_does_not_have_is_said(tmp_path):
    study = {"name": "axes", "hw": "core", "workload": "mnist_conv", "samples": 1, "objectives": ["energy"]}
    mixed = {"hw": ["core", "prosperity"], "core.synapse_lanes": [4, 8]}
    with pytest.raises(ConfigError, match=r"hw prosperity: core.synapse_lanes: .*when: \{hw: NAME\}"):
        sweep(study | {"axes": mixed}, tmp_path / "out", processes=1)
    with pytest.raises(ConfigError, match=r"axes.core.synapse_lanes: expected a known path"):
        sweep(study | {"hw": "prosperity", "axes": {"core.synapse_lanes": [4, 8]}}, tmp_path / "other", processes=1)
    with pytest.raises(ConfigError, match=r"axes.elements.rows: expected .*, got -1"):
        sweep(study | {"hw": "prosperity", "axes": {"elements.rows": [-1]}}, tmp_path / "third", processes=1)


def test_a_range_has_as_many_whole_numbers_as_it_says():
    assert make_axis("samples", {"range": [1, 9], "count": 4}).values == (1, 4, 6, 9)
    for last in range(2, 12):
        for count in range(2, last + 1):
            assert len(make_axis("samples", {"range": [1, last], "count": count}).values) == count
        with pytest.raises(ConfigError, match=f"at most the {last} whole numbers from 1 to {last}, got {last + 1}"):
            make_axis("samples", {"range": [1, last], "count": last + 1})
