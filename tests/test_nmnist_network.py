"""From raw events to predictions: the NIR paper's N-MNIST network, trained in sinabs, on recordings of the test set."""

import numpy as np

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.workload import load_workload
from accelsim.pipeline.inspect import inspect

MANIFEST = """\
name: nmnist
description: CNN of the NIR paper on N-MNIST
network:
  file: {network}
  dialect: sinabs
  dt: 1 s
  spike_mode: multi
  membrane_floor: -threshold
  quantize: none
input:
  file: {events}
  encoding: event_frames
  sensor: [34, 34]
  window: 1 ms
  time_zero: first_event
  multiple: count
  polarity: both
labels: input
timesteps: 300
decoding: rate
provenance: {{}}
"""


def workload(tmp_path, shared_data):
    network = shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir"
    events = shared_data / "nmnist" / "nmnist_1100_raw5byte.npz"
    (tmp_path / "workload.yaml").write_text(MANIFEST.format(network=network, events=events))
    return tmp_path


def test_predictions_of_the_first_recordings(shared_data, tmp_path):
    found = inspect(workload(tmp_path, shared_data), samples=24)
    wrong = np.flatnonzero(~found.samples["correct"])
    assert len(wrong) <= 2 and found.meta["provenance"]["input"]["format"] == "nmnist_npz"


def test_spikes_of_every_layer_are_those_of_sinabs(shared_data, tmp_path):
    """Nine recordings hold seven of the ten that sinabs was run on; all spikes, several per timestep included."""
    load = load_workload(workload(tmp_path, shared_data), 9)
    with np.load(shared_data / "sinabs_nmnist" / "input_10digits_300x2x34x34.npz") as file:
        digits = {int(number) - 60001: at for at, number in enumerate(file["file_id"])}
    trace = execute(load.network, load.events, Numerics(None, None), 2)
    layers = [name for name, item in load.network.populations.items() if item.model is not None]
    total, differing = 0, 0
    with np.load(shared_data / "sinabs_nmnist" / "sinabs313_spikes.npz") as file:
        for key, name in zip(file.files, layers, strict=True):
            recorded, ours = file[key], trace.dense(name, load.network.populations[name].size)
            for sample in set(digits) & set(range(9)):
                spikes = recorded[digits[sample]]
                spikes = spikes.transpose(0, 2, 3, 1) if spikes.ndim == 4 else spikes
                differing += np.count_nonzero(ours[sample] != spikes.reshape(300, -1))
                total += int(spikes.sum())
    # Float32 sums on a threshold: two neuron-timesteps of one layer differ, and no output.
    assert total > 400_000 and differing <= 2
