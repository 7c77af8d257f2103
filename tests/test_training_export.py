"""Exported networks: accelsim's functional engine gives the spikes of the twin, neuron by neuron, step by step."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nir")

from training_builders import dataset, images, network  # noqa: E402

from accelsim.errors import TrainingError  # noqa: E402
from accelsim.functional.decoding import predict  # noqa: E402
from accelsim.functional.executor import execute  # noqa: E402
from accelsim.functional.numerics import Numerics  # noqa: E402
from accelsim.network.events import ALL  # noqa: E402
from accelsim.network.workload import load_workload  # noqa: E402
from accelsim.training.conversion import balance_thresholds  # noqa: E402
from accelsim.training.data.dataset import Dataset, Split  # noqa: E402
from accelsim.training.encoding import InputCode  # noqa: E402
from accelsim.training.integers import integer_layers, integer_run  # noqa: E402
from accelsim.training.quantizers import LearnedScale  # noqa: E402
from accelsim.training.scores import score_integer, score_snn  # noqa: E402
from accelsim.training.workload import export_workload  # noqa: E402


def event_frames():
    random = np.random.default_rng(3)

    def split(count):
        return Split((random.random((count, 6, 2, 16, 16)) < 0.15).astype(np.uint8), np.arange(count) % 4)

    return Dataset("noise", split(20), split(8), split(12), 4, "made up")


CASES = {
    "poisson, integrate and fire": (dataset(), InputCode("poisson", 6), {"leak": 1.0}),
    "poisson, leaky, reset to zero": (dataset(), InputCode("poisson", 6, rate=0.9), {"leak": 0.9, "reset": "zero"}),
    "graded, leaky": (dataset(), InputCode("graded", 5), {"leak": 0.875}),
    "graded, colours": (dataset(channels=3), InputCode("graded", 4), {"leak": 1.0}),
    "frames, leaky": (event_frames(), InputCode("frames", 6), {"leak": 0.75}),
    "frames, fewer timesteps": (event_frames(), InputCode("frames", 4), {"leak": 1.0}),
    "fire first, leaky": (dataset(), InputCode("poisson", 8, rate=1.0), {"leak": 0.9, "order": "fire_first"}),
    "fire first": (dataset(), InputCode("poisson", 8, rate=1.0), {"leak": 1.0, "order": "fire_first"}),
}


def spikes_of(trace, load):
    """Spikes of hidden populations, channel-first as torch has them, as booleans (T, B, n)."""
    found = []
    for name in list(load.network.populations)[1:-1]:
        population = load.network.populations[name]
        dense = trace.dense(name, population.size).reshape(trace.samples, trace.timesteps, *population.shape)
        if len(population.shape) == 3:
            dense = dense.transpose(0, 1, 4, 2, 3)
        found.append(dense.reshape(trace.samples, trace.timesteps, -1).transpose(1, 0, 2))
    return found


@pytest.mark.parametrize(("bits", "saturated"), [(None, False), (3, False), (8, False), (4, True)])
@pytest.mark.parametrize("case", CASES)
def test_accelsim_runs_the_same_network(case, bits, saturated, tmp_path):
    data, code, options = CASES[case]
    net = network(data, **options)
    samples = len(data.test)
    if saturated:  # all codes of a layer are plus or minus the largest: files state them as plus or minus one
        for layer in net.layers:
            layer.weight.data = layer.weight.data.sign() * layer.weight.data.abs().mean()
    if bits is not None:
        for layer in net.layers:
            layer.quantizer = LearnedScale(bits, layer.weight)
    balance_thresholds(net, code.test(data.train.inputs, 0), percent=98)
    if bits is not None:
        layers = integer_layers(net)
        whole = code.test(data.test.inputs, 0)
        graded = code.kind == "graded"
        outputs = integer_run(layers, (whole * 255).round() if graded else whole, net.options, 1 / 255 if graded else 1)
        expected, wide = score_integer(layers, data.test, code, net.options), Numerics(32, 32)
    else:
        layers = None
        with torch.no_grad():
            outputs = net.spikes(code.test(data.test.inputs, 0))
        expected, wide = score_snn(net, data.test, code), Numerics(None, None)
    folder = export_workload(
        tmp_path / "made", net, layers, data, code, name="made", description="of a test", samples=samples,
        provenance={"source": "a test"},
    )  # fmt: skip
    load = load_workload(folder, ALL)
    assert load.network.integer == (bits is not None)
    trace = execute(load.network, load.events, wide, threads=1)
    ours = spikes_of(trace, load)
    assert sum(int(item.sum()) for item in ours) > 100
    for found, twin in zip(ours, outputs[:-1], strict=True):
        differ = int((found.astype(bool) != twin.flatten(2).bool().numpy()).sum())
        assert differ <= (0 if bits is not None else found.size // 1000)  # float sums in another order
    agree = (predict(trace, load.decoding) == expected.predictions.numpy()).mean()
    assert agree == 1.0 if bits is not None else agree >= 0.95


def test_weights_come_back_as_the_codes_they_were(tmp_path):
    data, code = dataset(), InputCode("poisson", 4)
    net = network(data)
    balance_thresholds(net, code.test(data.train.inputs, 0))
    for layer in net.layers:
        layer.quantizer = LearnedScale(3, layer.weight)
    layers = integer_layers(net)
    folder = export_workload(
        tmp_path / "made", net, layers, data, code, name="made", description="x", samples=4, provenance={"source": "-"}
    )
    for layer, edge in zip(layers, load_workload(folder).network.projections, strict=True):
        stored = np.sort(np.abs(edge.connection.rows[edge.connection.rows != 0]))
        codes = np.sort(np.abs(layer.codes[layer.codes != 0].astype(np.int64)))
        np.testing.assert_array_equal(stored, codes)


def test_reset_to_zero_has_no_counterpart_where_neurons_fire_first(tmp_path):
    data = dataset()
    net = network(data, order="fire_first", reset="zero")
    with pytest.raises(TrainingError, match="expected reset subtract, got zero"):
        export_workload(
            tmp_path, net, None, data, InputCode("poisson", 2), name="x", description="x", samples=1, provenance={}
        )


def test_poisson_of_a_sample_does_not_depend_on_the_others():
    part = images(6, 5)
    code = InputCode("poisson", 5)
    whole = code.test(part.inputs, 0)
    torch.testing.assert_close(whole[:, 2:4], code.test(part.inputs[2:4], 2))
