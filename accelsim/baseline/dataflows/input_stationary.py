"""Input stationary: a tile of activations stays in the array, filters stream through it, partial sums leave below.

Cycles of a fold: R to load the activations, N filters, R + C - 2 of skew: 2R + C + N - 2 (SCALE-Sim's closed form,
verified row by row against its 3.0.0 output). Each array row streams consecutive filters of one window element, and
each column collects consecutive filters of one pixel: both are packed along the filters.
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


@DATAFLOWS.register("is")
def input_stationary(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the window on rows and the pixels on columns."""
    row_folds, column_folds = ceil_div(gemm.window, rows), ceil_div(gemm.pixels, columns)
    folds = all_folds(gemm, gemm.window, gemm.pixels, rows, columns, mode)
    cycles = total_cycles(folds, 2 * rows + columns + gemm.filters - 2, mode)
    ifmap = gemm.groups * gemm.pixels * edge_words(gemm.window, rows, packing.ifmap)
    outputs = gemm.groups * gemm.pixels * ceil_div(gemm.filters, packing.ofmap)
    returns = row_folds - 1
    return LayerCost(
        cycles=cycles,
        folds=folds,
        utilisation=array_utilisation(gemm, cycles, rows, columns),
        ifmap_reads=inside_border(ifmap, gemm, mode),
        filter_reads=gemm.groups * gemm.window * ceil_div(gemm.filters, packing.filter) * column_folds,
        ofmap_writes=outputs * row_folds,
        psum_reads=outputs * (returns if mode == "mended" else 0),
        ifmap_passes=np.ones_like(folds),
        filter_passes=column_folds,
        psum_live=gemm.filters * np.minimum(gemm.pixels, columns) * (returns > 0),
        psum_passes=returns,
    )
