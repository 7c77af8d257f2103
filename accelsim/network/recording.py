"""A network with recorded spikes of its populations, and the activity trace that follows from them.

The recording takes the place of an execution: nothing is computed, so weights and neurons matter only for what a chip
stores, moves and visits. See :mod:`accelsim.trace.recorded` for what is assumed about states.
"""

from dataclasses import dataclass, replace

import numpy as np

from accelsim.errors import EventError
from accelsim.network.connections.connection import Connection
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
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
        By population, the input among them; a population without an entry sends nothing.

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
            spikes[name] = RecordedSpikes(item.size, item.ptr, item.index)
        edges = [
            RecordedEdge(edge.source, edge.target, _reach(edge.connection, zeros_touch=zeros_touch), edge.delay)
            for edge in self.network.projections
        ]
        return trace_of_spikes(spikes, edges, events.samples, events.timesteps, delay)


def _reach(connection: Connection, *, zeros_touch: bool) -> Reach:
    rows = connection.rows
    marks = np.ones(rows.shape, dtype=np.uint8) if zeros_touch else (rows != 0).view(np.uint8)
    return Reach(marks, connection.run_ptr, connection.run_row, connection.run_start)
