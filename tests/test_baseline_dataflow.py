"""Dataflows against SCALE-Sim 3.0.0, against STONNE, and against an array that is stepped fold by fold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.baseline.dataflow import DATAFLOWS, Gemm, Packing, layer_costs
from accelsim.errors import MappingError, UnknownNameError


def gemm_of(pixels, window, filters, groups=1, macs=None) -> Gemm:
    sizes = [np.atleast_1d(np.asarray(item, dtype=np.int64)) for item in (pixels, window, filters)]
    group = np.broadcast_to(np.asarray(groups, dtype=np.int64), sizes[0].shape)
    products = sizes[0] * sizes[1] * sizes[2] * group
    return Gemm(*sizes, group, products if macs is None else np.atleast_1d(np.asarray(macs, dtype=np.int64)))


@pytest.mark.parametrize("name", ["ws", "os", "is"])
def test_every_row_of_scalesim(shared_data: Path, name: str) -> None:
    rows = pd.read_csv(shared_data / "scalesim" / "layers.csv")
    rows = rows[rows.dataflow == name]
    checked = 0
    for (height, width), part in rows.groupby(["array_rows", "array_cols"]):
        gemm = gemm_of(part.M_out_pixels, part.K_window, part.N_filters)
        cost = layer_costs(name, gemm, int(height), int(width), mode="scalesim")
        np.testing.assert_array_equal(cost.cycles, part.compute_cycles)
        np.testing.assert_array_equal(cost.folds, part.folds)
        np.testing.assert_array_equal(cost.ifmap_reads, part.sram_ifmap_reads_words)
        np.testing.assert_array_equal(cost.filter_reads, part.sram_filter_reads_words)
        np.testing.assert_array_equal(cost.ofmap_writes, part.sram_ofmap_writes_words)
        # SCALE-Sim divides by the 0-based last cycle plus one, and prints six digits
        np.testing.assert_allclose(100 * cost.utilisation, part.overall_util_pct, rtol=5e-3)
        mended = layer_costs(name, gemm, int(height), int(width))
        np.testing.assert_array_equal(mended.ofmap_writes, part.sram_ofmap_writes_fixed_words)
        if name == "os":
            fixed = part.os_cycles_2R_fix.to_numpy(dtype=float)
            known = np.isfinite(fixed)
            assert known.any()
            np.testing.assert_array_equal(mended.cycles[known], fixed[known])
        checked += len(part)
    assert checked == len(rows) >= 69


def test_output_stationary_is_a_constant_per_fold_from_stonne(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "scalesim" / "stonne_os.csv")
    exact = rows[(rows.M % rows.array_rows == 0) & (rows.N % rows.array_cols == 0)]
    assert len(exact) >= 10
    for row in exact.itertuples():
        cost = layer_costs("os", gemm_of(row.M, row.K, row.N), row.array_rows, row.array_cols, mode="scalesim")
        assert row.stonne_cycles - (cost.cycles[0] + 1) == 5 * cost.folds[0]


def naive(name: str, m: int, k: int, n: int, rows: int, columns: int, pack: Packing) -> tuple[int, ...]:
    """Walk every fold of one group and count; returns cycles, ifmap, filter, ofmap writes, partial sums."""
    vertical, horizontal, stream = {"ws": (k, n, m), "is": (k, m, n), "os": (m, n, k)}[name]
    cycles = ifmap = weights = writes = partial = 0
    words = lambda elements, per: -(-elements // per)  # noqa: E731
    for top in range(0, vertical, rows):
        for left in range(0, horizontal, columns):
            high, wide = min(rows, vertical - top), min(columns, horizontal - left)
            cycles += 2 * rows + columns + stream - 2
            if name == "ws":
                ifmap += m * words(high, pack.ifmap)
                weights += high * words(wide, pack.filter)
                moved = m * words(wide, pack.ofmap)
            elif name == "is":
                ifmap += wide * words(high, pack.ifmap)
                weights += high * words(n, pack.filter)
                moved = wide * words(n, pack.ofmap)
            else:
                ifmap += high * words(k, pack.ifmap)
                weights += k * words(wide, pack.filter)
                moved = high * words(wide, pack.ofmap)
            writes += moved
            partial += moved if name != "os" and top else 0
    return cycles, ifmap, weights, writes, partial


@given(
    st.sampled_from(["ws", "os", "is"]),
    st.tuples(*[st.integers(1, 40)] * 3),
    st.tuples(*[st.integers(1, 9)] * 2),
    st.tuples(*[st.integers(1, 8)] * 3),
    st.integers(1, 4),
)
def test_closed_forms_equal_a_walk_over_folds(name, sizes, array, pack, groups) -> None:
    packing = Packing(*pack)
    cost = layer_costs(name, gemm_of(*sizes, groups), *array, packing=packing)
    found = (cost.cycles, cost.ifmap_reads, cost.filter_reads, cost.ofmap_writes, cost.psum_reads)
    expected = naive(name, *sizes, *array, packing)
    assert tuple(int(item[0]) for item in found) == tuple(groups * item for item in expected)
    assert 0 < cost.utilisation[0] <= 1


def test_padding_is_issued_but_not_read() -> None:
    outside = 50  # of the 9 x 32 window elements, for each of the 8 filters
    padded = layer_costs("ws", gemm_of(9, 32, 8, macs=(9 * 32 - outside) * 8), 8, 4)
    full = layer_costs("ws", gemm_of(9, 32, 8), 8, 4)
    assert full.ifmap_reads - padded.ifmap_reads == outside * 2  # two folds of columns
    assert padded.cycles == full.cycles


def test_group_is_mapped_on_its_own() -> None:
    one = layer_costs("ws", gemm_of(100, 9, 1), 16, 16)
    depthwise = layer_costs("ws", gemm_of(100, 9, 1, groups=32), 16, 16)
    assert depthwise.cycles == 32 * one.cycles
    assert depthwise.utilisation == pytest.approx(one.utilisation)
    with pytest.raises(MappingError, match="no grouped"):
        layer_costs("ws", gemm_of(100, 9, 1, groups=32), 16, 16, mode="scalesim")


@given(st.tuples(*[st.integers(1, 40)] * 3), st.tuples(*[st.integers(1, 9)] * 2), st.integers(1, 3))
def test_overlapped_folds_wait_only_for_weights(sizes, array, groups) -> None:
    rows, columns = array
    gemm = gemm_of(*sizes, groups)
    plain, overlapped = layer_costs("ws", gemm, *array), layer_costs("ws-overlapped", gemm, *array)
    loaded = rows  # cycle at which the first tile is in place
    for _ in range(int(plain.folds[0])):  # the next tile is loaded while this one streams
        loaded += max(sizes[0], rows)
    assert overlapped.cycles[0] == loaded + rows + columns - 2 >= overlapped.folds[0] * sizes[0]
    assert overlapped.ifmap_reads == plain.ifmap_reads
    if plain.folds[0] == 1 and sizes[0] >= rows:
        assert overlapped.cycles == plain.cycles
    with pytest.raises(MappingError, match="no overlapped"):
        layer_costs("ws-overlapped", gemm, *array, mode="scalesim")


def test_refusals() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown dataflow 'rs'.*is, os, ws, ws-overlapped"):
        layer_costs("rs", gemm_of(1, 1, 1), 1, 1)
    with pytest.raises(MappingError, match="at least one pixel"):
        gemm_of(0, 1, 1)
    with pytest.raises(MappingError, match="inside the border"):
        gemm_of(2, 2, 2, macs=9)
    assert DATAFLOWS.names() == ["is", "os", "ws", "ws-overlapped"]
