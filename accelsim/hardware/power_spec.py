"""What is done about idle power: clock gating, sleeping components, voltage and frequency levels of cores.

Everything here is energy alone: nothing changes a cycle of the timing model. Units sleep only where waking them costs
no time, and cores run slower only where the step does not become longer. Costs: :mod:`accelsim.costs.power_use`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from accelsim.hardware.quantities import CountOrZero, Energy, Frequency, Name, Source, Spec, Voltage

MAX_LEVELS = 16
_Cycles = Annotated[CountOrZero, Field(le=1_000_000)]


class SleepRuleSpec(Spec):
    """Components of a core that sleep when they have no more work in a step, and are awake when the next one begins."""

    components: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    """Kinds of component. All banks of a memory sleep together, because consecutive words lie in consecutive banks."""
    after_cycles: _Cycles
    """Idle cycles before they sleep."""
    wake_cycles: _Cycles
    """Cycles before the next step in which they are awake again; at most those of drain and barrier."""
    remaining: Annotated[float, Field(ge=0, le=1)]
    """Share of the leakage that is left: 0 is an ideal switch; what keeps its contents keeps some leakage."""
    wake_energy: Energy
    """Of one component that falls asleep and wakes, once per step in which it sleeps."""
    source: Source


class DvfsLevelSpec(Spec):
    """A supply voltage, and the clock that a core runs at with it."""

    voltage: Voltage
    frequency: Frequency
    source: Source


def _shown(level: DvfsLevelSpec) -> str:
    return f"{level.voltage:g} V, {level.frequency * 1e3:g} MHz"


class LevelOfCoresSpec(Spec):
    """Cores that run at one level."""

    level: CountOrZero
    """Position in ``levels``; 0 is the chip's own."""
    cores: Annotated[tuple[CountOrZero, ...], Field(min_length=1, max_length=65536)]


class DvfsSpec(Spec):
    """Levels of voltage and frequency, core by core."""

    policy: Literal["stated", "slowest"]
    """``stated``: as ``assigned`` says; ``slowest``: in every step the lowest level at which a core is done before the
    step ends."""
    levels: Annotated[tuple[DvfsLevelSpec, ...], Field(min_length=2, max_length=MAX_LEVELS)]
    """The first is that of the chip: ``technology.supply`` and ``clock``; the others fall in both."""
    switch_cycles: _Cycles
    """Cycles of the chip's clock in which a core does nothing, in every step that it spends at a lower level."""
    assigned: tuple[LevelOfCoresSpec, ...] = ()
    """With ``stated``: cores at a lower level; those that are not named run at the chip's own."""

    @model_validator(mode="after")
    def _falls(self) -> Self:
        for above, below in zip(self.levels, self.levels[1:], strict=False):
            if not (below.voltage < above.voltage and 0 < below.frequency < above.frequency):
                raise ValueError(
                    f"levels: expected each lower in voltage and frequency than the one before, got {_shown(below)} "
                    f"after {_shown(above)}"
                )
        if (self.policy == "stated") != bool(self.assigned):
            wanted = "cores and their levels" if self.policy == "stated" else "none with the policy slowest"
            raise ValueError(f"assigned: expected {wanted}, got {len(self.assigned) or 'none'}")
        named = [core for item in self.assigned for core in item.cores]
        if len(set(named)) != len(named):
            raise ValueError("assigned: expected every core at most once")
        if any(item.level >= len(self.levels) for item in self.assigned):
            raise ValueError(f"assigned: expected levels of 0 to {len(self.levels) - 1}")
        return self


class PowerSpec(Spec):
    """What a chip does about idle power."""

    clock_gating: Literal["none", "pipelines", "cores"] = "pipelines"
    """What has no clock in a cycle in which both engines of a core are idle: nothing, its pipelines, or all of it."""
    router_clock: Literal["free", "gated"] = "free"
    """``gated``: a router is clocked in the cycles that its flits need at most, not in every one."""
    sleep: Annotated[tuple[SleepRuleSpec, ...], Field(max_length=64)] = ()
    dvfs: DvfsSpec | None = None

    @model_validator(mode="after")
    def _one_rule_each(self) -> Self:
        named = [component for rule in self.sleep for component in rule.components]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"sleep: expected one rule for a component, got two for {', '.join(twice)}")
        return self

    def problem(self, clock: float, supply: float | None, *, stated: bool) -> str:
        """Return what does not fit the rest of a chip; empty where all does.

        Parameters
        ----------
        clock : float
            Of the chip, GHz.
        supply : float or None
            ``technology.supply``, V.
        stated : bool
            Whether the chip states its energies by event.
        """
        if stated and (self.sleep or self.dvfs is not None):
            return "power: expected no sleep and no dvfs where energies are stated by event"
        if self.dvfs is None:
            return ""
        first = self.dvfs.levels[0]
        if supply != first.voltage:
            got = "nothing" if supply is None else f"{supply:g} V"
            return f"power.dvfs.levels: expected a technology.supply of {first.voltage:g} V, as the first, got {got}"
        if clock != first.frequency:
            return f"power.dvfs.levels: expected the clock, {clock * 1e3:g} MHz, for the first, got {_shown(first)}"
        return ""
