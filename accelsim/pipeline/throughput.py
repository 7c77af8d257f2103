"""Samples back to back: how soon the next one may follow, simulated as one run of all of them.

A chip of this kind can take the next sample in as soon as the first layer is done with the last timestep of the one
before: each layer's state is cleared between two of its own timesteps, while deeper layers still work on the old
sample. With the schedule ``pipelined`` samples are thus T steps apart, whatever the depth; docs/timing-model.md,
section 1.
"""

import numpy as np

from accelsim.errors import ConfigError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.schedule import Schedule
from accelsim.network.graph import Network
from accelsim.timing.machine import build_machine
from accelsim.timing.simulate import simulate
from accelsim.trace.activity import ActivityTrace


def sample_interval(
    network: Network, chip: ChipSpec, mapping: Mapping, trace: ActivityTrace, engine: str, threads: int
) -> float:
    """Return the mean cycles from the start of a sample to that of the next, where all run back to back.

    Raises
    ------
    ConfigError
        If there is one sample only.
    """
    if trace.samples < 2:
        raise ConfigError(f"back to back: expected at least 2 samples, got {trace.samples}")
    machine = build_machine(network, chip, mapping, trace, back_to_back=True)
    timing = simulate(machine, chip, mapping, engine, threads)
    schedule = Schedule.of(chip.schedule, network, trace.timesteps)
    apart = schedule.interval(network) * schedule.period
    starts = np.concatenate(([0], np.cumsum(timing.step_cycles[0])))
    return float(starts[(trace.samples - 1) * apart] / (trace.samples - 1))
