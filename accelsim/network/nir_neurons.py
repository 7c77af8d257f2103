"""Neuron models as nodes of NIR: the inverse of the dialects, for networks of one dialect."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.graph import Network, Population
from accelsim.neurons.cuba_lif import CubaLI, CubaLIF
from accelsim.neurons.euler_li import EulerLI
from accelsim.neurons.euler_lif import EulerLIF
from accelsim.neurons.fire_first import FireFirstCubaLIF, FireFirstLIF
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.model import NeuronModel
from accelsim.neurons.multi_spike import MultiSpikeCubaLIF, MultiSpikeLIF
from accelsim.neurons.readout import Integrator, LeakyIntegrator
from accelsim.neurons.refractory_lif import RefractoryLIF
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky
from accelsim.neurons.snntorch_synaptic import SnnTorchSynaptic
from accelsim.neurons.spikingjelly_lif import SpikingJellyLIF
from accelsim.neurons.threshold import Threshold

Floats = npt.NDArray[np.float64]
Values = dict[str, Any]

_OF_MODEL: Final[dict[type, str]] = {
    LIF: "euler",
    RefractoryLIF: "euler",
    SnnTorchLeaky: "snntorch",
    SnnTorchSynaptic: "snntorch",
    SpikingJellyLIF: "spikingjelly",
    EulerLIF: "norse",
    EulerLI: "norse",
    MultiSpikeLIF: "sinabs",
    MultiSpikeCubaLIF: "sinabs",
    FireFirstLIF: "spyx",
    FireFirstCubaLIF: "spyx",
    CubaLI: "euler",
    CubaLIF: "euler",
}
"""The dialect of a model; models that several dialects share are not here."""


def dialect_of(network: Network) -> tuple[str, Values]:
    """Return the dialect of a network's neurons and its choices.

    Raises
    ------
    NetworkError
        If the neurons are those of several dialects, or their choices differ.
    """
    models = {name: item.model for name, item in network.populations.items() if item.model is not None}
    found = {name: _OF_MODEL[type(model)] for name, model in models.items() if type(model) in _OF_MODEL}
    for name, model in models.items():
        if isinstance(model, IF) and model.starts_at_reset:
            found[name] = "norse" if model.comparison == ">" else "spikingjelly"
        if isinstance(model, CubaLIF) and model.order == "factor":
            found[name] = "spikingjelly"
    dialects = sorted(set(found.values()))
    if len(dialects) > 1:
        raise NetworkError(f"network {network.name}: NIR holds neurons of one dialect, got {', '.join(dialects)}")
    dialect = dialects[0] if dialects else "euler"
    choices: Values = {}
    for name, model in models.items():
        for key, value in _stated(model, dialect).items():
            if choices.setdefault(key, value) != value:
                both = f"{choices[key]!r} and {value!r}"
                raise NetworkError(f"population {name}: {key}: one choice of a network is in the file, got {both}")
    return dialect, choices


def neuron_node(population: Population, dialect: str, dt: float, choices: Values) -> tuple[str, Values]:  # noqa: ARG001
    """Return type and parameters, (n,) each, of the node that the dialect reads as the population's model.

    Raises
    ------
    NetworkError
        If the dialect has no such neurons.
    """
    model = population.model
    writer = _WRITERS.get(type(model))
    if model is None or writer is None:
        raise NetworkError(f"population {population.name}: NIR cannot hold neurons of model {type(model).__name__}")
    kind, values = writer(model, dialect, dt)
    size = population.size
    return kind, {key: np.broadcast_to(np.asarray(value), (size,)).copy() for key, value in values.items()}


def _stated(model: NeuronModel, dialect: str) -> Values:
    found: Values = {}
    if isinstance(model, IF | LIF | RefractoryLIF | EulerLIF | SpikingJellyLIF | CubaLIF):
        found = {"reset": "v_reset" if model.reset == "value" else model.reset, "threshold_op": model.comparison}
    elif isinstance(model, SnnTorchLeaky | SnnTorchSynaptic):
        found = {"reset": model.reset, "reset_delay": model.reset_delay}
    elif isinstance(model, MultiSpikeLIF | MultiSpikeCubaLIF):
        found = {"reset": "v_reset" if model.reset == "value" else model.reset, "spike_mode": model.spike_mode}
        found["membrane_floor"] = _floor(model.floor, model.threshold)
        if isinstance(model, MultiSpikeLIF):
            found["norm_input"] = bool((model.gain != 1.0).any())
    elif isinstance(model, Threshold) and dialect in {"euler", "nir-strict", "spikingjelly"}:
        found = {"threshold_op": model.comparison}
    if isinstance(model, RefractoryLIF):
        found["refractory"] = int(model.period.max())
    if isinstance(model, CubaLI | CubaLIF) and model.order != "factor":
        found["synapse"] = model.order
    return found


def _floor(floor: Any, threshold: Any) -> str | float:
    if floor is None:
        return "none"
    return "-threshold" if (floor == -threshold).all() else float(floor[0])


def _levels(model: Any) -> Values:
    reset_to = getattr(model, "reset_to", None)
    used = reset_to is not None and model.reset == "value"
    return {"v_threshold": model.threshold, "v_reset": reset_to if used else np.zeros(())}


def _linear_tau(leak: Any, dt: float) -> Floats:
    """Return the time constant of a leak factor ``1 - dt/tau``."""
    with np.errstate(divide="ignore"):
        return np.asarray(dt / (1.0 - leak.astype(np.float64)))


def _exponential_tau(leak: Any, dt: float) -> Floats:
    """Return the float32 time constant whose ``exp(-dt/tau)`` is a leak factor, of those nearest to it."""
    with np.errstate(divide="ignore"):
        tau = (-dt / np.log(leak.astype(np.float64))).astype(np.float32)
    best = tau.copy()
    for step in (0, -1, 1, -2, 2, -3, 3):
        near = tau.copy()
        for _ in range(abs(step)):
            near = np.nextafter(near, np.float32(np.inf if step > 0 else 0))
        right = np.exp((-np.float32(dt) / near).astype(np.float64)).astype(np.float32) == leak
        wrong = np.exp((-np.float32(dt) / best).astype(np.float64)).astype(np.float32) != leak
        best = np.where(right & wrong, near, best)
    return np.asarray(best, dtype=np.float64)


def _if(model: Any, dialect: str, dt: float) -> tuple[str, Values]:
    return "IF", {"r": 1.0 if dialect in {"norse", "sinabs", "spyx"} else 1.0 / dt, **_levels(model)}


def _lif(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    tau = _linear_tau(model.leak, dt)
    return "LIF", {"tau": tau, "r": tau / dt, "v_leak": 0.0, **_levels(model)}


def _synaptic(model: Any, dialect: str, dt: float) -> tuple[str, Values]:
    tau, tau_syn = _linear_tau(model.leak, dt), _linear_tau(model.current_leak, dt)
    gains = {"r": tau / dt, "w_in": tau_syn / dt} if dialect == "snntorch" else {"r": 1.0, "w_in": 1.0}
    return "CubaLIF", {"tau_mem": tau, "tau_syn": tau_syn, **gains, "v_leak": 0.0, **_levels(model)}


def _spyx(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    if (model.leak == 1.0).all():
        return "IF", {"r": 1.0, **_levels(model)}
    return "LIF", {"tau": _linear_tau(model.leak, dt), "r": 1.0, "v_leak": 0.0, **_levels(model)}


def _sinabs(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    if (model.leak == 1.0).all():
        return "IF", {"r": 1.0, **_levels(model)}
    return "LIF", {"tau": _exponential_tau(model.leak, dt), "r": 1.0, "v_leak": 0.0, **_levels(model)}


def _sinabs_cuba(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    values = {"tau_mem": _exponential_tau(model.leak, dt), "tau_syn": _exponential_tau(model.current_leak, dt)}
    return "CubaLIF", {**values, "r": 1.0, "w_in": 1.0, "v_leak": 0.0, **_levels(model)}


def _shared(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    """EulerLIF and EulerLI: the share of a timestep in the time constant."""
    tau = (np.float64(dt) / model.share.astype(np.float64)).astype(np.float32).astype(np.float64)
    values = {"tau": tau, "r": model.resistance, "v_leak": model.rest}
    return ("LIF", {**values, **_levels(model)}) if isinstance(model, EulerLIF) else ("LI", values)


def _cuba(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    if model.order == "factor":  # SpikingJelly's: what is kept, and the input as it is
        return _synaptic_factors(model, dt)
    values = {
        "tau_syn": np.float64(dt) / model.current_rate.astype(np.float64),
        "tau_mem": np.float64(dt) / model.membrane_rate.astype(np.float64),
        "w_in": model.weight,
        "r": model.resistance,
        "v_leak": model.rest,
    }
    return ("CubaLIF", {**values, **_levels(model)}) if isinstance(model, CubaLIF) else ("CubaLI", values)


def _synaptic_factors(model: Any, dt: float) -> tuple[str, Values]:
    tau_syn, tau = _linear_tau(model.current_rate, dt), _linear_tau(model.membrane_rate, dt)
    values = {"tau_syn": tau_syn, "tau_mem": tau, "w_in": tau_syn / dt, "r": tau / dt, "v_leak": model.rest}
    return "CubaLIF", {**values, **_levels(model)}


def _spikingjelly(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    steps = model.tau.astype(np.float64)
    values = {"tau": steps * dt, "r": 1.0 if model.decay_input else steps, "v_leak": model.rest}
    return "LIF", {**values, **_levels(model)}


def _readout(model: Any, dialect: str, dt: float) -> tuple[str, Values]:
    if isinstance(model, Integrator):
        return "I", {"r": 1.0 if dialect in {"norse", "sinabs"} else 1.0 / dt}
    if dialect == "sinabs":
        return "LI", {"tau": _exponential_tau(model.leak, dt), "r": 1.0, "v_leak": 0.0}
    tau = _linear_tau(model.leak, dt)
    return "LI", {"tau": tau, "r": 1.0 if dialect == "spyx" else tau / dt, "v_leak": 0.0}


def _threshold(model: Any, dialect: str, dt: float) -> tuple[str, Values]:  # noqa: ARG001
    return "Threshold", {"threshold": model.threshold}


_WRITERS: Final[dict[type, Callable[[Any, str, float], tuple[str, Values]]]] = {
    IF: _if,
    LIF: _lif,
    RefractoryLIF: _lif,
    SnnTorchLeaky: _lif,
    SnnTorchSynaptic: _synaptic,
    FireFirstCubaLIF: _synaptic,
    FireFirstLIF: _spyx,
    MultiSpikeLIF: _sinabs,
    MultiSpikeCubaLIF: _sinabs_cuba,
    SpikingJellyLIF: _spikingjelly,
    EulerLIF: _shared,
    EulerLI: _shared,
    CubaLI: _cuba,
    CubaLIF: _cuba,
    LeakyIntegrator: _readout,
    Integrator: _readout,
    Threshold: _threshold,
}
