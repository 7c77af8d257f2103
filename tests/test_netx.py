"""lava-dl's networks: every recorded spike and voltage, and files that are none."""

import h5py
import numpy as np
import pytest

from accelsim.errors import AccelsimError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions

WIDE = Numerics(32, 32)
RESET_EVERY = 17
ON_SPIKE = 128  # what the recording holds for a neuron that spikes; it is zero afterwards


def _packed(file, key):
    shape = tuple(file[f"{key}_shape"])
    return np.unpackbits(file[key], count=int(np.prod(shape))).reshape(shape)


def _steps(array):
    """(x, y, c, t) or (n, t) to (t, neurons) in channel-last order."""
    image = array.transpose(1, 0, 2, 3) if array.ndim == 4 else array
    return np.moveaxis(image, -1, 0).reshape(array.shape[-1], -1)


def _currents(connection, spikes):
    """Naive sum of the rows that active sources reach, (n_target,)."""
    total = np.zeros(connection.n_target, dtype=np.int64)
    for source in np.flatnonzero(spikes):
        for run in range(connection.run_ptr[source], connection.run_ptr[source + 1]):
            start = connection.run_start[run]
            total[start : start + connection.run_length] += connection.rows[connection.run_row[run]]
    return total[None].astype(np.int32)


@pytest.fixture(scope="module")
def pilotnet(shared_data):
    folder = shared_data / "lava_dl" / "pilotnet_lif"
    network = import_network(folder / "network.net", ImportOptions())
    with np.load(folder / "ground_truth.npz") as file:
        names = [key for key in file.files if f"{key}_shape" in file.files]
        spikes = [_steps(_packed(file, key)) for key in names]
        voltages = [_steps(file[f"{key}-v"]) if f"{key}-v" in file.files else None for key in names]
    return network, spikes, voltages


@pytest.mark.slow
def test_pilotnet_free_running_equals_every_recorded_spike_and_voltage(pilotnet):
    """As Loihi runs it: one hop is one timestep, and layer i is reset before the timesteps t with t mod 17 = i."""
    network, spikes, voltages = pilotnet
    edges = network.projections[:8]
    states = [np.zeros((3, 1, edge.connection.n_target), dtype=np.int32) for edge in edges]
    sent = [np.zeros((1, edge.connection.n_target), dtype=np.uint16) for edge in edges]
    before = np.zeros(network.input.size, dtype=np.uint8)
    compared = total = 0
    for t in range(24):
        inputs = [before, *(item[0].copy() for item in sent)]
        for i, edge in enumerate(edges):
            if t % RESET_EVERY == i + 1:
                states[i][...] = 0
            model = network.populations[edge.target].model
            model.step(states[i], _currents(edge.connection, inputs[i]), sent[i], None)
            assert (sent[i][0] == spikes[i + 1][t]).all(), (t, edge.name)
            total += int(sent[i].sum())
            if voltages[i + 1] is not None:
                fired = sent[i][0] > 0
                assert (np.where(fired, ON_SPIKE, states[i][2, 0]) == voltages[i + 1][t]).all(), (t, edge.name)
                compared += fired.size
        before = spikes[0][t]
    assert total == 275_436
    assert compared == sum(item.size for item in voltages if item is not None)


def test_pilotnet_in_samples_of_its_reset_interval(pilotnet):
    """Without delays and from rest, layer i at timestep t is the recording at t + i: what the schedule shifts back."""
    network, spikes, _ = pilotnet
    frames = np.zeros((2, RESET_EVERY, network.input.size), dtype=bool)
    frames[0], frames[1, : 24 - RESET_EVERY] = spikes[0][:RESET_EVERY], spikes[0][RESET_EVERY:24]
    trace = execute(network, EventStream.from_dense(frames), WIDE, 1)
    assert not any(trace.overflows.values())
    for i, edge in enumerate(network.projections[:8], start=1):
        ours = trace.dense(edge.target, edge.connection.n_target)
        first = spikes[i][i : i + RESET_EVERY]
        assert (ours[0, : len(first)] == first).all(), edge.name
        second = spikes[i][RESET_EVERY + i : 24]
        assert (ours[1, : len(second)] == second).all(), edge.name


def test_tinynet_free_running_equals_its_recording(shared_data):
    """Its recording begins one timestep before the biases act; the input is silent in that timestep."""
    folder = shared_data / "lava_dl" / "tinynet"
    network = import_network(folder / "tiny.net", ImportOptions())
    names = ("input", "layer1", "output")
    given, *layers = (np.load(folder / f"{name}.npy")[0].transpose(3, 1, 2, 0).reshape(16, -1) for name in names)
    assert not given[0].any()
    trace = execute(network, EventStream.from_dense(given[None, 1:].astype(bool)), WIDE, 1)
    for name, layer in zip(("layer_1", "layer_2"), layers, strict=True):
        assert (trace.dense(name, layer.shape[1])[0] == layer[1:]).all()
    currents = np.load(folder / "current.npy")[0].transpose(3, 1, 2, 0).reshape(16, -1)
    for t in range(16):
        assert (_currents(network.projections[0].connection, given[t])[0] == currents[t]).all()


