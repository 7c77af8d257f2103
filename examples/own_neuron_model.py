"""A neuron model of your own, one file: checked against the contract, then run in a network beside LIF neurons.

`accelsim --plugin examples/extending/toy_neuron.py run ...` loads the same file for a command.
"""

import sys
from pathlib import Path

import numpy as np

from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.connections.dense import dense
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.lif import LIF
from accelsim.neurons.model import NEURON_MODELS
from accelsim.testing.neuron_model import check_neuron_model

sys.path.append(str(Path(__file__).parent / "extending"))
import toy_neuron  # noqa: F401 - importing the file registers its model

model = NEURON_MODELS.get("linear_leak")
check_neuron_model(model)
print(f"{model.__name__} holds the contract of neuron models")

rng = np.random.default_rng(1)
into, out_of = (dense(rng.integers(-40, 60, shape).astype(np.int32), bits=8) for shape in ((20, 12), (5, 20)))
output = LIF(*(np.full(5, value, np.int32) for value in (3686, 100, 0)), "subtract", ">")
events = EventStream.from_dense(rng.random((4, 10, 12)) < 0.3)

for leak in (0, 10, 30):
    hidden = model(np.full(20, leak, np.int32), np.full(20, 80, np.int32))
    populations = {
        "in": Population("in", (12,), None),
        "hidden": Population("hidden", (20,), hidden, None, np.ones(20)),
        "out": Population("out", (5,), output, None, np.ones(5)),
    }
    edges = (Projection("in", "hidden", into), Projection("hidden", "out", out_of))
    trace = execute(Network("toy", populations, edges, 1e-3), events, Numerics(16, 16), 1)
    print(f"leak {leak:2}: {trace.spikes('hidden').sum(axis=1).mean():.1f} spikes of the hidden layer per sample")
