"""Tables of results: every column carries its unit and its definition."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Column:
    """One column: name, unit (empty for counts and names), definition and values of shape (n_rows,)."""

    name: str
    unit: str
    definition: str
    values: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length.

    Raises
    ------
    ValueError
        If lengths differ or a name repeats.
    """

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if len({column.values.shape for column in self.columns}) > 1:
            raise ValueError(f"table {self.name}: columns differ in length")
        if len({column.name for column in self.columns}) != len(self.columns):
            raise ValueError(f"table {self.name}: a column name repeats")

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        for column in self.columns:
            if column.name == name:
                return column.values
        raise KeyError(f"table {self.name} has no column {name!r}; it has {', '.join(self.names)}")

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield rows as dictionaries of Python scalars."""
        lists = {column.name: column.values.tolist() for column in self.columns}
        for at in range(len(self)):
            yield {name: values[at] for name, values in lists.items()}


def table(name: str, *columns: tuple[str, str, str, Sequence[Any] | npt.NDArray[Any]]) -> Table:
    """Build a table from ``(name, unit, definition, values)`` tuples."""
    return Table(name, tuple(Column(key, unit, text, np.asarray(values)) for key, unit, text, values in columns))
