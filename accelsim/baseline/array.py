"""One ANN, or the SNN itself, on the chip's MAC array: what it counts, how long it takes, what it costs.

Weights are resident, so that an inference moves only its input and its output, through the ports that the chip has;
what does not fit, and the cold fetch of the weights, comes from DRAM. Zeros are ``issued`` (every product is paid,
padding included), ``gated`` (they take their cycle and their reads, but no multiplication and addition) or ``skipped``
(neither stored nor read nor multiplied; one mask bit per value; the load is balanced ideally, which no array does: a
bound in favour of the array). Formulas and limits: ``docs/baseline.md``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from accelsim.baseline.ann import AnnRun, pools_of
from accelsim.baseline.dataflow import BEST, DATAFLOWS, Counts, Gemm
from accelsim.baseline.layers import PooledInputs, gemm_of
from accelsim.baseline.prices import ARRAY, DRAM, WEIGHT, ArrayPrices, array_prices
from accelsim.baseline.tables import ArrayRun
from accelsim.baseline.traffic import Density, Traffic, clock_of, ends_of, traffic_of
from accelsim.counters import Key
from accelsim.errors import MappingError, UnknownNameError
from accelsim.hardware.spec import ChipSpec
from accelsim.network.events import EventStream
from accelsim.network.graph import Network

Zeros = Literal["issued", "gated", "skipped"]
Floats = npt.NDArray[np.float64]


def with_widths(chip: ChipSpec, activation_bits: int, weight_bits: int) -> ChipSpec:
    """Return the chip with another width of the array's operands."""
    return _changed(chip, activation_bits=activation_bits, weight_bits=weight_bits)


def with_dataflow(chip: ChipSpec, dataflow: str) -> ChipSpec:
    """Return the chip with another dataflow of the array."""
    return chip if chip.baseline.dataflow == dataflow else _changed(chip, dataflow=dataflow)


def by_dataflow(chip: ChipSpec, price: Callable[[ChipSpec], ArrayRun]) -> dict[str, ArrayRun]:
    """Return what ``price`` says of the array under every registered dataflow that can run these layers.

    Raises
    ------
    UnknownNameError
        If the chip's own dataflow is neither registered nor ``best``.
    MappingError
        If its own, or every one, cannot run them: SCALE-Sim has neither groups nor overlapped folds.
    """
    own = chip.baseline.dataflow
    if own != BEST and own not in DATAFLOWS.names():
        raise UnknownNameError(DATAFLOWS.kind, own, [BEST, *DATAFLOWS])
    runs: dict[str, ArrayRun] = {}
    refused: MappingError | None = None
    for name in DATAFLOWS:
        try:
            runs[name] = price(with_dataflow(chip, name))
        except MappingError as error:
            if name == own:
                raise
            refused = error
    if refused is not None and not runs:
        raise refused
    return runs


def _changed(chip: ChipSpec, **values: object) -> ChipSpec:
    return chip.model_copy(update={"baseline": chip.baseline.model_copy(update=values)})


def price_ann(
    chip: ChipSpec, network: Network, ann: AnnRun, zeros: Zeros = "issued", prices: ArrayPrices | None = None
) -> ArrayRun:
    """Return the accesses, cycles and energies of an executed ANN on the chip's array; means over the samples.

    Parameters
    ----------
    prices : ArrayPrices, optional
        Those of this chip, where they are known already.

    Raises
    ------
    AccelsimError
        If a price is missing, or the DRAM has no bandwidth.
    """
    gemm, ends = gemm_of(network.projections), ends_of(network)
    effective = np.array([layer.effective_macs.mean() for layer in ann.layers])
    density = density_of(chip, gemm, ann, effective) if zeros == "skipped" else None
    traffic = traffic_of(chip, gemm, ends, density)
    products = gemm.macs_padded.astype(np.float64) if zeros == "issued" else effective
    leaving = ends.outputs * ends.last
    pool = np.array([layer.pool_additions for layer in ann.layers], dtype=np.int64)
    counts: dict[Key, Counts | Floats] = {
        (ARRAY, "multiply"): products,
        (ARRAY, "accumulate"): products,
        (ARRAY, "add"): pool + leaving * (ends.biases > 0),
        (ARRAY, "requantise"): leaving,
    }
    return _priced(chip, prices or array_prices(chip), gemm, traffic, counts, products, ann)


