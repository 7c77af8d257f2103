"""A workload in memory on a machine: its totals, or why there are none."""

from pathlib import Path

from accelsim.errors import AccelsimError, ConfigError
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.mapping.schedule import Schedule
from accelsim.network.workload import Workload
from accelsim.pipeline.array_flow import measure_array
from accelsim.pipeline.array_tables import totals as array_totals
from accelsim.pipeline.flow import measure
from accelsim.pipeline.inputs import ArrayInputs, ChipInputs
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
    hw, name = machine.spec.name, str(Path(load.folder))
    if isinstance(machine, LoadedArray):
        array = ArrayInputs(hw=hw, workload_name=name, chip=machine, workload=load)
        return array_totals(measure_array(array, threads, NO_PROGRESS, cache=False))
    Schedule.of(machine.spec.schedule, load.network, load.timesteps)
    chip = ChipInputs(hw=hw, workload_name=name, chip=machine, workload=load)
    return totals(measure(chip, "compiled", threads, cache=False))


def try_on(machine: LoadedChip | LoadedArray, load: Workload, threads: int) -> tuple[dict[str, Quantity], str]:
    """Return totals and nothing, or no totals and the first line of why."""
    try:
        return run_on(machine, load, threads), ""
    except AccelsimError as error:
        return {}, str(error).splitlines()[0]
