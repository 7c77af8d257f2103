"""Spiking layers and quantisers of the training library: gradients against plain autograd, closed forms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from accelsim.training.quantizers import LearnedScale, MaxScale  # noqa: E402
from accelsim.training.spiking import NeuronOptions, Neurons  # noqa: E402
from accelsim.training.surrogates import SURROGATES  # noqa: E402


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, distance, surrogate):
        ctx.save_for_backward(distance)
        ctx.surrogate = surrogate
        return (distance > 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.surrogate(ctx.saved_tensors[0]), None


def naive(current, threshold, leak, reset, surrogate):
    """The equations of the module's docstring, one operation after the other, differentiated by autograd."""
    rest, spikes = torch.zeros_like(current[0]), []
    for incoming in current:
        membrane = leak * rest + incoming
        fired = Spike.apply(membrane / threshold - 1.0, surrogate)
        held = fired.detach()
        rest = membrane * (1 - held) if reset == "zero" else membrane - held * threshold
        spikes.append(fired)
    return torch.stack(spikes)


@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_gradients_are_those_of_the_equations(reset, surrogate):
    torch.manual_seed(0)
    weight = torch.randn(7, 3, 5, dtype=torch.float64)
    first = torch.randn(7, 3, 5, dtype=torch.float64)
    found = []
    for implementation in ("ours", "naive"):
        current = first.clone().requires_grad_()
        neurons = Neurons(NeuronOptions(0.8, 0.7, reset, surrogate=surrogate, train_threshold=True, train_leak=True))
        neurons.double()
        if implementation == "ours":
            spikes = neurons(current)
        else:
            spikes = naive(current, neurons.threshold, neurons.leak, reset, SURROGATES[surrogate])
        (spikes * weight).sum().backward()
        found.append((spikes.detach(), current.grad, neurons.threshold.grad, neurons.leak.grad))
    assert 5 < float(found[0][0].sum()) < 80
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours.double(), expected.double())
    assert float(found[0][3].abs()) > 0


def test_neurons_that_fire_first_are_one_step_late():
    current = torch.tensor([2.0, 0.0, 0.0, 0.0])[:, None]
    late = Neurons(NeuronOptions(1.0, 0.9, order="fire_first"))(current)
    now = Neurons(NeuronOptions(1.0, 0.9))(current)
    assert now.flatten().tolist() == [1, 1, 0, 0]
    assert late.flatten().tolist() == [0, 1, 1, 0]


def test_whole_membranes_truncate_toward_zero():
    neurons = Neurons(NeuronOptions(0.5, 4.0))
    # 3 -> 1 (1.5 truncated) + 3 = 4, not above 4; -> 2 + 3 = 5 fires, 1 is left; 0 - 3 = -3; -1 - 3 = -4
    current = torch.tensor([3.0, 3.0, 3.0, -3.0, -3.0, 7.0])[:, None]
    assert neurons(current, truncate=True).flatten().tolist() == [0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_a_quantizer_has_an_odd_number_of_levels(bits):
    weight = torch.linspace(-3, 3, 4001)
    quantizer = LearnedScale(bits, weight)
    with torch.no_grad():
        quantizer.reach.fill_(3.0)
    codes = quantizer.codes(weight).detach()
    assert len(codes.unique()) == 2**bits - 1
    assert float((codes * quantizer.step.detach()).max()) == pytest.approx(float(quantizer.scale.detach()))


def test_gradient_of_rounding_is_scaled_by_its_error():
    weight = torch.tensor([0.3, 0.45, -0.1], requires_grad=True)
    quantizer = LearnedScale(2, torch.tensor([1.0, -1.0]), delta=0.5)
    with torch.no_grad():
        quantizer.reach.fill_(1.0)
    upstream = torch.tensor([1.0, -2.0, 1.0])
    (quantizer.codes(weight) * upstream).sum().backward()
    error = weight.detach() - weight.detach().round()
    torch.testing.assert_close(weight.grad, upstream * (1 + 0.5 * upstream.sign() * error))


def test_the_largest_weight_has_the_largest_code():
    weight = torch.tensor([0.1, -0.5, 0.2])
    quantizer = MaxScale(4)
    assert quantizer.codes(weight).tolist() == [1, -7, 3]  # 0.5 / 7 a step: 1.4, -7, 2.8
    assert float(quantizer.step) == pytest.approx(0.5 / 7)
    np.testing.assert_allclose(MaxScale(8).codes(torch.zeros(3)), 0)
