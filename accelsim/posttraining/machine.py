"""A workload in memory on a machine: its totals, or why there are none."""

from pathlib import Path

from accelsim.errors import AccelsimError, ConfigError
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.mapping.schedule import Schedule
from accelsim.network.workload import Workload
from accelsim.pipeline.array_flow import ArrayInputs, run_array
from accelsim.pipeline.flow import Inputs, measure
from accelsim.pipeline.totals import totals
from accelsim.result.progress import NO_PROGRESS
from accelsim.result.run_result import Quantity


def run_on(machine: LoadedChip | LoadedArray, load: Workload, threads: int) -> dict[str, Quantity]:
    """Return the totals of a run.

    Raises
    ------
    AccelsimError
        If the workload does not fit the machine.
    """
    if load.recording is not None:
        raise ConfigError(f"workload {load.name}: expected a network that runs, got recorded spikes")
    names = (machine.spec.name, str(Path(load.folder)), (), ())
    if isinstance(machine, LoadedArray):
        return run_array(ArrayInputs(*names, machine, load), threads, NO_PROGRESS, cache=False).totals
    Schedule.of(machine.spec.schedule, load.network, load.timesteps)
    return totals(measure(Inputs(*names, machine, load), "compiled", threads, cache=False))


def try_on(machine: LoadedChip | LoadedArray, load: Workload, threads: int) -> tuple[dict[str, Quantity], str]:
    """Return totals and nothing, or no totals and the first line of why."""
    try:
        return run_on(machine, load, threads), ""
    except AccelsimError as error:
        return {}, str(error).splitlines()[0]
