"""Weight stationary: a tile of weights stays in the array, activations stream through it, partial sums leave below.

Cycles of a fold: R to load the weights, M activations, R + C - 2 of skew: 2R + C + M - 2 (SCALE-Sim's closed form,
verified row by row against its 3.0.0 output).
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


@DATAFLOWS.register("ws")
def weight_stationary(gemm: Gemm, rows: int, columns: int, packing: Packing, mode: Mode) -> LayerCost:
    """Map the window on rows and the filters on columns."""
    row_folds, column_folds = ceil_div(gemm.window, rows), ceil_div(gemm.filters, columns)
    folds = all_folds(gemm, gemm.window, gemm.filters, rows, columns, mode)
    cycles = total_cycles(folds, 2 * rows + columns + gemm.pixels - 2, mode)
    ifmap = gemm.groups * gemm.pixels * edge_words(gemm.window, rows, packing.ifmap) * column_folds
    outputs = gemm.groups * gemm.pixels * edge_words(gemm.filters, columns, packing.ofmap)
    returns = row_folds - 1
    return LayerCost(
        cycles=cycles,
        folds=folds,
        utilisation=array_utilisation(gemm, cycles, rows, columns),
        ifmap_reads=inside_border(ifmap, gemm, mode),
        filter_reads=gemm.groups * gemm.window * edge_words(gemm.filters, columns, packing.filter),
        ofmap_writes=outputs * row_folds,
        psum_reads=outputs * (returns if mode == "mended" else 0),
        ifmap_passes=column_folds,
        filter_passes=np.ones_like(folds),
        psum_live=gemm.pixels * np.minimum(gemm.filters, columns) * (returns > 0),
        psum_passes=returns,
    )
