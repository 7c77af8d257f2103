"""The baselines of a run side by side: operand widths x what is done about zeros, and the SNN on the array.

Every row has the same weights, the same network, the same array, memories, residency of weights, node and clock, and
its own dataflow: the configured one or, with ``best``, the registered one with the least energy-delay product. Widths
are those of the hardware file (usually 8 bit) and those that carry what T timesteps can: ``ceil(log2(T + 1))`` bits of
activation (Yan, Bai and Wong, arXiv 2409.08290), with the weights of the SNN.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from accelsim.baseline.ann import AnnRun
from accelsim.baseline.array import Zeros, by_dataflow, price_ann, price_snn, with_widths
from accelsim.baseline.dataflow import BEST
from accelsim.baseline.layers import PooledInputs
from accelsim.baseline.prices import array_prices
from accelsim.baseline.tables import ArrayRun
from accelsim.hardware.spec import ChipSpec
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.result.table import Table, table

SNN: Final = "snn"
"""Name of the row in which the array runs the SNN."""
_ZEROS: Final[dict[Zeros, str]] = {"issued": "dense", "gated": "gated", "skipped": "skipping"}
_TEXT: Final[dict[Zeros, str]] = {
    "issued": "dense",
    "gated": "zeros gated",
    "skipped": "ideal skipping",
}


@dataclass(frozen=True, eq=False)
class Variant:
    """One baseline: its name, what it is in words, widths, accuracy and price under every dataflow.

    ``zeros`` is None where the array runs the SNN. ``dataflow`` is the configured one, or the best of ``runs``.
    """

    name: str
    text: str
    activation_bits: int
    weight_bits: int
    passes: int
    zeros: Zeros | None
    accuracy: float
    dataflow: str
    runs: dict[str, ArrayRun]

    @property
    def run(self) -> ArrayRun:
        """The array with this dataflow."""
        return self.runs[self.dataflow]

    def under(self, dataflow: str) -> "Variant":
        """Return the same baseline under another dataflow, which becomes part of its name."""
        return replace(self, name=f"{self.name}-{dataflow}", text=f"{self.text}, {dataflow}", dataflow=dataflow)

    def repeated(self, times: int) -> "Variant":
        """Return so many inferences of it, one after the other."""
        runs = {name: run.repeated(times) for name, run in self.runs.items()}
        return replace(self, passes=self.passes * times, runs=runs)

    @property
    def effective(self) -> float:
        """Share of the products, padding included, that are paid for."""
        return float(self.run.products.sum() / self.run.gemm.macs_padded.sum())

    @property
    def energy(self) -> float:
        """Dynamic and static energy of an inference, without a cold start, pJ."""
        return float(self.run.dynamic.sum() + self.run.static.sum())

    @property
    def latency(self) -> float:
        """All layers one after the other, without a cold start, ns."""
        return float(self.run.time_ns.sum())


def matched_bits(timesteps: int) -> int:
    """Return the bits of a spike count of ``timesteps`` steps, ``ceil(log2(T + 1))``."""
    return max(1, timesteps.bit_length())


def matched_weights(chip: ChipSpec, network: Network) -> int:
    """Return the width of the SNN's weights; that of the hardware file where they are float32."""
    if not network.integer:
        return chip.baseline.weight_bits
    return max(edge.connection.bits for edge in network.projections)


def best_dataflow(runs: dict[str, ArrayRun]) -> str:
    """Return the dataflow with the least energy-delay product, without a cold start; of equals the first by name."""
    return min(runs, key=lambda name: energy_delay(runs[name]))


def energy_delay(run: ArrayRun) -> float:
    """Return energy x latency of an inference, pJ*ns."""
    return float((run.dynamic.sum() + run.static.sum()) * run.time_ns.sum())


def ann_variants(
    chip: ChipSpec, network: Network, ann: AnnRun, widths: tuple[int, int], accuracy: float
) -> list[Variant]:
    """Return the ANN on the array in three ways of treating zeros."""
    activation, weight = widths
    narrow = with_widths(chip, activation, weight)
    prices = array_prices(narrow)
    found = []
    for zeros, name in _ZEROS.items():
        runs = by_dataflow(narrow, partial(price_ann, network=network, ann=ann, zeros=zeros, prices=prices))
        text = f"{activation}-bit ANN, {_TEXT[zeros]}"
        own = _chosen(chip, runs)
        found.append(Variant(f"{name}-{activation}b", text, activation, weight, 1, zeros, accuracy, own, runs))
    return found


def snn_variant(
    chip: ChipSpec, network: Network, events: EventStream, accuracy: float, pools: Sequence[PooledInputs]
) -> Variant:
    """Return the SNN on the array: T passes, labelled as no ANN."""
    steps, prices = events.timesteps, array_prices(chip)
    text = f"SNN in {steps} passes, no ANN"
    runs = by_dataflow(chip, partial(price_snn, network=network, events=events, pools=pools, prices=prices))
    return Variant(SNN, text, 1, chip.baseline.weight_bits, steps, None, accuracy, _chosen(chip, runs), runs)


def _chosen(chip: ChipSpec, runs: dict[str, ArrayRun]) -> str:
    own = chip.baseline.dataflow
    return best_dataflow(runs) if own == BEST else own


def variants_table(variants: list[Variant], fairest: str) -> Table:
    """Return one row per baseline."""
    runs = [item.run for item in variants]
    cold = [float(run.cold.sum()) for run in runs]
    return table(
        "baselines",
        ("baseline", "", "name", [item.name for item in variants]),
        ("description", "", "what runs on the array", [item.text for item in variants]),
        ("dataflow", "", "of the array", [item.dataflow for item in variants]),
        ("activation_bits", "bit", "width of an activation", [item.activation_bits for item in variants]),
        ("weight_bits", "bit", "width of a weight", [item.weight_bits for item in variants]),
        ("passes", "", "executions of the network per inference", [item.passes for item in variants]),
        ("products", "", "multiply-accumulates paid for, per pass", [float(run.products.sum()) for run in runs]),
        ("energy_pj", "pJ", "dynamic and static energy, without a cold start", [item.energy for item in variants]),
        ("energy_dynamic_pj", "pJ", "accesses and operations", [float(run.dynamic.sum()) for run in runs]),
        ("energy_static_pj", "pJ", "leakage over the latency", [float(run.static.sum()) for run in runs]),
        (
            "energy_first_pj",
            "pJ",
            "first inference: resident weights fetched from DRAM and stored",
            [item.energy + extra for item, extra in zip(variants, cold, strict=True)],
        ),
        ("latency_ns", "ns", "layers one after the other, without a cold start", [item.latency for item in variants]),
        ("latency_first_ns", "ns", "first inference", [float(run.cold_ns.sum()) for run in runs]),
        ("energy_delay", "pJ*ns", "energy x latency", [energy_delay(run) for run in runs]),
        ("accuracy", "", "share of right predictions; NaN without labels", [item.accuracy for item in variants]),
        ("fairest", "", "the one to compare this run with", [item.name == fairest for item in variants]),
    )


def accuracy_is_kept(accuracy: float, floor: float) -> bool:
    """Return whether an accuracy is known and not below ``floor``."""
    return math.isfinite(accuracy) and math.isfinite(floor) and accuracy >= floor
