"""Models that give a bar instead of an energy: how sparse an SNN must be to compete.

All compare the mean number of spikes per synapse and inference, over the layers that receive spikes, with a published
bar.
"""

import math
from typing import ClassVar, Final

from accelsim.costs.analytic import ANALYTIC_MODELS, AnalyticModel, Estimate, OperationCounts

YAN_WEIGHT_BITS: Final = 8


def yan_break_even(timesteps: int) -> float:
    """Return the spike rate per timestep at which an SNN moves as much memory as its equivalent quantised ANN.

    A T-step rate code carries ``ceil(log2(T + 1))`` bits; in the memory-bound limit the SNN reads an 8-bit weight per
    spike: ``s* = ceil(log2(T + 1)) / (8 T)``.
    """
    return math.ceil(math.log2(timesteps + 1)) / (YAN_WEIGHT_BITS * timesteps)


class Yan(AnalyticModel):
    """Break-even spike rate against a bit-matched quantised ANN."""

    source = (
        "Yan, Bai and Wong, arXiv:2409.08290: against a ceil(log2(T+1))-bit ANN; memory-bound closed form, 8-bit SNN"
    )

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return whether the spike rate lies below the break-even."""
        rate, bar = counts.spikes_per_synapse / counts.timesteps, yan_break_even(counts.timesteps)
        return Estimate(verdict=_verdict(f"{rate:.2%} spikes per synapse and timestep", rate, bar, f"{bar:.2%}"))


class DavidsonFurber(AnalyticModel):
    """Spikes per synapse at which accumulates cost what multiply-accumulates do."""

    source = "Davidson and Furber, Front. Neurosci. 15:651141, 2021: at most 1.72 spikes per synapse"
    bar: ClassVar[float] = 1.72

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return whether spikes per synapse lie below the bar."""
        found = counts.spikes_per_synapse
        return Estimate(verdict=_verdict(f"{found:.3g} spikes per synapse", found, self.bar, f"{self.bar:g}"))


class Dampfhoffer(AnalyticModel):
    """Band of spikes per synapse in which an IF network competes, depending on the hardware."""

    source = "Dampfhoffer et al., IEEE TETCI 7(3):731-741, 2023: 0.15 to 1.38 spikes per synapse, memory included"
    low: ClassVar[float] = 0.15
    high: ClassVar[float] = 1.38

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return where spikes per synapse lie with respect to the band."""
        found = counts.spikes_per_synapse
        if math.isnan(found):
            return Estimate(verdict="no layer receives spikes")
        where = "below" if found < self.low else "above" if found > self.high else "inside"
        means = {"below": "SNN favoured", "inside": "depends on the hardware", "above": "ANN favoured"}[where]
        return Estimate(verdict=f"{found:.3g} spikes per synapse, {where} the band {self.low}-{self.high}: {means}")


def _verdict(what: str, found: float, bar: float, shown: str) -> str:
    if math.isnan(found):
        return "no layer receives spikes"
    return f"{what}, bar {shown}: {'SNN' if found < bar else 'ANN'} favoured"


ANALYTIC_MODELS.register("yan-2024")(Yan())
ANALYTIC_MODELS.register("davidson-furber-2021")(DavidsonFurber())
ANALYTIC_MODELS.register("dampfhoffer-2023")(Dampfhoffer())
