r"""The integer leaky integrate-and-fire neuron with lazy leak, as YANA computes it.

A neuron is updated only in timesteps in which a packet reached it, with the leak of all timesteps since its last update
in one factor from a table:

.. math::

    v \leftarrow \left\lfloor \frac{2^{g - l} L(\Delta t)\, v + G\, a}{2^{g}} \right\rfloor, \qquad
    s = [v \ge \theta], \qquad v \leftarrow 0 \text{ where } s = 1

with ``a`` the accumulated weights, ``G / 2**g`` the gain, ``L / 2**l`` the leak factor after ``dt`` timesteps, and
``L = 0`` beyond the end of the table. The membrane saturates, a negative one before it is compared. Rounding once per
update is not the same as rounding in every timestep: an update without weight changes a membrane, too. Source: YANA
(fzi-forschungszentrum-informatik/yana), lif_neuron.sv; g = 16, l = 8, a table of 32 factors. Integers only.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.kernels import kernel
from accelsim.neurons.kernels import saturate
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds

MAX_TABLE = 4096


@NEURON_MODELS.register("lazy_lif")
@dataclass(frozen=True, eq=False)
class LazyLIF(NeuronModel):
    """Leaky integrate-and-fire neurons that leak when they are reached.

    Attributes
    ----------
    threshold : (n,) int32
        At least 1; a membrane at or above it fires.
    gain : (n,) int32
        Of ``2**gain_bits``, on the accumulated weights.
    leak : (d,) int32
        Factor on the membrane after 0, 1, .. d - 1 timesteps, of ``2**leak_bits``; the first is not used.
    gain_bits, leak_bits : int
        Fraction bits, 0 <= ``leak_bits`` <= ``gain_bits`` <= 24.

    Raises
    ------
    NetworkError
        On parameters of different length, no int32, or out of range.
    """

    states: ClassVar[tuple[str, ...]] = ("elapsed", "membrane")
    threshold: Array
    gain: Array
    leak: Array
    gain_bits: int
    leak_bits: int

    def __post_init__(self) -> None:
        for key in ("threshold", "gain", "leak"):
            value = getattr(self, key)
            if value.ndim != 1 or value.size == 0 or value.dtype != np.dtype(np.int32):
                raise NetworkError(f"LazyLIF.{key}: expected int32 of shape (n,), got {value.dtype} of {value.shape}")
        if self.gain.size != self.threshold.size:
            raise NetworkError(f"LazyLIF.gain: expected {self.threshold.size} values, got {self.gain.size}")
        if not 0 <= self.leak_bits <= self.gain_bits <= 24:
            raise NetworkError(f"LazyLIF.leak_bits: expected at most gain_bits = {self.gain_bits}, that at most 24")
        if not 2 <= self.leak.size <= MAX_TABLE:
            raise NetworkError(f"LazyLIF.leak: expected 2..{MAX_TABLE} factors, got {self.leak.size}")
        if self.threshold.min() < 1:
            raise NetworkError(f"LazyLIF.threshold: expected at least 1, got {self.threshold.min()}")
        for key, bits in (("gain", self.gain_bits), ("leak", self.leak_bits)):
            value = getattr(self, key)
            if value.min() < 0 or value.max() > 1 << bits:
                raise NetworkError(f"LazyLIF.{key}: expected 0..{1 << bits}, got {value.min()}..{value.max()}")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.threshold.size)

    @property
    def dtype(self) -> type[np.generic]:
        """``numpy.int32``."""
        return np.int32

    def operations(self) -> Operations:
        """Return two products (leak and gain), one addition and one comparison."""
        return Operations(additions=1, multiplications=2, comparisons=1)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch in which neurons were reached where ``current`` is not zero; see :meth:`NeuronModel.step`."""
        return self.step_touched(state, current, fired, limits, (current != 0).view(np.uint8))

    def step_touched(
        self, state: Array, current: Array, fired: Array, limits: StateRange | None, touched: npt.NDArray[np.uint8]
    ) -> int:
        """Advance a batch in which the ``touched`` neurons were reached; see :meth:`NeuronModel.step_touched`."""
        bits = (self.gain_bits, self.leak_bits)
        tables = (self.threshold, self.gain, self.leak)
        return int(_step(state, current, fired, touched, tables, bits, bounds(limits)))

    def quantized(self, scale: Array) -> Self:  # noqa: ARG002 - nothing is left to convert
        """Refuse: the model is in integers by nature."""
        raise NetworkError("LazyLIF: the model is in integer arithmetic already")

    @classmethod
    def example(cls, size: int) -> Self:
        """Return neurons of different thresholds and gains, with a table of 8 factors."""
        leak = np.array([0, *(round(256 * 0.9**steps) for steps in range(1, 8))], dtype=np.int32)
        threshold = np.linspace(40, 160, size).astype(np.int32)
        return cls(threshold, np.linspace(30000, 65536, size).astype(np.int32), leak, 16, 8)


@kernel
def _step(
    state: npt.NDArray[np.int32],
    current: npt.NDArray[Any],
    fired: npt.NDArray[np.uint16],
    touched: npt.NDArray[np.uint8],
    tables: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]],
    bits: tuple[int, int],
    limits: tuple[int, int],
) -> int:
    threshold, gain, leak = tables
    gain_bits, leak_bits = bits
    low, high = limits
    saturations = 0
    for sample in range(current.shape[0]):
        for neuron in range(current.shape[1]):
            membrane, elapsed = np.int64(state[1, sample, neuron]), state[0, sample, neuron] + 1
            fires = False
            if touched[sample, neuron]:
                kept = membrane * leak[elapsed] if elapsed < leak.size else np.int64(0)
                gained = np.int64(current[sample, neuron]) * gain[neuron]
                membrane = ((kept << (gain_bits - leak_bits)) + gained) >> gain_bits
                fires = membrane >= threshold[neuron]
                if fires:
                    membrane = np.int64(0)
                saturations += int((membrane < low) | (membrane > high))
                membrane = saturate(membrane, low, high)
                elapsed = 0
            elapsed = min(elapsed, leak.size - 1) if membrane != 0 else 0
            saturations += int(elapsed > high)
            state[0, sample, neuron] = min(elapsed, high)
            state[1, sample, neuron] = membrane
            fired[sample, neuron] = fires
    return saturations
