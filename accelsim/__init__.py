"""accelsim: a cycle-level simulator of event-driven spiking-neural-network accelerators.

The public Python interface; everything is imported on first use, so that ``import accelsim`` costs nothing.

>>> import accelsim
>>> result = accelsim.run(hw="core")            # doctest: +SKIP
>>> result.totals["energy_per_inference"]       # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelsim.errors import AccelsimError as AccelsimError
    from accelsim.hardware.loader import load_chip as load_chip
    from accelsim.network.workload import load_workload as load_workload
    from accelsim.pipeline import run as run
    from accelsim.result.run_result import RunResult as RunResult

__version__ = "0.1.0"

_EXPORTS = {
    "AccelsimError": "accelsim.errors",
    "RunResult": "accelsim.result.run_result",
    "load_chip": "accelsim.hardware.loader",
    "load_workload": "accelsim.network.workload",
    "run": "accelsim.pipeline",
}

__all__ = ["AccelsimError", "RunResult", "__version__", "load_chip", "load_workload", "run"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'accelsim' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
