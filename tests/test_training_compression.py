"""Masks, sparse learning, attention, penalties, thresholds, principal components: closed forms and naive twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from training_builders import dataset, network  # noqa: E402

from accelsim.errors import TrainingError  # noqa: E402
from accelsim.training import conversion  # noqa: E402
from accelsim.training.architecture import LayerSpec, multiply_accumulates, projections  # noqa: E402
from accelsim.training.attention import attention_loss, attention_map, distillation_loss  # noqa: E402
from accelsim.training.conversion import balance_thresholds  # noqa: E402
from accelsim.training.encoding import InputCode  # noqa: E402
from accelsim.training.masks import SparseLearning, magnitude_masks  # noqa: E402
from accelsim.training.network import Network  # noqa: E402
from accelsim.training.recipe import RECIPES, parameters_of  # noqa: E402
from accelsim.training.recipe_spec import read_recipe  # noqa: E402
from accelsim.training.recipes.mnist_conv import GradualPruning  # noqa: E402
from accelsim.training.regularizers import REGULARIZERS, penalty  # noqa: E402


@given(st.floats(0, 0.99), st.sampled_from(["layer", "global"]), st.integers(0, 100))
def test_masks_take_the_smallest_weights(sparsity, scope, seed):
    random = np.random.default_rng(seed)
    weights = [torch.from_numpy(random.integers(-9, 10, shape).astype(np.float32)) for shape in ((4, 5), (3, 2, 3, 3))]
    masks = magnitude_masks(weights, sparsity, scope)
    groups = [[0], [1]] if scope == "layer" else [[0, 1]]
    for group in groups:
        size = np.concatenate([weights[at].abs().numpy().ravel() for at in group])
        kept = np.concatenate([masks[at].numpy().ravel() for at in group]).astype(bool)
        assert (~kept).sum() == round(sparsity * size.size)
        if kept.any() and not kept.all():
            assert size[~kept].max() <= size[kept].min()


def test_a_share_of_one_is_refused():
    with pytest.raises(TrainingError, match=r"less than 1, got 1\.5"):
        magnitude_masks([torch.ones(2)], 1.5, "layer")


@given(st.floats(0.05, 0.9), st.floats(0, 1), st.integers(0, 50))
def test_sparse_learning_keeps_its_budget(density, progress, seed):
    net = network(dataset(), seed)
    sparse = SparseLearning(net, density)
    before = [layer.mask.clone() for layer in net.layers]
    momenta = [torch.randn_like(layer.weight) for layer in net.layers]
    sparse.move(momenta, progress)
    assert net.kept == sum(int(mask.sum()) for mask in before)
    for layer in net.layers:
        assert bool((layer.weight[layer.mask == 0] == 0).all())


@pytest.mark.parametrize("density", [0.9, 1.0])
def test_a_budget_without_room_is_kept(density):
    net = network(dataset(), 1)
    sparse, kept = SparseLearning(net, density), net.kept
    for epoch in range(6):
        sparse.move([torch.rand_like(layer.weight) for layer in net.layers], epoch / 6)
        assert net.kept == kept


def test_what_grows_back_has_the_largest_momentum():
    net = network(dataset(), 1)
    sparse = SparseLearning(net, 0.3)
    before = [layer.mask.clone().bool() for layer in net.layers]
    momenta = [torch.rand_like(layer.weight) for layer in net.layers]
    sparse.move(momenta, 0.0)
    moved = 0
    for layer, mask, momentum in zip(net.layers, before, momenta, strict=True):
        grown = layer.mask.bool() & ~mask
        left = ~layer.mask.bool()
        moved += int(grown.sum())
        if grown.any() and left.any():
            assert float(momentum[grown].min()) >= float(momentum[left].max()) - 1e-7
    assert moved > 20


def test_attention_maps_are_of_length_one_and_ignore_the_number_of_channels():
    outputs = torch.rand(3, 5, 4, 4)
    maps = attention_map(outputs)
    expected = outputs.square().mean(1).flatten(1)
    torch.testing.assert_close(maps, expected / expected.norm(dim=1, keepdim=True))
    doubled = torch.cat([outputs, outputs], 1)
    same = attention_loss([doubled, torch.rand(3, 7)], [outputs, torch.rand(3, 7)])
    assert float(same) == pytest.approx(0, abs=1e-12)
    assert float(attention_loss([torch.rand(3, 5, 4, 4)], [outputs])) > 1e-5


def test_distillation_without_weight_is_cross_entropy():
    logits, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    plain = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(distillation_loss(logits, logits, labels, temperature=4.0, weight=0.0), plain)
    torch.testing.assert_close(distillation_loss(logits, logits, labels, temperature=4.0, weight=0.5), 0.5 * plain)


def test_penalties_in_closed_form():
    outputs = torch.tensor([[3.0, 4.0, 0.0, 0.0]])
    found = {name: float(REGULARIZERS[name](outputs, 2.0)) for name in REGULARIZERS}
    assert found["l1"] == pytest.approx(7 / 4)
    assert found["l2"] == pytest.approx(25 / 4)
    assert found["hoyer"] == pytest.approx(7 / (5 * 2))
    assert found["hoyer_square"] == pytest.approx(49 / (25 * 4))
    assert found["group"] == pytest.approx(7 / 4, rel=1e-3)
    assert found["synops"] == pytest.approx(2 * 7 / 4)


def test_ratios_of_norms_do_not_depend_on_the_scale():
    outputs = [torch.rand(5, 3, 4, 4), torch.rand(5, 6)]
    for name in ("hoyer", "hoyer_square"):
        one, tenfold = (float(penalty(name, [scale * item for item in outputs], [3.0, 2.0])) for scale in (1, 10))
        assert one == pytest.approx(tenfold, rel=1e-5)
    assert float(penalty("l1", [10 * item for item in outputs], [3.0, 2.0])) == pytest.approx(
        10 * float(penalty("l1", outputs, [3.0, 2.0]))
    )


def test_thresholds_are_the_largest_inputs_of_the_spiking_network():
    data, code = dataset(), InputCode("poisson", 10)
    net = network(data)
    events = code.test(data.train.inputs, 0)
    found = balance_thresholds(net, events, percent=100.0, factor=0.5)
    for layer, level in zip(net.hidden, found, strict=True):
        current = layer.current(events)
        assert level == pytest.approx(0.5 * float(current.detach().max()))
        events = layer.neurons(current)


def test_a_layer_that_nothing_reaches_is_named():
    data = dataset()
    net = network(data)
    with torch.no_grad():
        net.layers[1].weight.fill_(-1.0)
    with pytest.raises(TrainingError, match="layer conv2: expected a positive input"):
        balance_thresholds(net, InputCode("poisson", 4).test(data.train.inputs, 0))


def test_multiply_accumulates_of_kept_weights():
    made = projections([LayerSpec(conv=4, kernel=3), LayerSpec(pool=2), LayerSpec(dense=5)], (1, 8, 8), 3)
    assert [item.weights for item in made] == [36, 4 * 16 * 5, 15]
    assert multiply_accumulates(made, (1, 8, 8), [36, 320, 15]) == 64 * 36 + 320 + 15
    assert multiply_accumulates(made, (1, 8, 8), [10, 20, 1]) == 640 + 21


def test_a_layer_that_does_not_fit_is_named():
    with pytest.raises(TrainingError, match="layer 3: a pool of 4 does not fit behind shape"):
        projections([LayerSpec(conv=2, stride=2), LayerSpec(conv=2, stride=2), LayerSpec(pool=4)], (1, 8, 8), 3)


def test_gradual_pruning_follows_the_cubic_and_never_grows():
    name = "mnist-conv"
    changed = ["prune_from=0.2", "prune_until=0.7", "prune_every=1"]
    spec = read_recipe(RECIPES.get(name).spec, parameters_of(name), changed)
    net = Network(projections(spec.layers, (1, 28, 28), 10), spec.neurons.options())
    pruning = GradualPruning(net, spec, 10)
    assert [pruning.share(at) for at in (0.0, 0.2, 0.45, 0.7, 1.0)] == pytest.approx([0, 0, 1 - 0.5**3, 1, 1])
    before = [layer.mask.clone() for layer in net.layers]
    for progress in (0.1, 0.4, 0.6, 1.0):
        pruning.after_step(progress)
        assert all((layer.mask <= old).all() for layer, old in zip(net.layers, before, strict=True))
        before = [layer.mask.clone() for layer in net.layers]
    kept = [layer.kept / layer.weight.numel() for layer in net.layers]
    assert kept == pytest.approx([1 - share for share in spec.sparsity], abs=1e-3)


def test_gradual_pruning_goes_by_the_step_of_the_whole_training_where_a_run_was_cut():
    name = "mnist-conv"
    changed = ["prune_from=0.0", "prune_until=1.0", "prune_every=3"]
    spec = read_recipe(RECIPES.get(name).spec, parameters_of(name), changed)

    def kept(cut):
        torch.manual_seed(1)
        net = Network(projections(spec.layers, (1, 28, 28), 10), spec.neurons.options())
        found = []
        pruning = GradualPruning(net, spec, 20)
        for step in range(1, 21):
            if step == cut:
                pruning = GradualPruning(net, spec, 20)
            pruning.after_step(step / 20)
            found.append(net.kept)
        return found

    whole = kept(None)
    assert len(set(whole)) == 8  # steps 3, 6, ... 18, the last, and none before
    assert all(kept(cut) == whole for cut in (2, 8, 17))


def test_a_percentile_of_too_many_values_is_taken_of_a_sample_that_knows_no_columns(monkeypatch):
    values = torch.arange(1000.0).repeat(100, 1) * torch.tensor([1.0, 0.0]).repeat(500)  # every other column is zero
    exact = conversion.percentile(values, 90.0)
    assert exact == float(values.flatten().sort().values[round(99_999 * 0.9)])
    monkeypatch.setattr(conversion, "MOST_VALUES", 20_000)
    assert conversion.percentile(values, 90.0) == conversion.percentile(values, 90.0) == pytest.approx(exact, rel=0.01)
    assert conversion.percentile(values, 100.0) == 998.0
