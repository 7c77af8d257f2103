"""What an importer is, and how the one for a file is chosen."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from accelsim.errors import NetworkError
from accelsim.network.graph import Network
from accelsim.network.importers.options import ImportOptions
from accelsim.registry import Registry

__all__ = ["IMPORTERS", "ImportOptions", "Importer", "import_network"]

IMPORTERS: Registry[type["Importer"]] = Registry("importer", "accelsim.network.importers")


class Importer(ABC):
    """Base of all importers."""

    suffixes: ClassVar[tuple[str, ...]]
    """File name endings that choose this importer, with the dot."""

    @classmethod
    @abstractmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the float32 network of a file.

        Raises
        ------
        NetworkError
            Naming the file and the node that cannot be represented.
        """

    @classmethod
    def companions(cls, path: Path) -> list[Path]:  # noqa: ARG003
        """Return the files that belong to ``path``, which lie beside it under its name."""
        return []


def import_network(path: Path, options: ImportOptions, file_format: str | None = None) -> Network:
    """Read a network file with the importer of ``file_format``, or else of the file's suffix.

    Raises
    ------
    UnknownNameError
        If ``file_format`` is no importer.
    NetworkError
        If the suffix chooses none, or the file cannot be represented.
    """
    return importer_of(path, file_format).read(path, options)


def importer_of(path: Path, file_format: str | None = None) -> type[Importer]:
    """Return the importer called ``file_format``, or else that of the file's suffix; raises as import_network."""
    if file_format is not None:
        return IMPORTERS.get(file_format)
    for name in IMPORTERS:
        importer = IMPORTERS.get(name)
        if path.suffix.lower() in importer.suffixes:
            return importer
    known = ", ".join(f"{name} ({' '.join(IMPORTERS.get(name).suffixes)})" for name in IMPORTERS)
    raise NetworkError(f"{path}: no importer for suffix {path.suffix!r}; name one with network.format: {known}")
