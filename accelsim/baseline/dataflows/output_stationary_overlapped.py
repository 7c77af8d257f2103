"""Output stationary with a second register per processing element: folds follow each other without a gap.

The sums of a tile are shifted out (R cycles) while the next is summed: a fold of K products lasts max(K, R) cycles,
``folds * max(K, R) + R + C - 2 + R`` in all. The words are those of ``os``.
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
from accelsim.baseline.dataflows.output_stationary import output_stationary
from accelsim.errors import MappingError


@DATAFLOWS.register("os-overlapped")
def output_stationary_overlapped(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the pixels on rows and the filters on columns, without a gap between folds."""
    if mode == "scalesim":
        raise MappingError("dataflow mode 'scalesim': SCALE-Sim has no overlapped folds; use 'os'")
    plain = output_stationary(gemm, rows, columns, packing, mode)
    cycles = overlapped_cycles(plain.folds, gemm.window, rows, columns)
    return replace(plain, cycles=cycles, utilisation=array_utilisation(gemm, cycles, rows, columns))
