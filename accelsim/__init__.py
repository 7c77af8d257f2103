"""accelsim: a cycle-level simulator of event-driven spiking-neural-network accelerators.

The public Python interface; everything is imported on first use, so that ``import accelsim`` costs nothing.

>>> import accelsim as ax
>>> result = ax.run(hw="core", samples=4, set={"core.scan": "all"})     # doctest: +SKIP
>>> result.table(), result.plot.energy()                                # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelsim.api.result import Result as Result
    from accelsim.api.result import load_result as load_result
    from accelsim.api.runs import Machines as Machines
    from accelsim.api.runs import compare as compare
    from accelsim.api.runs import run as run
    from accelsim.api.studies import Study as Study
    from accelsim.api.studies import open_study as open_study
    from accelsim.api.studies import sweep as sweep
    from accelsim.errors import AccelsimError as AccelsimError
    from accelsim.hardware.loader import load_chip as load_chip
    from accelsim.network.workload import load_workload as load_workload

__version__ = "0.1.0"

_EXPORTS = {
    "AccelsimError": "accelsim.errors",
    "Machines": "accelsim.api.runs",
    "Result": "accelsim.api.result",
    "Study": "accelsim.api.studies",
    "compare": "accelsim.api.runs",
    "load_chip": "accelsim.hardware.loader",
    "load_result": "accelsim.api.result",
    "load_workload": "accelsim.network.workload",
    "open_study": "accelsim.api.studies",
    "run": "accelsim.api.runs",
    "sweep": "accelsim.api.studies",
}

__all__ = [
    "AccelsimError", "Machines", "Result", "Study", "__version__", "compare", "load_chip", "load_result",
    "load_workload", "open_study", "run", "sweep",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'accelsim' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
