r"""The integer current-based neuron of Loihi, as lava computes it.

.. math::

    u \leftarrow \mathrm{dec}(u, d_u) + 2^6 a, \qquad v \leftarrow \mathrm{dec}(v, d_v) + u + 2^6 b, \qquad
    s = [v > 2^6 \theta], \qquad v \leftarrow 0 \text{ where } s = 1, \qquad
    \mathrm{dec}(x, d) = \mathrm{sign}(x)\lfloor |x| (4096 - d) / 4096 \rfloor

with ``a`` the accumulated weights. A neuron that fired stays at ``v = 0`` and silent until ``refractory`` timesteps
have begun since its spike; its current goes on. 1, lava-dl's ``refDelay``, is no pause. The bias is the model's own: it
acts on the voltage, past the current. Source: lava-dl 0.6 netx networks, equal to the recorded spikes and voltages of
PilotNet. Integers only. Saturated where the membrane memory is narrower; the chip's own 24 bits are not assumed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.kernels import inlined, kernel
from accelsim.neurons.kernels import saturate
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays

WEIGHT_SHIFT: Final = 6
FULL_DECAY: Final = 4096


@NEURON_MODELS.register("loihi_cuba")
@dataclass(frozen=True, eq=False)
class LoihiCuba(NeuronModel):
    """Loihi's current-based leaky integrate-and-fire neurons.

    Attributes
    ----------
    current_decay, voltage_decay : (n,) int32
        Of 4096 per timestep; 4096 keeps nothing.
    threshold, bias : (n,) int32
        Before the shift by 6 bit.
    refractory : (n,) int32
        Timesteps from a spike to the first that may spike again, at least 1.

    Raises
    ------
    NetworkError
        On parameters of different length, no integers, or out of range.
    """

    states: ClassVar[tuple[str, ...]] = ("refractory", "current", "membrane")
    current_decay: Array
    voltage_decay: Array
    threshold: Array
    bias: Array
    refractory: Array

    def __post_init__(self) -> None:
        check_arrays(self)
        if self.threshold.dtype != np.dtype(np.int32):
            raise NetworkError(f"LoihiCuba: expected int32 parameters, got {self.threshold.dtype}")
        for key in ("current_decay", "voltage_decay"):
            value = getattr(self, key)
            if (value < 0).any() or (value > FULL_DECAY).any():
                raise NetworkError(f"LoihiCuba.{key}: expected 0..{FULL_DECAY}, got {value.min()}..{value.max()}")
        if (self.refractory < 1).any():
            raise NetworkError(f"LoihiCuba.refractory: expected at least 1, got {self.refractory.min()}")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """``numpy.int32``."""
        return np.int32

    def operations(self) -> Operations:
        """Return both decays, the sums, and the comparisons with threshold and counter."""
        return Operations(additions=3, multiplications=2, comparisons=2)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        decays = (self.current_decay, self.voltage_decay)
        return int(_step(state, current, fired, decays, (self.threshold, self.bias, self.refractory), bounds(limits)))

    def quantized(self, scale: Array) -> Self:  # noqa: ARG002 - nothing is left to convert
        """Refuse: the model is in integers by nature."""
        raise NetworkError("LoihiCuba: the model is in integer arithmetic already")

    @classmethod
    def example(cls, size: int) -> Self:
        """Return int32 neurons of different decays, thresholds and refractory periods."""
        decay = np.linspace(200, 3000, size).astype(np.int32)
        threshold = np.linspace(60, 240, size).astype(np.int32)
        rest = np.zeros(size, dtype=np.int32)
        return cls(decay, decay[::-1].copy(), threshold, rest, (1 + np.arange(size) % 3).astype(np.int32))


@inlined
def _decayed(value: Any, decay: Any) -> Any:
    """Return ``value * (4096 - decay) / 4096``, truncated toward zero."""
    product = np.int64(value) * (np.int64(FULL_DECAY) - np.int64(decay))
    return (product + ((product >> 63) & 4095)) >> 12


@kernel
def _step(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    fired: npt.NDArray[np.uint16],
    decays: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
    levels: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]],
    limits: tuple[int, int],
) -> int:
    current_decay, voltage_decay = decays
    threshold, bias, refractory = levels
    low, high = limits
    saturations = 0
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            flow = _decayed(state[1, sample, neuron], current_decay[neuron])
            flow += np.int64(current[sample, neuron]) << WEIGHT_SHIFT
            saturations += int((flow < low) | (flow > high))
            flow = saturate(flow, low, high)
            waits = state[0, sample, neuron]
            voltage = np.int64(0)
            fires = False
            if waits > 0:
                waits -= 1
            else:
                voltage = _decayed(state[2, sample, neuron], voltage_decay[neuron])
                voltage += flow + (np.int64(bias[neuron]) << WEIGHT_SHIFT)
                saturations += int((voltage < low) | (voltage > high))
                voltage = saturate(voltage, low, high)
                fires = voltage > (np.int64(threshold[neuron]) << WEIGHT_SHIFT)
                if fires:
                    voltage = np.int64(0)
                    waits = refractory[neuron] - 1
            state[0, sample, neuron] = waits
            state[1, sample, neuron] = flow
            state[2, sample, neuron] = voltage
            fired[sample, neuron] = fires
    return saturations
