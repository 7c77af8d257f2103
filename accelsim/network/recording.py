"""A network with recorded spikes of its populations, and the activity trace that follows from them.

The recording takes the place of an execution: nothing is computed, so weights and neurons matter only for what a chip
stores, moves and visits. See :mod:`accelsim.trace.recorded` for what is assumed about states.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.network.connections.connection import Connection
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.neurons.model import MOST_SPIKES
from accelsim.trace.activity import ActivityTrace
from accelsim.trace.recorded import RecordedEdge, RecordedSpikes, trace_of_spikes
from accelsim.trace.recorded_kernels import Reach


@dataclass(frozen=True, eq=False)
class Recording:
    """A network and what its populations were recorded to send.

    Attributes
    ----------
    network : Network
    spikes : dict of str to EventStream
        By population, the input among them; a population without an entry sends nothing. A neuron that spikes several
        times in a timestep has as many events.

    Raises
    ------
    EventError
        If the input is not recorded, a name is no population, a population is a readout, or samples, timesteps or sizes
        differ.
    """

    network: Network
    spikes: dict[str, EventStream]

    def __post_init__(self) -> None:
        network = self.network
        if network.input.name not in self.spikes:
            raise EventError(f"recorded spikes: expected those of the input {network.input.name!r}, got none")
        for name, events in self.spikes.items():
            if name not in network.populations:
                known = ", ".join(network.populations)
                raise EventError(f"recorded spikes: {name!r} is no population of {network.name}. Known: {known}")
            model = network.populations[name].model
            if model is not None and not model.spiking:
                raise EventError(f"recorded spikes: {name} is a readout, which sends no spikes")
            got = (events.kind, events.samples, events.timesteps, events.size)
            expected = ("spikes", self.events.samples, self.events.timesteps, network.populations[name].size)
            if got != expected:
                what = "(kind, samples, timesteps, neurons)"
                raise EventError(f"recorded spikes of {name}: {what}: expected {expected}, got {got}")

    @property
    def events(self) -> EventStream:
        """The spikes of the input."""
        return self.spikes[self.network.input.name]

    def take(self, samples: int) -> "Recording":
        """Return the first ``samples`` samples; raises as :meth:`EventStream.take`."""
        return replace(self, spikes={name: events.take(samples) for name, events in self.spikes.items()})

    def trace(self, *, delay: int = 0, zeros_touch: bool = False) -> ActivityTrace:
        """Return the activity trace.

        Parameters
        ----------
        delay : int
            Timesteps that the chip adds to the delay of every projection; ``ChipSpec.edge_delay``.
        zeros_touch : bool
            Whether a weight of zero that a spike meets marks its target as touched, as where a chip adds stored zeros.
        """
        events = self.events
        ptr, index = np.zeros(events.samples * events.timesteps + 1, np.int64), np.empty(0, np.int32)
        spikes = {name: RecordedSpikes(item.size, ptr, index) for name, item in self.network.populations.items()}
        for name, item in self.spikes.items():
            own = (item.ptr, item.index, None) if name == self.network.input.name else _counted(item)
            spikes[name] = RecordedSpikes(item.size, *own)
        edges = [
            RecordedEdge(edge.source, edge.target, _reach(edge.connection, zeros_touch=zeros_touch), edge.delay)
            for edge in self.network.projections
        ]
        return trace_of_spikes(spikes, edges, events.samples, events.timesteps, delay)


def _counted(events: EventStream) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.uint16] | None]:
    """Return pointers and neurons of spikes, each neuron once in a timestep, and how often where one spikes again."""
    step = np.repeat(np.arange(len(events.ptr) - 1), np.diff(events.ptr))
    flat, count = np.unique(step * np.int64(events.size) + events.index, return_counts=True)
    if flat.size == events.index.size:
        return events.ptr, events.index, None
    if count.max() > MOST_SPIKES:
        raise EventError(f"recorded spikes: a neuron has {count.max()} in a timestep, expected {MOST_SPIKES} at most")
    ptr = np.searchsorted(flat, np.arange(len(events.ptr)) * np.int64(events.size)).astype(np.int64)
    return ptr, (flat % events.size).astype(np.int32), count.astype(np.uint16)


def _reach(connection: Connection, *, zeros_touch: bool) -> Reach:
    rows = connection.rows
    marks = np.ones(rows.shape, dtype=np.uint8) if zeros_touch else (rows != 0).view(np.uint8)
    return Reach(marks, connection.run_ptr, connection.run_row, connection.run_start)
