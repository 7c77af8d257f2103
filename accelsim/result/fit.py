"""Whether a workload fits a chip or an array: what every layer needs, and what every core or buffer holds."""

from dataclasses import dataclass
from typing import Any

from accelsim.result.table import Table


@dataclass(frozen=True, eq=False)
class Fit:
    """A workload held against the memories of a chip, before any run.

    Attributes
    ----------
    meta : dict
        Chip, workload, cores, weight format, schedule.
    problem : str
        Why the network cannot be mapped; empty where it can.
    overflow : str
        The first memory that overflows, the layer, and by how much; empty where none does.
    memories : Table
        One row per memory: capacity of a core and of the chip, need of the network, filled fraction of the fullest
        core where the network was mapped.
    layers : Table
        One row per population: what it needs of each memory as a whole, and the cores that it takes where mapped.
    cores : Table or None
        One row per used core: layers, neurons, filled fraction of each memory; None where the network does not fit.
    """

    meta: dict[str, Any]
    problem: str
    overflow: str
    memories: Table
    layers: Table
    cores: Table | None

    @property
    def fits(self) -> bool:
        """Whether the chip can run the workload."""
        return not self.problem


@dataclass(frozen=True, eq=False)
class ArrayFit:
    """A workload held against a layer-serial array, before any run.

    Attributes
    ----------
    meta : dict
        Machine, workload, elements, dataflow, order, timesteps, where activations go that do not fit.
    problem : str
        Why the network cannot run; empty where it can.
    buffers : Table
        One row per buffer: capacity, what lies in it.
    layers : Table
        One row per projection: shape, tiles, utilisation, what is stored where and whether it fits.
    """

    meta: dict[str, Any]
    problem: str
    buffers: Table
    layers: Table

    @property
    def fits(self) -> bool:
        """Whether the array can run the workload."""
        return not self.problem
