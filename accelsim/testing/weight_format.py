"""The contract of a weight format, as a suite that any format's tests can run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.compression.format import WeightFormat
from accelsim.testing.contract import require

Rows = npt.NDArray[Any]


def check_weight_format(weight_format: type[WeightFormat]) -> None:
    """Check a weight format against the contract of :class:`~accelsim.compression.format.WeightFormat`.

    Checked on dense, sparse, empty and extreme rows of several widths: the exact round trip, sizes that ``row_bits``
    tells without encoding, rows that are encoded one by one as they are together, and lanes for every weight that is
    not zero.

    Raises
    ------
    ContractError
        With the sentence that does not hold.
    """
    item = weight_format()
    for rows, bits in _examples():
        name = f"{weight_format.__name__}, {rows.shape[0]} rows of {rows.shape[1]} at {bits} bit"
        _check_round_trip(name, item, rows, bits)
        _check_rows_alone(name, item, rows, bits)
        _check_issued(name, item, rows)


def _examples() -> Iterator[tuple[Rows, int]]:
    rng = np.random.default_rng(12)
    for bits in (2, 3, 4, 8, 16):
        low, high = -(1 << (bits - 1)), 1 << (bits - 1)
        for length in (1, 2, 15, 16, 17, 100):
            rows = rng.integers(low, high, (6, length)).astype(np.int32)
            yield rows, bits
            yield rows * (rng.random(rows.shape) < 0.1), bits
            yield np.zeros_like(rows), bits
            yield np.tile(np.array([[low], [high - 1]], dtype=np.int32), (1, length)), bits
    yield rng.choice(np.array([-1, 1], dtype=np.int32), (5, 33)), 1
    floats = rng.normal(size=(5, 40)).astype(np.float32)
    yield floats, 32
    yield floats * (rng.random(floats.shape) < 0.05).astype(np.float32) + np.float32(0.0), 32


def _check_round_trip(name: str, item: WeightFormat, rows: Rows, bits: int) -> None:
    given = rows.copy()
    encoded = item.encode(rows, bits)
    require(np.array_equal(rows, given), f"{name}: encode changes its rows")
    require(encoded.data.dtype == np.uint8, f"{name}: data is {encoded.data.dtype}, expected uint8")
    total = int(encoded.row_bits.sum())
    require(encoded.data.size == (total + 7) // 8, f"{name}: {encoded.data.size} bytes for {total} bits")
    told = item.row_bits(rows, bits)
    require(told.dtype == np.int64 and np.array_equal(told, encoded.row_bits), f"{name}: row_bits differs from encode")
    decoded = item.decode(encoded, rows.shape[0], rows.shape[1], bits)
    require(decoded.dtype == rows.dtype, f"{name}: decodes {rows.dtype} as {decoded.dtype}")
    require(np.array_equal(decoded, rows), f"{name}: decode does not give the rows back")


def _check_rows_alone(name: str, item: WeightFormat, rows: Rows, bits: int) -> None:
    together = item.encode(rows, bits)
    stream = np.unpackbits(together.data)
    at = 0
    for row, size in zip(rows, together.row_bits.tolist(), strict=True):
        alone = np.unpackbits(item.encode(row[np.newaxis], bits).data)[:size]
        require(np.array_equal(alone, stream[at : at + size]), f"{name}: a row's bits depend on the other rows")
        at += size


def _check_issued(name: str, item: WeightFormat, rows: Rows) -> None:
    issued = item.issued(rows)
    require(issued.shape == rows.shape and issued.dtype == np.bool_, f"{name}: issued is no mask of the rows")
    require(bool(issued[rows != 0].all()), f"{name}: a weight that is not zero occupies no lane")
    if item.issues_zeros:
        require(bool(issued.all()), f"{name}: issues_zeros, but a zero occupies no lane")
