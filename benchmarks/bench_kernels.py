"""Synaptic operations per second of the functional kernels, and neuron updates per second of the models."""

import numpy as np
from common import measure, print_table, quantity

from accelsim.functional.kernels import Runs, Spikes, scatter, scatter_graded
from accelsim.network.connections.connection import Connection
from accelsim.network.connections.conv import convolution
from accelsim.network.connections.dense import dense
from accelsim.neurons.model import NEURON_MODELS, StateRange

SAMPLES, RATE = 16, 0.1


def layers(rng: np.random.Generator) -> dict[str, Connection]:
    def weights(*shape: int, zeros: float = 0.0) -> np.ndarray:
        return (rng.integers(-127, 128, shape) * (rng.random(shape) >= zeros)).astype(np.int32)

    return {
        "dense 1024 x 1024": dense(weights(1024, 1024), 8),
        "dense 1568 x 128, 90 % zeros": dense(weights(128, 1568, zeros=0.9), 8),
        "conv 3x3, 32 -> 64, 28x28": convolution(weights(64, 32, 3, 3), (28, 28, 32), padding=(1, 1), bits=8)[0],
        "conv 5x5, 1 -> 16, 28x28": convolution(weights(16, 1, 5, 5), (28, 28, 1), padding=(2, 2), bits=8)[0],
    }


def bench_scatter() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for name, connection in layers(rng).items():
        for dtype in (np.int32, np.float32):
            stored_rows, nonzero = connection.rows.astype(dtype), (connection.rows != 0).astype(np.uint8)
            runs = Runs(stored_rows, nonzero, connection.run_ptr, connection.run_row, connection.run_start)
            sample, index = np.nonzero(rng.random((SAMPLES, connection.n_source)) < RATE)
            ptr = np.searchsorted(sample, np.arange(SAMPLES + 1)).astype(np.int64)
            added = np.zeros((SAMPLES, connection.n_target), dtype)
            touched = np.zeros(added.shape, np.uint8)
            stored = int(connection.fan_out_stored()[index].sum())
            useful = int(connection.fan_out()[index].sum())
            for kernel, value in ((scatter, np.empty(0, dtype)), (scatter_graded, np.ones(index.size, dtype))):
                spikes = Spikes(ptr[:-1], ptr[1:], index.astype(np.int32), value)
                took = measure(lambda k=kernel, s=spikes, r=runs, a=added, t=touched: k(s, r, a, t))
                rows.append(
                    (
                        name,
                        kernel.__name__,
                        np.dtype(dtype).name,
                        quantity(useful),
                        took,
                        took.per_second(useful),
                        took.per_second(stored),
                    )
                )
    print_table("Scatter", ("layer", "kernel", "type", "SOPs", "time", "SOP/s", "stored/s"), rows)


def bench_neurons() -> None:
    rows, size = [], 4096
    scale = np.full(size, 1e-2)
    for name in NEURON_MODELS.names():
        real = NEURON_MODELS.get(name).example(size)
        for model in (real.quantized(scale), real):
            state = np.zeros((len(model.states), SAMPLES, size), model.dtype)
            current = np.random.default_rng(0).integers(-20, 40, (SAMPLES, size)).astype(model.dtype)
            fired = np.zeros(current.shape, np.uint16)
            limits = StateRange.of_bits(16) if model is not real else None
            took = measure(lambda m=model, s=state, c=current, f=fired, x=limits: m.step(s, c, f, x))
            rows.append((name, np.dtype(model.dtype).name, took, took.per_second(current.size)))
    print_table("Neuron models", ("model", "type", "time", "updates/s"), rows)


if __name__ == "__main__":
    bench_scatter()
    bench_neurons()
