"""Naive twins of the frameworks' neuron models: one neuron at a time, Python numbers, in float32 and in integers."""

import numpy as np
import pytest

from accelsim.errors import NetworkError
from accelsim.neurons.cuba_lif import CubaLI, CubaLIF
from accelsim.neurons.euler_li import EulerLI
from accelsim.neurons.euler_lif import EulerLIF
from accelsim.neurons.fire_first import FireFirstCubaLIF, FireFirstLIF
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.loihi_cuba import LoihiCuba
from accelsim.neurons.model import MOST_SPIKES
from accelsim.neurons.multi_spike import MultiSpikeCubaLIF, MultiSpikeLIF
from accelsim.neurons.refractory_lif import RefractoryLIF
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky
from accelsim.neurons.snntorch_synaptic import SnnTorchSynaptic
from accelsim.neurons.spikingjelly_lif import SpikingJellyLIF
from accelsim.neurons.threshold import Threshold

F = np.float32
SIZE, SAMPLES, STEPS = 6, 3, 40
LIMITS = None


class Floats:
    """Float32 arithmetic: every operation rounds."""

    times = staticmethod(lambda factor, value: F(factor) * F(value))
    number = staticmethod(F)


class Whole:
    """Integers: factors of 2**-12, products toward zero."""

    @staticmethod
    def times(factor, value):
        product = int(factor) * int(value)
        return (abs(product) >> 12) * (1 if product >= 0 else -1)

    number = staticmethod(int)


def reset(m, a, n, v):
    """Compare and reset as FiringModel does."""
    threshold = a.number(m.threshold[n])
    fires = v > threshold or (m.comparison == ">=" and v == threshold)
    if fires and m.reset == "subtract":
        v = v - threshold
    elif fires and m.reset == "value":
        v = a.number(m.reset_to[n])
    return v, int(fires)


def snntorch_settled(m, v, pending, fires, limit):
    if m.reset_delay or m.reset == "none" or fires == pending:
        return v
    return v - (limit if m.reset == "subtract" else v) if fires else v + (limit if m.reset == "subtract" else v)


def one(outcome):
    """Return a membrane and its spike as (states, spikes)."""
    return [outcome[0]], outcome[1]


def lif(m, a, n, s, x):
    return one(reset(m, a, n, a.times(m.leak[n], s[0]) + x))


def integrate(m, a, n, s, x):
    return one(reset(m, a, n, s[0] + x))


def euler(m, a, n, s, x):
    v = s[0] + a.times(m.share[n], (a.times(m.resistance[n], x) + a.number(m.rest[n])) - s[0])
    return one(reset(m, a, n, v))


def euler_li(m, a, n, s, x):
    return [s[0] + a.times(m.share[n], (a.number(m.rest[n]) - s[0]) + a.times(m.resistance[n], x))], 0


def spikingjelly(m, a, n, s, x):
    above = s[0] - a.number(m.rest[n])
    part = (lambda value: F(value) / F(m.tau[n])) if a is Floats else (lambda value: a.times(m.tau[n], value))
    v = s[0] + part(x - above) if m.decay_input else s[0] - part(above) + x
    return one(reset(m, a, n, v))


def leaky(m, a, n, s, x):
    limit = a.number(m.threshold[n])
    pending = s[0] > limit
    if m.reset == "zero" and pending:
        v = a.number(0) if m.clears_input else x
    else:
        v = a.times(m.leak[n], s[0]) + x - (limit if pending and m.reset == "subtract" else a.number(0))
    fires = v > limit
    return [snntorch_settled(m, v, pending, fires, limit)], int(fires)


def synaptic(m, a, n, s, x):
    limit = a.number(m.threshold[n])
    i = a.times(m.current_leak[n], s[0]) + x
    v, pending = a.times(m.leak[n], s[1]) + i, s[1] > limit
    if pending and m.reset != "none":
        v = v - limit if m.reset == "subtract" else a.number(0)
    fires = v > limit
    return [i, snntorch_settled(m, v, pending, fires, limit)], int(fires)


