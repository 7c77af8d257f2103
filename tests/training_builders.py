"""Small data and networks for the tests of the training library."""

import numpy as np
import torch

from accelsim.training.architecture import LayerSpec, projections
from accelsim.training.data.dataset import Dataset, Split
from accelsim.training.network import Network
from accelsim.training.spiking import NeuronOptions

torch.set_num_threads(1)  # other tests run beside: threads that wait for each other take minutes

LAYERS = (LayerSpec(conv=4, kernel=3, stride=2), LayerSpec(pool=2), LayerSpec(conv=6, kernel=3), LayerSpec(dense=12))


def images(count, seed, channels=1, side=16):
    """Return a split of bars at four places, noisy: four classes."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    inputs = random.integers(0, 60, (count, channels, side, side))
    for at, label in enumerate(labels):
        first = 2 + 3 * label
        inputs[at, :, first : first + 3, 2:-2] += 180
    return Split(inputs.astype(np.uint8), labels.astype(np.int64))


def dataset(train=64, test=24, channels=1):
    return Dataset("bars", images(train, 0, channels), images(16, 1, channels), images(test, 2, channels), 4, "made up")


def network(data, seed=0, layers=LAYERS, **options):
    torch.manual_seed(seed)
    return Network(projections(layers, data.shape, data.classes), NeuronOptions(**options))
