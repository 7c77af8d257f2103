"""Published networks and recordings of other platforms, free-running."""

import numpy as np
import pytest
from framework_recordings import counts_of, in_neuron_order, layers_of, run, unpacked

from accelsim.network.importers.importer import ImportOptions, import_network

ORACLES = [
    ("norse/norse_lif_dt1.nir", "norse/norse_lif.npz", ImportOptions("norse")),
    ("norse/norse_lif_dt0.001.nir", "norse/norse_lif.npz", ImportOptions("norse", 1e-6)),
    ("norse/norse_lif_dt0.001.nir", "norse/norse_lif.npz", ImportOptions("norse")),
    ("sinabs/sinabs_iaf_single.nir", "sinabs/sinabs_iaf_single.npz", ImportOptions("sinabs", spike_mode="single")),
    ("sinabs/sinabs_iaf_multi.nir", "sinabs/sinabs_iaf_multi.npz", ImportOptions("sinabs")),
    ("sinabs/sinabs_lif.nir", "sinabs/sinabs_lif.npz", ImportOptions("sinabs")),
    ("spikingjelly/IF_hard.nir", "spikingjelly/IF_hard.npz", ImportOptions("spikingjelly")),
]


@pytest.mark.parametrize(("file", "recording", "options"), ORACLES)
def test_recorded_layers(shared_data, file, recording, options):
    folder = shared_data / "oracles"
    with np.load(folder / "snntorch" / "snntorch_subtract_nodelay.npz") as data:
        frames = unpacked(dict(data), "input")
    with np.load(folder / recording) as data:
        recorded = dict(data)
    network = import_network(folder / file, options)
    trace = run(network, in_neuron_order(frames))
    keys = ["out_spk"] if "out_spk" in recorded else ["spk1", "spk2", "spk3"]
    for name, key in zip(layers_of(network)[-len(keys) :], keys, strict=True):
        expected = in_neuron_order(unpacked(recorded, key))
        assert expected.any()
        np.testing.assert_array_equal(counts_of(trace, name, expected.shape[2]), expected, err_msg=name)


BRAILLE = [("snntorch", {"reset": "zero", "reset_delay": False}, 119), ("norse", {"dt": 1e-4}, 118)]


@pytest.mark.parametrize(("dialect", "stated", "spikes"), BRAILLE)
def test_recurrent_braille_network(shared_data, dialect, stated, spikes):
    folder = shared_data / "nir_paper" / "03_rnn"
    network = import_network(folder / "braille_noDelay_bias_zero.nir", ImportOptions(dialect, **stated))
    (recurrent,) = (edge for edge in network.projections if edge.source == edge.target)
    assert recurrent.delay == 1 and network.provenance["recurrent"] == [recurrent.name]
    trace = run(network, np.load(folder / "braille_input_recovered_256x12.npy")[None])
    expected = np.load(folder / f"{dialect}_activity_noDelay_bias_zero.npy").reshape(-1)
    shape = (256, 38) if dialect == "norse" or expected.size == 256 * 38 else None
    expected = np.load(folder / f"{dialect}_activity_noDelay_bias_zero.npy").reshape(shape)
    assert expected.sum() == spikes
    np.testing.assert_array_equal(counts_of(trace, "lif1.lif", 38)[0], expected)


