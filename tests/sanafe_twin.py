"""A naive twin of SANA-FE's run: channel-first NumPy arrays and explicit lists of synapses, no code of accelsim."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CORES = (1, 4, 16, 16, 4, 1)
ENERGY = {"visit": 51.2, "update": 21.6, "spike": 69.3, "event": 35.5, "axon_out": 111.0, "x": 3.0, "y": 4.2}
LATENCY = {"visit": 60, "update": 37, "spike": 300, "axon_out": 51, "axon_in": 160, "event": 38}
BARRIER = 14000


def synthetic_arrays(seed=0, side=20):
    """A small network with the published one's layers, a fifth of whose weights are zero."""
    rng = np.random.default_rng(seed)
    channels = (1, 3, 4, 5, 2)
    arrays = {"inputs": rng.integers(0, 256, side * side).astype(float)}
    for at in range(4):
        shape = (3, 3, channels[at], channels[at + 1])
        weights = rng.integers(-120, 220, shape) * (rng.random(shape) < 0.8)
        arrays[f"conv{at + 1}"] = weights.astype(np.float32)
    size = side
    for stride in (2, 1, 1, 1):
        size = (size - 3) // stride + 1
    arrays["dense1"] = rng.integers(-150, 200, (size * size * channels[-1], 4)).astype(np.float32)
    arrays["thresholds"] = np.array([255, 420, 351, 276, 371, 341])
    return arrays


def shapes_of(arrays):
    """Shapes (channels, height, width) of the layers; the last is (outputs,)."""
    side = int(len(arrays["inputs"]) ** 0.5)
    shapes, size = [(1, side, side)], side
    for at in range(4):
        size = (size - 3) // (2 if at == 0 else 1) + 1
        shapes.append((arrays[f"conv{at + 1}"].shape[3], size, size))
    return [*shapes, (arrays["dense1"].shape[1],)]


def simulate(arrays, timesteps, leak=1.0):
    """Return spikes by layer, (timesteps, neurons) bool, and the updated neurons, likewise."""
    shapes = shapes_of(arrays)
    state, current = [np.zeros(shape) for shape in shapes], [np.zeros(shape) for shape in shapes]
    arrived = [np.zeros(shape, bool) for shape in shapes]
    spikes, updated = ([np.zeros((timesteps, int(np.prod(shape))), bool) for shape in shapes] for _ in range(2))
    for t in range(timesteps):
        for at, shape in enumerate(shapes):
            before = state[at] != 0
            bias = arrays["inputs"].reshape(shape) if at == 0 else np.zeros(shape)
            value = np.trunc(64 * state[at] * leak) / 64 + bias + current[at]
            fired = value > arrays["thresholds"][at]
            state[at] = np.where(fired, 0.0, value)
            spikes[at][t] = fired.ravel()
            updated[at][t] = (before | arrived[at] | (bias != 0) | fired).ravel()
        for at in range(4):
            stride = 2 if at == 0 else 1
            sent = spikes[at][t].reshape(shapes[at]).astype(float)
            windows = sliding_window_view(sent, (3, 3), axis=(1, 2))[:, ::stride, ::stride].transpose(1, 2, 3, 4, 0)
            current[at + 1] = np.tensordot(windows, arrays[f"conv{at + 1}"], 3).transpose(2, 0, 1)
            arrived[at + 1] = np.broadcast_to(windows.sum((2, 3, 4)) > 0, shapes[at + 1])
        current[5] = spikes[4][t].astype(float) @ arrays["dense1"]
        arrived[5] = np.full(shapes[5], spikes[4][t].any())
    return spikes, updated


def synapses(shapes, layer):
    """Sources and targets of all synapses behind a layer, channel-first numbers."""
    source, target = (np.arange(int(np.prod(shapes[at]))).reshape(shapes[at]) for at in (layer, layer + 1))
    if layer == 4:
        pairs = np.stack(np.broadcast_arrays(source.reshape(-1, 1), target.reshape(1, -1)), -1)
        return pairs.reshape(-1, 2).T
    stride, (_, height, width) = 2 if layer == 0 else 1, shapes[layer + 1]
    found = []
    for ky, kx in np.ndindex(3, 3):
        reads = source[:, ky : ky + stride * height : stride, kx : kx + stride * width : stride][:, :height, :width]
        both = np.broadcast_arrays(reads[:, None], target[None])
        found.append(np.stack(both, -1).reshape(-1, 2))
    return np.concatenate(found).T


def counts(arrays, spikes, updated):
    """Return totals by timestep, energies (pJ) by timestep, and SANA-FE's simple latency (0.1 ns) by timestep."""
    shapes = shapes_of(arrays)
    first = np.cumsum([0, *CORES])
    core = []
    for at, shape in enumerate(shapes):
        size = int(np.prod(shape))
        core.append(first[at] + np.minimum(np.arange(size) // (size // CORES[at]), CORES[at] - 1))
    used = int(first[-1])
    x, y = np.arange(used) // 4 // 4, np.arange(used) // 4 % 4
    timesteps = len(spikes[0])
    by_core = {name: np.zeros((timesteps, used)) for name in ("fired", "updated", "sent", "received", "events")}
    hops = {"x": np.zeros(timesteps), "y": np.zeros(timesteps)}
    for at in range(6):
        one_hot = np.eye(used)[core[at]]
        by_core["fired"] += spikes[at].astype(float) @ one_hot
        by_core["updated"] += updated[at].astype(float) @ one_hot
        if at == 5:
            continue
        source, target = synapses(shapes, at)
        there = np.zeros((len(core[at]), used))
        np.add.at(there, (source, core[at + 1][target]), 1)
        reach = there > 0
        fired = spikes[at].astype(float)
        by_core["sent"] += (fired * reach.sum(1)) @ one_hot
        by_core["received"] += fired @ reach
        by_core["events"] += fired @ there
        hops["x"] += fired @ (reach * np.abs(x[core[at]][:, None] - x)).sum(1)
        hops["y"] += fired @ (reach * np.abs(y[core[at]][:, None] - y)).sum(1)
    neurons = np.bincount(np.concatenate(core), minlength=used)
    total = {name: values.sum(1) for name, values in by_core.items()}
    energy = {
        "soma": neurons.sum() * ENERGY["visit"]
        + total["updated"] * ENERGY["update"]
        + total["fired"] * ENERGY["spike"],
        "synapse": total["events"] * ENERGY["event"],
        "network": total["sent"] * ENERGY["axon_out"] + hops["x"] * ENERGY["x"] + hops["y"] * ENERGY["y"],
    }
    out = (
        neurons * LATENCY["visit"] + by_core["updated"] * LATENCY["update"] + by_core["fired"] * LATENCY["spike"]
        + by_core["sent"] * LATENCY["axon_out"]
    )  # fmt: skip
    inward = by_core["received"] * LATENCY["axon_in"] + by_core["events"] * LATENCY["event"]
    latency = np.maximum(out.max(1), inward.max(1)) + BARRIER
    return {**total, "packets": total["sent"], "hops_x": hops["x"], "hops_y": hops["y"]}, energy, latency
