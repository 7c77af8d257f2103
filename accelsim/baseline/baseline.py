"""The baseline of a run: the same network as an ANN on the chip's MAC array, in all its variants, and the fairest.

The headline is the dense array at the widths and with the dataflow of the hardware file; which variant is the fairest
for a network follows from three rules (``docs/baseline.md``): zeros that the chip does not pay for are not charged to
the array either, operands are as narrow as the accuracy allows, and the dataflow is the best of those registered.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.baseline.ann import AnnRun, pools_of, run_ann
from accelsim.baseline.dataflow import BEST
from accelsim.baseline.prices import ARRAY
from accelsim.baseline.tables import components_of, layers_of, totals_of
from accelsim.baseline.variants import (
    Variant,
    accuracy_is_kept,
    ann_variants,
    best_dataflow,
    energy_delay,
    matched_bits,
    matched_weights,
    snn_variant,
    variants_table,
)
from accelsim.hardware.sources.registers import ALADDIN_NM
from accelsim.hardware.spec import ChipSpec
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.result.run_result import BaselineResult

SKIP_BELOW: Final = 0.5
"""Share of products that are not zero below which an array that skips them is worth its masks and its balancing."""


@dataclass(frozen=True)
class SnnAccuracy:
    """Share of samples that the SNN gets right, and the lower end of its interval; NaN without labels."""

    value: float = float("nan")
    low: float = float("nan")


def run_baseline(
    chip: ChipSpec,
    network: Network,
    events: EventStream,
    image: npt.NDArray[Any] | None = None,
    labels: npt.NDArray[Any] | None = None,
    *,
    ann: Network | None = None,
    snn: SnnAccuracy | None = None,
    resident: bool = True,
    inferences: int = 1,
) -> BaselineResult:
    """Execute the network as an ANN and price it on the chip's MAC array.

    Parameters
    ----------
    chip : ChipSpec
        Its ``baseline``, clock and technology.
    network : Network
        The SNN.
    events : EventStream
        Input of the SNN, on the same samples.
    image : (samples, n_input) float, optional
        The analog input that the events encode; the mean of the events over time where not given.
    labels : (samples,) int, optional
        Without them the accuracy is NaN.
    ann : Network, optional
        An ANN of the user's, integrate-and-fire nodes standing for rectifiers; the SNN's own weights if not given.
    snn : SnnAccuracy, optional
        What the SNN gets right.
    resident : bool
        False where the SNN's machine fetches its weights for every inference: then the array does too.
    inferences : int
        So many in a row, one for every window of a stream: energies and times are those of all of them.

    Raises
    ------
    AccelsimError
        If input and network do not agree, or a price is missing.
    """
    policy = _policy(chip.baseline.keep_weights, resident=resident)
    if not resident:
        chip = chip.model_copy(update={"baseline": chip.baseline.model_copy(update={"keep_weights": False})})
    spec, known = chip.baseline, snn or SnnAccuracy()
    model = network if ann is None else ann
    wide = (spec.activation_bits, spec.weight_bits)
    narrow = (matched_bits(events.timesteps), wide[1] if ann is not None else matched_weights(chip, network))
    pools = pools_of(model)
    done = run_ann(model, events, image, *wide, given=ann is not None, pools=pools)
    variants = ann_variants(chip, model, done, wide, done.accuracy(labels))
    if narrow[0] < wide[0]:
        matched = run_ann(model, events, image, *narrow, given=ann is not None, pools=pools)
        variants += ann_variants(chip, model, matched, narrow, matched.accuracy(labels))
    variants = [item.repeated(inferences) for item in variants]
    dense = variants[0]
    fair, why = fairest(variants, events.timesteps, known)
    own = pools if ann is None else pools_of(network)
    variants.append(snn_variant(chip, network, events, known.value, own).repeated(inferences))
    variants += [dense.under(name) for name in dense.runs if name != dense.dataflow]
    variants += [fair] * (fair.name not in [item.name for item in variants])
    return BaselineResult(
        name=f"{spec.activation_bits}-bit ANN, {_passes(inferences)}, {_array(chip, dense)}",
        activations="; ".join([done.activations, *dense.run.traffic.warnings, *policy, *_notes(chip, done, dense)]),
        totals=totals_of(dense.run, chip, dense.accuracy),
        layers=layers_of(dense.run, done),
        components=components_of(dense.run),
        variants=variants_table(variants, fair.name),
        fairest=fair.name,
        reason=why if ann is not None else f"{why}; activations are assumed, an ANN of your own (--ann) would not be",
    )


def _policy(keeps: bool, *, resident: bool) -> list[str]:
    """Return what array and machine do with weights between inferences, where that has to be known."""
    if resident and not keeps:
        return ["not so on the machine that runs the SNN, whose weights are resident (baseline.keep_weights: false)"]
    return [] if resident else ["as on the machine that runs the SNN"]


def _passes(inferences: int) -> str:
    return "one pass" if inferences == 1 else f"one pass for each of {inferences} windows"


def _array(chip: ChipSpec, dense: Variant) -> str:
    spec = chip.baseline
    why = f", the best of {len(dense.runs)} by energy-delay product" if spec.dataflow == BEST else ""
    return f"dense {spec.rows}x{spec.columns} array, dataflow {dense.dataflow}{why}"


def _notes(chip: ChipSpec, done: AnnRun, dense: Variant) -> list[str]:
    """Return what was rounded, and how much of the array's energy is leakage that no table gives for its node."""
    notes = []
    rounded = sum(layer.weights_quantised for layer in done.layers)
    if rounded:
        notes.append(f"weights of {rounded} layers rounded to {chip.baseline.weight_bits} bit, one step per tensor")
    prices, node = dense.run.prices, chip.technology.node
    if node != ALADDIN_NM and f"Aladdin {ALADDIN_NM} nm" in prices.leakage[ARRAY].source:
        leaks = prices.leakage_mw
        share = leaks[ARRAY] / sum(leaks.values()) if sum(leaks.values()) else 0.0
        notes.append(
            f"leakage of multipliers and adders, on both machines, is that of a {ALADDIN_NM} nm table, not scaled to "
            f"{node:g} nm: {share:.0%} of the array's static energy"
        )
    return notes


