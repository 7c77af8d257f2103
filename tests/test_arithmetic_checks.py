"""Arithmetic checks: published totals from published inputs, by the authors' own formulas.

They say that a formula was understood, nothing about this simulator's results. Identifiers are those of
docs/validation.md; C.*, Y.* and L.1 stand in test_analytic_models.py, P3.* in test_pareto.py.
"""

from math import ceil

import pytest

# R: Prosperity (HPCA 2025), the accelerator models that it compares with, VGG16 on CIFAR-10, 32 timesteps, 500 MHz.
CONVOLUTIONS = [  # side of the map, channels in, channels out
    (32, 64, 64), (16, 64, 128), (16, 128, 128), (8, 128, 256), (8, 256, 256), (8, 256, 256), (8, 256, 512),
    *[(8, 512, 512)] * 5,
]  # fmt: skip
DENSE = [(8 * 8 * 512, 4096), (4096, 4096)]
TIMESTEPS = 32
DRAM_BITS = 2_306_605_056
PICOJOULE_PER_BIT = 12.45
MACHINES = {  # mW, seconds as published, DRAM accesses relative to Prosperity's, mJ as published
    "eyeriss": (1410.5, 0.452082992, 5.47, 794.746324),
    "ptb": (982.0, 0.14592, 2.53, 215.94549),
    "sato": (319.5, 0.08597, 4.85, 166.745356),
    "mint": (396.3, 0.05876, 3.12, 112.88264),
    "prosperity": (446.5, 0.0215, 1.0, 38.318727),
}


def eyeriss_cycles():
    """Weight-stationary 14 x 12 array: ceil(N / 12) passes of K x T x pixels / 14 cycles; neurons after each layer."""
    products = [(9 * channels, side * side, filters) for side, channels, filters in CONVOLUTIONS]
    products += [(inputs, 1, outputs) for inputs, outputs in DENSE]
    multiply = sum(ceil(n / 12) * (k * TIMESTEPS * pixels // 14) for k, pixels, n in products)
    neurons = sum((TIMESTEPS // 12) * pixels * n // 14 for _, pixels, n in products)
    return multiply, multiply + neurons


def test_r1_eyeriss_on_vgg16():
    multiply, total = eyeriss_cycles()
    assert multiply < total == 226_041_496
    assert total / 500e6 == pytest.approx(0.452083, abs=5e-7)


@pytest.mark.parametrize("name", MACHINES)
def test_r2_to_r6_power_times_time_and_dram(name):
    power, seconds, ratio, published = MACHINES[name]
    assert power * seconds + PICOJOULE_PER_BIT * DRAM_BITS * ratio * 1e-9 == pytest.approx(published, rel=5e-5)


# S: SpikeSim (TCAD 2023), its script for VGG9 on CIFAR-10, RRAM, 5 timesteps.
SPIKESIM = [  # channels in, channels out, side of the output
    (3, 64, 32), (64, 64, 16), (64, 128, 16), (128, 128, 8), (128, 256, 8), (256, 256, 8), (256, 256, 4),
]  # fmt: skip
CROSSBAR, STEPS = 64, 5


def test_s1_energy_of_spikesim():
    elements = [ceil(channels / CROSSBAR) * ceil(filters / CROSSBAR) for channels, filters, _ in SPIKESIM]
    assert (sum(elements), ceil(sum(elements) / 8)) == (48, 6)
    groups = CROSSBAR / 8
    column = 9 * 1.76423 + groups * (2.03084 + 0.094245)
    cycle = 19.64 * 8 + 4.64 + 1.274 * 4 + groups * column + groups * 16 * 1.15e-6 + groups * 0.2 + 397
    energy = sum(count * side**2 for count, (_, _, side) in zip(elements, SPIKESIM, strict=True)) * cycle * STEPS
    assert energy == pytest.approx(15_906_934.03, abs=0.01)


def test_s2_latency_of_spikesim():
    outputs = [side**2 * filters for _, filters, side in SPIKESIM]
    start = sum(int(0.75 * one) * STEPS for one in outputs[:-1])  # a layer begins at three quarters of the one before
    cycle = 26 * 1000 / 250
    assert (start + outputs[-1] * STEPS) * cycle == 62_832_640
