"""The contract of a neuron model, as a suite that any model's tests can run."""

from typing import Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.neurons.model import MOST_SPIKES, Array, NeuronModel, StateRange
from accelsim.testing.contract import ContractError, require

_SIZE: Final = 7
_SAMPLES: Final = 5
_STEPS: Final = 12
_GARBAGE: Final = 54321
"""What ``fired`` holds before a step."""
_SCALE: Final = 1 / 256
"""Real value of an integer step in the suite; a power of two, so that scaling is exact."""


def check_neuron_model(model: type[NeuronModel]) -> None:
    """Check a neuron model against the contract of :class:`~accelsim.neurons.model.NeuronModel`.

    Checked on ``example``, in float32 and integers, or in integers alone where the example is in int32: arithmetic,
    shapes and names of states, no more spikes than ``most_spikes`` and none from a readout, samples and neurons that do
    not see each other, steps that repeat, states within their range with every saturation counted, ``quiet``, and an
    integer form that follows the float one.

    Raises
    ------
    ContractError
        With the sentence that does not hold.
    """
    real = model.example(_SIZE)
    if real.dtype is np.int32:
        integer = real
        _check_refuses(model.__name__, real)
    else:
        integer = real.quantized(np.full(_SIZE, _SCALE))
        _check_form(f"{model.__name__} in float32", real, np.float32)
    _check_form(f"{model.__name__} in int32", integer, np.int32)
    _check_saturation(model.__name__, integer)
    if real.dtype is np.float32:
        _check_quantization(model.__name__, real, integer)


def _check_form(name: str, item: NeuronModel, dtype: type[np.generic]) -> None:
    require(item.size == _SIZE, f"{name}: size is {item.size}, expected {_SIZE}")
    require(item.dtype is dtype, f"{name}: dtype is {item.dtype}")
    _check_operations(name, item)
    _check_names(name, item)
    _check_initial(name, item)
    _check_step(name, item)
    _check_independence(name, item)
    _check_quiet(name, item)


def _check_refuses(name: str, model: NeuronModel) -> None:
    try:
        model.quantized(np.full(_SIZE, _SCALE))
    except NetworkError:
        return
    raise ContractError(f"{name}: quantized must refuse a model that is in integers already")


def _check_initial(name: str, model: NeuronModel) -> None:
    initial = model.initial()
    fits = initial is None or (initial.shape == (len(model.states), _SIZE) and initial.dtype == model.dtype)
    require(fits, f"{name}: initial must be (states, neurons) in its arithmetic, or None")


def _currents(model: NeuronModel, samples: int = _SAMPLES, gain: float = 0.75) -> Array:
    """Return currents (steps, samples, neurons) that make a spiking example fire sometimes."""
    rng = np.random.default_rng(20)
    steps = np.rint(rng.normal(0.3, 1.0, (_STEPS, samples, model.size)) * gain / _SCALE)
    return steps.astype(np.int32) if model.dtype is np.int32 else (steps * _SCALE).astype(np.float32)


def _run(model: NeuronModel, currents: Array, limits: StateRange | None = None) -> tuple[Array, Array, int]:
    """Return states (steps, states, samples, neurons), spikes of every step, and the saturations."""
    state = np.zeros((len(model.states), *currents.shape[1:]), dtype=model.dtype)
    states, spikes, saturations = [], [], 0
    for current in currents:
        fired = np.full(current.shape, _GARBAGE, dtype=np.uint16)
        saturations += model.step(state, current.copy(), fired, limits)
        states.append(state.copy())
        spikes.append(fired)
    return np.stack(states), np.stack(spikes), saturations


def _check_operations(name: str, model: NeuronModel) -> None:
    counts = model.operations()
    least = min(counts.additions, counts.multiplications, counts.comparisons)
    require(least >= 0, f"{name}: a negative operation count, {counts}")
    reads = counts.additions + counts.comparisons
    require(reads >= 1, f"{name}: an update adds or compares its input, got {counts}")


