"""Schedules: in which hardware step a population executes which timestep of the network.

``pipelined``: a spike sent in step h is integrated in step h + 1, so a population of depth d executes timestep t in
step d + t and is left alone in all other steps; biases and leak act exactly as in the zero-delay network.

``native``: a spike sent in step h is integrated in step h + 1 here too, but nothing is balanced: every population
executes timestep t in step t, and an edge delays by one timestep of the network.
"""

from dataclasses import dataclass
from typing import Literal, Self

from accelsim.network.graph import Network


@dataclass(frozen=True)
class Schedule:
    """The schedule of a network's samples.

    Attributes
    ----------
    timesteps : int
        Timesteps of a sample.
    first : dict of str to int
        Step in which each population executes timestep 0.
    steps : int
        Hardware steps of a sample.
    """

    timesteps: int
    first: dict[str, int]
    steps: int

    @classmethod
    def of(cls, kind: Literal["pipelined", "native"], network: Network, timesteps: int) -> Self:
        """Return the schedule of a network on a chip with this ``schedule``."""
        if kind == "native":
            return cls(timesteps, dict.fromkeys(network.populations, 0), timesteps)
        return cls(timesteps, dict(network.depth), timesteps + network.depth[network.output.name])

    def timestep(self, step: int, population: str) -> int | None:
        """Return the timestep that a population executes in a step, or None."""
        at = step - self.first[population]
        return at if 0 <= at < self.timesteps else None
