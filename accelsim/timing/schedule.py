"""Schedules: in which hardware step a population executes which timestep of the network.

``pipelined``: a spike sent in step h is integrated in step h + 1, so a population of depth d executes timestep t in
step d + t and is left alone in all other steps; biases and leak act exactly as in the zero-delay network.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """The pipelined schedule of a network.

    Attributes
    ----------
    timesteps : int
        Timesteps of a sample.
    depth : int
        Depth of the output population.
    """

    timesteps: int
    depth: int

    @property
    def steps(self) -> int:
        """Hardware steps of a sample."""
        return self.timesteps + self.depth

    def timestep(self, step: int, depth: int) -> int | None:
        """Return the timestep that a population executes in a step, or None."""
        at = step - depth
        return at if 0 <= at < self.timesteps else None
