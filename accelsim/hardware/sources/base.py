"""What a source of SRAM, arithmetic or network-on-chip figures answers, and the registries of the three kinds.

A figure always carries a ``source`` that says which table and which interpolation it came from. A source refuses what
it does not know with :class:`~accelsim.errors.CostError`; it never extrapolates without saying so in ``source``.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from accelsim.counters import Price
from accelsim.errors import CostError
from accelsim.registry import Registry

_PACKAGE: Final = "accelsim.hardware.sources"


@dataclass(frozen=True)
class Leakage:
    """Static power, mW, with where it comes from."""

    power_mw: float
    source: str


@dataclass(frozen=True)
class Area:
    """Area, mm2, with where it comes from."""

    area_mm2: float
    source: str


@dataclass(frozen=True)
class Derivation:
    """How a figure follows from a table.

    Attributes
    ----------
    expression : str
        The formula with its numbers filled in, Python arithmetic; its value is the figure.
    points : tuple of str
        The rows of the table that it stands on, each with its value.
    """

    expression: str
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class SramFigures:
    """One memory bank.

    Attributes
    ----------
    read_pj, write_pj : float
        Energy of one word access.
    leakage_mw : float
    area_mm2 : float
    access_ns : float or None
        None where the source publishes no access time.
    source : str
    supply_v : float or None
        Supply voltage of the figures, V; None where the source states none.
    """

    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    access_ns: float | None
    source: str
    supply_v: float | None = None


@dataclass(frozen=True)
class RouterFigures:
    """One router: energies per flit, clock energy per cycle."""

    buffer_write_pj: float
    buffer_read_pj: float
    crossbar_pj: float
    arbitration_pj: float
    clock_pj_per_cycle: float
    leakage_mw: float
    area_mm2: float
    source: str
    supply_v: float | None = None


@dataclass(frozen=True)
class LinkFigures:
    """One directed link: energy per flit of random data."""

    energy_pj: float
    leakage_mw: float
    area_mm2: float
    source: str
    supply_v: float | None = None


class SramSource(ABC):
    """Energies of memories."""

    @abstractmethod
    def figures(
        self, bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float
    ) -> SramFigures:
        """Return the figures of one bank.

        Parameters
        ----------
        bank_bits : int
            Capacity of the bank, bit.
        width : int
            Word width, bit.
        ports : str
            ``1RW`` or ``1R1W``.
        node_nm : float
        cell : str
            ``itrs-hp``, ``itrs-lop`` or ``itrs-lstp``.
        temperature_k : float
            Of the leakage.

        Raises
        ------
        CostError
            If the source does not cover the memory; the message says its bounds.
        """

    def derivation(
        self, figure: str, bank_bits: int, width: int, ports: str, node_nm: float, cell: str, temperature_k: float
    ) -> Derivation:
        """Return how a figure (``read_pj``, ``leakage_mw``...) of a bank came about; the number alone if not told."""
        found = self.figures(bank_bits, width, ports, node_nm, cell, temperature_k)
        return Derivation(f"{getattr(found, figure):.12g}", (found.source,))


class ArithmeticSource(ABC):
    """Energies of arithmetic units.

    ``int_add``, ``int_mul``, ``int_compare`` take any width that the source covers, ``fp_add`` and ``fp_mul`` a
    published one.
    """

    @abstractmethod
    def energy(self, op: str, bits: int, node_nm: float) -> Price:
        """Return the energy of one operation on ``bits``-bit operands; raise CostError where it is not covered."""

    @abstractmethod
    def leakage(self, op: str, bits: int, node_nm: float) -> Leakage:
        """Return the leakage of one unit; raise CostError where it is not covered."""

    def area(self, op: str, bits: int, node_nm: float) -> Area:
        """Return the area of one unit; raise CostError where it is not covered."""
        raise CostError(f"area of {op} at {bits} bit, {node_nm:g} nm: this arithmetic source states none")

    def supply(self, node_nm: float) -> float | None:  # noqa: ARG002 - for those that know it
        """Return the supply voltage of the source's figures, V; None where it states none."""
        return None


class NocSource(ABC):
    """Energies of routers and links."""

    @abstractmethod
    def router(self, ports: int, flit_bits: int, vcs: int, buffer_flits: int, node_nm: float) -> RouterFigures:
        """Return the figures of a router with ``buffer_flits`` per VC; raise CostError where it is not covered."""

    @abstractmethod
    def link(self, flit_bits: int, length_mm: float, node_nm: float) -> LinkFigures:
        """Return the figures of one directed link; raise CostError where it is not covered."""


SRAM_SOURCES: Final[Registry[type[SramSource]]] = Registry("sram source", _PACKAGE)
ARITHMETIC_SOURCES: Final[Registry[type[ArithmeticSource]]] = Registry("arithmetic source", _PACKAGE)
NOC_SOURCES: Final[Registry[type[NocSource]]] = Registry("noc source", _PACKAGE)
