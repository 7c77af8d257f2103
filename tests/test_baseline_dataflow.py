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


def test_output_stationary_beside_stonne(shared_data: Path) -> None:
    """STONNE: sums leave over a bus (no drain of R), five cycles later, and partial tiles skew less; exact."""
    rows = pd.read_csv(shared_data / "scalesim" / "stonne_os.csv")
    off = []
    for row in rows.itertuples():
        own = layer_costs("os", gemm_of(row.M, row.K, row.N), row.array_rows, row.array_cols).cycles[0]
        high = [min(row.array_rows, row.M - top) for top in range(0, row.M, row.array_rows)]
        wide = [min(row.array_cols, row.N - left) for left in range(0, row.N, row.array_cols)]
        assert row.stonne_cycles == sum(row.K + one + two - 2 + 5 for one in high for two in wide)
        assert own == len(high) * len(wide) * (row.K + row.array_rows + row.array_cols - 2 + row.array_rows)
        off.append(abs(own / row.stonne_cycles - 1))
    assert len(off) == 14
    assert sorted(off)[-2] <= 0.08
    assert max(off) <= 0.086  # one tile of 8x8x16: a drain of 8 cycles stands against STONNE's 5


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
    assert cost.cycles[0] == expected[0] if groups == 1 else cost.cycles[0] <= groups * expected[0]
    assert tuple(int(item[0]) for item in found[1:]) == tuple(groups * item for item in expected[1:])
    assert 0 < cost.utilisation[0] <= 1


def test_padding_is_issued_but_not_read() -> None:
    outside = 50  # of the 9 x 32 window elements, for each of the 8 filters
    padded = layer_costs("ws", gemm_of(9, 32, 8, macs=(9 * 32 - outside) * 8), 8, 4)
    full = layer_costs("ws", gemm_of(9, 32, 8), 8, 4)
    assert full.ifmap_reads - padded.ifmap_reads == outside * 2  # two folds of columns
    assert padded.cycles == full.cycles


@pytest.mark.parametrize("name", ["ws", "os", "is"])
@given(st.tuples(*[st.integers(1, 12)] * 3), st.tuples(*[st.integers(1, 24)] * 2), st.integers(1, 40))
def test_groups_stand_on_the_array_together(name, sizes, array, groups) -> None:
    pixels, window, filters = sizes
    high, wide = {"ws": (window, filters), "is": (window, pixels), "os": (pixels, filters)}[name]
    used, folds = (0, 0), 0
    left = groups
    while left:  # put blocks along the diagonal until one does not fit
        left, used, folds = left - 1, (high, wide), folds + 1
        if high > array[0] or wide > array[1]:
            continue
        while left and used[0] + high <= array[0] and used[1] + wide <= array[1]:
            left, used = left - 1, (used[0] + high, used[1] + wide)
    one = layer_costs(name, gemm_of(*sizes), *array)
    together = layer_costs(name, gemm_of(*sizes, groups), *array)
    assert together.folds == folds * one.folds
    assert together.cycles == folds * one.cycles
    for words in ("ifmap_reads", "filter_reads", "ofmap_writes", "psum_reads"):
        assert getattr(together, words) == groups * getattr(one, words)


def test_depthwise_layers() -> None:
    assert layer_costs("ws", gemm_of(100, 9, 1, groups=32), 16, 16).folds == 32  # 9 of 16 rows each
    assert layer_costs("ws", gemm_of(100, 9, 1, groups=32), 128, 128).folds == 3  # 14 at once
    with pytest.raises(MappingError, match="no grouped"):
        layer_costs("ws", gemm_of(100, 9, 1, groups=32), 16, 16, mode="scalesim")


@given(st.tuples(*[st.integers(1, 40)] * 3), st.tuples(*[st.integers(1, 9)] * 2), st.integers(1, 3))
def test_overlapped_folds_wait_only_for_registers(sizes, array, groups) -> None:
    rows, columns = array
    gemm = gemm_of(*sizes, groups)
    for name, streamed in (("ws", sizes[0]), ("is", sizes[2]), ("os", sizes[1])):
        plain, overlapped = layer_costs(name, gemm, *array), layer_costs(f"{name}-overlapped", gemm, *array)
        ends = rows if name != "os" else 0  # cycle at which the first tile is in place
        for _ in range(int(plain.folds[0])):  # the next is loaded, or the last one emptied, while this one streams
            ends += max(streamed, rows)
        ends += rows + columns - 2 + (rows if name == "os" else 0)
        assert overlapped.cycles[0] == ends >= overlapped.folds[0] * streamed
        assert overlapped.ifmap_reads == plain.ifmap_reads
        if plain.folds[0] == 1 and streamed >= rows:
            assert overlapped.cycles == plain.cycles
        with pytest.raises(MappingError, match="no overlapped"):
            layer_costs(f"{name}-overlapped", gemm, *array, mode="scalesim")


def test_refusals() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown dataflow 'rs'.*is, is-overlapped, os, os-overlapped, ws"):
        layer_costs("rs", gemm_of(1, 1, 1), 1, 1)
    with pytest.raises(MappingError, match="at least one pixel"):
        gemm_of(0, 1, 1)
    with pytest.raises(MappingError, match="inside the border"):
        gemm_of(2, 2, 2, macs=9)
    assert DATAFLOWS.names() == ["is", "is-overlapped", "os", "os-overlapped", "ws", "ws-overlapped"]