def cuba(m, a, n, s, x):
    i, v, added = s[0], s[1], a.times(m.weight[n], x)
    rate, pace, r, rest = m.current_rate[n], m.membrane_rate[n], m.resistance[n], a.number(m.rest[n])
    if m.order == "filter":
        i = i + a.times(rate, (a.number(m.current_rest[n]) - i) + added)
        v = v + a.times(pace, (a.times(r, i) + rest) - v)
    elif m.order == "jump":
        jump = i + added
        v = v + a.times(pace, (rest - v) + a.times(r, jump))
        i = jump - a.times(rate, jump)
    else:
        i = a.times(rate, i) + added
        v = a.times(pace, v) + a.times(r, i)
    v, fires = reset(m, a, n, v) if m.spiking else (v, 0)
    return [i, v], fires


def multi(m, a, n, s, x):
    limit, i = a.number(m.threshold[n]), []
    if len(s) == 2:
        x = a.times(m.current_leak[n], s[0] + x)
        i = [x]
    v = a.times(m.leak[n], s[-1]) + a.times(m.gain[n], x)
    if m.spike_mode == "single":
        count = int(v >= limit)
    else:
        count = min(int(np.trunc(v / limit)) if a is Floats else v // limit, MOST_SPIKES) if v > 0 else 0
    if m.reset == "subtract":
        v = v - a.number(count) * limit
    elif count:
        v = a.number(m.reset_to[n])
    if m.floor is not None:
        low = a.number(m.floor[n])
        v = max(v - low, a.number(0)) + low
    return [*i, v], count


def fire_first(m, a, n, s, x):
    limit = a.number(m.threshold[n])
    fires = s[-1] > limit
    if len(s) == 1:
        v = a.times(m.leak[n], s[0]) + x
        return [v - limit if fires else v], int(fires)
    before = s[1] - limit if fires else s[1]
    i = a.times(m.current_leak[n], s[0]) + x
    return [i, a.times(m.leak[n], before) + i], int(fires)


def refractory(m, a, n, s, x):
    if s[0] > 0:
        return [s[0] - a.number(1), s[1]], 0
    v, fires = reset(m, a, n, a.times(m.leak[n], s[1]) + x)
    return [a.number(m.period[n]) if fires else s[0], v], fires


def loihi(m, _, n, s, x):
    def dec(value, decay):
        return (abs(value) * (4096 - int(decay)) >> 12) * (1 if value >= 0 else -1)

    u = dec(s[1], m.current_decay[n]) + (x << 6)
    if s[0] > 0:
        return [s[0] - 1, u, 0], 0
    v = dec(s[2], m.voltage_decay[n]) + u + (int(m.bias[n]) << 6)
    fires = v > int(m.threshold[n]) << 6
    return [int(m.refractory[n]) - 1 if fires else 0, u, 0 if fires else v], int(fires)


def threshold(m, a, n, _, x):
    limit = a.number(m.threshold[n])
    return [], int(x > limit or (m.comparison == ">=" and x == limit))


def f(low, high):
    return np.linspace(low, high, SIZE, dtype=F)


ONE, ZERO = f(1, 1), f(0, 0)
FIRE = [("subtract", ">"), ("value", ">="), ("none", ">")]
RULES = [(f(0.4, 1.2), f(-0.3, 0.1), reset_, comparison) for reset_, comparison in FIRE]
MODELS = [
    *((lif, LIF(f(0.7, 1), *rule)) for rule in RULES),
    *((integrate, IF(*rule, starts_at_reset=True)) for rule in RULES),
    *((euler, EulerLIF(f(0.2, 0.9), f(0.8, 2), f(-0.1, 0.2), *rule)) for rule in RULES),
    (euler_li, EulerLI(f(0.2, 0.9), f(0.8, 2), f(-0.1, 0.2))),
    *(
        (spikingjelly, SpikingJellyLIF(f(1, 5), f(-0.3, 0.1), decay, *rule))
        for rule in RULES
        for decay in (True, False)
    ),
    *(
        (leaky, SnnTorchLeaky(f(0.6, 1), f(0.4, 1.2), late, kind, clears_input=clears))
        for kind in ("subtract", "zero", "none")
        for late in (True, False)
        for clears in (True, False)
    ),
    *(
        (synaptic, SnnTorchSynaptic(f(0.3, 0.8), f(0.6, 1), f(0.9, 2), late, kind))
        for kind in ("subtract", "zero", "none")
        for late in (True, False)
    ),
    *((cuba, CubaLIF("filter", f(0.3, 0.9), f(0.5, 2), f(0, 0.1), f(0.2, 0.8), ONE, f(-0.1, 0.2), *r)) for r in RULES),
    *((cuba, CubaLIF("jump", f(0.3, 0.9), ONE, ZERO, f(0.2, 0.8), f(0.5, 2), f(-0.1, 0.2), *r)) for r in RULES),
    *((cuba, CubaLIF("factor", f(0.3, 0.9), ONE, ZERO, f(0.2, 0.8), ONE, f(-0.1, 0.2), *r)) for r in RULES),
    (cuba, CubaLI("filter", f(0.3, 0.9), f(0.5, 2), f(0, 0.1), f(0.2, 0.8), ONE, f(-0.1, 0.2))),
    (cuba, CubaLI("jump", f(0.3, 0.9), ONE, ZERO, f(0.2, 0.8), f(0.5, 2), ZERO)),
    *(
        (multi, MultiSpikeLIF(f(0.7, 1), f(0.3, 1), f(0.1, 0.5), ZERO, low, kind, mode))
        for low in (None, f(-0.5, -0.1))
        for kind in ("subtract", "value")
        for mode in ("single", "multi")
    ),
    (multi, MultiSpikeCubaLIF(f(0.4, 0.9), f(0.7, 1), ONE, f(0.1, 0.5), ZERO, f(-0.5, -0.1), "subtract", "multi")),
    (fire_first, FireFirstLIF(f(0.7, 1), f(0.4, 1.2))),
    (fire_first, FireFirstCubaLIF(f(0.3, 0.8), f(0.7, 1), f(0.4, 1.2))),
    *((refractory, RefractoryLIF(f(0.7, 1), np.arange(SIZE).astype(F), *rule)) for rule in RULES),
    (threshold, Threshold(f(-0.3, 0.6), ">")),
    (threshold, Threshold(f(-0.3, 0.6), ">=")),
]


def compare(twin, model, arithmetic, currents):
    state = np.zeros((len(model.states), SAMPLES, SIZE), model.dtype)
    initial = model.initial()
    if initial is not None:
        state[...] = initial[:, None]
    naive = [[[arithmetic.number(value) for value in state[:, s, n]] for n in range(SIZE)] for s in range(SAMPLES)]
    fired, total = np.zeros((SAMPLES, SIZE), np.uint16), 0
    for current in currents:
        assert model.step(state, current, fired, LIMITS) == 0
        for s, n in np.ndindex(SAMPLES, SIZE):
            naive[s][n], count = twin(model, arithmetic, n, naive[s][n], arithmetic.number(current[s, n]))
            assert fired[s, n] == count
            assert state[:, s, n].tolist() == [arithmetic.number(value) for value in naive[s][n]]
        total += int(fired.sum())
    return total


@pytest.mark.parametrize(("twin", "model"), MODELS)
def test_equal_to_the_naive_twin(twin, model):
    rng = np.random.default_rng(5)
    currents = rng.normal(0.15, 0.6, (STEPS, SAMPLES, SIZE)).astype(F)
    assert bool(compare(twin, model, Floats, currents)) == model.spiking
    whole = model.quantized(np.full(SIZE, 1 / 512))
    assert bool(compare(twin, whole, Whole, np.rint(currents * 512).astype(np.int32))) == model.spiking


@pytest.mark.parametrize("seed", range(3))
def test_loihi_is_equal_to_the_naive_twin(seed):
    rng = np.random.default_rng(seed)
    model = LoihiCuba(
        *(rng.integers(0, 4097, SIZE).astype(np.int32) for _ in range(2)),
        rng.integers(20, 200, SIZE).astype(np.int32),
        rng.integers(-3, 4, SIZE).astype(np.int32),
        rng.integers(1, 4, SIZE).astype(np.int32),
    )
    assert compare(loihi, model, Whole, rng.integers(-120, 200, (STEPS, SAMPLES, SIZE)).astype(np.int32)) > 0


def test_a_refractory_neuron_is_silent_for_its_period():
    model = RefractoryLIF(ONE, np.arange(SIZE).astype(F), f(0.5, 0.5), ZERO, "value", ">")
    state, fired, times = np.zeros((2, 1, SIZE), F), np.zeros((1, SIZE), np.uint16), [[] for _ in range(SIZE)]
    for step in range(30):
        model.step(state, np.ones((1, SIZE), F), fired, None)
        for neuron in np.flatnonzero(fired[0]):
            times[neuron].append(step)
    for neuron, steps in enumerate(times):
        assert set(np.diff(steps)) == {neuron + 1}


def test_threshold_is_the_or_of_its_sources():
    model = Threshold(np.full(1, 0.5, F), ">").quantized(np.ones(1))
    fired = np.zeros((4, 1), np.uint16)
    model.step(np.zeros((0, 4, 1), np.int32), np.array([[0], [1], [2], [4]], np.int32), fired, None)
    assert fired.ravel().tolist() == [0, 1, 1, 1] and not model.states


def test_integer_thresholds_between_two_whole_inputs():
    for comparison, level in ((">", 2), (">=", 3)):
        model = Threshold(np.full(1, 0.27, F), comparison).quantized(np.full(1, 0.1))
        assert model.threshold.tolist() == [level]
    assert Threshold(np.full(1, 0.3, F), ">").quantized(np.full(1, 0.1)).threshold.tolist() == [3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CubaLIF("late", ONE, ONE, ZERO, ONE, ONE, ZERO, *RULES[0]), "CubaLIF.order: expected one of filter"),
        (lambda: CubaLI("jump", ONE, ONE, ONE, ONE, ONE, ZERO), "CubaLI.current_rest: expected 0 in the order 'jump'"),
        (lambda: EulerLIF(f(0, 2), ONE, ZERO, *RULES[0]), r"EulerLIF.share: expected a factor within 0..1, got 1.2"),
        (lambda: SpikingJellyLIF(f(0.5, 2), ZERO, True, *RULES[0]), r"SpikingJellyLIF.1/tau: expected a factor within"),
        (lambda: MultiSpikeLIF(ONE, ONE, ZERO, ZERO, None, "subtract", "multi"), "threshold: expected more than 0"),
        (lambda: MultiSpikeLIF(ONE, ONE, ONE, ZERO, None, "none", "multi"), "reset: expected one of subtract, value"),
        (lambda: MultiSpikeLIF(ONE, ONE, ONE, ZERO, None, "value", "many"), "spike_mode: expected one of single"),
        (lambda: SnnTorchLeaky(ONE, ONE, True, "soft"), "SnnTorchLeaky.reset: expected one of subtract, zero, none"),
        (lambda: RefractoryLIF(ONE, f(0, 0.5), *RULES[0]), "RefractoryLIF.period: expected whole timesteps, 0..127"),
        (lambda: LoihiCuba(*[np.full(2, 5000, np.int32)] * 5), r"LoihiCuba.current_decay: expected 0..4096, got 5000"),
        (lambda: LoihiCuba(*[np.zeros(2, np.int32)] * 5), "LoihiCuba.refractory: expected at least 1, got 0"),
        (lambda: LoihiCuba(*[ONE] * 5), "LoihiCuba: expected int32 parameters, got float32"),
        (lambda: LoihiCuba.example(3).quantized(np.ones(3)), "LoihiCuba: the model is in integer arithmetic already"),
        (lambda: EulerLIF(ONE, f(1e6, 1e6), ZERO, *RULES[0]).quantized(np.ones(SIZE)), "resistance: expected at most"),
    ],
)
def test_refused(make, message):
    with pytest.raises(NetworkError, match=message):
        make()
