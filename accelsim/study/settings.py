"""What a setting of a study changes: the chip, the workload, or the run itself.

``hw``, ``workload``, ``ann``, ``samples`` and ``seed`` are the run's own; ``workload.`` begins a path of
``workload.yaml``; every other path is one of the hardware file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

OWN: Final = ("hw", "workload", "ann", "samples", "seed")
"""Settings that are no path of a file."""
WORKLOAD: Final = "workload."


@dataclass(frozen=True)
class Split:
    """Settings by what they change; paths of the workload without their prefix."""

    own: dict[str, Any]
    chip: dict[str, Any]
    workload: dict[str, Any]


def split(settings: Mapping[str, Any]) -> Split:
    """Sort settings by what they change."""
    found = Split({}, {}, {})
    for path, value in settings.items():
        if path in OWN:
            found.own[path] = value
        elif path.startswith(WORKLOAD):
            found.workload[path.removeprefix(WORKLOAD)] = value
        else:
            found.chip[path] = value
    return found


def as_override(path: str, value: Any) -> str:
    """Return a setting as ``--set`` takes it: ``path=value``, the value in the YAML that JSON is."""
    return f"{path}={json.dumps(value)}"
