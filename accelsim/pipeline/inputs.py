"""What a run begins with, on either class of machine."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.network.graph import Network
from accelsim.network.workload import Workload

M = TypeVar("M", LoadedChip, LoadedArray)


@dataclass(frozen=True, eq=False, kw_only=True)
class Inputs(Generic[M]):
    """What a run begins with.

    Attributes
    ----------
    hw, workload_name : str
    overrides, workload_overrides : tuple of str
        As the user said them.
    chip : LoadedChip or LoadedArray
    workload : Workload
    own : Network or None
        The ANN beside the network; None where there is none.
    ann : str or None
        Its file.
    origin : str or None
        Point of a study that is run again.
    """

    hw: str
    workload_name: str
    overrides: tuple[str, ...] = ()
    workload_overrides: tuple[str, ...] = ()
    chip: M
    workload: Workload
    own: Network | None = None
    ann: str | None = None
    origin: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ChipInputs(Inputs[LoadedChip]):
    """What a run on a mesh of cores begins with.

    Attributes
    ----------
    windows : int or None
        Samples that have become one stream; None where each is a sample.
    back_to_back : bool
        Whether all samples are simulated once more as one run.
    """

    windows: int | None = None
    back_to_back: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayInputs(Inputs[LoadedArray]):
    """What a run on a layer-serial array begins with."""
