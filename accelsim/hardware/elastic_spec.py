"""What an elastic chip has that others have not: skid-buffered routers, cores with source-side synapses, a done tree.

Modelled after register-level designs that hand words from stage to stage with ready and valid. Cycles of every block:
docs/elastic-chips.md.
"""

from typing import Annotated, Literal

from pydantic import Field

from accelsim.hardware.quantities import Count, CountOrZero, Spec

Position = Annotated[tuple[CountOrZero, ...], Field(min_length=2, max_length=2)]
Cycles = Annotated[Count, Field(le=4096)]
CyclesOrZero = Annotated[CountOrZero, Field(le=4096)]


class ElasticSpec(Spec):
    """A mesh of routers whose stages are joined by skid buffers; dimension order, x first; flits of one cycle.

    A router is four crossbars, one for each direction. A flit takes two cycles through each that it passes.
    """

    skid_words: Annotated[Count, Field(ge=2, le=64)]
    """Flits that a skid buffer holds; with two, a stage passes one flit per cycle and loses none when blocked."""
    crossbar_grants: Literal["one", "per_output"]
    """Flits that one crossbar passes in a cycle: one in all, or one for each output."""
    edge_skids: Annotated[CountOrZero, Field(le=64)]
    """Skid buffers between a port and the router at the edge."""


class SleepSpec(Spec):
    """Memories that sleep while their engine has nothing to do."""

    idle_cycles: CyclesOrZero
    """Idle cycles until they sleep."""
    wake_cycles: CyclesOrZero
    """Cycles that work waits in addition when they sleep."""


class SourceSynapsesSpec(Spec):
    """A core whose axon-out holds the synapses: one packet per synapse, which names target and weight.

    A spike reads one mapping entry, then one route per cycle. Neurons that were reached in a step are updated in the
    next one, in the order in which they were first reached.
    """

    fifo_words: Annotated[Count, Field(le=65536)]
    """Words of every queue of a core, beside its output register."""
    sleep: SleepSpec
    synapse_cycles: Cycles
    """From the cycle in which a packet is taken to the write of its sum."""
    update_cycles: Annotated[Count, Field(ge=3, le=64)]
    """From the cycle in which a neuron is taken to that in which its spike enters the queue of spikes."""
    relays: Annotated[tuple[Position, ...], Field(min_length=1, max_length=64)]
    """Cores with axon-out alone: they turn the events of the ports into packets."""
    readouts: Annotated[tuple[Position, ...], Field(max_length=64)]
    """Cores without axon-out, whose states are read after the sample."""


class DoneTreeSpec(Spec):
    """A barrier of done signals, registered at every hop on the way to the root, the router at the origin.

    The way of (x, y) leads along the row, then along the first column.
    """

    dwell_cycles: Cycles
    """Cycles for which the root must see all done."""
    windup_cycles: CyclesOrZero
    """Cycles after the start of a step in which the root does not look."""
    restart_cycles: CyclesOrZero
    """From the new step to its start at the root; the first step starts at once."""
    idle_steps: Literal["run", "skip"]
    """``skip``: when no neuron waits for its update, the next step is that of the next event."""
