"""Several kinds of core on one chip: what a kind inherits, and what all kinds must share.

A chip's ``core`` is the base. ``core_types`` names further kinds by what differs from it, and ``cores`` says which core
is of which kind, in the order of their numbers. Modelled: every parameter of a core by kind, but for those that decide
what a network computes (:data:`SHARED`): function must not depend on where a neuron lies. Not modelled: kinds with a
clock of their own.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from accelsim.hardware.quantities import Count, Name, Spec

BASE: Final = "core"
"""The kind that the hardware file's ``core`` describes."""

SHARED: Final = ("membrane.bits", "accumulator.bits", "accumulator_slots", "multi_spike")
"""Parameters that decide what a network computes."""


class CoreRunSpec(Spec):
    """Consecutive cores of one kind."""

    type: Name
    """``core``, or a name of ``core_types``."""
    count: Count | None = None
    """How many; left out, at most once in the list: all that the others leave."""


def inherited(data: object) -> object:
    """Return a hardware file's values with every entry of ``core_types`` completed from ``core``."""
    if not isinstance(data, Mapping):
        return data
    base, kinds = data.get(BASE), data.get("core_types")
    if not isinstance(base, Mapping) or not isinstance(kinds, Mapping):
        return data
    full = {name: _merged(base, own) if isinstance(own, Mapping) else own for name, own in kinds.items()}
    return {**data, "core_types": full}


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged


def problem_of_types(base: BaseModel, kinds: Mapping[str, BaseModel], runs: tuple[CoreRunSpec, ...]) -> str:
    """Return what is wrong with the kinds of a chip as a whole, or nothing."""
    if BASE in kinds:
        return f"core_types: expected names other than {BASE!r}, which is the base itself"
    for name, kind in kinds.items():
        for path in SHARED:
            if _at(kind, path) != _at(base, path):
                return (
                    f"core_types: {name}: expected {path} to be that of core, {_at(base, path)}, since what a network "
                    f"computes must not depend on where it lies, got {_at(kind, path)}"
                )
    known = [BASE, *kinds]
    for run in runs:
        if run.type not in known:
            return f"cores: expected kinds among {', '.join(known)}, got {run.type!r}"
    if sum(run.count is None for run in runs) > 1:
        return "cores: expected a count in every entry but one, which takes the rest"
    unused = [name for name in kinds if name not in {run.type for run in runs}]
    if unused:
        return f"cores: expected cores of every kind, got none of {', '.join(unused)}"
    return ""


def _at(model: object, path: str) -> object:
    for name in path.split("."):
        model = getattr(model, name)
    return model
