"""Quantisation and pruning on N-MNIST: :mod:`accelsim.training.recipes.quant_prune` with parameters of its own."""

from __future__ import annotations

from accelsim.training.recipe import RECIPES
from accelsim.training.recipes.quant_prune import QuantPrune


@RECIPES.register("quant-prune-nmnist")
class QuantPruneNmnist(QuantPrune):
    """The recipe."""

    name = "quant-prune-nmnist"
    title = "Joint quantisation and pruning on N-MNIST"
