"""The calendar: the cycle in which each item (a source, a router, a queue) has something to do next.

Near cycles are slots of a wheel, found through two levels of bit masks; far ones wait in a binary heap. The items of a
cycle are taken all at once, in no particular order. Each item stands in the calendar at most once.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined, loop_kernel
from accelsim.timing.compiled.bits import lowest_bit

NEVER = 1 << 60

_SLOTS = 4096
_WORDS = _SLOTS // 64
_NOT_IN_HEAP = -1
_MANY = 16
"""Items of a cycle that are sorted by a bit for each."""


class Calendar(NamedTuple):
    """Items by the cycle in which they wake.

    Attributes
    ----------
    wake : (items,) int64
        Cycle of each item, NEVER if it is not in the calendar.
    place : (items,) int32
        Position in the heap, -1 if it is not there.
    heap : (items,) uint32
        Items that wake later than the wheel reaches.
    first : (slots,) int32
        First item of each cycle, -1 if there is none.
    before, following : (items,) int32
        Neighbours in the list of a cycle, -1 at its ends.
    occupied : (slots / 64 + 1,) uint64
        A bit per slot with items; last a bit per word that is not zero.
    state : (2,) int64
        Length of the heap; the cycle from which the wheel counts.
    """

    wake: npt.NDArray[np.int64]
    place: npt.NDArray[np.int32]
    heap: npt.NDArray[np.uint32]
    first: npt.NDArray[np.int32]
    before: npt.NDArray[np.int32]
    following: npt.NDArray[np.int32]
    occupied: npt.NDArray[np.uint64]
    state: npt.NDArray[np.int64]


_HEAPED, _BASE = 0, 1


def allocate_calendar(items: int) -> Calendar:
    """Return an empty calendar."""
    return Calendar(
        np.full(items, NEVER, np.int64),
        np.full(items, _NOT_IN_HEAP, np.int32),
        np.zeros(items, np.uint32),
        np.full(_SLOTS, -1, np.int32),
        np.zeros(items, np.int32),
        np.zeros(items, np.int32),
        np.zeros(_WORDS + 1, np.uint64),
        np.zeros(2, np.int64),
    )


@inlined
def restart_calendar(calendar: Calendar) -> None:
    """Begin at cycle 0 again; the calendar is empty, as it is when nothing is left to happen."""
    calendar.state[_BASE] = 0


@inlined
def _bit(position: int) -> np.uint64:
    return np.uint64(1) << np.uint64(position)


@inlined
def _link(calendar: Calendar, item: int, at: int) -> None:
    """Put an item into the list of a near cycle."""
    slot = at & (_SLOTS - 1)
    behind = calendar.first[slot]
    calendar.before[item] = -1
    calendar.following[item] = behind
    calendar.first[slot] = item
    if behind >= 0:
        calendar.before[behind] = item
    else:
        calendar.occupied[slot >> 6] |= _bit(slot & 63)
        calendar.occupied[_WORDS] |= _bit(slot >> 6)


@inlined
def _unlink(calendar: Calendar, item: int, at: int) -> None:
    """Take an item out of the list of its cycle."""
    slot = at & (_SLOTS - 1)
    after, item_behind = calendar.before[item], calendar.following[item]
    if item_behind >= 0:
        calendar.before[item_behind] = after
    if after >= 0:
        calendar.following[after] = item_behind
        return
    calendar.first[slot] = item_behind
    if item_behind < 0:
        word = slot >> 6
        calendar.occupied[word] &= ~_bit(slot & 63)
        if calendar.occupied[word] == 0:
            calendar.occupied[_WORDS] &= ~_bit(word)


@inlined
def _raise(calendar: Calendar, item: int, place: int) -> None:
    """Put an item into the heap at ``place`` or above."""
    at = calendar.wake[item]
    while place > 0:
        parent = (place - 1) >> 1
        above = calendar.heap[parent]
        if calendar.wake[above] <= at:
            break
        calendar.heap[place] = above
        calendar.place[above] = place
        place = parent
    calendar.heap[place] = item
    calendar.place[item] = place


@inlined
def _remove(calendar: Calendar, place: int) -> None:
    """Take the item at ``place`` out of the heap."""
    calendar.place[calendar.heap[place]] = _NOT_IN_HEAP
    calendar.state[_HEAPED] -= 1
    size = calendar.state[_HEAPED]
    if place == size:
        return
    last = calendar.heap[size]
    at = calendar.wake[last]
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and calendar.wake[calendar.heap[child + 1]] < calendar.wake[calendar.heap[child]]:
            child += 1
        below = calendar.heap[child]
        if calendar.wake[below] >= at:
            break
        calendar.heap[place] = below
        calendar.place[below] = place
        place = child
    _raise(calendar, last, place)


@inlined
def set_wake(calendar: Calendar, item: int, at: int) -> None:
    """Wake an item in cycle ``at`` unless it wakes earlier."""
    _set_wake(calendar, np.int64(item), np.int64(at))  # type: ignore[arg-type]


@loop_kernel
def _set_wake(calendar: Calendar, item: int, at: int) -> None:
    known = calendar.wake[item]
    if known == NEVER and at - calendar.state[_BASE] < _SLOTS:
        calendar.wake[item] = at
        _link(calendar, item, at)
    elif at < known:
        _wake_earlier_or_far(calendar, item, at)


@loop_kernel
def _wake_earlier_or_far(calendar: Calendar, item: int, at: int) -> None:
    """Do what is rare: move an item that is in the calendar already, or put one into the heap."""
    known = calendar.wake[item]
    if known < NEVER:
        if calendar.place[item] >= 0:
            _remove(calendar, calendar.place[item])
        else:
            _unlink(calendar, item, known)
    calendar.wake[item] = at
    if at - calendar.state[_BASE] < _SLOTS:
        _link(calendar, item, at)
    else:
        calendar.state[_HEAPED] += 1
        _raise(calendar, item, calendar.state[_HEAPED] - 1)


@inlined
def _next_near(calendar: Calendar) -> int:
    """Return the next cycle on the wheel, or NEVER."""
    words = calendar.occupied[_WORDS]
    if words == 0:
        return NEVER
    base = calendar.state[_BASE]
    slot = base & (_SLOTS - 1)
    word = slot >> 6
    rest = calendar.occupied[word] >> np.uint64(slot & 63)
    if rest != 0:
        return base + lowest_bit(rest)  # type: ignore[no-any-return]
    later = words & ~(_bit(word + 1) - np.uint64(1)) if word < _WORDS - 1 else np.uint64(0)
    word = lowest_bit(later) if later != 0 else lowest_bit(words)
    found = (word << 6) + lowest_bit(calendar.occupied[word])
    return base + ((found - slot) & (_SLOTS - 1))  # type: ignore[no-any-return]


@inlined
def next_wake(calendar: Calendar) -> int:
    """Return the cycle in which the next item wakes, or NEVER."""
    near = _next_near(calendar)
    if calendar.state[_HEAPED] > 0:
        return min(near, calendar.wake[calendar.heap[0]])  # type: ignore[no-any-return]
    return near


@loop_kernel
def _bring_near(calendar: Calendar, now: int) -> None:
    """Move the items that wake now from the heap to the wheel."""
    while calendar.state[_HEAPED] > 0 and calendar.wake[calendar.heap[0]] == now:
        item = calendar.heap[0]
        _remove(calendar, 0)
        _link(calendar, item, now)


@inlined
def take_due(calendar: Calendar, now: int, due: npt.NDArray[np.uint32]) -> int:
    """Remove the items that wake in cycle ``now``, which :func:`next_wake` has given; write them to ``due``.

    Returns their number.
    """
    calendar.state[_BASE] = now
    if calendar.state[_HEAPED] > 0 and calendar.wake[calendar.heap[0]] == now:
        _bring_near(calendar, now)
    slot = now & (_SLOTS - 1)
    item = calendar.first[slot]
    calendar.first[slot] = -1
    calendar.occupied[slot >> 6] &= ~_bit(slot & 63)
    if calendar.occupied[slot >> 6] == 0:
        calendar.occupied[_WORDS] &= ~_bit(slot >> 6)
    taken = 0
    while item >= 0:
        due[taken] = item
        taken += 1
        calendar.wake[item] = NEVER
        item = calendar.following[item]
    return taken


@inlined
def sort_numbers(numbers: npt.NDArray[np.uint32], count: int, marks: npt.NDArray[np.uint64]) -> None:
    """Sort the first ``count`` numbers, which differ; ``marks`` has a bit for each that may occur, all 0."""
    if count >= _MANY and count * _MANY >= marks.size:
        _sort_many(numbers, count, marks)
    else:
        _sort_few(numbers, count)


@loop_kernel
def _sort_many(numbers: npt.NDArray[np.uint32], count: int, marks: npt.NDArray[np.uint64]) -> None:
    """Sort by setting a bit for every number and reading the bits in order."""
    for at in range(count):
        marks[numbers[at] >> 6] |= _bit(numbers[at] & 63)
    at = word = 0
    while at < count:
        rest = marks[word]
        marks[word] = 0
        while rest != 0:
            numbers[at] = (word << 6) + lowest_bit(rest)
            rest &= rest - np.uint64(1)
            at += 1
        word += 1


@inlined
def _sort_few(numbers: npt.NDArray[np.uint32], count: int) -> None:
    """Sort by Shell's method."""
    gap = count >> 1
    while gap > 0:
        for at in range(gap, count):
            number, place = numbers[at], at
            while place >= gap and numbers[place - gap] > number:
                numbers[place] = numbers[place - gap]
                place -= gap
            numbers[place] = number
        gap >>= 1
