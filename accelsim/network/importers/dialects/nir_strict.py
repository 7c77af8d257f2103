"""``nir-strict``: what the specification says and nothing else, forward Euler.

Strict ``>``, reset to ``v_reset``, no refractory period, one spike per timestep; the neurons are those of
:mod:`accelsim.network.importers.dialects.euler`. The timestep is the user's. Source: docstrings of nir 1.0.8.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from accelsim.network.importers.dialects.dialect import DIALECTS
from accelsim.network.importers.dialects.euler import Euler


@DIALECTS.register("nir-strict")
class NirStrict(Euler):
    """The specification."""

    defaults: ClassVar[Mapping[str, Any]] = {"reset": "v_reset", "threshold_op": ">", "synapse": "filter"}
    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]] = {
        "dt": None,
        "reset": ("v_reset",),
        "threshold_op": (">",),
        "synapse": ("filter",),
    }
