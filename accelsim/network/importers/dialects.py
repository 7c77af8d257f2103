"""Discretisation: what each framework computes in one timestep for the neurons that it exports.

NIR is continuous in time and knows one reset (to ``v_reset``) and one comparison (``>``). The same file stands for
networks with different spikes; the dialect, the timestep and the reset are therefore told by the user. In every dialect
one step is: leak, add input and bias, compare, reset.

============  ===================================  ========  =========================
dialect       neurons                             compares  resets
============  ===================================  ========  =========================
snntorch      LIF (``Leaky``), IF, LI, I          >         subtract, zero
nir-strict    LIF, IF, LI, I                      >         v_reset
euler         LIF, IF, LI, I                      >, >=     subtract, zero, v_reset
spikingjelly  LIF, IF, LI, I                      >=        v_reset, subtract
sinabs        IF, one spike per step              >=        subtract
============  ===================================  ========  =========================

In all of them the leak factor is ``1 - dt/tau`` (forward Euler), the input gain ``r dt/tau`` (IF and I: ``r dt``).
snnTorch's subtraction is its own: the pending reset lowers the membrane before the comparison, see
:class:`accelsim.neurons.snntorch_leaky.SnnTorchLeaky`; ``euler`` with ``subtract`` is the textbook's.

Sources: snnTorch 1.0.0 ``Leaky`` (``reset_delay=False``; the delayed reset is refused); NIR specification (Pedersen et
al., Nature Communications 2024) with forward Euler; SpikingJelly 2.0.0 ``IFNode``, ``LIFNode``; sinabs 3.1.3 ``IAF``
with ``spike_fn=SingleSpike``. A gain within 1e-6 of one is one: exporters write ``tau / dt`` in float32.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError, UnknownNameError
from accelsim.network.importers.importer import ImportOptions
from accelsim.network.importers.layout import Layout
from accelsim.network.importers.nir_file import RawNode
from accelsim.neurons.integrate_fire import IF
from accelsim.neurons.lif import LIF
from accelsim.neurons.model import NeuronModel
from accelsim.neurons.readout import Integrator, LeakyIntegrator
from accelsim.neurons.snntorch_leaky import SnnTorchLeaky

Floats = npt.NDArray[np.float64]

NEURON_TYPES: Final = ("I", "IF", "LI", "LIF")
UNIT_GAIN_TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Dialect:
    """What a framework may have computed."""

    resets: tuple[str, ...]
    comparisons: tuple[str, ...]
    neurons: tuple[str, ...] = NEURON_TYPES


DIALECTS: Final = {
    "snntorch": Dialect(("subtract", "zero"), (">",)),
    "nir-strict": Dialect(("v_reset",), (">",)),
    "euler": Dialect(("subtract", "zero", "v_reset"), (">", ">=")),
    "spikingjelly": Dialect(("v_reset", "subtract"), (">=",)),
    "sinabs": Dialect(("subtract",), (">=",), ("IF",)),
}


@dataclass(frozen=True, eq=False)
class Neurons:
    """A discretised neuron node.

    Attributes
    ----------
    model : NeuronModel
    gain : (n,) float64
        Factor on the accumulated input and its bias.
    offset : (n,) float64
        Current of the leak potential, added in every timestep.
    """

    model: NeuronModel
    gain: Floats
    offset: Floats


def check_options(options: ImportOptions) -> None:
    """Check that the dialect is known and has the reset and comparison.

    Raises
    ------
    UnknownNameError, NetworkError
    """
    if options.dialect not in DIALECTS:
        raise UnknownNameError("dialect", options.dialect, DIALECTS)
    dialect = DIALECTS[options.dialect]
    where = f"dialect {options.dialect}"
    if options.reset not in dialect.resets:
        raise NetworkError(f"{where}: reset: expected {' or '.join(dialect.resets)}, got {options.reset!r}")
    if options.threshold_op not in dialect.comparisons:
        choices = " or ".join(repr(item) for item in dialect.comparisons)
        raise NetworkError(f"{where}: threshold_op: expected {choices}, got {options.threshold_op!r}")
    if options.dialect == "snntorch" and options.reset_delay is None:
        raise NetworkError(f"{where}: reset_delay: expected false, got nothing (snnTorch's own default is true)")
    if options.reset_delay:
        raise NetworkError(
            f"{where}: reset_delay: expected false, got true; a reset that acts one timestep late is not modelled in "
            "this "
            "version (export with reset_delay=False)"
        )
    if not (np.isfinite(options.dt) and options.dt > 0):
        raise NetworkError(f"{where}: dt: expected a positive time, got {options.dt} s")


def discretise(node: RawNode, layout: Layout, options: ImportOptions) -> Neurons:
    """Return the discrete model of a neuron node.

    Raises
    ------
    NetworkError
        Naming the node and the parameter.
    """
    dialect = DIALECTS[options.dialect]
    if node.type not in dialect.neurons:
        raise NetworkError(
            f"{node}: dialect {options.dialect} runs {', '.join(dialect.neurons)} only; the file does not say how it "
            "normalises the input of other neurons"
        )
    resistance = layout.parameter(node, "r")
    if node.type in {"LIF", "LI"}:
        tau = layout.parameter(node, "tau")
        if (tau <= 0).any() or (options.dt > tau).any():
            raise NetworkError(
                f"{node}: tau: expected at least dt = {options.dt:g} s, got {tau.min():g} s; is dt the one of the "
                "export?"
            )
        share = options.dt / tau
        gain, offset = resistance * share, layout.parameter(node, "v_leak", 0.0) * share
        leak = (1.0 - share).astype(np.float32)
    else:
        gain, offset, leak = resistance * options.dt, np.zeros(layout.size), np.ones(layout.size, dtype=np.float32)
    gain = np.where(np.abs(gain - 1.0) <= UNIT_GAIN_TOLERANCE, 1.0, gain)
    return Neurons(_model(node, layout, options, leak), gain, offset)


def _model(node: RawNode, layout: Layout, options: ImportOptions, leak: npt.NDArray[np.float32]) -> NeuronModel:
    if node.type == "I":
        return Integrator(layout.size, np.float32)
    if node.type == "LI":
        return LeakyIntegrator(leak)
    threshold = layout.parameter(node, "v_threshold")
    v_reset = layout.parameter(node, "v_reset", 0.0)
    if options.reset == "subtract" and (threshold <= 0).any():
        raise NetworkError(
            f"{node}: v_threshold: expected more than 0 for a subtracting reset, got {threshold.min():g}"
        )
    if options.reset != "v_reset" and v_reset.any():
        raise NetworkError(
            f"{node}: v_reset: expected 0 for reset {options.reset!r} in dialect {options.dialect}, got "
            f"{v_reset.max():g}"
        )
    reset = "subtract" if options.reset == "subtract" else "value"
    levels = (threshold.astype(np.float32), v_reset.astype(np.float32))
    if options.dialect == "snntorch" and reset == "subtract":
        return SnnTorchLeaky(leak, levels[0], reset_delay=False)
    if node.type == "IF":
        return IF(*levels, reset, options.threshold_op)  # type: ignore[arg-type]
    return LIF(leak, *levels, reset, options.threshold_op)  # type: ignore[arg-type]
