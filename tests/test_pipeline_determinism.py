"""The same run gives the same bits: whatever the threads, the cache, the repetition, and in both engines."""

import dataclasses

import numpy as np
import pytest
from pipeline_builders import layered_network, random_events, run_flow, workload_of

import accelsim
from accelsim.pipeline import flow
from accelsim.trace import store


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELSIM_CACHE_DIR", str(tmp_path))


def assert_identical(one, other):
    """Every number of two results, bit for bit; of meta only what must differ is left out."""
    assert one.tables().keys() == other.tables().keys()
    for name, table in one.tables().items():
        assert table.names == other.tables()[name].names
        for column in table.columns:
            again = other.tables()[name][column.name]
            assert column.values.dtype == again.dtype and column.values.tobytes() == again.tobytes(), (
                f"{name}.{column.name}"
            )
    assert one.totals == other.totals and one.baseline.totals == other.baseline.totals
    assert one.warnings == other.warnings and one.config == other.config and one.workload == other.workload
    changing = ("wall_time_s", "threads", "engine")
    assert {key: value for key, value in one.meta.items() if key not in changing} == {
        key: value for key, value in other.meta.items() if key not in changing
    }


@pytest.fixture(scope="module")
def plain():
    return accelsim.run("core", "mnist_conv", samples=3, threads=1, cache=False)


def test_threads_do_not_matter(plain):
    for threads in (2, 5):
        assert_identical(plain, accelsim.run("core", "mnist_conv", samples=3, threads=threads, cache=False))


def test_the_cache_does_not_matter(plain, monkeypatch):
    made = []
    execute = flow.execute

    def counted(*arguments, **rules):
        made.append(1)
        return execute(*arguments, **rules)

    monkeypatch.setattr(flow, "execute", counted)
    for _ in range(2):
        assert_identical(plain, accelsim.run("core", "mnist_conv", samples=3, threads=2))
    assert len(made) == 1 and len([item for item in store.trace_folder().iterdir() if item.is_file()]) == 1
    accelsim.run("core", "mnist_conv", samples=3, threads=2, cache=False)
    assert len(made) == 2


def test_ten_runs(plain):
    for _ in range(10):
        assert_identical(plain, accelsim.run("core", "mnist_conv", samples=3, threads=2, cache=False))


def test_samples_do_not_see_each_other(plain):
    fewer = accelsim.run("core", "mnist_conv", samples=2, threads=1, cache=False)
    more = accelsim.run(
        "core", "mnist_conv", samples=7, threads=2, cache=False, set={"mapping.placement": "row_major"}
    )
    again = accelsim.run(
        "core", "mnist_conv", samples=2, threads=2, cache=False, set={"mapping.placement": "row_major"}
    )
    for name in more.samples.names:
        np.testing.assert_array_equal(more.samples[name][:2], again.samples[name])
    for name in ("label", "prediction", "spikes", "sops", "packets", "input_events"):
        np.testing.assert_array_equal(plain.samples[name][:2], fewer.samples[name])


def test_the_seed_changes_the_input(plain):
    other = accelsim.run("core", "mnist_conv", samples=3, threads=1, seed=2, cache=False)
    assert (other.samples["input_events"] != plain.samples["input_events"]).any()
    assert (other.meta["seed"], plain.meta["seed"]) == (2, 1)
    stated = accelsim.run("core", "mnist_conv", samples=3, seed=1, threads=1)
    assert stated.meta["command"] == plain.meta["command"] + " --workload-set input.seed=1"
    stated.meta["command"] = plain.meta["command"]
    assert_identical(plain, stated)
    assert other.meta["hashes"]["trace"] != plain.meta["hashes"]["trace"]


@pytest.mark.parametrize("kind", ["spikes", "graded", "bias_current"])
@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_on_random_networks(kind, seed):
    hw = ("core", "small", "large")[seed]
    network = layered_network(20 + seed, readout=seed == 1)
    load = workload_of(
        network, random_events(seed, network.input.size, kind), decoding="membrane" if seed == 1 else "rate"
    )
    (compiled, inside), (reference, twin) = (run_flow(load, hw, engine=engine) for engine in ("compiled", "reference"))
    assert_identical(compiled, reference)
    for field in dataclasses.fields(inside.timing):
        np.testing.assert_array_equal(
            getattr(inside.timing, field.name), getattr(twin.timing, field.name), err_msg=field.name
        )


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["mnist_conv", "snntorch_conv"])
def test_engines_agree_on_real_networks(workload):
    compiled, reference = (
        accelsim.run("core", workload, samples=1, engine=engine, cache=False) for engine in ("compiled", "reference")
    )
    assert_identical(compiled, reference)
    assert (compiled.meta["engine"], reference.meta["engine"]) == ("compiled", "reference")