def test_sinabs_network_of_nmnist_digits(shared_data):
    """All five layers, up to 30 spikes a timestep; what differs is one membrane at its threshold (summation order)."""
    options = ImportOptions("sinabs", membrane_floor="-threshold")
    network = import_network(shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir", options)
    folder = shared_data / "sinabs_nmnist"
    with np.load(folder / "input_10digits_300x2x34x34.npz") as data:
        frames = data["frames"]
    with np.load(folder / "sinabs313_spikes.npz") as data:
        recorded = dict(data)
    trace = run(network, in_neuron_order(frames.swapaxes(0, 1)))
    differing = {}
    for name in layers_of(network):
        expected = in_neuron_order(recorded[f"node_{name}"].swapaxes(0, 1))
        wrong = np.argwhere(counts_of(trace, name, expected.shape[2]) != expected)
        if len(wrong):
            differing[name] = wrong.tolist()
    assert differing.keys() <= {"10"}, differing
    assert len(differing.get("10", [])) <= 2, differing  # of 768 000; one spike a timestep late
    assert recorded["node_12"].max() == 30


def nmnist_frames(raw, timesteps=300):
    """Return 1 ms counts (timesteps, 34 * 34 * 2) of a recording of 5-byte events, from its first event on."""
    event = raw.reshape(-1, 5).astype(np.int64)
    time = ((event[:, 2] & 0x7F) << 16) | (event[:, 3] << 8) | event[:, 4]
    step = (time - time.min()) // 1000
    kept = step < timesteps
    frames = np.zeros((timesteps, 34, 34, 2), np.int32)
    np.add.at(frames, (step[kept], event[kept, 1], event[kept, 0], event[kept, 2] >> 7), 1)
    return frames.reshape(timesteps, -1)


@pytest.mark.slow
def test_accuracy_on_nmnist(shared_data):
    with np.load(shared_data / "nmnist" / "nmnist_1100_raw5byte.npz") as data:
        raw, offset, label, test = data["bytes"], data["offset"], data["label"], np.flatnonzero(data["is_test"])
    frames = np.stack([nmnist_frames(raw[offset[item] : offset[item + 1]]) for item in test])
    options = ImportOptions("sinabs", membrane_floor="-threshold")
    network = import_network(shared_data / "nir_paper" / "02_cnn" / "cnn_sinabs.nir", options)
    trace = run(network, frames)
    assert int((trace.output.argmax(axis=1) == label[test]).sum()) == 96


SINGLE = [
    ("norse", "lif_norse.nir", {"dt": 1e-4}, 1e-6),
    ("snntorch", "lif_norse.nir", {"reset": "zero", "reset_delay": False}, 1e-6),
    ("sinabs", "lif_norse.nir", {"dt": 1e-4}, 1e-6),
    ("rockpool", "lif_rockpool.nir", {}, 1e-6),
]


@pytest.mark.parametrize(("dialect", "file", "stated", "tolerance"), SINGLE)
def test_the_single_neuron_of_the_nir_paper(shared_data, dialect, file, stated, tolerance):
    folder = shared_data / "nir_paper" / "01_lif"
    network = import_network(folder / file, ImportOptions(dialect, **stated))
    assert network.dt == pytest.approx(1e-4, rel=1e-6)
    recorded = np.loadtxt(folder / f"lif_{dialect}.csv", delimiter=",")
    model, weight = network.output.model, network.projections[0].connection.rows[0, 0]
    state, fired = np.zeros((len(model.states), 1, 1), np.float32), np.zeros((1, 1), np.uint16)
    for step, (value, membrane, spike) in enumerate(recorded):
        model.step(state, np.array([[value * weight]], np.float32), fired, None)
        assert fired[0, 0] == spike, step
        assert abs(state[-1, 0, 0] - membrane) < tolerance, step


def test_the_timestep_of_rockpool_is_in_its_resistance(shared_data):
    path = shared_data / "nir_paper" / "01_lif" / "lif_rockpool.nir"
    network = import_network(path, ImportOptions("rockpool"))
    choice = network.provenance["choices"]["dt"]
    assert choice == {"value": pytest.approx(1e-4, rel=1e-5), "from": "parameters of the file: r = tau exp(-dt/tau)/dt"}
    assert network.provenance["repairs"] == [
        "repaired: node 'output' (Output): shape (1, 1, 1) taken for (1,): one value",
        "repaired: no v_reset (nir before 1.0.5): taken for 0 in '1_LIFNeuronTorch'",
    ]


def test_scalar_parameters_are_told(shared_data):
    network = import_network(shared_data / "oracles" / "sinabs" / "sinabs_lif.nir", ImportOptions("sinabs"))
    told = "repaired: node '1' (LIF): one value of r, tau, v_leak, v_threshold taken for all 1568 neurons"
    assert told in network.provenance["repairs"]
