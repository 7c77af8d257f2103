r"""Leaky integrator by the forward Euler method: a readout with a rest potential.

.. math:: v \leftarrow v + \eta\,((v_\mathrm{rest} - v) + r I)

where ``eta`` is the timestep over the time constant and ``r`` a resistance; read at the end of a sample. Norse 1.1.0's
``LIBox`` (``r = 1``), operation for operation; it starts at ``v_rest``. In integers as
:class:`~accelsim.neurons.euler_lif.EulerLIF`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.neurons.arithmetic import quantized_factor
from accelsim.neurons.euler_lif import euler_integer
from accelsim.neurons.firing import spread
from accelsim.neurons.model import NEURON_MODELS, Array, NeuronModel, Operations, StateRange
from accelsim.neurons.parameters import bounds, check_arrays, check_leak, quantized_level


@NEURON_MODELS.register("euler_li")
@dataclass(frozen=True, eq=False)
class EulerLI(NeuronModel):
    """Leaky integrators, forward Euler.

    Attributes
    ----------
    share : (n,) float32 or int32
        Timestep over time constant, 0 .. 1; integers are in units of 2**-12.
    resistance : (n,) float32 or int32
        Factor on the input; integers are in units of 2**-12.
    rest : (n,) float32 or int32

    Raises
    ------
    NetworkError
        On parameters of different length or arithmetic, or out of range.
    """

    spiking: ClassVar[bool] = False
    share: Array
    resistance: Array
    rest: Array

    def __post_init__(self) -> None:
        check_arrays(self)
        check_leak("EulerLI", self.share, "share")

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.share.size)

    @property
    def dtype(self) -> type[np.generic]:
        """Arithmetic of the parameters."""
        return self.share.dtype.type

    def initial(self) -> Array | None:
        """Return the rest potential."""
        return self.rest[None] if self.rest.any() else None

    def operations(self) -> Operations:
        """Return two products and three additions."""
        return Operations(additions=3, multiplications=2, comparisons=0)

    def step(self, state: Array, current: Array, fired: Array, limits: StateRange | None) -> int:
        """Advance a batch by one timestep; see :meth:`NeuronModel.step`."""
        fired[...] = 0
        if self.dtype is np.float32:
            _step_float(state[-1], current, self.share, self.resistance, self.rest)
            return 0
        return int(euler_integer(state[-1], current, self.share, self.resistance, self.rest, bounds(limits)))

    def quantized(self, scale: Array) -> Self:
        """Return the model with the rest potential in steps of ``scale`` and factors in units of 2**-12."""
        return type(self)(
            quantized_factor("EulerLI.share", self.share),
            quantized_factor("EulerLI.resistance", self.resistance),
            quantized_level("EulerLI.rest", self.rest, scale),
        )

    @classmethod
    def example(cls, size: int) -> Self:
        """Return integrators of different time constants."""
        return cls(spread(size, 0.3, 0.9), np.ones(size, dtype=np.float32), np.zeros(size, dtype=np.float32))


@kernel
def _step_float(
    membrane: npt.NDArray[np.float32],
    current: npt.NDArray[np.float32],
    share: npt.NDArray[np.float32],
    resistance: npt.NDArray[np.float32],
    rest: npt.NDArray[np.float32],
) -> None:
    for sample in range(membrane.shape[0]):
        for neuron in range(membrane.shape[1]):
            before = membrane[sample, neuron]
            difference = (rest[neuron] - before) + resistance[neuron] * current[sample, neuron]
            membrane[sample, neuron] = before + share[neuron] * difference
