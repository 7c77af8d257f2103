"""Loihi's integer neuron against the recorded spikes and voltages of PilotNet's dense layers (lava-dl, netx)."""

import h5py
import numpy as np
import pytest

from accelsim.neurons.loihi_cuba import LoihiCuba

PERIOD = 17
"""Timesteps after which the recording starts a layer's state anew, one layer a timestep later than the one before."""


def spikes(data, name):
    shape = data[f"{name}_shape"]
    return np.unpackbits(data[name], count=int(np.prod(shape))).reshape(shape)


@pytest.mark.parametrize(("layer", "source", "name"), [("8", "fc-0", "fc-1"), ("9", "fc-1", "fc-2")])
def test_pilotnet(shared_data, layer, source, name):
    folder = shared_data / "lava_dl" / "pilotnet_lif"
    with h5py.File(folder / "network.net") as file:
        group = file["layer"][layer]
        weight, bias = group["weight"][()].astype(np.int64), group["bias"][()].ravel().astype(np.int32)
        stated = [int(group["neuron"][key][()]) for key in ("iDecay", "vDecay", "vThMant", "refDelay")]
    full = [np.full(len(weight), value, np.int32) for value in stated]
    model = LoihiCuba(*full[:3], bias, full[3])
    with np.load(folder / "ground_truth.npz") as data:
        given, expected, voltage = spikes(data, source), spikes(data, name), data[f"{name}-v"]
    assert expected.any()
    state, fired = np.zeros((3, 1, len(weight)), np.int32), np.zeros((1, len(weight)), np.uint16)
    for step in range(expected.shape[1]):
        if step % PERIOD == int(layer) - 1:
            state[...] = 0
        before = given[:, step - 1] if step else np.zeros(given.shape[0])
        model.step(state, (weight @ before.astype(np.int64)).astype(np.int32)[None], fired, None)
        np.testing.assert_array_equal(fired[0], expected[:, step])
        silent = fired[0] == 0  # the recording keeps another value at the timestep of a spike
        np.testing.assert_array_equal(state[-1, 0, silent], voltage[silent, step])
