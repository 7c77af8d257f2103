"""Weight stationary with two weight registers per processing element: folds follow each other without a gap.

The next tile of weights is shifted in while the present one is in use, so a fold of M activations lasts max(M, R)
cycles (R to load the next tile); the first load (R) and the last drain (R + C - 2) are paid once per layer:
``R + folds * max(M, R) + R + C - 2``. One fold costs what plain ``ws`` costs when M >= R. This is how the TPU hides its
weight loads (Jouppi et al., ISCA 2017, section 2); the words that move are those of ``ws``.
"""

from accelsim.baseline.dataflow import DATAFLOWS, Gemm, LayerCost, Mode, Packing, overlapped
from accelsim.baseline.dataflows.weight_stationary import weight_stationary


@DATAFLOWS.register("ws-overlapped")
def weight_stationary_overlapped(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the window on rows and the filters on columns, without a gap between folds."""
    return overlapped("ws", weight_stationary, gemm.pixels, gemm, rows, columns, packing, mode)
