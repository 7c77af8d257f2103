"""I/O ports: where events enter and leave a chip."""

from typing import Annotated, Literal

from pydantic import Field

from accelsim.hardware.quantities import Count, CountOrZero, Energy, Name, Source, Spec


class PortSpec(Spec):
    """An I/O port on a router's extra local port."""

    name: Name
    direction: Literal["input", "output", "both"]
    router: Annotated[tuple[CountOrZero, ...], Field(min_length=1, max_length=3)]
    """Position of the router that it hangs on."""
    cycles_per_event: Annotated[Count, Field(le=65536)]
    input_queue: Annotated[Count, Field(le=65536)]
    spike_fifo: Annotated[Count, Field(le=65536)]
    injection_queue: Annotated[Count, Field(le=65536)]
    energy_per_event: Energy
    source: Source
