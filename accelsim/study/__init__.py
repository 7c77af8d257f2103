"""Studies: many runs over axes of chip and workload, kept in a database, searched, and reduced to what nothing beats.

Everything is imported on first use; Dask and Optuna only by the modules that need them.

>>> from accelsim.study import Study, sweep                    # doctest: +SKIP
>>> study = sweep("study.yaml", out="results/banks")           # doctest: +SKIP
>>> study.points()                                             # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelsim.study.front import Front as Front
    from accelsim.study.front import pareto as pareto
    from accelsim.study.reader import read_study as read_study
    from accelsim.study.runner import sweep as sweep
    from accelsim.study.spec import StudySpec as StudySpec
    from accelsim.study.study import Study as Study

_EXPORTS = {
    "Front": "accelsim.study.front",
    "Study": "accelsim.study.study",
    "StudySpec": "accelsim.study.spec",
    "pareto": "accelsim.study.front",
    "read_study": "accelsim.study.reader",
    "sweep": "accelsim.study.runner",
}

__all__ = ["Front", "Study", "StudySpec", "pareto", "read_study", "sweep"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'accelsim.study' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
