"""Sizes of encodings against streams that are really written, bit by bit, and read back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.hardware.loader import load_array
from accelsim.pearray.encoding import ENCODINGS, Layout
from accelsim.pearray.storage import stored_spikes, stored_weights

MASKS = st.integers(1, 5).flatmap(
    lambda rows: st.integers(1, 70).flatmap(
        lambda length: st.tuples(
            st.just((rows, length)), st.sampled_from((0.0, 0.05, 0.3, 0.8, 1.0)), st.integers(0, 9999)
        )
    )
)


def width(largest):
    return max(int(largest), 0).bit_length()


def number(value, bits):
    return [int(bit) for bit in format(value, f"0{bits}b")] if bits else []


class Reader:
    def __init__(self, bits):
        self.bits, self.at = bits, 0

    def take(self, bits):
        taken, self.at = self.bits[self.at : self.at + bits], self.at + bits
        return int("".join(map(str, taken)), 2) if bits else 0

    @property
    def left(self):
        return len(self.bits) - self.at


def write(name, row, bits, layout):
    """Write a row of values (0 or more); spikes (``bits`` 0) are ones without a value."""
    out, fiber, run = [], layout.fiber, layout.run_bits
    if name == "dense":
        for value in row:
            out += number(value, max(1, bits))
    if name in {"bitmask", "ubm"}:
        for value in row:
            out += number(int(value > 0), 1) + number(value if name == "ubm" or value else 0, bits) * (
                name == "ubm" or value > 0
            )
    if name == "cp":
        for first in range(0, len(row), fiber):
            own = row[first : first + fiber]
            out += number(int(np.count_nonzero(own)), width(fiber))
            for at, value in enumerate(own):
                if value:
                    out += number(at, width(fiber - 1)) + number(value if bits else 0, bits)
    if name == "uop":
        for first in range(0, len(row), fiber):
            seen = 0
            for value in row[first : first + fiber]:
                seen += int(value > 0)
                out += number(seen, width(fiber)) + number(value if bits else 0, bits) * int(value > 0)
    if name == "rle":
        zeros, most = 0, (1 << run) - 1
        for value in row:
            if value:
                out += number(zeros, run) + number(value if bits else 0, bits)
                zeros = 0
                continue
            zeros += 1
            if bits and zeros == most + 1 and any(row):
                out += number(most, run) + number(0, bits)
                zeros = 0
            if not bits and zeros == most:
                out += number(most, run)
                zeros = 0
    return out


def read(name, stream, length, bits, layout):
    """Return the row that a stream holds."""
    reader, row, fiber, run = Reader(stream), [], layout.fiber, layout.run_bits
    value = lambda: reader.take(bits) if bits else 1  # noqa: E731
    while len(row) < length:
        if name == "dense":
            row.append(reader.take(max(1, bits)))
        elif name == "bitmask":
            row.append(value() if reader.take(1) else 0)
        elif name == "ubm":
            there = reader.take(1)
            stored = reader.take(bits)
            row.append((stored if bits else 1) if there else 0)
        elif name == "cp":
            own = [0] * min(fiber, length - len(row))
            for _ in range(reader.take(width(fiber))):
                place = reader.take(width(fiber - 1))
                own[place] = value()
            row += own
        elif name == "uop":
            seen = 0
            for _ in range(min(fiber, length - len(row))):
                now = reader.take(width(fiber))
                row.append(value() if now > seen else 0)
                seen = now
        elif reader.left:
            zeros = reader.take(run)
            row += [0] * zeros
            if bits:
                row.append(reader.take(bits))
            elif zeros < (1 << run) - 1:
                row.append(1)
        else:
            row += [0] * (length - len(row))
    return row[:length]


def trimmed(name, stream, row, bits, layout):
    """Drop the escapes behind the last value: a run-length stream ends with it."""
    if name != "rle":
        return stream
    last = max((at for at, value in enumerate(row) if value), default=-1)
    return write(name, row[: last + 1], bits, layout)


@pytest.mark.parametrize("name", ["dense", "bitmask", "ubm", "cp", "uop", "rle"])
@settings(max_examples=60, deadline=None)
@given(drawn=MASKS, bits=st.sampled_from((0, 1, 3, 8)), fiber=st.integers(1, 20), run=st.integers(1, 5))
def test_a_size_is_that_of_the_stream(name, drawn, bits, fiber, run):
    (rows, length), density, seed = drawn
    rng, layout = np.random.default_rng(seed), Layout(run, fiber)
    mask = rng.random((rows, length)) < density
    values = mask * rng.integers(1, max(2, 1 << bits), (rows, length))
    payload, metadata = ENCODINGS.get(name)().streams(mask, bits, layout)
    for row, own, beside in zip(values.tolist(), payload, metadata, strict=True):
        stream = trimmed(name, write(name, row, bits, layout), row, bits, layout)
        assert len(stream) == own + beside
        assert read(name, stream, length, bits, layout) == row


def test_the_registry_has_them_all():
    assert ENCODINGS.names() == ["bitmask", "cp", "dense", "rle", "ubm", "uop"]


def test_pointers_find_streams_whose_length_depends_on_their_zeros():
    mask = np.array([[True, False, True], [False, False, False]])
    layout = Layout(4, 3)
    assert ENCODINGS.get("dense")().size(mask, 8, layout).bits == 6 * 8
    size = ENCODINGS.get("bitmask")().size(mask, 8, layout)
    assert (size.payload, size.metadata) == (2 * 8, 6 + 3 * 2)  # three pointers to 0..2 values


@pytest.mark.parametrize(("aligned", "words"), [("layer", 2), ("fiber", 4 + 1), ("value", 5 + 1)])
def test_whole_words_are_fetched(aligned, words):
    """Two filters of 6 weights, five not zero: 40 bit, 20 of runs, three pointers of 3; four fibers, none empty."""
    nonzero = np.zeros((1, 6, 2), dtype=bool)
    nonzero[0, [0, 3, 4], 0] = nonzero[0, [1, 5], 1] = True
    formats = load_array("eyeriss_snn", [f"formats.aligned={aligned}", "formats.fiber=3"]).spec.formats
    found = stored_weights(nonzero, 8, formats)
    assert found.size.payload == 5 * 8
    assert found.fetched == 64 * words


def test_spikes_have_no_payload_but_their_position():
    formats = load_array("eyeriss_snn", ["formats.inputs=bitmask"]).spec.formats
    spikes = np.array([[0, 1, 0, 1], [0, 0, 0, 0]])
    assert stored_spikes(spikes, formats).payload == 0
    assert stored_spikes(spikes, formats, value_bits=2).payload == 4
