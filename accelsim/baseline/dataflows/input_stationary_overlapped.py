"""Input stationary with two activation registers per processing element: folds follow each other without a gap.

The next tile of activations is shifted in while the filters stream over the present one: a fold of N filters lasts
max(N, R) cycles, ``R + folds * max(N, R) + R + C - 2`` in all, as in ``ws-overlapped``. The words are those of ``is``.
"""

from dataclasses import replace

from accelsim.baseline.dataflow import (
    DATAFLOWS,
    Gemm,
    LayerCost,
    Mode,
    Packing,
    array_utilisation,
    overlapped_cycles,
)
from accelsim.baseline.dataflows.input_stationary import input_stationary
from accelsim.errors import MappingError


@DATAFLOWS.register("is-overlapped")
def input_stationary_overlapped(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the window on rows and the pixels on columns, without a gap between folds."""
    if mode == "scalesim":
        raise MappingError("dataflow mode 'scalesim': SCALE-Sim has no overlapped folds; use 'is'")
    plain = input_stationary(gemm, rows, columns, packing, mode)
    cycles = overlapped_cycles(plain.folds, gemm.filters, rows, columns)
    return replace(plain, cycles=cycles, utilisation=array_utilisation(gemm, cycles, rows, columns))
