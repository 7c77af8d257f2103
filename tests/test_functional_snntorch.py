"""The executor, free-running, against spikes that snnTorch 1.0.0 recorded: every layer, timestep and sample."""

from pathlib import Path

import numpy as np
import pytest

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.importers.importer import ImportOptions, import_network

RECORDED = ("spk_lif1", "spk_lif2", "spk_lif3")


def recorded(archive, name):
    """Return a recording (T, N, C, H, W) or (T, N, n) as (samples, timesteps, neurons), channel-last."""
    values = archive[name]
    if f"{name}_shape" in archive:
        shape = archive[f"{name}_shape"]
        values = np.unpackbits(values, count=int(np.prod(shape))).reshape(shape)
    if values.ndim == 5:
        values = values.transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(values.swapaxes(0, 1).reshape(values.shape[1], values.shape[0], -1))


def run(shared_data, variant):
    folder = Path(shared_data) / "oracles" / "snntorch"
    with np.load(folder / f"snntorch_{variant}_nodelay.npz") as file:
        archive = dict(file)
    with np.load(folder / "snntorch_subtract_nodelay.npz") as shared:
        events = EventStream.from_dense(recorded(dict(shared), "input"))
    options = ImportOptions("snntorch", 1e-4, variant, ">", reset_delay=False)
    network = import_network(folder / "snntorch_conv_mnist.nir", options)
    return network, archive, execute(network, events, Numerics(None, None), 2)


@pytest.mark.parametrize("variant", ["subtract", "zero"])
def test_every_spike(shared_data, variant):
    network, archive, trace = run(shared_data, variant)
    layers = [name for name, item in network.populations.items() if item.model is not None]
    assert len(layers) == len(RECORDED)
    for name, key in zip(layers, RECORDED, strict=True):
        expected = recorded(archive, key)
        assert expected.shape == (32, 16, network.populations[name].size)
        assert expected.sum() > 0
        mismatches = np.argwhere(trace.dense(name, expected.shape[2]) != expected)
        assert not len(mismatches), f"{name}: {len(mismatches)} mismatches, (sample, step, neuron) {mismatches[:3]}"
    assert trace.output.sum() == archive["spk_lif3"].sum()


@pytest.mark.parametrize("variant", ["subtract", "zero"])
def test_membranes(shared_data, variant):
    """Membranes of the output, and of the first layer of sample 0, from the traced spikes of the layer before."""
    network, archive, trace = run(shared_data, variant)
    names = list(network.populations)
    cases = ((names[0], names[1], archive["mem_lif1_n0"], 1), (names[-2], names[-1], archive["mem_lif3"], 32))
    for source, target, raw, samples in cases:
        memory = (raw.transpose(0, 2, 3, 1) if raw.ndim == 4 else raw).reshape(16, samples, -1)
        population, edge = network.populations[target], network.incoming(target)[0]
        spikes = trace.dense(source, network.populations[source].size)[:samples].astype(np.float64)
        currents = spikes @ edge.connection.dense_matrix().T.astype(np.float64) + population.bias
        state = np.zeros((samples, population.size), np.float32)
        fired = np.zeros(state.shape, np.uint16)
        for step in range(16):
            population.model.step(state[None], currents[:, step].astype(np.float32), fired, None)
            assert np.allclose(state, memory[step], rtol=0, atol=1e-4), (target, step)
