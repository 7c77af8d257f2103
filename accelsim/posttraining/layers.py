"""What weights and potentials say about a network before anything is taken away: a row per population.

Magnitudes: the share of a layer's weights that may go, the smallest first, while the rest keeps 99 % of the sum of
squares. Dimensions: see :mod:`accelsim.functional.dimensions`; channels of a shaped population (its positions are
vectors), else neurons, of which samples are the vectors: fewer samples than neurons bound the number.
"""

from typing import Final

import numpy as np

from accelsim.functional.dimensions import Covariance
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.posttraining.drive import accumulated
from accelsim.result.table import Table, table
from accelsim.trace.activity import ActivityTrace

KEPT: Final = 0.99
"""Share of the sum of squared weights."""


def layers_table(network: Network, trace: ActivityTrace, events: EventStream, variance: float) -> Table:
    """Return the analysis of every population that has weights.

    Parameters
    ----------
    network : Network
    trace : ActivityTrace
        What it did on the samples.
    events : EventStream
        The samples.
    variance : float
        Share of the variance that significant dimensions stay below, 0..1.
    """
    columns: dict[str, list[float]] = {
        key: [] for key in ("weights", "zeros", "largest", "median", "removable", "width", "dimensions")
    }
    names = [name for name in network.order if network.incoming(name)]
    for name in names:
        rows = [edge.connection.rows.ravel().astype(np.float64) for edge in network.incoming(name)]
        weights = np.abs(np.concatenate(rows))
        squares = np.cumsum(np.sort(weights) ** 2)
        width = network.populations[name].shape[-1]
        total = Covariance(width)
        potential = accumulated(network, name, trace, events, trace.timesteps) / trace.timesteps
        total.add(potential.reshape(-1, width))
        values = (
            weights.size, np.mean(weights == 0), weights.max(initial=0.0), np.median(weights),
            np.mean(squares <= (1.0 - KEPT) * squares[-1]) if weights.size else 0.0,
            width, total.significant(variance),
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(float(value))
    told = {
        "weights": "stored weights", "zeros": "share of them that is zero", "largest": "largest magnitude",
        "median": "median magnitude",
        "removable": f"share of weights, the smallest, that hold {1.0 - KEPT:.0%} of the sum of squares",
        "width": "channels, or neurons of a population without a shape",
        "dimensions": f"principal components of the average potential below {variance:g} of its variance",
    }  # fmt: skip
    return table(
        "layers", ("population", "", "Target of the weights", names),
        *((key, "", told[key], values) for key, values in columns.items()),
    )  # fmt: skip
