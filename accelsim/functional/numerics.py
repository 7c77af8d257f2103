"""Widths of the integer arithmetic, and the proof that an accumulator is wide enough.

Accumulators are two's complement, hence associative: a sum is right modulo 2**bits whatever the order and whatever
happened in between, so only the final sum of a timestep is compared with the range. Where the largest possible sum
fits, nothing is checked at run time; otherwise overflows are wrapped as hardware wraps them, and counted.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.neurons.model import MOST_SPIKES, StateRange


@dataclass(frozen=True)
class Numerics:
    """Widths of an integer network's arithmetic, bit; both None for float32.

    Attributes
    ----------
    membrane_bits : int or None
        A membrane, like every state of a neuron, saturates at this two's complement range.
    accumulator_bits : int or None
        An accumulator wraps at this two's complement range.

    Raises
    ------
    NetworkError
        On widths outside 2 .. 32, or one without the other.
    """

    membrane_bits: int | None
    accumulator_bits: int | None

    def __post_init__(self) -> None:
        if (self.membrane_bits is None) != (self.accumulator_bits is None):
            raise NetworkError(f"numerics: expected both widths (integers) or none (float32), got {self}")
        for name, bits in (("membrane", self.membrane_bits), ("accumulator", self.accumulator_bits)):
            if bits is not None and not 2 <= bits <= 32:
                raise NetworkError(f"numerics: expected {name} bits within 2..32, got {bits}")

    @property
    def integer(self) -> bool:
        """Whether these are the widths of integer arithmetic."""
        return self.membrane_bits is not None

    @property
    def membrane(self) -> StateRange | None:
        """Range that a membrane saturates at."""
        return None if self.membrane_bits is None else StateRange.of_bits(self.membrane_bits)


def largest_sums(network: Network, events: EventStream) -> dict[str, npt.NDArray[np.float64]]:
    """Return the largest possible magnitude of every accumulator in one timestep.

    Parameters
    ----------
    network : Network
    events : EventStream
        Gives the largest magnitude of an input value, and how often a neuron sends in one timestep.

    Returns
    -------
    dict of str to (neurons,) float64
        By population, without the input: the sum of absolute weights times the largest value or most spikes that a
        source sends, plus the absolute bias. Where a model states no most spikes, what a count holds.
    """
    largest = _largest_input(events)
    sums = {}
    for name, population in network.populations.items():
        if population.model is None:
            continue
        total = np.zeros(population.size) if population.bias is None else np.abs(population.bias.astype(np.float64))
        for edge in network.incoming(name):
            model = network.populations[edge.source].model
            most = largest if model is None else float(model.most_spikes or MOST_SPIKES)
            total += edge.connection.absolute_input() * most
        sums[name] = total
    return sums


def _largest_input(events: EventStream) -> float:
    if not events.total:
        return 0.0
    begins = np.zeros(events.total + 1, dtype=np.bool_)
    begins[1:-1] = events.index[1:] != events.index[:-1]
    begins[events.ptr] = True
    repeats = int(np.diff(np.flatnonzero(begins)).max())
    return repeats * (1.0 if events.value is None else float(np.abs(events.value.astype(np.float64)).max()))


def check_arithmetic(network: Network, events: EventStream, limits: Numerics) -> None:
    """Check that network, input values and widths are all integer or all float32.

    Raises
    ------
    NetworkError
        Naming the part that differs.
    """
    expected = np.dtype(np.int32 if network.integer else np.float32)
    if limits.integer != network.integer:
        kind = "integers and needs membrane and accumulator bits" if network.integer else "float32 and takes no bits"
        raise NetworkError(f"network {network.name}: computes in {kind}, got {limits}")
    for edge in network.projections:
        if edge.connection.rows.dtype != expected:
            raise NetworkError(f"projection {edge.name}: expected {expected} weights, got {edge.connection.rows.dtype}")
    for name, population in network.populations.items():
        if population.model is not None and population.model.dtype is not expected.type:
            found = np.dtype(population.model.dtype)
            raise NetworkError(f"population {name}: expected a model in {expected}, got {found}")
        if population.bias is not None and population.bias.dtype != expected:
            raise NetworkError(f"population {name}: expected a bias in {expected}, got {population.bias.dtype}")
    if network.integer and events.value is not None and not np.issubdtype(events.value.dtype, np.integer):
        raise NetworkError(f"network {network.name}: integer weights need integer input, got {events.value.dtype}")
