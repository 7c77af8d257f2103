"""Whether a chip or array can be built at all, found without a workload: names, router ports and channels, prices."""

from collections.abc import Callable

from accelsim.costs.price_list import price_list
from accelsim.errors import ConfigError, CostError
from accelsim.hardware.loader import LoadedArray, LoadedChip
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.mapping import fabric_of
from accelsim.pipeline.names import unknown_names
from accelsim.timing.tables import noc_tables


def problems_of(machine: LoadedChip | LoadedArray) -> list[str]:
    """Return one line per thing that every run would refuse; what depends on a network is not looked at."""
    found = unknown_names(machine)
    if found or isinstance(machine, LoadedArray):
        return found
    return [line for part in (_network, _prices) for line in _refused(part, machine.spec)]


def _refused(part: Callable[[ChipSpec], None], chip: ChipSpec) -> list[str]:
    try:
        part(chip)
    except ConfigError as error:
        return [f"{chip.name}: {line}" for line in error.problems]
    except CostError as error:
        return [f"{chip.name}: {error}"]
    return []


def _network(chip: ChipSpec) -> None:
    if chip.noc.router is not None:
        noc_tables(fabric_of(chip), chip.noc.router)


def _prices(chip: ChipSpec) -> None:
    price_list(chip)
