"""The calendar: when a source or a router has something to do next; each stands in a binary heap at most once.

Items are numbered terminals first, then routers. What happens within a few cycles is on the wheel of the network
instead (:mod:`accelsim.timing.compiled.wheel`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined

NEVER = 1 << 60


class Calendar(NamedTuple):
    """A heap of items by the cycle in which they wake.

    Attributes
    ----------
    heap : (items,) int64
    wake : (items,) int64
        Cycle of each item, NEVER if it is not in the heap.
    place : (items,) int64
        Position in the heap, -1 if it is not there.
    size : (1,) int64
    """

    heap: npt.NDArray[np.int64]
    wake: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]


def allocate_calendar(items: int) -> Calendar:
    """Return an empty calendar."""
    heap, wake, place = (np.zeros(items, np.int64) for _ in range(3))
    return Calendar(heap, wake, place, np.zeros(1, np.int64))


@inlined
def clear_calendar(calendar: Calendar) -> None:
    """Remove everything."""
    calendar.wake[:] = NEVER
    calendar.place[:] = -1
    calendar.size[0] = 0


@inlined
def set_wake(calendar: Calendar, item: int, at: int) -> None:
    """Wake an item in cycle ``at`` unless it wakes earlier."""
    if calendar.wake[item] <= at:
        return
    calendar.wake[item] = at
    place = calendar.place[item]
    if place < 0:
        place = calendar.size[0]
        calendar.size[0] += 1
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
def take_first(calendar: Calendar) -> int:
    """Remove and return the item that wakes first."""
    first = calendar.heap[0]
    calendar.place[first] = -1
    calendar.wake[first] = NEVER
    calendar.size[0] -= 1
    size = calendar.size[0]
    if size > 0:
        last = calendar.heap[size]
        at = calendar.wake[last]
        place = 0
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
        calendar.heap[place] = last
        calendar.place[last] = place
    return first  # type: ignore[no-any-return]


@inlined
def next_wake(calendar: Calendar) -> int:
    """Return the cycle in which the next item wakes, or NEVER."""
    if calendar.size[0] == 0:
        return NEVER
    return calendar.wake[calendar.heap[0]]  # type: ignore[no-any-return]
