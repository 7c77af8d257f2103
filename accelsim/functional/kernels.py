"""Kernels of the functional executor: spikes scattered over runs of targets, and collected from neurons.

One scatter serves every layer, because every connection has the same form (see
:mod:`accelsim.network.connections.connection`). Sources are taken in ascending order and their runs in stored order, so
float32 sums do not depend on how a batch is cut.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, kernel

Array = npt.NDArray[Any]
Marks = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.uint16]
Pointer = npt.NDArray[np.int64]
Index = npt.NDArray[np.int32]

_GLANCE = 32
"""Neurons that are looked at together: most of the time, none of them has fired."""


class Runs(NamedTuple):
    """A connection as the scatter reads it.

    Attributes
    ----------
    rows : (n_rows, run_length) int32 or float32
    marks : (n_rows, run_length) uint8
        1 where a weight touches its target: where it is not zero, or everywhere.
    run_ptr : (n_source + 1,) int64
    run_row, run_start : (n_runs,) int32
    """

    rows: Array
    marks: Marks
    run_ptr: Pointer
    run_row: Index
    run_start: Index


class Spikes(NamedTuple):
    """What a batch sends in one timestep: sample s sends ``neuron[start[s] : stop[s]]``, with ``value`` where graded.

    Attributes
    ----------
    start, stop : (samples,) int64
    neuron : (n,) int32
    value : (n,) int32 or float32
        What each weight is multiplied by: an event's value or a number of spikes; empty where it is 1.
    """

    start: Pointer
    stop: Pointer
    neuron: Index
    value: Array


# Numba takes ten arrays four times as fast as two tuples of them: what follows is called thousands of times.


def scatter(spikes: Spikes, runs: Runs, current: Array, touched: Marks) -> None:
    """Add the weights of every spike to its targets.

    Parameters
    ----------
    spikes : Spikes
    runs : Runs
    current : (samples, n_target) int32, int64 or float32
        Accumulators, added to.
    touched : (samples, n_target) uint8
        Set to 1 where a weight arrives that touches.
    """
    _scatter(spikes.start, spikes.stop, spikes.neuron, *runs, current, touched)


@kernel
def _scatter(
    start: Pointer,
    stop: Pointer,
    neuron: Index,
    rows: Array,
    row_marks: Marks,
    run_ptr: Pointer,
    run_row: Index,
    run_start: Index,
    current: Array,
    touched: Marks,
) -> None:
    length = rows.shape[1]
    for sample in range(current.shape[0]):
        for event in range(start[sample], stop[sample]):
            source = neuron[event]
            for run in range(run_ptr[source], run_ptr[source + 1]):
                first = np.int64(run_start[run])
                weights, marks = rows[run_row[run]], row_marks[run_row[run]]
                target = current[sample, first : first + length]
                mark = touched[sample, first : first + length]
                for at in range(length):
                    target[at] += weights[at]
                for at in range(length):
                    mark[at] |= marks[at]


def scatter_graded(spikes: Spikes, runs: Runs, current: Array, touched: Marks) -> None:
    """Add weight times value of every event to its targets; parameters as :func:`scatter`."""
    _scatter_graded(spikes.start, spikes.stop, spikes.neuron, spikes.value, *runs, current, touched)


@kernel
def _scatter_graded(
    start: Pointer,
    stop: Pointer,
    neuron: Index,
    values: Array,
    rows: Array,
    row_marks: Marks,
    run_ptr: Pointer,
    run_row: Index,
    run_start: Index,
    current: Array,
    touched: Marks,
) -> None:
    length = rows.shape[1]
    for sample in range(current.shape[0]):
        for event in range(start[sample], stop[sample]):
            source, value = neuron[event], values[event]
            for run in range(run_ptr[source], run_ptr[source + 1]):
                first = np.int64(run_start[run])
                weights, marks = rows[run_row[run]], row_marks[run_row[run]]
                target = current[sample, first : first + length]
                mark = touched[sample, first : first + length]
                for at in range(length):
                    target[at] += value * weights[at]
                for at in range(length):
                    mark[at] |= marks[at]


@inlined
def _pack(marks: Any, bits: Any) -> None:
    """Pack values into a bitmap, most significant bit first, 1 where a value is not zero."""
    whole = marks.size >> 3
    for byte in range(whole):
        packed = 0
        for bit in range(8):
            packed = packed << 1 | int(marks[8 * byte + bit] != 0)
        bits[byte] = packed
    if whole < bits.size:
        packed = 0
        for bit in range(8 * whole, marks.size):
            packed |= int(marks[bit] != 0) << (7 - (bit & 7))
        bits[whole] = packed


@inlined
def _pack_any(state: Any, sample: int, bits: Any) -> None:
    """Pack into a bitmap which neurons of a sample have a state that is not zero."""
    bits[:] = 0
    for number in range(state.shape[0]):
        for neuron in range(state.shape[2]):
            bits[neuron >> 3] |= int(state[number, sample, neuron] != 0) << (7 - (neuron & 7))


@kernel
def begin_step(state: Array, base: Array, constant: Marks, nonzero: Marks, current: Array, touched: Marks) -> None:
    """Begin a timestep: note which states are not zero, start the accumulators, clear the marks.

    Parameters
    ----------
    state : (states, samples, neurons) int32 or float32
    base : (1 or samples, neurons)
        What every accumulator starts from.
    constant : (0 or samples, neurons) uint8
        Neurons that are always touched.
    nonzero : (samples, ceil(neurons / 8)) uint8
        Overwritten: a bitmap.
    current : (samples, neurons)
        Overwritten.
    touched : (samples, neurons) uint8
        Overwritten.
    """
    for sample in range(current.shape[0]):
        if state.shape[0] == 1:
            _pack(state[0, sample], nonzero[sample])
        else:
            _pack_any(state, sample, nonzero[sample])
        from_row = sample if base.shape[0] > 1 else 0
        for neuron in range(current.shape[1]):
            current[sample, neuron] = base[from_row, neuron]
        if constant.shape[0] > 0:
            for neuron in range(current.shape[1]):
                touched[sample, neuron] = constant[sample, neuron]
        else:
            for neuron in range(current.shape[1]):
                touched[sample, neuron] = 0


@kernel
def end_step(fired: Counts, touched: Marks, bits: Marks, ptr: Pointer, index: Index) -> None:
    """End a timestep: pack the marks, list the neurons that fired, ascending within a sample.

    Parameters
    ----------
    fired : (samples, neurons) uint16
    touched : (samples, neurons) uint8
    bits : (samples, ceil(neurons / 8)) uint8
        Overwritten: the bitmap of ``touched``.
    ptr : (samples + 1,) int64
        Overwritten: sample s has ``index[ptr[s] : ptr[s + 1]]``.
    index : (samples * neurons + 1,) int32
        Overwritten; one element longer than the longest list, as the loop without branches writes ahead.
    """
    for sample in range(touched.shape[0]):
        _pack(touched[sample], bits[sample])
    found = 0
    ptr[0] = 0
    size = fired.shape[1]
    whole = size - size % _GLANCE
    for sample in range(fired.shape[0]):
        for first in range(0, whole, _GLANCE):
            any_fired = fired[sample, first]
            for neuron in range(first, first + _GLANCE):
                any_fired |= fired[sample, neuron]
            if any_fired == 0:
                continue
            for neuron in range(first, first + _GLANCE):
                index[found] = neuron
                found += fired[sample, neuron] != 0
        for neuron in range(whole, size):
            index[found] = neuron
            found += fired[sample, neuron] != 0
        ptr[sample + 1] = found


@kernel
def list_counts(fired: Counts, ptr: Pointer, index: Index, count: Counts, value: Array) -> None:
    """Look up the spikes of the neurons that :func:`end_step` listed.

    Parameters
    ----------
    fired : (samples, neurons) uint16
    ptr : (samples + 1,) int64
    index : (n,) int32
    count : (n,) uint16
        Overwritten.
    value : (n,) int32 or float32
        Overwritten: the same in the network's arithmetic.
    """
    for sample in range(fired.shape[0]):
        for at in range(ptr[sample], ptr[sample + 1]):
            count[at] = fired[sample, index[at]]
            value[at] = fired[sample, index[at]]


@kernel
def gather(values: Array, start: Pointer, count: Pointer, out: Array) -> None:
    """Copy segments of ``values`` one after another.

    Parameters
    ----------
    values : (n,) int32 or uint16
    start, count : (segments,) int64
    out : (count.sum(),)
        Overwritten.
    """
    at = 0
    for segment in range(start.size):
        for offset in range(count[segment]):
            out[at] = values[start[segment] + offset]
            at += 1


@kernel
def wrap(wide: Array, bits: int, narrow: Index) -> int:
    """Keep the low ``bits`` of two's complement sums, and return how many sums did not fit.

    Parameters
    ----------
    wide : (samples, neurons) int32 or int64
    bits : int
        1 .. 32.
    narrow : (samples, neurons) int32
        Overwritten.
    """
    overflows = 0
    shift = 64 - bits
    for sample in range(wide.shape[0]):
        for neuron in range(wide.shape[1]):
            value = np.int64(wide[sample, neuron])
            kept = (value << shift) >> shift
            overflows += int(kept != value)
            narrow[sample, neuron] = kept
    return overflows
