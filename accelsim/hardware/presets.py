"""The bundled chips, by name.

An installed accelsim carries them as the package ``accelsim.hwconfigs``; a bare checkout on ``PYTHONPATH`` has them in
the folder ``hwconfigs`` beside the package.
"""

import importlib.util
from pathlib import Path

from accelsim.errors import ConfigError, UnknownNameError

_SUFFIX = ".yaml"


def preset_folder() -> Path:
    """Return the folder of the bundled chips.

    Raises
    ------
    ConfigError
        If neither the package nor the folder exists.
    """
    spec = importlib.util.find_spec("accelsim.hwconfigs")
    installed = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
    beside = Path(__file__).resolve().parents[2] / "hwconfigs"
    for folder in (*installed, beside):
        if folder.is_dir():
            return folder
    raise ConfigError(f"hardware presets: expected the package accelsim.hwconfigs or the folder {beside}, got neither")


def preset_names() -> list[str]:
    """Return the names of the bundled chips, sorted."""
    return sorted(path.stem for path in preset_folder().glob(f"*{_SUFFIX}"))


def preset_path(name: str) -> Path:
    """Return the file of a bundled chip, relative to the working folder where it lies inside.

    Raises
    ------
    UnknownNameError
        With the known names.
    """
    names = preset_names()
    if name not in names:
        raise UnknownNameError("hardware preset", name, names)
    path = preset_folder() / f"{name}{_SUFFIX}"
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def is_preset_name(text: str) -> bool:
    """Tell a preset's name from a path: a path has a slash or ends in ``.yaml`` or ``.yml``."""
    return not any(sign in text for sign in "/\\") and Path(text).suffix not in {".yaml", ".yml"}
