"""The accumulated input of populations: what spikes of a trace add up to, before any neuron does anything with it.

Delays of projections are not regarded: a spike counts in the timestep in which it was sent.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.kernels import kernel
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.trace.activity import ActivityTrace

Floats = npt.NDArray[np.float64]


@kernel
def add_runs(
    rows: Any, run_ptr: Any, run_row: Any, run_start: Any, ptr: Any, index: Any, amount: Any, steps: Any, total: Any
) -> None:
    """Add what events bring to their targets.

    Parameters
    ----------
    rows : (n_rows, run_length) float64
    run_ptr, run_row, run_start : int
        As of a connection.
    ptr, index : int
        Events of every timestep, as of a trace.
    amount : (n_events,) float64
        Spikes, or the value, of every event.
    steps : int
        Timesteps that share a sum.
    total : (timesteps / steps, n_target) float64
        Added to.
    """
    length = rows.shape[1]
    for step in range(ptr.size - 1):
        target = total[step // steps]
        for event in range(ptr[step], ptr[step + 1]):
            source = index[event]
            for run in range(run_ptr[source], run_ptr[source + 1]):
                first, row = run_start[run], rows[run_row[run]]
                for at in range(length):
                    target[first + at] += row[at] * amount[event]


def accumulated(network: Network, name: str, trace: ActivityTrace, events: EventStream, steps: int) -> Floats:
    """Return the accumulated input of a population with its bias, in the units of its accumulators.

    Parameters
    ----------
    network : Network
    name : str
        Of the population.
    trace : ActivityTrace
    events : EventStream
        What the trace was made of: values of the input.
    steps : int
        Timesteps to add up; a divisor of those of a sample.

    Returns
    -------
    (samples * timesteps / steps, neurons) float64
    """
    population = network.populations[name]
    lasting = events.kind == "bias_current"  # given once, added in every timestep
    total = np.zeros((trace.samples * trace.timesteps // steps, population.size))
    for edge in network.incoming(name):
        activity, connection = trace.populations[edge.source], edge.connection
        own = edge.source == network.input.name and events.value is not None
        amount = (events.value if own else activity.counts).astype(np.float64)  # type: ignore[union-attr]
        constant = own and lasting
        part = np.zeros((trace.samples, population.size)) if constant else total
        add_runs(
            connection.rows.astype(np.float64), connection.run_ptr, connection.run_row, connection.run_start,
            activity.ptr, activity.index, amount, trace.timesteps if constant else steps, part,
        )  # fmt: skip
        if constant:
            total += np.repeat(part, trace.timesteps // steps, axis=0) * steps
    if population.bias is not None:
        total += population.bias.astype(np.float64) * steps
    return total
