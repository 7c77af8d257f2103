"""Predictions from the output population, and their accuracy with its uncertainty."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError, WorkloadError
from accelsim.network.graph import Population
from accelsim.result.classes import wilson
from accelsim.trace.activity import ActivityTrace

Decoding = Literal["rate", "membrane", "membrane_max", "first_spike"]

DECODINGS: Final = ("rate", "membrane", "membrane_max", "first_spike")


@dataclass(frozen=True)
class Accuracy:
    """Share of right predictions with its 95 % confidence interval."""

    correct: int
    samples: int
    value: float
    low: float
    high: float


def check_decoding(output: Population, decoding: str) -> None:
    """Check that an output population can be decoded so.

    Raises
    ------
    WorkloadError
        On an unknown decoding, spikes asked of a readout, or membranes of a spiking output.
    """
    if decoding not in DECODINGS:
        raise WorkloadError(f"decoding: expected one of {', '.join(DECODINGS)}; got {decoding!r}")
    spiking = output.model is not None and output.model.spiking
    if spiking == decoding.startswith("membrane"):
        kind, fitting = ("spikes", "rate or first_spike") if spiking else ("is a readout", "membrane or membrane_max")
        raise WorkloadError(f"decoding: output {output.name} {kind}: expected {fitting}, got {decoding!r}")


def predict(trace: ActivityTrace, decoding: Decoding) -> npt.NDArray[np.int64]:
    """Return the predicted class of every sample, (samples,).

    Parameters
    ----------
    trace : ActivityTrace
    decoding : {"rate", "membrane", "membrane_max", "first_spike"}
        ``rate``: most spikes; ``membrane``: largest final membrane; ``membrane_max``: largest membrane of all
        timesteps, as after ``mem_rec.max(0)`` in snnTorch; ties go to the lower index. ``first_spike``:
        earliest spike; ties go to more spikes, then to the lower index; a sample without spikes is a tie of all.

    Raises
    ------
    WorkloadError
        On an unknown decoding, or membranes over time of a trace without them.
    """
    if decoding in ("rate", "membrane"):
        return _largest(trace.output)
    if decoding == "membrane_max":
        if trace.peak is None:
            raise WorkloadError("decoding: membrane_max needs a readout, the output spikes")
        return _largest(trace.peak)
    if decoding == "first_spike":
        earliest = trace.first_spike == trace.first_spike.min(axis=1, keepdims=True)
        return _largest(np.where(earliest, trace.output, -np.inf))
    raise WorkloadError(f"decoding: expected one of {', '.join(DECODINGS)}; got {decoding!r}")


def _largest(score: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    at: npt.NDArray[np.int64] = np.argmax(score, axis=1).astype(np.int64)
    return at


def accuracy(predicted: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> Accuracy:
    """Return the share of right predictions and its Wilson score interval at 95 %.

    Parameters
    ----------
    predicted, labels : (samples,) int

    Raises
    ------
    EventError
        If the numbers of predictions and labels differ, or there are none.
    """
    if predicted.shape != labels.shape or not predicted.size:
        raise EventError(f"expected one label per prediction, got {labels.shape} for {predicted.shape}")
    samples = int(predicted.size)
    correct = int(np.count_nonzero(predicted == labels))
    return Accuracy(correct, samples, correct / samples, *wilson(correct, samples))