def _check_names(name: str, model: NeuronModel) -> None:
    names = model.states
    require(len(set(names)) == len(names), f"{name}: names of states must differ, got {names}")
    require(names[-1:] == ("membrane",) or not names, f"{name}: the membrane is the last state, got {names}")
    require(bool(names) or model.spiking, f"{name}: a readout without a membrane has nothing to read")
    most = model.most_spikes
    known = most is None or 1 <= most <= MOST_SPIKES
    require(known, f"{name}: most_spikes is {most}, expected 1..{MOST_SPIKES} or None")


def _check_step(name: str, model: NeuronModel) -> None:
    currents = _currents(model)
    given = currents.copy()
    states, spikes, saturations = _run(model, currents)
    require(np.array_equal(currents, given), f"{name}: step changes its current")
    require(states.dtype == model.dtype and np.isfinite(states).all(), f"{name}: states are not finite {model.dtype}")
    most = _GARBAGE - 1 if model.most_spikes is None else model.most_spikes
    require(int(spikes.max()) <= most, f"{name}: step must overwrite fired with at most {most}, got {spikes.max()}")
    require(model.spiking == bool(spikes.any()), f"{name}: spiking is {model.spiking}, but spikes sent: {spikes.any()}")
    require(isinstance(saturations, int) and saturations == 0, f"{name}: {saturations!r} saturations in a wide range")
    again, spikes_again, _ = _run(model, currents)
    require(np.array_equal(states, again) and np.array_equal(spikes, spikes_again), f"{name}: a second run differs")


def _check_independence(name: str, model: NeuronModel) -> None:
    currents = _currents(model)
    states, spikes, _ = _run(model, currents)
    for sample in range(_SAMPLES):
        alone, fired, _ = _run(model, currents[:, sample : sample + 1])
        same = np.array_equal(states[:, :, sample], alone[:, :, 0]) and np.array_equal(spikes[:, sample], fired[:, 0])
        require(same, f"{name}: a sample depends on the others of its batch")
    changed = currents.copy()
    changed[:, :, 0] += changed.dtype.type(3)
    others, _, _ = _run(model, changed)
    require(np.array_equal(others[..., 1:], states[..., 1:]), f"{name}: a neuron depends on the others")


def _check_quiet(name: str, model: NeuronModel) -> None:
    states, spikes, _ = _run(model, np.zeros((_STEPS, 1, model.size), dtype=model.dtype))
    stays = not states.any() and not spikes.any()
    require(model.quiet() == stays, f"{name}: quiet() is {model.quiet()}, but without input it stays at rest: {stays}")


def _check_saturation(name: str, model: NeuronModel) -> None:
    if not model.states:
        return
    narrow = StateRange.of_bits(6)
    currents = _currents(model)
    states, _, saturations = _run(model, currents, narrow)
    inside = bool(((states >= narrow.low) & (states <= narrow.high)).all())
    require(inside, f"{name}: an integer state leaves {narrow.low}..{narrow.high}")
    require(saturations > 0, f"{name}: states saturated, but step counted none")
    top = np.full((1, 1, model.size), np.iinfo(np.int32).max, dtype=np.int32)
    states, _, _ = _run(model, np.concatenate([top, top]), StateRange.of_bits(32))
    require((states[:, -1] >= 0).all(), f"{name}: a sum beyond 32 bits wraps around")


def _check_quantization(name: str, real: NeuronModel, integer: NeuronModel) -> None:
    spread = np.abs(_currents(real)).max()
    states, _, _ = _run(real, _currents(real)[:1])
    steps, _, _ = _run(integer, _currents(integer)[:1])
    error = np.abs(states - steps * _SCALE)[:, -1:].max(initial=0.0)
    require(error <= 2 * _SCALE, f"{name}: the first integer step is {error / _SCALE:.1f} steps off, spread {spread:g}")
