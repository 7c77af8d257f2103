"""Weight formats: the contract for all that are registered, exact round trips, closed forms and patterns by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.compression.bitmask import Bitmask
from accelsim.compression.bits import read_fields, write_fields
from accelsim.compression.csr import Csr
from accelsim.compression.dense import Dense
from accelsim.compression.format import WEIGHT_FORMATS, Encoded
from accelsim.compression.run_length import RunLength
from accelsim.errors import MappingError, UnknownNameError
from accelsim.testing.contract import ContractError
from accelsim.testing.weight_format import check_weight_format


@pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
def test_contract(name):
    check_weight_format(WEIGHT_FORMATS.get(name))


def test_names():
    assert {"dense", "bitmask", "csr", "run_length"} <= set(WEIGHT_FORMATS.names())
    with pytest.raises(UnknownNameError, match="did you mean 'bitmask'"):
        WEIGHT_FORMATS.get("bitmap")


@st.composite
def matrices(draw):
    bits = draw(st.sampled_from([2, 3, 5, 8, 13, 16, 32]))
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 70)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    keep = rng.random(shape) < draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0]))
    if bits == 32:
        return np.where(keep, rng.normal(size=shape), 0).astype(np.float32), bits
    return (rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), shape) * keep).astype(np.int32), bits


@settings(max_examples=150, deadline=None)
@given(matrix=matrices(), name=st.sampled_from(WEIGHT_FORMATS.names()))
def test_round_trip(matrix, name):
    rows, bits = matrix
    item = WEIGHT_FORMATS.get(name)()
    encoded = item.encode(rows, bits)
    decoded = item.decode(encoded, *rows.shape, bits)
    assert decoded.dtype == rows.dtype
    assert np.array_equal(decoded, rows)
    assert np.array_equal(item.row_bits(rows, bits), encoded.row_bits)


def naive_run_length(row):
    """Entries (run, weight) of one row, one position at a time."""
    entries, zeros = [], 0
    last = max(np.flatnonzero(row), default=-1)
    for weight in row[: last + 1].tolist():
        if weight or zeros == 15:
            entries.append((zeros, weight))
            zeros = 0
        else:
            zeros += 1
    return entries


@settings(max_examples=150, deadline=None)
@given(matrix=matrices())
def test_sizes_and_lanes_equal_closed_forms(matrix):
    rows, bits = matrix
    length, nonzeros = rows.shape[1], np.count_nonzero(rows, axis=1)
    count, position = int(np.ceil(np.log2(length + 1))), int(np.ceil(np.log2(length)))
    entries = [naive_run_length(row) for row in rows]
    expected = {
        Dense: np.full(len(rows), length * bits),
        Bitmask: length + nonzeros * bits,
        Csr: count + nonzeros * (position + bits),
        RunLength: np.array([count + len(item) * (4 + bits) for item in entries]),
    }
    for item, sizes in expected.items():
        assert item().row_bits(rows, bits).tolist() == sizes.tolist(), item
    assert Dense().issued(rows).all()
    assert np.array_equal(Bitmask().issued(rows), rows != 0)
    assert np.array_equal(Csr().issued(rows), rows != 0)
    lanes = np.zeros(rows.shape, bool)
    for at, item in enumerate(entries):
        lanes[at, np.cumsum([run + 1 for run, _ in item], dtype=int) - 1] = True
    assert np.array_equal(RunLength().issued(rows), lanes)


def bit_string(encoded):
    return "".join(map(str, np.unpackbits(encoded.data)[: encoded.row_bits.sum()]))


def test_bits_by_hand():
    rows = np.array([[0, -2, 0, 3]], np.int32)
    assert bit_string(Dense().encode(rows, 4)) == "0000" "1110" "0000" "0011"
    assert bit_string(Bitmask().encode(rows, 4)) == "0101" "1110" "0011"
    assert bit_string(Csr().encode(rows, 4)) == "010" "01" "1110" "11" "0011"
    assert bit_string(RunLength().encode(rows, 4)) == "010" "0001" "1110" "0001" "0011"


def test_escapes_by_hand():
    """33 zeros are two escapes of 16 positions and a run of one; zeros at the end cost nothing."""
    row = np.zeros((1, 40), np.int32)
    row[0, 33] = 5
    assert naive_run_length(row[0]) == [(15, 0), (15, 0), (1, 5)]
    assert bit_string(RunLength().encode(row, 4)) == "000011" + "11110000" * 2 + "00010101"
    assert np.flatnonzero(RunLength().issued(row)[0]).tolist() == [15, 31, 33]


@pytest.mark.parametrize(("zeros", "entries"), [(14, 1), (15, 1), (16, 2), (31, 2), (32, 3)])
def test_escape_begins_at_sixteen_zeros(zeros, entries):
    row = np.zeros((1, 64), np.int32)
    row[0, zeros] = 1
    assert RunLength().row_bits(row, 8)[0] == 7 + entries * 12


def test_binary_weights():
    rows = np.array([[1, -1, -1, 1]], np.int32)
    assert bit_string(Dense().encode(rows, 1)) == "1001"
    pruned = np.array([[0, -1, 0, 1]], np.int32)
    assert bit_string(Bitmask().encode(pruned, 1)) == "0101" "01"
    assert np.array_equal(Bitmask().decode(Bitmask().encode(pruned, 1), 1, 4, 1), pruned)
    with pytest.raises(MappingError, match="one bit holds -1 or \\+1 only"):
        Dense().encode(pruned, 1)


@pytest.mark.parametrize(
    ("rows", "bits", "message"),
    [
        (np.array([[8]], np.int32), 4, r"weights of 4 bit: expected -8\.\.7, got 8"),
        (np.array([[2]], np.int32), 1, r"expected -1\.\.1, got 2"),
        (np.array([[1.0]], np.float32), 8, r"expected integers of 1\.\.16 bit or float32 of 32, got float32 of 8"),
        (np.array([[1]], np.int32), 32, "expected float32, got int32"),
        (np.array([[1]], np.int32), 17, "got int32 of 17"),
        (np.array([1], np.int32), 8, r"shape \(n_rows, run_length\), got \(1,\)"),
    ],
)
@pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
def test_refused(name, rows, bits, message):
    with pytest.raises(MappingError, match=message):
        WEIGHT_FORMATS.get(name)().encode(rows, bits)


def test_short_data_is_refused():
    encoded = Dense().encode(np.ones((3, 4), np.int32), 8)
    with pytest.raises(MappingError, match="expected 3 rows in 12 bytes, got 3 rows in 11 bytes"):
        Dense().decode(Encoded(encoded.data[:-1], encoded.row_bits), 3, 4, 8)


@settings(max_examples=100, deadline=None)
@given(fields=st.lists(st.tuples(st.integers(0, 32), st.integers(0, 2**32 - 1)), max_size=12))
def test_bit_fields_equal_text(fields):
    text = "".join(f"{value & ((1 << width) - 1):0{width}b}" if width else "" for width, value in fields)
    stream, at = np.zeros(len(text), np.uint8), 0
    for width, value in fields:
        code = np.array([value & ((1 << width) - 1)], np.uint32)
        write_fields(stream, np.array([at]), code, width)
        assert read_fields(stream, np.array([at]), width).tolist() == code.tolist()
        at += width
    assert "".join(map(str, stream)) == text


class Forgets(Dense):
    def _read(self, stream, start, shape, bits):
        rows = super()._read(stream, start, shape, bits)
        rows[-1, -1] = 0
        return rows


class Guesses(Dense):
    def row_bits(self, rows, bits):
        return super().row_bits(rows, bits).astype(np.int32)


class Skips(Dense):
    def issued(self, rows):
        return rows > 0


class Couples(Dense):
    def row_bits(self, rows, bits):
        return super().row_bits(rows, bits) + len(rows)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Forgets, "does not give the rows back"),
        (Guesses, "row_bits differs"),
        (Skips, "occupies no lane"),
        (Couples, "depend on the other rows"),
    ],
)
def test_contract_notices(broken, sentence):
    with pytest.raises(ContractError, match=sentence):
        check_weight_format(broken)