def test_mnist_is_read_without_an_input_layer(shared_data):
    path = shared_data / "lava_dl" / "mnist" / "trained_mnist_network.net"
    network = import_network(path, ImportOptions())
    assert network.integer and [item.shape for item in network.populations.values()] == [(784,), (128,), (64,), (10,)]
    with h5py.File(path) as file:
        assert (network.projections[1].connection.dense_matrix() == file["layer/1/weight"][()]).all()
    model = network.output.model
    assert model.current_decay[0] == 410 and model.threshold[0] == 64 and model.refractory[0] == 1


def _write(path, change=lambda _: None):
    neuron = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80, "refDelay": 1}
    rng = np.random.default_rng(1)
    layers = [
        {"type": "input", "shape": np.array([2, 6, 6])},
        {"type": "conv", "shape": np.array([3, 4, 4]), "stride": 1, "padding": 0, "dilation": 1, "groups": 1,
         "weight": (2.0 * rng.integers(-60, 60, (3, 2, 3, 3, 1))).astype(np.float32), "delay": np.array([0, 2, 1])},
        {"type": "pool", "kernelSize": np.array([2, 2]), "stride": 2, "padding": 0, "dilation": 1, "weight": 34.0},
        {"type": "flatten", "shape": np.array([1, 1, 12])},
        {"type": "dense", "outFeatures": 4, "shape": np.array([4]), "weight": 2.0 * rng.integers(-60, 60, (4, 12))},
    ]  # fmt: skip
    with h5py.File(path, "w") as file:
        for number, layer in enumerate(layers):
            group = file.create_group(f"layer/{number}")
            group.update(layer)
            if layer["type"] not in {"flatten", "input"}:
                group.create_group("neuron").update(neuron)
        change(file)
    return path


def test_delays_pools_and_flattening(tmp_path):
    network = import_network(_write(tmp_path / "n.net"), ImportOptions(dt=1e-4))
    assert network.dt == 1e-4
    assert [(edge.name, edge.delay) for edge in network.projections] == [
        ("input->layer_1", 0),
        ("layer_1->layer_2", 0),
        ("layer_1->layer_2#2", 1),
        ("layer_1->layer_2#3", 2),
        ("layer_2->layer_4", 0),
    ]
    merged = sum(edge.connection.dense_matrix() for edge in network.projections[1:4])
    assert (np.count_nonzero(merged, axis=1) == 4).all() and set(np.unique(merged)) == {0, 34}
    frames = np.random.default_rng(2).random((2, 9, 72)) < 0.4
    trace = execute(network, EventStream.from_dense(frames), WIDE, 1)
    assert trace.spikes("layer_2").sum() > 0


def _set(key, value):
    def change(file):
        if key in file:
            del file[key]
        file[key] = value

    return change


REFUSED = [
    (_set("layer/1/type", "concat"), r"layer/1 \(concat\): expected a layer of type input, flatten, dense, conv, pool"),
    (_set("layer/1/neuron/type", "SDNN"), "layer/1 .conv.: expected neurons of type CUBA, CUBA-LIF, LOIHI; got SDNN"),
    (_set("layer/1/neuron/gradedSpike", True), "gradedSpike: expected false"),
    (_set("layer/1/neuron/iDecay", 5000), r"LoihiCuba.current_decay: expected 0..4096, got 5000"),
    (_set("layer/1/weight", np.full((3, 2, 3, 3), 0.5)), "layer/1 .conv.: weight: expected whole numbers"),
    (_set("layer/1/weight", np.full((3, 2, 3, 3), 1e5)), "weight: expected weights within 16 bit, got 100000"),
    (_set("layer/1/weight", np.full((3, 2, 3, 3), np.nan)), "weight holds a NaN"),
    (_set("layer/1/shape", np.array([3, 5, 5])), r"shape: expected \(3, 4, 4\), as follows from the layers in front"),
    (_set("layer/1/stride", 0), "stride"),
    (_set("layer/1/bias", np.zeros(5)), "expected 1, 3 or 48 values per layer, got 5"),
    (_set("layer/4/outFeatures", 5), "weight: expected 5 x 12 values"),
    (_set("layer/4/neuron/wgtExp", 60), r"wgtExp: expected 0..8, got 60"),
    (_set("layer/9/type", "dense"), r"expected layers 0..5, got no layer/5"),
    (_set("layer/0/shape", np.array([1 << 20, 1 << 20, 4])), "neurons, the limit is"),
    (_set("layer/0/type", "pool"), "expected an input layer, or a dense one, in front"),
    (lambda file: file.pop("layer"), "an HDF5 file, but no netx network: expected the group 'layer'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_a_file_must_not_hold(tmp_path, change, message):
    path = _write(tmp_path / "n.net", change)
    with pytest.raises(NetworkError, match=message) as caught:
        import_network(path, ImportOptions())
    assert str(caught.value).startswith(str(path))


def test_choices_that_the_file_makes_itself_are_refused(tmp_path):
    path = _write(tmp_path / "n.net")
    with pytest.raises(AccelsimError, match="reset: expected nothing, format netx states the whole network itself"):
        import_network(path, ImportOptions(reset="zero"))
    with pytest.raises(AccelsimError, match="dialect: expected nothing"):
        import_network(path, ImportOptions("sinabs"))


def test_who_said_the_timestep(tmp_path):
    path = _write(tmp_path / "n.net")
    default = import_network(path, ImportOptions()).provenance["choices"]["dt"]
    stated = import_network(path, ImportOptions(dt=2e-3)).provenance["choices"]["dt"]
    assert default == {"value": 1e-3, "from": "format netx: lava has no unit of time"}
    assert stated == {"value": 2e-3, "from": "stated by the user"}
