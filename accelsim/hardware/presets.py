"""The bundled chips, by name.

An installed accelsim carries them as the package ``accelsim.hwconfigs``; a bare checkout on ``PYTHONPATH`` has them in
the folder ``hwconfigs`` beside the package.
"""

import importlib.util
import re
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


def preset_names(machine: str | None = None) -> list[str]:
    """Return the names of the bundled machines, sorted: all, or those of one class (``core_mesh``, ``pe_array``).

    Every bundled array says ``machine: pe_array`` on a line of its own, also where it extends another one.
    """
    paths = sorted(preset_folder().glob(f"*{_SUFFIX}"))
    return [path.stem for path in paths if machine is None or machine == _machine_of(path)]


def _machine_of(path: Path) -> str:
    return "pe_array" if re.search(r"^machine: pe_array$", path.read_text("utf-8"), re.MULTILINE) else "core_mesh"


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
