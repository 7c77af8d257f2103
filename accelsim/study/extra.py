"""Optuna and Dask: installed with ``accelsim[study]``, imported where they are used."""

import importlib
from types import ModuleType

from accelsim.errors import AccelsimError


class MissingExtraError(AccelsimError):
    """An optional package is not installed."""


def load_extra(name: str, what: str) -> ModuleType:
    """Import an optional package.

    Raises
    ------
    MissingExtraError
        Saying how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(f"{what} needs {name}: pip install accelsim[study] ({error})") from None
