"""``--plugin``: runs a user's Python file or module, so that what it registers is known.

Only the command line asks for this, never a file that is read: opening somebody's workload runs no code.
"""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path

from accelsim.errors import ConfigError


def load_plugin(name: str) -> None:
    """Import a plug-in.

    Parameters
    ----------
    name : str
        A path that ends in ``.py``, or a dotted module name.

    Raises
    ------
    ConfigError
        If it cannot be found, or fails while it is imported; the message names its own line.
    """
    label = f"--plugin {name}"
    try:
        if name.endswith(".py"):
            _load_file(Path(name), label)
        else:
            importlib.import_module(name)
    except ConfigError:
        raise
    except Exception as error:  # whatever the user's file raises is the user's to see, with its line
        raise ConfigError(f"{label}: {_place(error)}{type(error).__name__}: {error}") from error


def _load_file(path: Path, label: str) -> None:
    if not path.is_file():
        raise ConfigError(f"{label}: expected a Python file, got a path that does not exist")
    module_name = f"accelsim_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{label}: expected a Python file, got one that cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pickles and dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise


def _place(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: "
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if len(frames) > 2 else ""
