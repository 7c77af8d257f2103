"""Output stationary: a tile of outputs stays in the array, activations and weights stream, sums leave at the end.

Cycles of a fold: K products, R + C - 2 of skew, R to shift the outputs out: 2R + C + K - 2. SCALE-Sim 3.0.0 leaves
the last R out (its issue 4; the maintainer agreed) and counts each output R + C times too often per fold (its issue
166); mode ``scalesim`` repeats both. Each array row streams consecutive window elements of one pixel, packed along
the window.
"""

import numpy as np

from accelsim.baseline.dataflow import (
    DATAFLOWS,
    Gemm,
    LayerCost,
    Mode,
    Packing,
    all_folds,
    array_utilisation,
    ceil_div,
    edge_words,
    inside_border,
    total_cycles,
)


@DATAFLOWS.register("os")
def output_stationary(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the pixels on rows and the filters on columns."""
    row_folds, column_folds = ceil_div(gemm.pixels, rows), ceil_div(gemm.filters, columns)
    folds = all_folds(gemm, gemm.pixels, gemm.filters, rows, columns, mode)
    drain = rows if mode == "mended" else 0
    cycles = total_cycles(folds, rows + columns + gemm.window - 2 + drain, mode)
    outputs = gemm.groups * gemm.pixels * edge_words(gemm.filters, columns, packing.ofmap)
    if mode == "scalesim":
        outputs = outputs + folds * (rows + columns)
    return LayerCost(
        cycles=cycles,
        folds=folds,
        utilisation=array_utilisation(gemm, cycles, rows, columns),
        ifmap_reads=inside_border(
            gemm.groups * gemm.pixels * ceil_div(gemm.window, packing.ifmap) * column_folds, gemm, mode
        ),
        filter_reads=gemm.groups * gemm.window * edge_words(gemm.filters, columns, packing.filter) * row_folds,
        ofmap_writes=outputs,
        psum_reads=np.zeros_like(folds),
        ifmap_passes=column_folds,
        filter_passes=row_folds,
        psum_live=np.zeros_like(folds),
        psum_passes=np.zeros_like(folds),
    )
