"""Integers of a set of weights that share one scale: the quantisers of tensors.

Symmetric integers of 2..16 bit (levels ``-(2**(b-1)-1) .. 2**(b-1)-1``), ternary {-1, 0, 1}, binary {-1, 1}, asymmetric
(``scale * (q - zero_point)`` with q in ``0 .. 2**b - 1``), powers of two, and weights that lie on a grid of any scale.

Weights that already lie on a grid keep their exact integers. A weight counts as on the grid ``k * step`` when it
differs by no more than the rounding of float32 (relative 2**-21). Tried first is ``step = max|w| / (2**(b-1)-1)``,
which training tools export, then the coarsest step ``max|w| / m``.

What a chip stores are plain integers. An *asymmetric* weight acts as the difference ``q - zero_point``; a chip that
adds rows has no place where a zero point could be corrected by the number of spikes that came in, so the difference is
stored, in ``b + 1`` bit where it needs them. A *power of two* is stored as its integer, too: no decoder of exponents is
modelled, so a code of ``b`` bit takes ``2**(b-1)`` bit.

Sources: ternary rule (threshold 0.7 mean|w|, scale the mean of what exceeds it) Li, Zhang & Liu, "Ternary Weight
Networks", arXiv:1605.04711; binary rule (scale mean|w|) Rastegari et al., "XNOR-Net", ECCV 2016; asymmetric Jacob et
al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ROUNDING: Final = 2.0**-21
"""Relative deviation from a grid point that float32 arithmetic explains: two roundings and a scaling."""

MAX_BITS: Final = 16
"""Widest weight."""

MAX_POWER_BITS: Final = 5
"""Widest code of a power of two: its largest integer, 2**14, takes 16 bit."""

_FEW: Final = 8


@dataclass(frozen=True, eq=False)
class Levels:
    """Integers of a set of weights that share one scale.

    Attributes
    ----------
    integers : (n,) int64
        As they are added; of asymmetric weights, q minus the zero point.
    scale : float
        Real value of one step; 0 where every weight is zero, so that any scale serves.
    recognised : bool
        Whether the weights lay on the grid.
    bits : int
        Width that holds them, two's complement.
    zero_point : int
        Of asymmetric weights; 0 otherwise.
    """

    integers: Integers
    scale: float
    recognised: bool
    bits: int
    zero_point: int = 0


def integer_levels(weights: Floats, bits: int | Literal["ternary", "binary"]) -> Levels:
    """Return the symmetric integers of weights that share one scale.

    Parameters
    ----------
    weights : (n,) float64
    bits : int or {"ternary", "binary"}

    Raises
    ------
    NetworkError
        If binary weights would have to be zero.
    """
    magnitude = np.abs(weights)
    largest = float(magnitude.max(initial=0.0))
    if bits == "binary":
        return _binary(weights, magnitude, largest)
    width = 2 if bits == "ternary" else bits
    if largest == 0.0:
        return Levels(np.zeros(weights.shape, dtype=np.int64), 0.0, recognised=True, bits=width)
    if bits == "ternary":
        return _ternary(weights, magnitude, largest)
    limit = (1 << (bits - 1)) - 1
    top = _grid_top(np.unique(magnitude), limit)
    scale = largest / (top or limit)
    integers = np.clip(np.rint(weights / scale), -limit, limit).astype(np.int64)
    return Levels(integers, scale, recognised=top is not None, bits=width)


def grid_levels(weights: Floats) -> Levels | None:
    """Return the integers of weights on a grid, of the coarsest step; None where 16 bit do not hold one."""
    magnitudes = np.unique(np.abs(weights))
    largest = float(magnitudes.max(initial=0.0))
    if largest == 0.0:
        return Levels(np.zeros(weights.shape, dtype=np.int64), 0.0, recognised=True, bits=2)
    top = _grid_top(magnitudes, (1 << (MAX_BITS - 1)) - 1, preferred=False)
    if top is None:
        return None
    integers = np.rint(weights / (largest / top)).astype(np.int64)
    return Levels(integers, largest / top, recognised=True, bits=max(2, top.bit_length() + 1))


def asymmetric_levels(weights: Floats, bits: int) -> Levels:
    """Return ``q - zero_point`` of weights whose range, zero included, is cut into ``2**bits - 1`` steps."""
    low, high = min(0.0, float(weights.min(initial=0.0))), max(0.0, float(weights.max(initial=0.0)))
    if low == high:
        return Levels(np.zeros(weights.shape, dtype=np.int64), 0.0, recognised=True, bits=bits)
    steps = (1 << bits) - 1
    scale = (high - low) / steps
    zero = int(np.rint(-low / scale))
    integers = np.clip(np.rint(weights / scale), -zero, steps - zero).astype(np.int64)
    recognised = bool((np.abs(weights - integers * scale) <= ROUNDING * np.abs(weights)).all())
    half = 1 << (bits - 1)
    fits = int(integers.min(initial=0)) >= -half and int(integers.max(initial=0)) < half
    return Levels(integers, scale, recognised, bits if fits else bits + 1, zero)


def power_of_two_levels(weights: Floats, bits: int) -> Levels:
    """Return weights as zero or a sign and one of ``2**(bits-1) - 1`` powers of two, the nearest.

    The largest power is the one nearest to the largest magnitude on a logarithmic scale, or the magnitude itself where
    all weights are powers of two times one scale.
    """
    magnitude = np.abs(weights)
    largest = float(magnitude.max(initial=0.0))
    highest = (1 << (bits - 1)) - 2
    width = highest + 2
    if largest == 0.0:
        return Levels(np.zeros(weights.shape, dtype=np.int64), 0.0, recognised=True, bits=width)
    powers = np.concatenate(([0.0], 2.0 ** np.arange(highest + 1)))
    exact = largest / 2.0**highest
    ratio = magnitude / exact
    near = _nearest(ratio, powers)
    recognised = bool((np.abs(ratio - near) <= ROUNDING * ratio).all())
    scale = exact if recognised else 2.0 ** (np.rint(np.log2(largest)) - highest)
    chosen = near if recognised else _nearest(magnitude / scale, powers)
    return Levels((np.sign(weights) * chosen).astype(np.int64), float(scale), recognised, width)


def _nearest(ratio: Floats, powers: Floats) -> Floats:
    middle = (powers[1:] + powers[:-1]) / 2
    return np.asarray(powers[np.searchsorted(middle, ratio, side="left")], dtype=np.float64)


def _grid_top(magnitudes: Floats, limit: int, *, preferred: bool = True) -> int | None:
    """Return the level of the largest of the sorted magnitudes on a grid of at most ``limit`` levels, or None.

    ``preferred``: ``limit`` is tried first, what training tools export; then the coarsest grid.
    """
    values = magnitudes[magnitudes > 0]
    if values.size > limit:
        return None
    largest = float(values[-1])
    tops = np.arange(1, limit + 1)
    step = largest / tops
    few = values[:_FEW, None]
    fitting = tops[(np.abs(few - np.rint(few / step) * step) <= ROUNDING * few).all(axis=0)].tolist()
    if preferred and fitting and fitting[-1] == limit:
        fitting.insert(0, limit)
    return next((top for top in fitting if _on_grid(values, largest / top)), None)


def _on_grid(values: Floats, step: float) -> bool:
    return bool((np.abs(values - np.rint(values / step) * step) <= ROUNDING * values).all())


def _ternary(weights: Floats, magnitude: Floats, largest: float) -> Levels:
    kept = magnitude > 0
    recognised = bool((np.abs(magnitude[kept] - largest) <= ROUNDING * largest).all())
    if not recognised:
        kept = magnitude > 0.7 * magnitude.mean()
    scale = largest if recognised else float(magnitude[kept].mean())
    return Levels((np.sign(weights) * kept).astype(np.int64), scale, recognised, bits=2)


def _binary(weights: Floats, magnitude: Floats, largest: float) -> Levels:
    zeros = int(np.count_nonzero(weights == 0))
    if zeros:
        raise NetworkError(f"binary weights cannot be zero, but {zeros} of {weights.size} are; use 'ternary'")
    recognised = bool((np.abs(magnitude - largest) <= ROUNDING * largest).all())
    scale = largest if recognised else float(magnitude.mean())
    return Levels(np.sign(weights).astype(np.int64), scale, recognised, bits=1)