def density_of(chip: ChipSpec, gemm: Gemm, ann: AnnRun, effective: Floats) -> Density:
    """Return what zero-skipping leaves: values that are not zero and a mask bit for each, or all where that is less."""
    spec = chip.baseline
    inputs = np.array([1 - layer.zero_fraction.mean() for layer in ann.layers]) + 1 / spec.activation_bits
    weights = np.array([layer.weight_density for layer in ann.layers]) + 1 / spec.weight_bits
    return Density(np.minimum(inputs, 1), np.minimum(weights, 1), effective / gemm.macs_padded)


def price_snn(
    chip: ChipSpec,
    network: Network,
    events: EventStream,
    pools: Sequence[PooledInputs] | None = None,
    prices: ArrayPrices | None = None,
) -> ArrayRun:
    """Return what the SNN itself costs on the array: every timestep a pass of dense products with one-bit activations.

    A spike needs an adder, no multiplier; values of an analog input are multiplied, once where they are loaded as
    biases. Every neuron reads and writes its state in the output buffer in every step and is updated by two additions.
    """
    gemm, ends = gemm_of(network.projections), ends_of(network)
    state = chip.core.membrane.bits if network.integer else 32
    valued = np.array([events.kind != "spikes" and edge.source == network.input.name for edge in network.projections])
    once = valued & (events.kind == "bias_current")
    leaving = ends.outputs * ends.last
    pool = np.array([item.additions for item in pools or pools_of(network)], dtype=np.int64)
    prices, runs = prices or array_prices(chip), []
    for bits in (1, max(1, events.value_bits)):
        narrow = with_widths(chip, bits, chip.baseline.weight_bits)
        counts: dict[Key, Counts | Floats] = {
            (ARRAY, "multiply"): gemm.macs_padded * valued,
            (ARRAY, "accumulate"): gemm.macs_padded,
            (ARRAY, "add"): pool + leaving * (ends.biases > 0) + 2 * leaving,
            (ARRAY, "requantise"): 0 * leaving,
        }
        traffic = traffic_of(narrow, gemm, ends, None, state)
        runs.append(_priced(chip, prices, gemm, traffic, counts, gemm.macs_padded.astype(np.float64), None))
    steps = np.where(once, 1, events.timesteps)
    spikes, values = runs

    def chosen(one: Floats, other: Floats) -> Floats:
        return np.where(valued, other, one)

    return replace(
        spikes,
        energy={key: steps * chosen(spikes.energy[key], values.energy[key]) for key in spikes.energy},
        static=steps * chosen(spikes.static, values.static),
        time_ns=steps * chosen(spikes.time_ns, values.time_ns),
        cold_ns=(steps - 1) * chosen(spikes.time_ns, values.time_ns) + chosen(spikes.cold_ns, values.cold_ns),
    )


def _priced(
    chip: ChipSpec,
    prices: ArrayPrices,
    gemm: Gemm,
    traffic: Traffic,
    counts: dict[Key, Counts | Floats],
    products: Floats,
    ann: AnnRun | None,
) -> ArrayRun:
    table = prices.table.prices
    time_ns = traffic.cycles / clock_of(chip)
    counts = {**counts, **traffic.words, (DRAM, "bit"): traffic.dram_bits}
    return ArrayRun(
        ann=ann,
        gemm=gemm,
        traffic=traffic,
        prices=prices,
        products=products,
        energy={key: count.astype(np.float64) * table[key].energy_pj for key, count in counts.items()},
        static=sum(prices.leakage_mw.values()) * time_ns,
        cold=traffic.cold_bits * table[DRAM, "bit"].energy_pj + traffic.cold_words * table[WEIGHT, "write"].energy_pj,
        time_ns=time_ns,
        cold_ns=traffic.cold_cycles / clock_of(chip),
    )
