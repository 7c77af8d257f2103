"""Descriptions of layer-serial arrays: loaded, sourced, and refused with the place of the mistake."""

import pytest
from test_chip_presets import bare

from accelsim.errors import ConfigError
from accelsim.hardware.loader import load_array, load_chip
from accelsim.hardware.presets import preset_names
from accelsim.pearray.machine import build_dataflow

ARRAYS = ["eyeriss_14x12", "eyeriss_snn", "loas", "mint", "prosperity", "ptb", "sato"]


def test_the_arrays_are_there():
    assert preset_names("pe_array") == ARRAYS


@pytest.mark.parametrize("name", ARRAYS)
def test_every_number_has_a_source_and_an_evidence_mark(name):
    loaded = load_array(name)
    assert (loaded.spec.name, loaded.spec.machine) == (name, "pe_array")
    stated = ("baseline.", "dram.", "technology.temperature")
    numbers = [path for path in bare(loaded.data, loaded.spec.provenance) if not path.startswith(stated)]
    assert numbers == []
    for known in ("clock", "elements.rows"):
        assert bare(loaded.data, set(loaded.spec.provenance) - {known})  # the check can fail
    for path in loaded.spec.provenance:
        assert path in loaded.locations, path
    assert loaded.spec.limits
    build_dataflow(loaded)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["elements.rows=0"], "--set elements.rows=0: elements.rows: expected at least 1, got 0"),
        (["elements.row=2"], "elements.row: expected a known path, got an unknown one"),
        (["storage.inputs=cache"], "storage: inputs: expected one of the buffers global_buffer, .*, got 'cache'"),
        (["machine=mesh"], "machine: expected .*pe_array.*, got 'mesh'"),
        (["clock=0 MHz"], "clock: expected a frequency above zero"),
    ],
)
def test_what_the_loader_refuses(overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_array("ptb", overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["elements.dataflow=wavefront"], "--set .*: elements.dataflow: unknown array dataflow 'wavefront'"),
        (["elements.options.time_batch.window_steps=0"], r"time_batch.window_steps: .*equal to 1, got 0"),
        (
            ["elements.options.time_batch={window_steps: 4, packing: all, window: 4}"],
            "expected a known key, got 'window'; did you mean 'window_steps'?",
        ),
        (["elements.dataflow=product_sparse"], "options.product_sparse.tile_rows: expected a value, got nothing"),
        (["order=timestep"], "--set order=timestep: order: expected layer, got timestep: time_batch takes all"),
    ],
)
def test_what_the_dataflow_refuses(overrides, message):
    with pytest.raises(ConfigError, match=message):
        build_dataflow(load_array("ptb", overrides))


def test_a_chip_is_no_array_and_an_array_no_chip():
    with pytest.raises(ConfigError, match=r"ptb\.yaml:\d+: machine: expected core_mesh here, got pe_array"):
        load_chip("ptb")
    with pytest.raises(ConfigError, match=r"core\.yaml.*: machine: expected pe_array here, got core_mesh"):
        load_array("core")
