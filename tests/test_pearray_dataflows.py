"""Execution models of arrays against naive twins that walk over tiles, positions and spikes one by one."""

import numpy as np
import pytest
from array_builders import built, layer_of
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.pearray.layer import Shape

SIZES = {
    "timesteps": st.integers(1, 9), "pixels": st.integers(1, 6), "window": st.integers(1, 20),
    "filters": st.integers(1, 9), "density": st.sampled_from((0.0, 0.2, 0.6, 1.0)), "groups": st.integers(1, 2),
    "seed": st.integers(0, 1 << 16),
}  # fmt: skip


def drawn(seed, **sizes):
    return layer_of(np.random.default_rng(seed), **sizes)


def test_dense_stationary_is_the_published_sum_of_vgg16():
    """sum over layers of ceil(Cout / 12) * floor(K * T * positions / 14): 226 041 496 cycles, 0.452083 s at 500 MHz."""
    convolutions = [(32, 64, 64), (16, 64, 128), (16, 128, 128), (8, 128, 256), (8, 256, 256), (8, 256, 256),
                    (8, 256, 512), *[(8, 512, 512)] * 5]  # fmt: skip
    dense = [(8 * 8 * 512, 4096), (4096, 4096)]
    array = built("eyeriss_14x12", "elements.compat=prosperity")
    layers = [Shape("conv", "conv", 32, side * side, 9 * c_in, c_out) for side, c_in, c_out in convolutions]
    layers += [Shape("dense", "dense", 32, 1, n_in, n_out) for n_in, n_out in dense]
    cycles = [array.cycles(shape) for shape in layers]
    updates = [array.update_cycles(shape) for shape in layers]
    assert sum(cycles) + sum(updates) == 226_041_496
    assert (sum(cycles) + sum(updates)) / 500e6 == pytest.approx(0.452082992, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_dense_stationary_walks_every_row(seed, **sizes):
    layer = drawn(seed, **sizes)
    array = built("eyeriss_14x12", "elements.rows=3", "elements.columns=4")
    cycles = 0
    for _ in range(sizes["groups"]):
        for _ in range(0, sizes["filters"], 4):
            streamed = sizes["timesteps"] * sizes["pixels"] * sizes["window"]
            while streamed > 0:
                cycles, streamed = cycles + 1, streamed - 3
    work = array.work(layer)
    assert work.cycles == cycles
    assert work.additions == layer.spikes.size * sizes["filters"]


@settings(max_examples=80, deadline=None)
@given(**SIZES, packing=st.sampled_from(("all", "convolutions", "none")), steps=st.integers(1, 5))
def test_time_batch_packs_tap_by_tap(seed, packing, steps, **sizes):
    layer = drawn(seed, **sizes)
    options = f"{{window_steps: {steps}, packing: {packing}}}"
    array = built("ptb", "elements.rows=4", "elements.columns=3", f"elements.options.time_batch={options}")
    work, taps = array.work(layer), 0
    windows = -(-sizes["timesteps"] // steps)
    for spikes in layer.spikes:
        places = [(window, pixel) for window in range(windows) for pixel in range(sizes["pixels"])]
        tiles = -(-len(places) // 3)
        for tile in range(tiles):
            held = [places[at] for at in range(tile, len(places), tiles)]
            lists = []
            for tap in range(sizes["window"]):
                columns = {
                    at for at, (window, pixel) in enumerate(held)
                    if spikes[window * steps : (window + 1) * steps, pixel, tap].any()
                }  # fmt: skip
                if columns:
                    lists.append(columns)
            taps += len(lists) if packing == "none" else packed(lists)
    assert work.cycles == taps * -(-sizes["filters"] // 4) * steps + 2 * 4 * sizes["pixels"]
    assert work.additions == int(layer.spikes.sum()) * sizes["filters"]
    assert work.weights_by_spike == taps * sizes["filters"]


def packed(lists):
    """Merge each list with the first later one that shares nothing with it, full ones excepted."""
    full = [item for item in lists if len(item) == 3]
    left = [item for item in lists if len(item) < 3]
    count = len(full)
    while left:
        first = left.pop(0)
        count += 1
        other = next((at for at, item in enumerate(left) if not item & first), None)
        if other is not None:
            left.pop(other)
    return count


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_spike_stream_takes_a_cycle_per_spike_and_tile(seed, **sizes):
    layer = drawn(seed, **sizes)
    work = built("mint", "elements.columns=4").work(layer)
    cycles = 0
    for _ in range(0, sizes["filters"], 4):
        for value in layer.spikes.ravel():
            cycles += int(value)
    assert work.cycles == cycles
    assert work.additions == sum(int(value) for value in layer.spikes.ravel()) * sizes["filters"]


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_balanced_rows_end_with_the_busiest(seed, **sizes):
    layer = drawn(seed, **sizes)
    work = built("sato", "elements.columns=3").work(layer)
    cycles = 0
    for spikes in layer.spikes:
        load = [0, 0, 0]
        for step in spikes:
            for position in step:
                load[load.index(min(load))] += int(position.sum())
        cycles += max(load) * sizes["filters"]
    assert work.cycles == cycles


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_product_sparsity_searches_every_pair(seed, **sizes):
    layer = drawn(seed, **sizes)
    options = "{tile_rows: 7, tile_taps: 5, popcount_lanes: 2}"
    array = built("prosperity", "elements.columns=4", f"elements.options.product_sparse={options}")
    left = repeated = searched = 0
    for spikes in layer.spikes:
        rows = [frozenset(np.flatnonzero(spikes[step, pixel]))
                for pixel in range(sizes["pixels"]) for step in range(sizes["timesteps"])]  # fmt: skip
        for first in range(0, len(rows), 7):
            for tap in range(0, sizes["window"], 5):
                tile = [frozenset(at for at in row if tap <= at < tap + 5) for row in rows[first : first + 7]]
                searched += len(tile) // 2
                for at, row in enumerate(tile):
                    if len(row) < 2:
                        left += len(row)
                        continue
                    searched += 1
                    inside = [len(other) for place, other in enumerate(tile)
                              if other < row or (other == row and place < at)]  # fmt: skip
                    best = max(inside, default=0)
                    left += len(row) - best
                    repeated += best == len(row)
    work = array.work(layer)
    assert work.cycles == max(left + repeated, searched) * -(-sizes["filters"] // 4)
    assert work.weight_reads == left * sizes["filters"]


@pytest.mark.parametrize(
    ("preset", "overrides", "cycles"),
    [
        ("eyeriss_14x12", (), 10 * 6 * 5 // 14 + 1),  # 14 lanes: 300 updates
        ("eyeriss_14x12", ("elements.compat=prosperity",), 0),  # five timesteps are less than twelve columns
        ("ptb", (), -(-300 * 3 // 16)),
        ("mint", (), -(-300 * 3 // 16)),
        ("sato", (), 60 * (3 + 1)),
        ("prosperity", (), 2 * 5 * 2),
    ],
)
def test_neuron_updates_by_hand(preset, overrides, cycles):
    """60 neurons over 5 timesteps."""
    assert built(preset, *overrides).update_cycles(Shape("layer", "conv", 5, 6, 9, 10)) == cycles


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_dual_sparsity_joins_mask_by_mask(seed, **sizes):
    layer = drawn(seed, **sizes)
    work = built("loas", "elements.columns=3", "elements.options.dual_sparse.chunk_bits=4").work(layer)
    cycles = matches = corrections = 0
    for spikes, weights in zip(layer.spikes, layer.nonzero, strict=True):
        for pixel in range(sizes["pixels"]):
            for first in range(0, sizes["filters"], 3):
                times = []
                for column in range(first, min(first + 3, sizes["filters"])):
                    busy = 0
                    for start in range(0, sizes["window"], 4):
                        met = [tap for tap in range(start, min(start + 4, sizes["window"]))
                               if spikes[:, pixel, tap].any() and weights[tap, column]]  # fmt: skip
                        busy += max(1, len(met))
                        matches += len(met)
                        corrections += sum(int((spikes[:, pixel, tap] == 0).sum()) for tap in met)
                    times.append(busy)
                cycles += max(times)
    assert (work.cycles, work.weight_reads, work.additions) == (cycles, matches, matches + corrections)


@settings(max_examples=60, deadline=None)
@given(
    timesteps=st.integers(1, 3), rows=st.integers(1, 5), columns=st.integers(1, 4), channels=st.integers(1, 5),
    filters=st.integers(1, 7), kernel=st.sampled_from(((1, 1), (2, 2), (3, 2), (1, 3))), groups=st.integers(1, 2),
    drawn_as=st.tuples(st.sampled_from((0.0, 0.3, 1)), st.integers(0, 999), st.sampled_from(("layer", "timestep"))),
)  # fmt: skip
def test_row_stationary_walks_over_elements(timesteps, rows, columns, channels, filters, kernel, groups, drawn_as):
    (high, wide), (density, seed, order) = kernel, drawn_as
    layer = layer_of(np.random.default_rng(seed), timesteps, rows * columns, channels * high * wide, filters, density,
                     groups=groups, kernel=kernel, columns=columns, stride=2)  # fmt: skip
    array = built("eyeriss_snn", "elements.rows=4", "elements.columns=3", "scratchpads.inputs.words=6",
                  "scratchpads.weights.words=12", "scratchpads.sums.words=2", f"order={order}")  # fmt: skip
    at, work = array.mapped(layer.shape), array.work(layer)
    assert at.q * wide <= 6 and at.p <= 2 and at.p * at.q * wide <= 12
    cycles = products = passes = reads = 0
    for spikes, weights in zip(layer.spikes, layer.nonzero, strict=True):
        places = spikes.reshape(timesteps, rows, columns, channels, high, wide)
        taps = weights.reshape(channels, high, wide, filters)
        for step in range(timesteps):
            for top in range(0, rows, min(rows, 3)):
                for left in range(0, filters, at.p * at.across):
                    for front in range(0, channels, at.q * at.down):
                        passes += 1
                        slowest = 0
                        for y in range(top, min(top + min(rows, 3), rows)):
                            for row in range(high):
                                for column in range(left, min(left + at.p * at.across, filters), at.p):
                                    for channel in range(front, min(front + at.q * at.down, channels), at.q):
                                        busy = 0
                                        last = min(channel + at.q, channels, front + at.q * at.down)
                                        for c in range(channel, last):
                                            for x in range(columns):
                                                for tap in range(wide):
                                                    own = taps[c, row, tap, column : column + at.p].sum()
                                                    busy += int(places[step, y, x, c, row, tap]) * int(own)
                                                    reads += int(places[step, y, x, c, row, tap]) * int(own > 0)
                                        slowest = max(slowest, busy)
                                        products += busy
                        cycles += slowest
    assert (work.cycles, work.weight_reads, work.input_reads) == (cycles, products, reads)
    folds = at.filter_folds * at.channel_folds
    assert passes == groups * timesteps * at.strips * folds
    assert work.weight_passes == (1 if folds * groups == 1 else timesteps * at.strips)
    assert work.sum_spills == timesteps * rows * columns * filters * groups * (-(-channels // (at.q * at.down)) - 1)


def test_weights_that_stay_for_a_batch_of_timesteps_are_fetched_less():
    layer = layer_of(np.random.default_rng(1), 7, 4, 9 * 200, 300, 0.2, kernel=(3, 3), columns=2)
    passes = [
        built("eyeriss_snn", "order=layer", f"elements.options.row_stationary.batch_steps={steps}").work(layer)
        for steps in (1, 3, 7)
    ]
    assert [work.weight_passes for work in passes] == [7, 3, 1]
