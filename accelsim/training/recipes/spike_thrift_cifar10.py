"""Spike-Thrift on CIFAR-10: the recipe of :mod:`accelsim.training.recipes.spike_thrift` with parameters of its own."""

from __future__ import annotations

from accelsim.training.recipe import RECIPES
from accelsim.training.recipes.spike_thrift import SpikeThrift


@RECIPES.register("spike-thrift-cifar10")
class SpikeThriftCifar10(SpikeThrift):
    """The recipe."""

    name = "spike-thrift-cifar10"
    title = "Spike-Thrift on 10,000 images of CIFAR-10"
