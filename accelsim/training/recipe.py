"""What a recipe is: parameters, a run over a bench, and the page that tells what it found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from accelsim.errors import TrainingError
from accelsim.registry import Registry
from accelsim.result.progress import NO_PROGRESS, Progress
from accelsim.training.bench import Bench, Row
from accelsim.training.cells import Columns
from accelsim.training.checks import check
from accelsim.training.data.dataset import read_dataset
from accelsim.training.recipe_spec import HardwareSpec, RecipeSpec, read_recipe

RECIPES: Registry[type[Recipe]] = Registry("recipe", "accelsim.training.recipes")


@dataclass(frozen=True)
class Figure:
    """A figure of a page: series of points (x, y, label) in one axis.

    With ``lines`` points are joined in the order of x; nothing below ``floor`` is shown; ``ticks`` name x = 1, 2, ...
    """

    name: str
    title: str
    x: str
    y: str
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]]
    log_x: bool = False
    log_y: bool = False
    lines: bool = True
    floor: float | None = None
    ticks: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of a page: text, a table, figures."""

    title: str
    text: str = ""
    columns: Columns = ()
    rows: Sequence[Row] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Best:
    """The network of a recipe that is worth keeping.

    Attributes
    ----------
    folder : str
        In the bench's ``workloads``.
    why : str
        What makes it the best.
    row : Row
        Its point.
    tested : int or None
        Test samples of its accuracy; None for all.
    """

    folder: str
    why: str
    row: Row
    tested: int | None = None


def most_accurate(rows: Sequence[Row], least: str | None = None, lost: float = 0.0) -> Row:
    """Return the row that is most accurate on the validation part, or one that is cheaper.

    With ``least``: of the rows that lose at most ``lost`` to it, the one with least of that column.

    Raises
    ------
    TrainingError
        Without rows.
    """
    if not rows:
        raise TrainingError("results: expected at least one finished point, got none")
    top = max(rows, key=lambda row: float(row["validation"]))
    if least is None:
        return top
    good = [row for row in rows if float(row["validation"]) >= float(top["validation"]) - lost]
    return min(good, key=lambda row: float(row[least]))


class Recipe(ABC):
    """Base of all recipes; a recipe is one file and one YAML beside it."""

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    spec: ClassVar[type[RecipeSpec]]

    @classmethod
    def machines(cls, spec: RecipeSpec) -> list[HardwareSpec]:
        """Return all machines that networks are judged on."""
        return list(spec.hardware)

    @classmethod
    @abstractmethod
    def run(cls, bench: Bench) -> None:
        """Find every point that the bench does not have."""

    @classmethod
    @abstractmethod
    def page(cls, bench: Bench) -> list[Section]:
        """Return what was found, from the bench's tables alone."""

    @classmethod
    @abstractmethod
    def best(cls, bench: Bench) -> Best:
        """Return the network to keep; raises :class:`TrainingError` without results."""


def run_recipe(
    name: str,
    *,
    data: Path | None,
    out: Path,
    config: Path | None = None,
    overrides: Sequence[str] = (),
    quick: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Bench:
    """Run a recipe, or what is left of it.

    Parameters
    ----------
    name : str
        Registered in ``RECIPES``.
    data : Path or None
        Folder of the data set.
    out : Path
        Results; a folder that holds some is continued.
    config : Path or None
        Parameters; those that come with accelsim if not given.
    overrides : sequence of str
    quick : bool
        A few minutes instead of an hour.
    progress : Progress

    Raises
    ------
    AccelsimError
        If a parameter, a file or a result is not what it should be.
    """
    recipe = RECIPES.get(name)
    spec = read_recipe(recipe.spec, config or parameters_of(name), overrides, quick=quick)
    found = read_dataset(spec.data.name, data, spec.data.options(0))
    check(spec, recipe.machines(spec), found)
    bench = Bench(out, spec, found, progress)
    recipe.run(bench)
    return bench


def parameters_of(name: str) -> Path:
    """Return the YAML file of a recipe."""
    return Path(__file__).parent / "recipes" / f"{name.replace('-', '_')}.yaml"
