"""The kernel of recorded traces: which neurons the spikes of one source population reach."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel


class Reach(NamedTuple):
    """Which targets a source reaches, in rows that are shared between sources.

    Attributes
    ----------
    marks : (n_rows, run_length) uint8
        1 where a weight touches its target.
    run_ptr : (n_source + 1,) int64
        Runs of source neuron i are ``run_ptr[i] : run_ptr[i + 1]``.
    run_row, run_start : (n_runs,) int32
        Row of each run, and the first of its ``run_length`` consecutive targets.
    """

    marks: npt.NDArray[np.uint8]
    run_ptr: npt.NDArray[np.int64]
    run_row: npt.NDArray[np.int32]
    run_start: npt.NDArray[np.int32]


@kernel
def touch(ptr: Any, index: Any, reach: Reach, delay: int, touched: Any) -> None:
    """Mark the targets of the spikes of one sample.

    Parameters
    ----------
    ptr : (timesteps + 1,) int64
        Spikes of timestep t are ``index[ptr[t] : ptr[t + 1]]``.
    index : (n_spikes,) int32
    reach : Reach
    delay : int
        Timesteps between a spike and its arrival.
    touched : (timesteps, n_target) uint8
        Set to 1 where a weight that touches arrives.
    """
    length = reach.marks.shape[1]
    for step in range(delay, touched.shape[0]):
        for event in range(ptr[step - delay], ptr[step - delay + 1]):
            source = index[event]
            for run in range(reach.run_ptr[source], reach.run_ptr[source + 1]):
                first = np.int64(reach.run_start[run])
                marks = reach.marks[reach.run_row[run]]
                target = touched[step, first : first + length]
                for at in range(length):
                    target[at] |= marks[at]
