"""Output stationary with a second register per processing element: folds follow each other without a gap.

The sums of a tile are shifted out (R cycles) while the next is summed: a fold of K products lasts max(K, R) cycles,
``folds * max(K, R) + R + C - 2 + R`` in all. The words are those of ``os``.
"""

from accelsim.baseline.dataflow import DATAFLOWS, Gemm, LayerCost, Mode, Packing, overlapped
from accelsim.baseline.dataflows.output_stationary import output_stationary


@DATAFLOWS.register("os-overlapped")
def output_stationary_overlapped(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the pixels on rows and the filters on columns, without a gap between folds."""
    return overlapped("os", output_stationary, gemm.window, gemm, rows, columns, packing, mode)
