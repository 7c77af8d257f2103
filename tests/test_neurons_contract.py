"""Every registered neuron model holds the contract, and the contract suite notices models that do not."""

import dataclasses

import numpy as np
import pytest

from accelsim.neurons.lif import LIF
from accelsim.neurons.model import NEURON_MODELS
from accelsim.testing.contract import ContractError
from accelsim.testing.neuron_model import check_neuron_model


@pytest.mark.parametrize("name", NEURON_MODELS.names())
def test_contract(name):
    check_neuron_model(NEURON_MODELS.get(name))


def test_registered_names():
    assert {"lif", "if", "li", "i"} <= set(NEURON_MODELS.names())


class KeepsFired(LIF):
    def step(self, state, current, fired, limits):
        before = fired.copy()
        saturations = super().step(state, current, fired, limits)
        fired |= before
        return saturations


class Mixes(LIF):
    def step(self, state, current, fired, limits):
        return super().step(state, current + current.mean(axis=0).astype(current.dtype), fired, limits)


class Couples(LIF):
    def step(self, state, current, fired, limits):
        return super().step(state, np.roll(current, 1, axis=1), fired, limits)


class CountsNothing(LIF):
    def step(self, state, current, fired, limits):
        super().step(state, current, fired, limits)
        return 0


class NoSaturation(LIF):
    def step(self, state, current, fired, limits):
        return super().step(state, current, fired, None) + 1 if limits else super().step(state, current, fired, None)


class WrongScale(LIF):
    def quantized(self, scale):
        return dataclasses.replace(super().quantized(scale), threshold=super().quantized(scale / 2).threshold)


class Loud(LIF):
    def quiet(self):
        return False


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (KeepsFired, "overwrite fired"),
        (Mixes, "depends on the others of its batch"),
        (Couples, "a neuron depends on the others"),
        (CountsNothing, "counted none"),
        (NoSaturation, "leaves -32..31"),
        (WrongScale, "steps off"),
        (Loud, "quiet"),
    ],
)
def test_contract_notices(broken, sentence):
    with pytest.raises(ContractError, match=sentence):
        check_neuron_model(broken)
