"""What a study file says."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from accelsim.hardware.quantities import Count, CountOrZero, Name, Spec

Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]
File = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class ConditionSpec(Spec):
    """A condition that only counts where another one holds."""

    if_: Annotated[Text, Field(alias="if")]
    then: Text


class ObjectiveSpec(Spec):
    """One objective, with a direction of its own."""

    name: Text
    direction: Literal["min", "max"]


class SearchSpec(Spec):
    """How ``mode: search`` looks for good points."""

    sampler: Literal["grid", "random", "tpe", "nsga2", "nsga3"]
    points: Count
    """Points that are evaluated; those that a resumed search has already count."""
    seed: CountOrZero
    population: Annotated[Count, Field(ge=2, le=10000)] | None = None
    """Individuals of a generation of ``nsga2`` and ``nsga3``; left out: Optuna's."""
    storage: Text | None = None
    """SQLAlchemy URL of the Optuna study; left out: ``search.sqlite`` beside the results."""

    @model_validator(mode="after")
    def _population_of_generations(self) -> "SearchSpec":
        if self.population is not None and not self.sampler.startswith("nsga"):
            raise ValueError(f"expected population with nsga2 or nsga3, got sampler: {self.sampler}")
        return self


class StudySpec(Spec):
    """A whole study file; see ``docs/studies.md``."""

    name: Name
    description: Annotated[str, StringConstraints(max_length=2000)] = ""
    hw: File
    """Chip that the axes change: a preset, or a file beside the study."""
    workload: File
    """Workload that the axes change: a bundled name, or a folder beside the study."""
    samples: Count | Literal["all"]
    seed: CountOrZero | None = None
    """Replaces the seed of a random encoding."""
    ann: File | None = None
    engine: Name = "compiled"
    set: dict[Text, Any] = Field(default_factory=dict)
    """Settings of every point."""
    axes: dict[Text, Any] = Field(default_factory=dict)
    points: tuple[dict[Text, Any], ...] = ()
    """Points beside the grid, each with its settings."""
    conditions: tuple[Text | ConditionSpec, ...] = ()
    """What a point must satisfy to exist."""
    constraints: tuple[Text, ...] = ()
    """What a result must satisfy to count: ``area <= 4 mm2``."""
    objectives: tuple[Text | ObjectiveSpec, ...] = ()
    mode: Literal["grid", "search"] = "grid"
    search: SearchSpec | None = None

    @model_validator(mode="after")
    def _complete(self) -> "StudySpec":
        if not self.axes and not self.points:
            raise ValueError("expected axes or points, got neither")
        if (self.mode == "search") != (self.search is not None):
            raise ValueError(f"expected a search block with mode search alone, got mode: {self.mode}")
        if self.mode == "search" and (self.points or not self.objectives):
            raise ValueError("expected axes and objectives with mode search, and no points")
        return self
