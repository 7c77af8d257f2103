"""Exported networks on all 10,000 test digits: accelsim predicts as torch does, in float and in whole numbers."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("nir")

from training_builders import network  # noqa: E402

from accelsim.training.architecture import LayerSpec  # noqa: E402
from accelsim.training.conversion import balance_thresholds  # noqa: E402
from accelsim.training.data.dataset import DataOptions, read_dataset  # noqa: E402
from accelsim.training.encoding import InputCode  # noqa: E402
from accelsim.training.fit import FitOptions, fit  # noqa: E402
from accelsim.training.integers import integer_layers  # noqa: E402
from accelsim.training.losses import ann_loss  # noqa: E402
from accelsim.training.quantizers import MaxScale  # noqa: E402
from accelsim.training.scores import score_integer, score_snn  # noqa: E402
from accelsim.training.verdict import agreement  # noqa: E402
from accelsim.training.workload import export_workload  # noqa: E402

pytestmark = pytest.mark.validate

LAYERS = (LayerSpec(conv=16, kernel=5, stride=2), LayerSpec(pool=2), LayerSpec(conv=32), LayerSpec(dense=128))


@pytest.mark.parametrize("leak", [1.0, 0.9375])
def test_all_digits_as_in_torch(shared_data, tmp_path, leak):
    data = read_dataset("mnist", shared_data / "mnist", DataOptions(train=10000))
    net, code = network(data, layers=LAYERS, leak=leak), InputCode("poisson", 12, rate=1.0)
    fit(net, data.train, ann_loss(net), FitOptions(1, 2e-3), log=tmp_path / "ann.csv")
    balance_thresholds(net, code.test(data.train.inputs[:128], 0), percent=99.9)
    float_score = score_snn(net, data.test, code)
    for layer in net.layers:
        layer.quantizer = MaxScale(8)
    layers = integer_layers(net)
    whole = score_integer(layers, data.test, code, net.options)
    assert min(float_score.accuracy, whole.accuracy) > 0.8
    for name, score, exported, least in (("float", float_score, None, 0.999), ("whole", whole, layers, 1.0)):
        folder = export_workload(
            tmp_path / name, net, exported, data, code, name=name, description="of a test", samples=len(data.test),
            provenance={"source": "a test"},
        )  # fmt: skip
        assert len(score.predictions) == 10_000
        assert agreement(folder, score.predictions, 2) >= least
