"""NeuroBench's operation counts: what its harness reports of the same run, without any energy.

Effective accumulates: non-zero weights met by spikes; effective multiply-accumulates: non-zero weights met by values.
Membrane updates: every neuron in every timestep, an upper bound (NeuroBench leaves out those whose state did not
change). Not repeated: its dense operations, which need shapes that these counts do not keep.
"""

from accelsim.costs.analytic import ANALYTIC_MODELS, AnalyticModel, Estimate, OperationCounts


class NeuroBench(AnalyticModel):
    """Counts per inference, in words."""

    source = "NeuroBench 2.x (Yik et al., Nature Communications 16:1545, 2025): operations and updates"

    def estimate(self, counts: OperationCounts) -> Estimate:
        """Return effective accumulates and multiply-accumulates, and membrane updates."""
        updates = counts.timesteps * sum(layer.outputs for layer in counts.layers)
        found = f"{counts.acs:,.0f} effective ACs, {counts.value_macs:,.0f} effective MACs"
        return Estimate(verdict=f"{found}, at most {updates:,.0f} membrane updates")


ANALYTIC_MODELS.register("neurobench")(NeuroBench())