def fairest(variants: list[Variant], timesteps: int, snn: SnnAccuracy) -> tuple[Variant, str]:
    """Return the variant to compare with, under its best dataflow, and why."""
    widest = max(item.activation_bits for item in variants)
    narrow = [item for item in variants if item.activation_bits < widest]
    width = f"{timesteps} timesteps carry {matched_bits(timesteps)} bits, no fewer than the array's {widest}"
    chosen = variants
    if narrow:
        bits, right = narrow[0].activation_bits, narrow[0].accuracy
        if accuracy_is_kept(right, snn.low):
            chosen = narrow
            width = f"{timesteps} timesteps carry {bits} bits, and {bits} are enough for the ANN ({right:.1%} right)"
        elif np.isfinite(right) and np.isfinite(snn.low):
            chosen = [item for item in variants if item.activation_bits == widest]
            width = f"with the {bits} bits that {timesteps} timesteps carry the ANN is right in only {right:.1%}"
        else:
            chosen = [item for item in variants if item.activation_bits == widest]
            width = f"without labels nobody knows whether {bits} bits would be enough"
    gated = next(item for item in chosen if item.zeros == "gated")
    skips = gated.effective <= SKIP_BELOW
    found = next(item for item in chosen if item.zeros == ("skipped" if skips else "gated"))
    share = f"{gated.effective:.1%} of its products are not zero, and the chip does not pay for the others"
    ways = "one that skips them is the bar, here an ideal one" if skips else "an array can gate them, hardly skip them"
    best = best_dataflow(found.runs)
    flow = f"of {len(found.runs)} dataflows {best} has the least energy-delay product"
    if best == found.dataflow:
        return found, f"{share}: {ways}; {width}; {flow}"
    worse = energy_delay(found.run) / energy_delay(found.runs[best])
    return found.under(best), f"{share}: {ways}; {width}; {flow}, the configured {found.dataflow} {worse:.3g}x as much"
