"""Networks larger than the chip: groups of layers that run one after the other, with weights from DRAM.

Modelled: one DRAM channel with an energy per bit, a bandwidth and a latency per transfer. Not modelled: refresh and
standby, banks and rows of the DRAM, contention with what else is on the channel.
"""

from pydantic import StrictBool

from accelsim.hardware.quantities import Bandwidth, BitEnergy, Count, Source, Spec, Time


class DramChannelSpec(Spec):
    """The off-chip memory that holds weights, states and spikes of groups that are not running."""

    energy: BitEnergy
    """Read or write."""
    bandwidth: Bandwidth
    latency: Time
    """From a request to its first bit, once per transfer."""
    source: Source


class LayerSerialSpec(Spec):
    """How a network that does not fit is run: group by group, a batch of timesteps at a time."""

    timesteps_per_load: Count | None = None
    """Timesteps that a group runs each time its weights have been loaded; left out: all of a sample."""
    double_buffered: StrictBool
    """True: half of the synapse, axon and routing memories takes the next group's load while this group runs."""
    dram: DramChannelSpec
