"""The baseline of a run: the same network as an ANN on the chip's MAC array.

Dense array: every product is issued and paid for, zeros and padding included. Weights are resident, so that an
inference moves only its input and its output, through the ports that the chip has; what does not fit, and the cold
fetch of the weights, comes from DRAM. Formulas and limits: ``docs/baseline.md``.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.baseline.ann import AnnRun, run_ann
from accelsim.baseline.dataflow import Counts, Gemm
from accelsim.baseline.layers import gemm_of
from accelsim.baseline.prices import ARRAY, DRAM, WEIGHT, array_prices
from accelsim.baseline.tables import ArrayRun, components_of, layers_of, totals_of
from accelsim.baseline.traffic import Ends, Traffic, ends_of, traffic_of
from accelsim.counters import Key
from accelsim.hardware.spec import ChipSpec
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.result.run_result import BaselineResult


def run_baseline(
    chip: ChipSpec,
    network: Network,
    events: EventStream,
    image: npt.NDArray[Any] | None = None,
    labels: npt.NDArray[Any] | None = None,
) -> BaselineResult:
    """Execute the network as an ANN and price it on the chip's MAC array.

    Parameters
    ----------
    chip : ChipSpec
        Its ``baseline``, clock and technology.
    network : Network
    events : EventStream
        Input of the SNN, on the same samples.
    image : (samples, n_input) float, optional
        The analog input that the events encode; the mean of the events over time where not given.
    labels : (samples,) int, optional
        Without them the accuracy is NaN.

    Raises
    ------
    AccelsimError
        If input and network do not agree, or a price is missing.
    """
    spec = chip.baseline
    ann = run_ann(network, events, image, spec.activation_bits, spec.weight_bits)
    run = price_ann(chip, network, ann)
    rounded = sum(layer.weights_quantised for layer in ann.layers)
    notes = [f"weights of {rounded} layers rounded to {spec.weight_bits} bit, one step per tensor"] if rounded else []
    array = f"dense {spec.rows}x{spec.columns} array, dataflow {spec.dataflow}"
    return BaselineResult(
        name=f"{spec.activation_bits}-bit ANN, one pass, {array}",
        activations="; ".join([ann.activations, *run.traffic.warnings, *notes]),
        totals=totals_of(run, chip, ann.accuracy(labels)),
        layers=layers_of(run),
        components=components_of(run),
    )


def price_ann(chip: ChipSpec, network: Network, ann: AnnRun) -> ArrayRun:
    """Return the accesses, cycles and energies of an executed ANN on the chip's array."""
    gemm, ends, prices = gemm_of(network.projections), ends_of(network), array_prices(chip)
    traffic = traffic_of(chip, gemm, ends)
    counts = action_counts(gemm, ends, traffic, ann)
    table = prices.table.prices
    time_ns = traffic.cycles / chip.clock
    return ArrayRun(
        ann=ann,
        gemm=gemm,
        traffic=traffic,
        prices=prices,
        energy={key: count.astype(np.float64) * table[key].energy_pj for key, count in counts.items()},
        static=sum(prices.leakage_mw.values()) * time_ns,
        cold=traffic.cold_bits * table[DRAM, "bit"].energy_pj + traffic.cold_words * table[WEIGHT, "write"].energy_pj,
        time_ns=time_ns,
    )


def action_counts(gemm: Gemm, ends: Ends, traffic: Traffic, ann: AnnRun) -> dict[Key, Counts]:
    """Return every priced action of the array by layer, (layers,) each."""
    pool = np.array([layer.pool_additions for layer in ann.layers], dtype=np.int64)
    leaving = ends.outputs * ends.last
    biased = leaving * (ends.biases > 0)
    return {
        (ARRAY, "multiply"): gemm.macs_padded,
        (ARRAY, "accumulate"): gemm.macs_padded,
        (ARRAY, "add"): pool + biased,
        (ARRAY, "requantise"): leaving,
        **traffic.words,
        (DRAM, "bit"): traffic.dram_bits,
    }
