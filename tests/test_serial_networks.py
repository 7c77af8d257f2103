"""Published networks on a chip that is too small for them: the same spikes and operations, group by group from DRAM."""

import numpy as np
import pytest
from test_nmnist_network import workload as nmnist

from accelsim.costs.analytic import operation_counts
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.workload import load_workload
from accelsim.pipeline.check import check
from accelsim.pipeline.flow import run

PILOTNET = """\
name: pilotnet
description: lava-dl's PilotNet with the spikes that lava recorded at its input
network: {{file: {network}, quantize: none}}
input: {{file: input.npz, encoding: events}}
timesteps: {timesteps}
decoding: rate
provenance: {{}}
"""


def dram_of(result) -> float:
    energy = dict(zip(result.components["component"].tolist(), result.components["dynamic_pj"].tolist(), strict=True))
    return energy.get("dram", 0.0)


def test_nmnist_runs_in_five_groups_as_on_a_chip_that_holds_it(shared_data, tmp_path):
    folder = nmnist(tmp_path, shared_data)
    small, whole = (run(chip, folder, samples=2, threads=1) for chip in ("serial", "large"))
    assert check("serial", folder).meta["groups"] == 5
    for name in ("prediction", "correct", "spikes", "sops", "input_events"):
        assert np.array_equal(small.samples[name], whole.samples[name]), name
    assert small.layers["spikes"].tolist() == whole.layers["spikes"].tolist()
    assert dram_of(small) > 0 == dram_of(whole)
    assert set(small.cores["layers"].tolist()) <= {"1, 3, 6", "1, 3, 10", "1, 3, 10, 12"}  # each layer once


def pilotnet(tmp_path, shared_data, timesteps: int):
    folder = shared_data / "lava_dl" / "pilotnet_lif"
    with np.load(folder / "ground_truth.npz") as file:
        first = next(key for key in file.files if f"{key}_shape" in file.files)
        shape = tuple(file[f"{first}_shape"])  # x, y, channel, timestep
        spikes = np.unpackbits(file[first], count=int(np.prod(shape))).reshape(shape)
    frames = spikes.transpose(3, 2, 1, 0)[:timesteps, None].astype(np.uint8)
    np.savez_compressed(tmp_path / "input.npz", input=frames)
    (tmp_path / "workload.yaml").write_text(
        PILOTNET.format(network=folder / "network.net", timesteps=timesteps), encoding="utf-8"
    )
    return tmp_path


@pytest.mark.validate
def test_pilotnet_runs_in_123_groups(shared_data, tmp_path):
    """As many synaptic operations as its spikes and weights ask for, whatever the chip; weights come once per group."""
    folder = pilotnet(tmp_path, shared_data, timesteps=4)
    result = run("serial", folder, samples=1, threads=2)
    load = load_workload(folder, 1)
    trace = execute(load.network, load.events, Numerics(16, 16), 1)
    counts = operation_counts(load.network, load.events, trace)
    assert result.totals["sops"].value == counts.acs
    assert check("serial", folder).meta["groups"] == 123 and dram_of(result) > 0
