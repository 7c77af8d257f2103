"""What the executor refuses, and in which words."""

import dataclasses

import numpy as np
import pytest
from functional_builders import dense, random_events, random_network

from accelsim.errors import EventError, NetworkError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.events import EventStream
from accelsim.network.graph import Network, Population, Projection
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.readout import Integrator

WIDTHS = Numerics(16, 16)


def test_widths():
    with pytest.raises(NetworkError, match="both widths"):
        Numerics(16, None)
    with pytest.raises(NetworkError, match=r"accumulator bits within 2\.\.32, got 33"):
        Numerics(16, 33)


def test_arithmetic_must_agree():
    integer, real = random_network(1), random_network(1, integer=False)
    events = random_events(1, integer.input.size)
    with pytest.raises(NetworkError, match="needs membrane and accumulator bits"):
        execute(integer, events, Numerics(None, None), 1)
    with pytest.raises(NetworkError, match="takes no bits"):
        execute(real, events, WIDTHS, 1)
    with pytest.raises(NetworkError, match="integer weights need integer input, got float32"):
        execute(integer, random_events(1, integer.input.size, kind="graded", integer=False), WIDTHS, 1)
    mixed = dict(integer.populations)
    mixed["out"] = dataclasses.replace(mixed["out"], model=real.populations["out"].model)
    with pytest.raises(NetworkError, match="population out: expected a model in int32, got float32"):
        execute(dataclasses.replace(integer, populations=mixed), events, WIDTHS, 1)
    mixed["out"] = dataclasses.replace(integer.populations["out"], bias=np.zeros(integer.output.size, np.float32))
    with pytest.raises(NetworkError, match="population out: expected a bias in int32"):
        execute(dataclasses.replace(integer, populations=mixed), events, WIDTHS, 1)


def test_input_must_fit():
    network = random_network(1)
    with pytest.raises(EventError, match=f"has {network.input.size}"):
        execute(network, random_events(1, network.input.size + 1), WIDTHS, 1)
    with pytest.raises(ValueError, match="threads"):
        execute(network, random_events(1, network.input.size), WIDTHS, 0)
    with pytest.raises(ValueError, match="delay: expected 0 or 1 timesteps, got 2"):
        execute(network, random_events(1, network.input.size), WIDTHS, 1, delay=2)
    held = random_events(1, network.input.size, kind="bias_current")
    with pytest.raises(EventError, match="a bias current acts from timestep 0 on"):
        execute(network, held, WIDTHS, 1, delay=1)


def test_bias_current_changes_only_between_samples():
    network = random_network(1)
    size = network.input.size
    active = np.zeros((2, 3, size), bool)
    active[1, 2, 0] = True
    ptr = EventStream.from_dense(active).ptr
    events = EventStream("bias_current", 2, 3, size, ptr, np.zeros(1, np.int32), np.ones(1, np.int32), 2)
    with pytest.raises(EventError, match=r"sample 1: .* timestep 0 only, got values at timestep 2"):
        execute(network, events, WIDTHS, 1)


def test_events_must_ascend():
    network = random_network(7)
    events = EventStream("spikes", 1, 1, network.input.size, np.array([0, 2]), np.array([1, 0], np.int32))
    with pytest.raises(EventError, match=r"event 1: .* ascending"):
        execute(network, events, WIDTHS, 1)


def test_readout_cannot_feed():
    weights = np.ones((2, 2), np.int32)
    fires = IF(np.ones(2, np.int32), np.zeros(2, np.int32), "value", ">")
    populations = {
        "in": Population("in", (2,), None), "read": Population("read", (2,), Integrator(2, np.int32)),
        "out": Population("out", (2,), fires),
    }
    edges = (Projection("in", "read", dense(weights)), Projection("read", "out", dense(weights)))
    with pytest.raises(NetworkError, match="population read: a readout sends no spikes, but out reads it"):
        execute(Network("n", populations, edges, 1.0), random_events(1, 2), WIDTHS, 1)
