"""What a workload is and does, without a chip: layers, connections, input, activity, accuracy."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.result.classes import classes_table, confusion_table
from accelsim.result.run_result import Quantity
from accelsim.result.table import Table


@dataclass(frozen=True, eq=False)
class Inspection:
    """A workload that was looked at and run functionally.

    Attributes
    ----------
    meta : dict
        Name, description, samples, timesteps, encoding, decoding, arithmetic, provenance, wall time.
    totals : dict of str to Quantity
        Neurons, synapses, accuracy, synaptic operations.
    neurobench : dict of str to Quantity
    layers : Table
        One row per population: model, shape, neurons, firing rate, neurons that never fired, saturations.
    connections : Table
        One row per projection: weights, zeros, bits, fan-in, fan-out, operations.
    samples : Table
        One row per sample: label, prediction, correct, input_events, spikes, sops.
    comparison : Table or None
        The same numbers without pruning and quantisation, where that was run.
    rates : dict of str to (n,) float64
        Firing rate of every neuron, by population, the input first.
    raster : dict of str to (spikes, 2) int32
        Timestep and neuron of every spike of the first sample, by population.
    weights : dict of str to (n,) float64
        Weights that are not zero, by projection, in real units; at most 100 000 of each.
    warnings : list of str
    """

    meta: dict[str, Any]
    totals: dict[str, Quantity]
    neurobench: dict[str, Quantity]
    layers: Table
    connections: Table
    samples: Table
    comparison: Table | None
    rates: dict[str, npt.NDArray[np.float64]]
    raster: dict[str, npt.NDArray[np.int32]]
    weights: dict[str, npt.NDArray[np.float64]]
    warnings: list[str] = field(default_factory=list)

    def tables(self) -> dict[str, Table]:
        """Return every table by name, those by class included."""
        outcome = (self.samples["label"], self.samples["prediction"])
        tables = {
            "layers": self.layers,
            "connections": self.connections,
            "samples": self.samples,
            "classes": classes_table(*outcome),
            "confusion": confusion_table(*outcome),
        }
        return tables if self.comparison is None else {**tables, "comparison": self.comparison}
