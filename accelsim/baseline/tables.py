"""The baseline's result as tables: headline numbers, layers, components, each with its unit and definition."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.baseline.ann import AnnRun
from accelsim.baseline.dataflow import Gemm
from accelsim.baseline.prices import COMPONENTS, INPUT, OUTPUT, WEIGHT, ArrayPrices
from accelsim.baseline.traffic import Traffic
from accelsim.counters import Key
from accelsim.hardware.spec import ChipSpec
from accelsim.result.run_result import Quantity
from accelsim.result.table import Table, table

Floats = npt.NDArray[np.float64]

_PREFIX: Final = "baseline."


@dataclass(frozen=True, eq=False)
class ArrayRun:
    """An ANN priced on the array; arrays are (layers,).

    Attributes
    ----------
    ann : AnnRun or None
        None for the SNN on the array.
    products : (layers,) float64
        Multiply-accumulates that are paid for.
    energy : dict of (component, action) to (layers,) float64
        pJ per inference, without a cold start.
    static, cold : (layers,) float64
        Leakage, and the fetch of the resident weights after power-up, pJ.
    time_ns, cold_ns : (layers,) float64
        Weights resident, and fetched while the first inference runs.
    """

    ann: AnnRun | None
    gemm: Gemm
    traffic: Traffic
    prices: ArrayPrices
    products: Floats
    energy: dict[Key, Floats]
    static: Floats
    cold: Floats
    time_ns: Floats
    cold_ns: Floats

    def repeated(self, times: int) -> "ArrayRun":
        """Return so many inferences, one after the other: energies and times of all, the first one's cold start."""
        if times == 1:
            return self
        energy = {key: value * times for key, value in self.energy.items()}
        return replace(
            self, energy=energy, static=self.static * times, time_ns=self.time_ns * times,
            cold_ns=self.cold_ns + (times - 1) * self.time_ns,
        )  # fmt: skip

    @property
    def dynamic(self) -> Floats:
        """Energy of accesses and operations by layer, pJ."""
        total: Floats = np.sum(list(self.energy.values()), axis=0)
        return total


def totals_of(run: ArrayRun, chip: ChipSpec, accuracy: float) -> dict[str, Quantity]:
    """Return the headline numbers, with the keys that BaselineResult documents."""
    latency = float(run.time_ns.sum())
    dynamic, static = float(run.dynamic.sum()), float(run.static.sum())
    energy = dynamic + static
    slots = float(run.traffic.cycles.sum()) * chip.baseline.rows * chip.baseline.columns
    area = sum(item.area_mm2 for item in run.prices.area.values())
    return {
        "energy_per_inference": Quantity(
            energy, "pJ", "dynamic and static energy of one inference, without a cold start"
        ),
        "latency": Quantity(latency, "ns", "all layers one after the other, without a cold start"),
        "energy_dynamic": Quantity(dynamic, "pJ", "accesses and operations of one inference"),
        "energy_static": Quantity(static, "pJ", "leakage of buffers and arithmetic over the latency"),
        "energy_delay": Quantity(energy * latency, "pJ*ns", "energy per inference x latency"),
        "accuracy": Quantity(accuracy, "", "share of samples whose largest output is the label; NaN without labels"),
        "macs": Quantity(float(run.gemm.macs.sum()), "", "multiply-accumulates inside the border, zeros included"),
        "utilisation": Quantity(
            float(run.gemm.macs_padded.sum()) / slots,
            "",
            "multiply-accumulates issued (padding included) over cycles x processing elements",
        ),
        "energy_dram_cold": Quantity(
            float(run.cold.sum()), "pJ", "extra of the first inference: resident weights fetched from DRAM and stored"
        ),
        "area": Quantity(area, "mm2", "buffers, multipliers and adders that a source gives the area of"),
    }


