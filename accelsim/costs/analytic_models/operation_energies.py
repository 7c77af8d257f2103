"""Compute-only models: one energy per multiply-accumulate of the ANN, one per accumulate of the SNN.

``E_ANN = E_MAC sum(MAC)``, ``E_SNN = E_MAC MAC_analog + E_AC sum(AC)``: what most papers report. Memory, control,
leakage and idle time are not part of it. The constants are additions and multiplications at 45 nm and 0.9 V (Horowitz,
ISSCC 2014, Fig. 1.1.9), combined as each community combines them.
"""

from dataclasses import dataclass

from accelsim.costs.analytic import ANALYTIC_MODELS, AnalyticModel, Estimate, OperationCounts

_HOROWITZ = "Horowitz, ISSCC 2014, 45 nm"


@dataclass(frozen=True)
class OperationEnergies(AnalyticModel):
    """Energies of a multiply-accumulate and of an accumulate, pJ."""

    mac_pj: float
    ac_pj: float
    source: str

    @property
    def mac_over_ac(self) -> float:  # type: ignore[override]
        """Return the ratio of the two energies."""
        return self.mac_pj / self.ac_pj

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return counts times energies."""
        return Estimate(
            snn_pj=self.mac_pj * counts.value_macs + self.ac_pj * counts.acs, ann_pj=self.mac_pj * counts.macs
        )


ANALYTIC_MODELS.register("horowitz-fp32")(
    OperationEnergies(4.6, 0.9, f"{_HOROWITZ}: fp32 multiply 3.7 + add 0.9 pJ; accumulate 0.9 pJ")
)
ANALYTIC_MODELS.register("horowitz-int32")(
    OperationEnergies(3.2, 0.1, f"{_HOROWITZ}: int32 multiply 3.1 + add 0.1 pJ; accumulate 0.1 pJ")
)
ANALYTIC_MODELS.register("horowitz-int32-kundu")(
    OperationEnergies(
        3.1, 0.1, f"{_HOROWITZ}, int32, as in ACE-SNN (Front. Neurosci. 2022, 10.3389/fnins.2022.815258): 3.1, 0.1 pJ"
    )
)
ANALYTIC_MODELS.register("horowitz-int8")(
    OperationEnergies(0.23, 0.03, f"{_HOROWITZ}: int8 multiply 0.2 + add 0.03 pJ; accumulate 0.03 pJ")
)
