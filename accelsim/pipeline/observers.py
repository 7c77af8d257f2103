"""What looks at every step while a run is simulated: what cores are bound by, and how their power is spent."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accelsim.costs.power_use import PowerUse
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.timing.barrier import barrier_of, drain_cycles
from accelsim.timing.bounds import CoreBounds
from accelsim.timing.engine import ENGINES, Chunk
from accelsim.timing.machine import Machine


@dataclass(frozen=True, eq=False)
class StepObservers:
    """Records that grow with every chunk of steps."""

    bounds: CoreBounds
    power: PowerUse

    def add(self, chunk: Chunk, cycles: npt.NDArray[np.int64]) -> None:
        """Show them a chunk and the cycles of its jobs."""
        self.bounds.add(chunk, cycles)
        self.power.add(chunk, cycles)


def observers(chip: ChipSpec, mapping: Mapping, machine: Machine, engine: str) -> StepObservers:
    """Return empty records for a machine.

    Raises
    ------
    ConfigError
        If what ``technology.power`` asks for does not fit the chip.
    """
    jobs, samples = machine.work.steps, machine.samples
    terminals = tuple(sorted(part.terminal for part in mapping.parts))
    after = drain_cycles(mapping) + barrier_of(machine, chip, mapping, ENGINES.get(engine)).cycles
    return StepObservers(
        CoreBounds(samples, jobs, mapping.cores), PowerUse.of(chip, samples, jobs, mapping.cores, terminals, after)
    )
