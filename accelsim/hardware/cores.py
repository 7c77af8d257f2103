"""The cores of a chip by number: how many there are, and of which kind each one is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.core_types import BASE
from accelsim.hardware.spec import ChipSpec, CoreSpec
from accelsim.hardware.topologies.topology import TOPOLOGIES


@dataclass(frozen=True, eq=False)
class Cores:
    """The cores of a chip.

    Attributes
    ----------
    kinds : dict of str to CoreSpec
        Every kind of core on the chip, the base (``core``) first.
    kind : (cores,) int64
        Number of each core's kind, in the order of ``kinds``.
    """

    kinds: dict[str, CoreSpec]
    kind: npt.NDArray[np.int64]

    @property
    def count(self) -> int:
        """Cores of the chip."""
        return len(self.kind)

    def name(self, core: int) -> str:
        """Return the name of a core's kind."""
        return list(self.kinds)[int(self.kind[core])]

    def of(self, core: int) -> CoreSpec:
        """Return the description of a core."""
        return self.kinds[self.name(core)]

    def numbers(self, name: str) -> npt.NDArray[np.int64]:
        """Return the cores of a kind, ascending."""
        return np.flatnonzero(self.kind == list(self.kinds).index(name))

    def each(self, value: Callable[[CoreSpec], Any]) -> npt.NDArray[Any]:
        """Return a value of every core, (cores,)."""
        return np.array([value(spec) for spec in self.kinds.values()])[self.kind]


def cores_of(chip: ChipSpec) -> Cores:
    """Return the cores of a chip.

    Raises
    ------
    ConfigError
        If ``cores`` lists more or fewer cores than the network of routers carries.
    """
    count = TOPOLOGIES.get(chip.noc.topology)(chip.noc.size).cores(chip.noc.concentration)
    names = list(chip.kinds_of_core)
    if not chip.cores:
        return Cores({BASE: chip.core}, np.zeros(count, np.int64))
    stated = sum(run.count or 0 for run in chip.cores)
    open_ended = any(run.count is None for run in chip.cores)
    if stated > count or (not open_ended and stated != count):
        raise ConfigError(
            f"cores: expected {count} cores in all ({chip.noc.concentration} on each of the routers of noc.size "
            f"{list(chip.noc.size)}), got {stated}"
        )
    kind = [names.index(run.type) for run in chip.cores for _ in range(run.count or count - stated)]
    return Cores(chip.kinds_of_core, np.array(kind, np.int64))
