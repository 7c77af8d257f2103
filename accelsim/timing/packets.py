"""Packet traces: the input and output of the network alone, in the form of BookSim2's trace runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class PacketTrace:
    """Packets in creation order.

    Attributes
    ----------
    created : (packets,) int64
        Cycle in which the packet enters its source's unbounded queue; sources keep the order of the arrays.
    source, target : (packets,) int64
        Terminals.
    flits : (packets,) int64
        Length, >= 1.
    """

    created: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    flits: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PacketTimes:
    """When each packet's head left its source, and its head and tail arrived; (packets,) int64 each, -1 if never."""

    injected: npt.NDArray[np.int64]
    head_arrived: npt.NDArray[np.int64]
    tail_arrived: npt.NDArray[np.int64]
    link_flits: npt.NDArray[np.int64]
    routers: npt.NDArray[Any]
