"""Text files of outside simulators, plain or gzipped, read with a limit."""

import gzip
import itertools
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError

_LARGEST: Final = 1 << 53


def find_file(folder: Path, name: str) -> Path | None:
    """Return ``folder/name`` or ``folder/name.gz``, whichever there is, the plain one first."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read_lines(path: Path, limit: int) -> list[str]:
    """Return the lines of a file of at most ``limit`` bytes, unpacked.

    Raises
    ------
    ConfigError
        If it cannot be read, is larger, or is no text.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    if len(data) > limit:
        raise ConfigError(f"{path}: expected at most {limit} bytes unpacked")
    try:
        return data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text: {error.reason} at byte {error.start}") from None


def line_of(lines: list[str], first: int, row: int) -> int:
    """Return the number of the line (from 1) that holds a row (from 0) of :func:`read_integers`."""
    kept = (number for number, line in enumerate(lines, 1) if number > first and not _is_empty(line))
    return next(itertools.islice(kept, row, None))


def read_integers(
    path: Path, lines: list[str], first: int, columns: int, separator: str | None
) -> npt.NDArray[np.int64]:
    """Return (rows, columns) integers of the lines from ``first`` (0-based) on; empty lines are left out.

    Raises
    ------
    ConfigError
        Naming the first line with another number of fields, or with a field that is no integer of at most 53 bits.
    """
    kept = [line for line in lines[first:] if not _is_empty(line)]
    if not kept:
        return np.empty((0, columns), np.int64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            rows = np.loadtxt(kept, dtype=np.int64, delimiter=separator, comments="#", ndmin=2)
        if rows.shape[1] == columns and abs(rows).max() <= _LARGEST:
            return rows
    except (ValueError, OverflowError, DeprecationWarning):
        pass
    raise ConfigError(_first_wrong(path, lines, first, columns, separator))


def _is_empty(line: str) -> bool:
    return not line.partition("#")[0].strip()


def _first_wrong(path: Path, lines: Iterable[str], first: int, columns: int, separator: str | None) -> str:
    """Say where a table of integers goes wrong."""
    for number, line in enumerate(lines, 1):
        if number <= first or _is_empty(line):
            continue
        fields = [field.strip() for field in line.partition("#")[0].strip().split(separator)]
        if len(fields) != columns:
            return f"{path}:{number}: expected {columns} fields, got {len(fields)}"
        for field in fields:
            digits = field.removeprefix("-")
            if not (digits.isascii() and digits.isdecimal() and len(digits) < 17 and int(digits) <= _LARGEST):
                return f"{path}:{number}: expected integers of at most 53 bits, got {field[:40]!r}"
    return f"{path}: expected a table of {columns} integers a line"