def components_of(run: ArrayRun) -> Table:
    """Return the energy per inference by part of the array."""
    energy = {
        name: float(sum(part.sum() for key, part in run.energy.items() if key[0] == name)) for name in COMPONENTS
    }
    return table(
        "baseline_components",
        ("component", "", "part of the MAC array", [name.removeprefix(_PREFIX) for name in COMPONENTS]),
        (
            "dynamic_pj",
            "pJ",
            "energy of all accesses and operations per inference, without a cold start",
            list(energy.values()),
        ),
        (
            "static_pj",
            "pJ",
            "leakage over the latency; none modelled for ports and DRAM",
            [run.prices.leakage_mw.get(name, 0.0) * float(run.time_ns.sum()) for name in COMPONENTS],
        ),
        (
            "area_mm2",
            "mm2",
            "of all banks or processing elements, NaN where not known",
            [run.prices.area[name].area_mm2 if name in run.prices.area else np.nan for name in COMPONENTS],
        ),
    )


def layers_of(run: ArrayRun, ann: AnnRun) -> Table:
    """Return one row per projection."""
    gemm, traffic = run.gemm, run.traffic
    words = traffic.words
    return table(
        "baseline_layers",
        ("layer", "", "projection", [layer.name for layer in ann.layers]),
        ("pixels", "", "rows of the matrix product per group", gemm.pixels),
        ("window", "", "inner length of the matrix product per group", gemm.window),
        ("filters", "", "columns of the matrix product per group", gemm.filters),
        ("groups", "", "matrix products, mapped one by one", gemm.groups),
        ("macs", "", "multiply-accumulates inside the border", gemm.macs),
        ("macs_padded", "", "multiply-accumulates issued, zero padding included", gemm.macs_padded),
        (
            "effective_macs",
            "",
            "products of a non-zero activation and a non-zero weight, mean over samples",
            [float(layer.effective_macs.mean()) for layer in ann.layers],
        ),
        (
            "zero_fraction",
            "",
            "zeros among the activations that enter the array, mean over samples",
            [float(layer.zero_fraction.mean()) for layer in ann.layers],
        ),
        ("cycles", "", "slowest of array, buffers, ports and DRAM, without a cold start", traffic.cycles),
        ("array_cycles", "", "of the dataflow alone", traffic.array_cycles),
        ("folds", "", "tiles of the still operand", traffic.cost.folds),
        (
            "stall_buffer_cycles",
            "",
            "cycles beyond the dataflow's that the busiest buffer or port needs",
            np.maximum(traffic.buffer_cycles - traffic.array_cycles, 0),
        ),
        (
            "stall_dram_cycles",
            "",
            "cycles beyond those of array and buffers that DRAM needs, without a cold start",
            traffic.cycles - np.maximum(traffic.array_cycles, traffic.buffer_cycles),
        ),
        (
            "stall_cold_cycles",
            "",
            "further cycles of the first inference, in which the resident weights are fetched",
            traffic.cold_cycles - traffic.cycles,
        ),
        ("utilisation", "", "products issued over array cycles x processing elements", traffic.cost.utilisation),
        ("input_buffer_reads", "", "words", words[INPUT, "read"]),
        ("input_buffer_writes", "", "words", words[INPUT, "write"]),
        ("weight_buffer_reads", "", "words", words[WEIGHT, "read"]),
        ("weight_buffer_writes", "", "words of weights that are not resident", words[WEIGHT, "write"]),
        ("output_buffer_reads", "", "words: partial sums read back, and sums that leave", words[OUTPUT, "read"]),
        ("output_buffer_writes", "", "words of partial and final sums", words[OUTPUT, "write"]),
        ("dram_bits", "bit", "what does not fit on chip, in every inference", traffic.dram_bits),
        ("dram_cold_bits", "bit", "resident weights, once after power-up", traffic.cold_bits),
        ("energy_pj", "pJ", "dynamic and static energy, without a cold start", run.dynamic + run.static),
        ("energy_dynamic_pj", "pJ", "accesses and operations, without a cold start", run.dynamic),
        ("energy_static_pj", "pJ", "leakage of the whole array while the layer runs", run.static),
        ("energy_dram_cold_pj", "pJ", "fetch of the resident weights, once after power-up", run.cold),
    )
