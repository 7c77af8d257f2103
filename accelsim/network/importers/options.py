"""What an exported file does not say about the network that was run, and where each choice came from.

A choice is stated by the user, by the file's metadata, or by the dialect, which knows what its framework does. Where
none of them says it, the file is refused: nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np

from accelsim.errors import NetworkError

USER: Final = "stated by the user"
METADATA: Final = "metadata of the file"


@dataclass(frozen=True)
class ImportOptions:
    """What the user states. Everything but the dialect may be left out (None) where the dialect or the file says it.

    Attributes
    ----------
    dialect : str or None
        Name of the framework's arithmetic, see :mod:`accelsim.network.importers.dialects`.
    dt : float or None
        Timestep, s; it relates the time constants of the file to timesteps.
    reset : {"subtract", "zero", "v_reset", "none"} or None
        Subtract the threshold, write zero, write the exported ``v_reset``, or no reset.
    threshold_op : {">", ">="} or None
    reset_delay : bool or None
        Whether the reset acts one timestep late.
    spike_mode : {"single", "multi"} or None
        One spike of a neuron per timestep at most, or as many as the threshold goes into the membrane.
    membrane_floor : float or {"none", "-threshold"} or None
        Lowest membrane of neurons that fire: a value, the negative threshold of each neuron, or none.
    norm_input : bool or None
        Whether the input is multiplied by one minus the leak factor.
    synapse : {"filter", "jump"} or None
        Whether the current of ``CubaLIF`` and ``CubaLI`` low-pass filters its input, or jumps by it.
    refractory : int or None
        Timesteps of silence after a spike.
    """

    dialect: str | None = None
    dt: float | None = None
    reset: Literal["subtract", "zero", "v_reset", "none"] | None = None
    threshold_op: Literal[">", ">="] | None = None
    reset_delay: bool | None = None
    spike_mode: Literal["single", "multi"] | None = None
    membrane_floor: float | Literal["none", "-threshold"] | None = None
    norm_input: bool | None = None
    synapse: Literal["filter", "jump"] | None = None
    refractory: int | None = None


KEYS: Final = tuple(item.name for item in fields(ImportOptions) if item.name != "dialect")


def expect_complete(options: ImportOptions, file_format: str, *taken: str) -> None:
    """Refuse what a user states about a file that says it itself.

    Parameters
    ----------
    options : ImportOptions
    file_format : str
    *taken : str
        Options that are left to the user all the same.

    Raises
    ------
    NetworkError
    """
    for item in fields(options):
        value = getattr(options, item.name)
        if value is not None and item.name not in taken:
            expected = f"nothing, format {file_format} states the whole network itself"
            raise NetworkError(f"{item.name}: expected {expected}, got {_shown(value)}")


_ALIASES: Final = {"reset_mechanism": "reset", "min_v_mem": "membrane_floor"}
"""Names that frameworks use for the same things."""


@dataclass(frozen=True)
class Choices:
    """Every choice settled.

    Attributes
    ----------
    dialect : str
    values : dict of str to value
        Of the keys of :class:`ImportOptions`; None where the dialect has no such choice.
    source : dict of str to str
        Who said it, for the provenance.
    unused : tuple of str
        Choices in the file's metadata that the dialect does not have, in words.
    """

    dialect: str
    values: Mapping[str, Any]
    source: Mapping[str, str]
    unused: tuple[str, ...] = ()

    def __getattr__(self, key: str) -> Any:
        """Return a choice by its name."""
        if key.startswith("_") or key not in KEYS:
            raise AttributeError(key)
        return self.values[key]


def settle(
    options: ImportOptions,
    metadata: Mapping[str, Any],
    defaults: Mapping[str, Any],
    allowed: Mapping[str, tuple[Any, ...] | None],
) -> Choices:
    """Settle every choice: the user's, else the metadata's, else the dialect's default.

    Parameters
    ----------
    options : ImportOptions
    metadata : mapping
        Of the graph, plain values.
    defaults : mapping
        What the dialect says.
    allowed : mapping
        Values that the dialect knows, by key; None for a number. A key that is not there is no choice of the dialect.

    Raises
    ------
    NetworkError
        On a value that the dialect does not know, or that nobody states.
    """
    stated = {_ALIASES.get(key, key): value for key, value in metadata.items()}
    where = f"dialect {options.dialect}"
    values: dict[str, Any] = dict.fromkeys(KEYS)
    source: dict[str, str] = {}
    for key in KEYS:
        value, origin = getattr(options, key), USER
        if value is None and key in stated and key in allowed:
            value, origin = stated[key], METADATA
        if value is None and key in defaults:
            value, origin = defaults[key], f"{where}: default of the framework"
        if key not in allowed:
            if value is not None and value is not False and not (key == "refractory" and value == 0):
                raise NetworkError(f"{where}: {key}: expected {_absent(key)}, got {_shown(value)}")
            continue
        known = allowed[key]
        if value is None:
            raise NetworkError(
                f"{where}: {key}: expected {_choices(key, known)}, got nothing; neither the dialect nor the "
                f"file says it, so it has to be stated (network.{key})"
            )
        values[key] = _checked(where, key, value, known)
        source[key] = origin
    unused = tuple(
        f"metadata {key} = {_shown(value)}: {where} has no such choice"
        for key, value in stated.items()
        if key in KEYS and key not in allowed and not _says_nothing(value)
    )
    return Choices(str(options.dialect), values, source, unused)


def _says_nothing(value: Any) -> bool:
    """Tell whether a choice is the same as none."""
    return value is None or (isinstance(value, bool | np.bool_) and not value) or value == "none"


def _checked(where: str, key: str, value: Any, known: tuple[Any, ...] | None) -> Any:
    if known is not None and value in known:
        return bool(value) if known == (False, True) else value
    text = isinstance(value, str) or (isinstance(value, bool) and key != "refractory")
    numeric = known is None or key == "membrane_floor"
    if not numeric or text or not np.isfinite(value):
        kind = "a positive time" if key == "dt" else _choices(key, known)
        raise NetworkError(f"{where}: {key}: expected {kind}, got {_shown(value)}")
    number = float(value)
    if key == "dt" and number <= 0:
        raise NetworkError(f"{where}: dt: expected a positive time, got {number} s")
    if key == "refractory":
        if number < 0 or number != int(number) or number > 127:
            raise NetworkError(f"{where}: refractory: expected whole timesteps, 0..127, got {_shown(value)}")
        return int(number)
    return number


def _choices(key: str, known: tuple[Any, ...] | None) -> str:
    if known is None:
        return {"dt": "a positive time"}.get(key, "a number")
    texts = [item if isinstance(item, str) and key != "threshold_op" else _shown(item) for item in known]
    if key == "membrane_floor":
        texts.append("a number")
    return " or ".join(texts)


def _absent(key: str) -> str:
    return "false" if key in {"reset_delay", "norm_input"} else "no such choice"


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
