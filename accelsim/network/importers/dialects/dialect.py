"""What a dialect is: the discrete neurons of a framework for the nodes of a file.

NIR is continuous in time and knows one reset (to ``v_reset``) and one comparison (``>``); the same file stands for
networks with different spikes. A dialect knows what its framework computes in a timestep and which choices it leaves
to the user.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.network.importers.layout import Layout
from accelsim.network.importers.nir_file import RawNode
from accelsim.network.importers.options import Choices, ImportOptions, settle
from accelsim.neurons.model import NeuronModel
from accelsim.neurons.readout import Integrator, LeakyIntegrator
from accelsim.neurons.threshold import Threshold
from accelsim.registry import Registry

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

DIALECTS: Registry[type["Dialect"]] = Registry("dialect", "accelsim.network.importers.dialects")

NEURON_TYPES: Final = ("CubaLI", "CubaLIF", "I", "IF", "LI", "LIF", "Threshold")
UNIT_GAIN_TOLERANCE: Final = 1e-6
"""A gain within this of one is one: exporters write ``tau / dt`` in float32."""


@dataclass(frozen=True, eq=False)
class Neurons:
    """A discretised neuron node.

    Attributes
    ----------
    model : NeuronModel
    meaning : str
        What the node was taken for, for the provenance.
    gain : (n,) float64, or None
        Factor on the accumulated input and its bias, folded into the weights; None: one.
    offset : (n,) float64, or None
        Current added in every timestep; None: zero.
    """

    model: NeuronModel
    meaning: str
    gain: Floats | None = None
    offset: Floats | None = None


@dataclass(frozen=True, eq=False)
class Site:
    """A neuron node at its place in the graph.

    Attributes
    ----------
    node : RawNode
    layout : Layout
        Of its neurons.
    choices : Choices
    recurrent : bool
        Whether it has a projection onto itself.
    """

    node: RawNode
    layout: Layout
    choices: Choices
    recurrent: bool = False

    @property
    def reset(self) -> str:
        """The reset: that of the network, or "none" for an integrator that a threshold reads."""
        return "none" if self.node.without_reset else str(self.choices.reset)

    def parameter(self, key: str, default: float | None = None, *, infinite: bool = False) -> Floats:
        """Return a parameter, one value per neuron, (n,) float64; infinite ones pass only where that is asked for."""
        return self.layout.parameter(self.node, key, default, infinite=infinite)

    def single(self, key: str, default: float | None = None) -> Singles:
        """Return a parameter in float32, (n,)."""
        return self.parameter(key, default).astype(np.float32)

    def full(self, value: float) -> Singles:
        """Return ``value`` for every neuron, (n,) float32."""
        return np.full(self.layout.size, value, dtype=np.float32)

    def share(self, key: str = "tau") -> Floats:
        """Return timestep over time constant, (n,), 0 .. 1.

        Raises
        ------
        NetworkError
            If a time constant is shorter than the timestep.
        """
        tau, dt = self.parameter(key, infinite=True), float(self.choices.dt)
        if (tau <= 0).any() or (tau < dt * (1.0 - UNIT_GAIN_TOLERANCE)).any():
            raise NetworkError(
                f"{self.node}: {key}: expected at least dt = {dt:g} s, got {tau.min():g} s; is dt the one of the "
                "export?"
            )
        return np.minimum(dt / tau, 1.0)

    def decay(self, key: str = "tau") -> Singles:
        """Return the exact decay of a timestep, ``exp(-dt / tau)``, (n,) float32."""
        tau, dt = self.single(key), np.float32(self.choices.dt)
        if (tau <= 0).any():
            raise NetworkError(f"{self.node}: {key}: expected more than 0, got {tau.min():g}")
        return np.exp((-dt / tau).astype(np.float64)).astype(np.float32)

    def levels(self) -> tuple[Singles, Singles]:
        """Return threshold and the membrane after a reset to a value, (n,) float32 each.

        Raises
        ------
        NetworkError
            If the threshold does not suit a subtraction, or ``v_reset`` contradicts the reset.
        """
        threshold, v_reset = self.parameter("v_threshold"), self.parameter("v_reset", 0.0)
        if self.reset == "subtract" and (threshold <= 0).any():
            raise NetworkError(
                f"{self.node}: v_threshold: expected more than 0 for a subtracting reset, got {threshold.min():g}"
            )
        if self.reset != "v_reset" and v_reset.any():
            raise NetworkError(
                f"{self.node}: v_reset: expected 0 for reset {self.reset!r} in dialect {self.choices.dialect}, got "
                f"{v_reset[np.argmax(np.abs(v_reset))]:g}"
            )
        return threshold.astype(np.float32), v_reset.astype(np.float32)

    @property
    def rule(self) -> tuple[Any, Any]:
        """Reset and comparison in the words of the neuron models."""
        reset = {"subtract": "subtract", "none": "none"}.get(self.reset, "value")
        return reset, self.choices.threshold_op

    def expect_zero(self, *keys: str) -> None:
        """Refuse a parameter that the framework does not have.

        Raises
        ------
        NetworkError
        """
        for key in keys:
            value = self.parameter(key, 0.0)
            if value.any():
                raise NetworkError(
                    f"{self.node}: {key}: expected 0, dialect {self.choices.dialect} has none, got "
                    f"{value[np.argmax(np.abs(value))]:g}"
                )


class Dialect(ABC):
    """Base of all dialects."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Choices that the framework fixes or has a default for."""

    allowed: ClassVar[Mapping[str, tuple[Any, ...] | None]]
    """Values of each choice; None for a number. Keys that are missing are no choice of this framework."""

    neurons: ClassVar[tuple[str, ...]] = NEURON_TYPES
    """Node types that it runs."""

    late_bias: ClassVar[bool] = False
    """Whether the bias of a recurrent connection is absent at the first timestep, like its spikes."""

    input_beside_recurrence: ClassVar[bool] = False
    """Whether an input that the file leads into recurrent weights goes to the neurons, past the weights."""

    @classmethod
    def settle(cls, options: ImportOptions, metadata: Mapping[str, Any], nodes: Sequence[RawNode]) -> Choices:  # noqa: ARG003
        """Return every choice for a file; ``nodes`` for dialects that read the timestep off the parameters.

        Raises
        ------
        NetworkError
            On a value that the dialect does not know, or that nobody states.
        """
        return settle(options, metadata, cls.defaults, cls.allowed)

    @classmethod
    @abstractmethod
    def discretise(cls, site: Site) -> Neurons:
        """Return the discrete neurons of a node.

        Raises
        ------
        NetworkError
            Naming the node and the parameter.
        """

    @classmethod
    def checked(cls, site: Site) -> Neurons:
        """Return :meth:`discretise` of a node that this dialect runs.

        Raises
        ------
        NetworkError
        """
        if site.node.type not in cls.neurons:
            raise NetworkError(
                f"{site.node}: dialect {site.choices.dialect} runs {', '.join(cls.neurons)} only; its framework has no "
                "other neurons in a file"
            )
        return cls.discretise(site)


def unit(gain: Floats) -> Floats:
    """Return gains, those within rounding of one as one."""
    near: Floats = np.where(np.abs(gain - 1.0) <= UNIT_GAIN_TOLERANCE, 1.0, gain)
    return near


def threshold(site: Site) -> Neurons:
    """Return the stateless neurons of a Threshold node, the same in every dialect."""
    op: Any = site.choices.threshold_op or ">"
    return Neurons(Threshold(site.single("threshold"), op), f"threshold: s = [x {op} threshold]")


def euler_readout(site: Site) -> Neurons:
    """Return the readout of an LI or I node by the forward Euler method, its gain in the weights."""
    if site.node.type == "I":
        gain = unit(site.parameter("r") * site.choices.dt)
        return Neurons(Integrator(site.layout.size, np.float32), "v = v + r dt x", gain)
    share = site.share()
    offset = site.parameter("v_leak", 0.0) * share
    leak = (1.0 - share).astype(np.float32)
    return Neurons(
        LeakyIntegrator(leak), "v = (1 - dt/tau) v + dt/tau (v_leak + r x)", unit(site.parameter("r") * share), offset
    )
