"""What every core is bound by, step by step: its lanes, its memories, the traffic that it waits for, or the barrier.

Of a core, the engine that ends last tells where its time went. If that is the synapse engine, its rows are ``compute``
(lanes) and ``memory`` (weights, accumulator banks, axons), and the cycles in which it had no row are ``traffic``: it
waited for packets. If it is the neuron engine or axon-out, its scan is ``compute`` (the banks of the membranes
included) and the rest ``traffic``: full queues, routing entries, flits. What is left of the step is ``barrier``: the
core is done and waits for the others, the drain and the barrier. The four add up to the cycles of the step; the
largest is the verdict, the first of equal ones.

Not modelled: the shorter engine, which runs beside the one that ends last and may be as busy.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.timing.engine import Chunk

BOUNDS: Final = ("compute", "memory", "traffic", "barrier")

Counts = npt.NDArray[np.int64]


def core_split(chunk: Chunk, cycles: Counts, cores: int) -> Counts:
    """Return where the cycles of every core went in every job.

    Parameters
    ----------
    chunk : Chunk
    cycles : (jobs,) int64
        Of each job, drain and barrier included.
    cores : int
        The first terminals are cores.

    Returns
    -------
    (jobs, cores, len(BOUNDS)) int64
        Sums to ``cycles`` along the last axis.
    """
    count = chunk.terminals[:, :cores]
    sent = np.maximum(count["scan_end"], count["source_end"])
    last = np.maximum(sent, count["row_end"])
    by_rows = (count["row_end"] == last) & (last > 0)
    compute = np.where(by_rows, count["row_ideal"], np.minimum(count["scan_cycles"], last))
    memory = np.where(by_rows, count["row_conflict"] + count["row_fetch"] + count["row_lookup"], 0)
    traffic = last - compute - memory
    return np.stack([compute, memory, traffic, cycles[:, None] - last], axis=2)


class CoreBounds:
    """Sums the split of every core, and counts its steps by verdict.

    Attributes
    ----------
    cycles : (samples, cores, len(BOUNDS)) int64
    steps : (samples, cores, len(BOUNDS)) int64
        Steps with each verdict.
    """

    def __init__(self, samples: int, jobs_per_sample: int, cores: int) -> None:
        self.cycles = np.zeros((samples, cores, len(BOUNDS)), np.int64)
        self.steps = np.zeros((samples, cores, len(BOUNDS)), np.int64)
        self._jobs = jobs_per_sample

    def add(self, chunk: Chunk, cycles: Counts) -> None:
        """Add a chunk of jobs."""
        split = core_split(chunk, cycles, self.cycles.shape[1])
        sample = np.arange(chunk.first, chunk.first + len(cycles)) // self._jobs
        np.add.at(self.cycles, sample, split)
        verdict = np.arange(len(BOUNDS)) == split.argmax(axis=2)[:, :, None]
        np.add.at(self.steps, sample, verdict.astype(np.int64))

    def verdicts(self) -> list[str]:
        """Return what every core is bound by over all steps and samples."""
        return [BOUNDS[at] for at in self.cycles.sum(axis=0).argmax(axis=1)]
