"""The kernel of connections: a row per run, summed over targets."""

from typing import Any

from accelsim.kernels import kernel


@kernel
def sum_runs(rows: Any, run_row: Any, run_start: Any, total: Any) -> None:
    """Add the row of every run to its targets.

    Parameters
    ----------
    rows : (n_rows, run_length) float64
    run_row, run_start : (n_runs,) int32
    total : (n_target,) float64
        Added to.
    """
    length = rows.shape[1]
    for run in range(run_row.size):
        first = run_start[run]
        target = total[first : first + length]
        row = rows[run_row[run]]
        for at in range(length):
            target[at] += row[at]
