"""When which neurons fired: spikes of every layer over time, and the raster of one sample, both of bounded size."""

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from accelsim.result.table import Table, table

if TYPE_CHECKING:
    from accelsim.pipeline.array_flow import ArrayRun
    from accelsim.pipeline.flow import Run

MAX_BINS: Final = 200
"""Most bins of time in the table of activity."""
MAX_RASTER: Final = 8_000
"""Most spikes of the raster."""

Int64s = npt.NDArray[np.int64]


def activity_table(run: "Run | ArrayRun") -> Table:
    """Return spikes per sample by layer and time; a long run is cut into equal bins of timesteps."""
    trace, names = run.trace, list(run.workload.network.populations)
    width = -(-trace.timesteps // MAX_BINS)
    first = np.arange(0, trace.timesteps, width)
    spikes = [np.add.reduceat(trace.spikes(name).mean(axis=0), first) for name in names]
    return table(
        "activity",
        ("layer", "", "Population", np.repeat(np.array(names), len(first))),
        ("timestep", "", "First timestep of the network in the bin", np.tile(first, len(names))),
        ("timesteps", "", "Timesteps in the bin", np.tile(np.diff(np.append(first, trace.timesteps)), len(names))),
        ("spikes", "", "Spikes (events of the input) per sample", np.concatenate(spikes)),
    )


def raster_table(run: "Run | ArrayRun") -> Table:
    """Return the spikes of the first sample, thinned by neuron where they are many."""
    trace, names = run.trace, list(run.workload.network.populations)
    share = MAX_RASTER // len(names)
    layers, neurons, timesteps, thinned = [], [], [], []
    for name in names:
        neuron, timestep, every = _spikes(run, name, share)
        layers.append(np.full(len(neuron), name))
        neurons.append(neuron)
        timesteps.append(timestep)
        if every > 1:
            thinned.append(f"every {every}th neuron of {name}")
    shown = f"; shown: {', '.join(thinned)}, all of the others" if thinned else ""
    return table(
        "raster",
        ("layer", "", "Population", np.concatenate(layers)),
        ("neuron", "", f"Position in the population{shown}"[:4000], np.concatenate(neurons)),
        ("timestep", "", f"Timestep of the network, of {trace.timesteps}; first sample", np.concatenate(timesteps)),
    )


def _spikes(run: "Run | ArrayRun", name: str, most: int) -> tuple[Int64s, Int64s, int]:
    """Return neurons and timesteps of a population's spikes in the first sample, and which part of them it is."""
    activity, steps = run.trace.populations[name], run.trace.timesteps
    neuron = activity.index[: activity.ptr[steps]].astype(np.int64)
    timestep = np.repeat(np.arange(steps), np.diff(activity.ptr[: steps + 1]))
    every = 1
    while len(neuron) > most:
        every *= 2
        kept = neuron % every == 0
        neuron, timestep = neuron[kept], timestep[kept]
        if every > run.workload.network.populations[name].size:  # neuron 0 alone: the beginning of its spikes
            neuron, timestep = neuron[:most], timestep[:most]
    return neuron, timestep, every
