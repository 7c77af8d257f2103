"""Small random networks built directly from rows and runs, and a naive twin of the executor that knows neither."""

import numpy as np
from extra_neurons import Burster, Gate, naive_burst, naive_gate

from accelsim.network.connections.connection import Connection, LayerShape
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.readout import Integrator, LeakyIntegrator

NO_SHAPE = LayerShape("dense", 1, 1, 1, 1, 1, 1, 1, 1, 1)


def connection(rows, run_ptr, run_row, run_start, n_source, n_target):
    return Connection(
        rows, np.asarray(run_ptr, np.int64), np.asarray(run_row, np.int32), np.asarray(run_start, np.int32),
        np.zeros(rows.shape, np.int32), n_source, n_target, NO_SHAPE, 32 if rows.dtype == np.float32 else 8,
    )


def dense(weights):
    """Fully connected, from (n_target, n_source) weights."""
    n_target, n_source = weights.shape
    rows = np.ascontiguousarray(weights.T)
    return connection(rows, np.arange(n_source + 1), np.arange(n_source), np.zeros(n_source), n_source, n_target)


def conv(weights, height, width, stride, padding):
    """Shared kernel, from (c_out, c_in, ky, kx) weights; returns the connection and the target's shape."""
    c_out, c_in, k_y, k_x = weights.shape
    out_h, out_w = (height + 2 * padding - k_y) // stride + 1, (width + 2 * padding - k_x) // stride + 1
    rows = np.ascontiguousarray(weights.transpose(1, 2, 3, 0).reshape(-1, c_out))
    ptr, row, start = [0], [], []
    for y, x, c in np.ndindex(height, width, c_in):
        for ky, kx in np.ndindex(k_y, k_x):
            top, left = y + padding - ky, x + padding - kx
            if top % stride or left % stride or not (0 <= top // stride < out_h and 0 <= left // stride < out_w):
                continue
            row.append((c * k_y + ky) * k_x + kx)
            start.append((top // stride * out_w + left // stride) * c_out)
        ptr.append(len(row))
    shape = (out_h, out_w, c_out)
    return connection(rows, ptr, row, start, height * width * c_in, out_h * out_w * c_out), shape


def scattered(rng, n_source, n_target, integer):
    """Runs at random places, several per source, overlapping, some rows with zeros."""
    length = int(rng.integers(1, min(5, n_target) + 1))
    n_rows = int(rng.integers(1, 6))
    rows = rng.integers(-7, 8, (n_rows, length)) * (rng.random((n_rows, length)) < 0.7)
    rows = rows.astype(np.int32) if integer else (rows * rng.random(rows.shape)).astype(np.float32)
    ptr = np.concatenate(([0], np.cumsum(rng.integers(0, 4, n_source))))
    n_runs = int(ptr[-1])
    start = rng.integers(0, n_target - length + 1, n_runs)
    return connection(rows, ptr, rng.integers(0, n_rows, n_runs), start, n_source, n_target)


def neurons(rng, kind, size, integer):
    scale = 10 if integer else 1.0
    dtype = np.int32 if integer else np.float32
    threshold = (rng.uniform(0.2, 1.5, size) * scale).astype(dtype)
    reset_to = (rng.uniform(-0.5, 0.2, size) * scale).astype(dtype)
    leak = rng.integers(2000, 4097, size).astype(np.int32) if integer else rng.uniform(0.5, 1, size).astype(np.float32)
    reset = str(rng.choice(["subtract", "value"]))
    comparison = str(rng.choice([">", ">="]))
    models = {
        "lif": lambda: LIF(leak, threshold, reset_to, reset, comparison),
        "if": lambda: IF(threshold, reset_to, reset, comparison),
        "li": lambda: LeakyIntegrator(leak),
        "i": lambda: Integrator(size, dtype),
    }
    return models[kind]()


def random_network(seed, *, integer=True, readout="lif"):
    """Input -> two parallel populations -> one that both feed -> output."""
    rng = np.random.default_rng(seed)
    sizes = dict(zip(("in", "a", "b", "c", "out"), rng.integers(1, 20, 5).tolist(), strict=True))
    kinds = {"a": "lif", "b": "if", "c": "lif", "out": readout}
    populations = {"in": Population("in", (sizes["in"],), None)}
    for name, kind in kinds.items():
        bias = rng.integers(-2, 4, sizes[name])
        bias = None if rng.random() < 0.3 else bias.astype(np.int32) if integer else (bias / 10).astype(np.float32)
        model = neurons(rng, kind, sizes[name], integer)
        populations[name] = Population(name, (sizes[name],), model, bias)
    edges = (("in", "a"), ("in", "b"), ("a", "c"), ("b", "c"), ("c", "out"))
    projections = tuple(
        Projection(u, v, scattered(rng, sizes[u], sizes[v], integer)) for u, v in edges
    )
    return Network("random", populations, projections, 1e-3)


def random_graph(seed, *, integer=True, readout=False, slow=False, most=5):
    """Any graph: skips, several edges between the same two, self-loops and cycles with delays, several states.

    ``slow``: the delays around every cycle add up to at least the number of its edges, as pipelines need. ``most`` is
    that of the populations that spike several times in a timestep.
    """
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 5))
    names = ["in", *rng.permutation([f"p{at}" for at in range(count)]).tolist(), "out"]
    sizes = {name: int(rng.integers(1, 14)) for name in names}
    populations = {"in": Population("in", (sizes["in"],), None)}
    for name in [*rng.permutation(names[1:-1]).tolist(), "out"]:
        kind = "li" if name == "out" and readout else str(rng.choice(["lif", "if", "burster", "gate"]))
        bias = rng.integers(-2, 4, sizes[name])
        bias = None if rng.random() < 0.4 else bias.astype(np.int32) if integer else (bias / 10).astype(np.float32)
        threshold = rng.uniform(0.3, 1.5, sizes[name])
        threshold = (threshold * 10).astype(np.int32) if integer else threshold.astype(np.float32)
        special = {"burster": lambda limit: Burster(limit, most), "gate": Gate}
        model = special[kind](threshold) if kind in special else neurons(rng, kind, sizes[name], integer)
        populations[name] = Population(name, (sizes[name],), model, bias, np.ones(sizes[name]))
    edges = []

    def join(at, to):
        delay = 0 if at < to and rng.random() < 0.6 else int(rng.integers(0, 4))
        delay = max(delay, (at - to + 1 if slow else 1) if at >= to else 0)
        matrix = scattered(rng, sizes[names[at]], sizes[names[to]], integer)
        edges.append(Projection(names[at], names[to], matrix, delay=delay))

    for to in range(1, len(names)):
        join(int(rng.integers(0, to)), to)
    for _ in range(int(rng.integers(0, 2 * len(names)))):
        join(int(rng.integers(0, len(names) - int(readout))), int(rng.integers(1, len(names))))
    order = rng.permutation(len(edges))
    return Network("graph", populations, tuple(edges[at] for at in order), 1e-3)


def random_events(seed, size, *, kind="spikes", samples=3, timesteps=6, integer=True, rate=0.3):
    rng = np.random.default_rng(seed)
    active = rng.random((samples, timesteps, size)) < rate
    if kind == "bias_current":
        active[:, 1:] = False
    stream = EventStream.from_dense(active)
    if kind == "spikes":
        return stream
    value = rng.integers(-9, 10, stream.total)
    value = value.astype(np.int32) if integer else (value / 4).astype(np.float32)
    return EventStream(kind, samples, timesteps, size, stream.ptr, stream.index, value, 5, 1.0)


def input_values(events):
    """Return events as a dense (samples, timesteps, size) array of values."""
    dense_values = np.zeros((events.samples * events.timesteps, events.size))
    step = np.repeat(np.arange(len(dense_values)), np.diff(events.ptr))
    np.add.at(dense_values, (step, events.index), 1 if events.value is None else events.value)
    return dense_values.reshape(events.samples, events.timesteps, events.size)


def wrapped(value, bits):
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def trunc_leak(v, m):
    return int(np.sign(v * m)) * (abs(v * m) >> 12)


def naive_neuron(model, n, v, current, low, high):
    """One neuron and timestep in Python integers; returns membrane, spike and saturations."""
    m = int(model.leak[n]) if hasattr(model, "leak") else 4096
    v = trunc_leak(v, m) + current
    saturations = int(not low <= v <= high)
    v = min(max(v, low), high)
    if not model.spiking:
        return v, 0, saturations
    threshold = int(model.threshold[n])
    fires = v > threshold or (model.comparison == ">=" and v == threshold)
    if fires:
        v = v - threshold if model.reset == "subtract" else int(model.reset_to[n])
    saturations += int(not low <= v <= high)
    return min(max(v, low), high), int(fires), saturations


def naive_model(model, n, states, current, low, high):
    """One neuron of any model and timestep in Python integers; returns states, spikes and saturations."""
    if isinstance(model, Burster):
        return naive_burst(model, n, states, current, low, high)
    if isinstance(model, Gate):
        return naive_gate(model, n, states, current, low, high)
    v, fired, saturations = naive_neuron(model, n, states[0], current, low, high)
    return [v], fired, saturations


def naive_integer(network, events, membrane_bits, accumulator_bits, delay=0, zeros_touch=False):
    """Dense matrices, Python integers, one neuron at a time; ``delay`` is added to that of every edge."""
    low, high = -(1 << (membrane_bits - 1)), (1 << (membrane_bits - 1)) - 1
    values = input_values(events).astype(object)
    marks = np.zeros(values.shape, bool)
    step = np.repeat(np.arange(events.samples * events.timesteps), np.diff(events.ptr))
    marks.reshape(events.samples * events.timesteps, events.size)[step, events.index] = True
    matrix = {edge.name: edge.connection.dense_matrix().astype(object) for edge in network.projections}
    hidden = {name: item for name, item in network.populations.items() if item.model is not None}
    shape = (events.samples, events.timesteps)
    record = {
        key: {name: np.zeros((*shape, item.size), np.int64) for name, item in hidden.items()}
        for key in ("spikes", "touched", "nonzero", "state")
    }
    overflows = {f"{name}.{part}": 0 for name in hidden for part in ("accumulator", "membrane")}
    for s in range(events.samples):
        state = {name: [[0] * len(item.model.states) for _ in range(item.size)] for name, item in hidden.items()}
        sent, seen = [], []
        for t in range(events.timesteps):
            held = events.kind == "bias_current"
            sent.append({network.input.name: values[s, 0 if held else t]})
            seen.append({network.input.name: marks[s, t]})
            for name in network.order:
                if name == network.input.name:
                    continue
                item = hidden[name]
                total = np.zeros(item.size, object) if item.bias is None else item.bias.astype(object)
                touched = np.zeros(item.size, bool)
                for edge in network.incoming(name):
                    at = t - edge.delay - delay
                    if at < 0:
                        continue
                    arriving = matrix[edge.name] @ sent[at][edge.source]
                    total = total + arriving
                    if held and edge.source == network.input.name:
                        touched |= arriving != 0
                    else:
                        touched |= naive_touched(edge.connection, seen[at][edge.source], zeros_touch)
                record["nonzero"][name][s, t] = [any(states) for states in state[name]]
                record["touched"][name][s, t] = touched
                fired = np.zeros(item.size, object)
                for n in range(item.size):
                    current = wrapped(int(total[n]), accumulator_bits)
                    overflows[f"{name}.accumulator"] += int(current != total[n])
                    state[name][n], fired[n], extra = naive_model(item.model, n, state[name][n], current, low, high)
                    overflows[f"{name}.membrane"] += extra
                sent[t][name], seen[t][name] = fired, fired.astype(bool)
                record["spikes"][name][s, t] = fired
                record["state"][name][s, t] = [states[-1] if states else 0 for states in state[name]]
    return record, overflows


def naive_touched(connection, active, zeros_touch=False):
    """Targets that a non-zero (or any) stored weight of an active source reaches; weights of two runs may cancel."""
    out = np.zeros(connection.n_target, bool)
    for source in np.flatnonzero(active):
        for run in range(connection.run_ptr[source], connection.run_ptr[source + 1]):
            for at, weight in enumerate(connection.rows[connection.run_row[run]]):
                out[connection.run_start[run] + at] |= zeros_touch or weight != 0
    return out
