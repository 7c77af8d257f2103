"""The wheel of what is under way in the network: flits and calls, one slot per cycle of the longest flight.

Events lie in one pool whose free entries are used again at once, so that they stay in the fastest cache; a slot is a
linked list, in no particular order. A bit per slot tells whether it is occupied, so that empty cycles cost nothing.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import inlined
from accelsim.timing.compiled.bits import lowest_bit

FLIT, CALL = 0, 1
"""Kinds of an event: a flit arrives in an input VC; a router is evaluated."""

EVENT = np.dtype([("flit", np.int64), ("where", np.int32), ("following", np.int32)])
"""Something under way: where << 1 | kind, where is an input VC or a router; the next event of its slot, or the next
free one."""


class Wheel(NamedTuple):
    """Slots of events.

    Attributes
    ----------
    event : (most,) EVENT
    first : (slots,) int32
        First event of each slot, -1 if it is empty.
    occupied : (slots / 64,) uint64
        Bit s % 64 of word s // 64: slot s has events.
    free : (1,) int64
        First free event.
    """

    event: npt.NDArray[Any]
    first: npt.NDArray[np.int32]
    occupied: npt.NDArray[np.uint64]
    free: npt.NDArray[np.int64]


def allocate_wheel(longest: int, most: int) -> Wheel:
    """Return an empty wheel for flights of up to ``longest`` cycles and ``most`` events at a time."""
    slots = max(64, 1 << int(longest).bit_length())
    event = np.zeros(most, EVENT)
    event["following"] = np.arange(1, most + 1)
    return Wheel(event, np.full(slots, -1, np.int32), np.zeros(slots // 64, np.uint64), np.zeros(1, np.int64))


@inlined
def post(wheel: Wheel, at: int, kind: int, where: int, flit: int) -> None:
    """Put an event on the wheel."""
    slot = at & (wheel.first.size - 1)
    number = wheel.free[0]
    event = wheel.event[number]
    wheel.free[0] = event.following
    event.where = (where << 1) | kind
    event.flit = flit
    event.following = wheel.first[slot]
    wheel.first[slot] = number
    wheel.occupied[slot >> 6] |= np.uint64(1) << np.uint64(slot & 63)


@inlined
def take_slot(wheel: Wheel, now: int) -> int:
    """Empty the slot of a cycle and return its first event, or -1; every event has to be freed."""
    slot = now & (wheel.first.size - 1)
    first = wheel.first[slot]
    wheel.first[slot] = -1
    wheel.occupied[slot >> 6] &= ~(np.uint64(1) << np.uint64(slot & 63))
    return first  # type: ignore[no-any-return]


@inlined
def free_event(wheel: Wheel, number: int) -> int:
    """Give an event back and return the next one of its slot."""
    event = wheel.event[number]
    following = event.following
    event.following = wheel.free[0]
    wheel.free[0] = number
    return following  # type: ignore[no-any-return]


@inlined
def next_occupied(wheel: Wheel, now: int) -> int:
    """Return the next cycle after ``now`` with events, or -1."""
    at = now + 1
    slot = at & (wheel.first.size - 1)
    word = slot >> 6
    rest = wheel.occupied[word] >> np.uint64(slot & 63)
    if rest != 0:
        return at + lowest_bit(rest)
    at -= slot & 63
    for _ in range(wheel.occupied.size):
        at += 64
        word += 1
        if word == wheel.occupied.size:
            word = 0
        rest = wheel.occupied[word]
        if rest != 0:
            return at + lowest_bit(rest)
    return -1
