"""Input stationary with two activation registers per processing element: folds follow each other without a gap.

The next tile of activations is shifted in while the filters stream over the present one: a fold of N filters lasts
max(N, R) cycles, ``R + folds * max(N, R) + R + C - 2`` in all, as in ``ws-overlapped``. The words are those of ``is``.
"""

from accelsim.baseline.dataflow import DATAFLOWS, Gemm, LayerCost, Mode, Packing, overlapped
from accelsim.baseline.dataflows.input_stationary import input_stationary


@DATAFLOWS.register("is-overlapped")
def input_stationary_overlapped(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the window on rows and the pixels on columns, without a gap between folds."""
    return overlapped("is", input_stationary, gemm.filters, gemm, rows, columns, packing, mode)
