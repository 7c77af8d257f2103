"""The process, the sources of energies, and what replaces or corrects them: blocks of a hardware file.

Modelled: one node, one memory cell, one temperature, one supply for the whole chip, and levels below it for cores
(:mod:`accelsim.hardware.power_spec`).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from accelsim.hardware.power_spec import PowerSpec
from accelsim.hardware.quantities import (
    Area,
    ComponentName,
    Energy,
    Name,
    Node,
    Power,
    Source,
    Spec,
    Temperature,
    Voltage,
)

Evidence = Literal["A", "B", "C", "derived", "assumed"]
"""A: read in the chip's own documents; B: in a secondary source; C: recalled, to be checked before publishing;
derived: computed from other numbers, as the source says; assumed: a choice of ours, published nowhere."""

Reason = Annotated[str, StringConstraints(min_length=8, max_length=600)]


class ProvenanceSpec(Spec):
    """Where a number comes from."""

    source: Source
    evidence: Evidence


class ActionEnergySpec(Spec):
    """The energy of one action of one kind of component."""

    component: ComponentName
    action: Name
    energy: Energy
    source: Source
    evidence: Evidence | None = None


class LeakageSpec(Spec):
    """The leakage of one instance of one kind of component."""

    component: ComponentName
    power: Power
    source: Source
    evidence: Evidence | None = None


class CalibrationSpec(Spec):
    """A factor on everything that the sources say of a kind of component, fitted to a measurement."""

    component: ComponentName
    """A kind, or ``all`` for every kind but the ports."""
    quantity: Literal["energy", "leakage"] = "energy"
    factor: Annotated[float, Field(ge=0.001, le=1000)]
    reason: Reason
    """Which measurement it was fitted to; printed with every result."""


class ErtSpec(Spec):
    """An Accelergy energy reference table whose entries replace sourced prices."""

    file: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    """Relative to the file that names it."""
    components: dict[ComponentName, Name] = Field(default_factory=dict)
    """Table (the last part of its name, without ``[0..7]``) to kind of component; without any, every table is taken for
    the kind of its own name."""


class ProcessSpec(Spec):
    """The process, and where energies come from: what every class of machine has."""

    node: Node
    sram_cell: Literal["itrs-hp", "itrs-lop", "itrs-lstp"]
    temperature: Temperature
    supply: Voltage | None = None
    """Moves every derived price of the chip from its table's own supply to this one; left out: each table's own."""
    sram_source: Name
    arithmetic_source: Name
    ert: ErtSpec | None = None
    overrides: tuple[ActionEnergySpec, ...]
    """Energies that replace the sourced ones."""
    leakage_overrides: tuple[LeakageSpec, ...] = ()
    """Leakages that replace the sourced ones."""
    calibration: tuple[CalibrationSpec, ...] = ()
    """Factors on sourced energies and leakages; overrides are not multiplied."""

    @model_validator(mode="after")
    def _ert_is_resolved(self) -> Self:
        if self.ert is not None:
            raise ValueError("ert: expected a table that the loader has read into overrides, got a file name")
        return self


class TechnologySpec(ProcessSpec):
    """The same of a mesh of cores."""

    noc_source: Name
    unused_cores: Literal["gated", "leaking"]
    power: PowerSpec = Field(default_factory=PowerSpec)
    """Clock gating, sleep, levels of voltage and frequency; left out: pipelines are gated, nothing sleeps."""


class StaticPowerSpec(Spec):
    """Static power of the whole chip."""

    power: Power
    source: Source
    evidence: Evidence | None = None


class StatedAreaSpec(Spec):
    """Area of the whole chip."""

    area: Area
    source: Source
    evidence: Evidence | None = None


class EnergiesSpec(Spec):
    """Energies of a chip that publishes them by event, in place of those derived from ``technology``."""

    actions: Annotated[tuple[ActionEnergySpec, ...], Field(min_length=1)]
    """What has an energy of its own: events (a neuron that is updated) or accesses (a word that is read)."""
    others: Literal["included"]
    """Every other action is part of the named ones and has no energy of its own."""
    static_power: StaticPowerSpec | Literal["derived", "unpublished"]
    """``derived``: leakage of the parts from ``technology``; ``unpublished``: none is charged."""
    area: StatedAreaSpec | None = None
