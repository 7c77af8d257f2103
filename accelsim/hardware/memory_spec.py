"""Memories of a description: on-chip banks, tables, states, and the DRAM beside the chip."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from accelsim.hardware.quantities import Bandwidth, BitEnergy, Capacity, Count, Source, Spec


class SramSpec(Spec):
    """A memory of equal banks; consecutive words lie in consecutive banks."""

    capacity: Capacity
    """Total over all banks, bit."""
    width: Annotated[Count, Field(le=4096)]
    """Word width, bit."""
    banks: Annotated[Count, Field(le=256)]
    ports: Literal["1RW", "1R1W"]
    """Ports of each bank: a read-modify-write takes two cycles on 1RW and one on 1R1W."""

    @model_validator(mode="after")
    def _whole_words(self) -> Self:
        if self.capacity % (self.width * self.banks):
            raise ValueError(
                f"capacity of {self.capacity} bit is not a whole number of {self.width}-bit words in {self.banks} banks"
            )
        return self

    @property
    def words(self) -> int:
        """Number of words over all banks."""
        return self.capacity // self.width

    @property
    def rmw_slots(self) -> int:
        """Cycles that one bank needs for a read-modify-write."""
        return 2 if self.ports == "1RW" else 1


class StateMemorySpec(Spec):
    """A memory of equal-width integers: membranes or accumulators."""

    bits: Annotated[Count, Field(ge=4, le=32)]
    """Width of one integer value; a float32 network stores 32 bits whatever stands here."""
    memory: SramSpec
    """Of accumulators: all slots together; ``banks`` are those that one slot is spread over."""
    per_word: Count | None = None
    """Neurons whose values lie in one word, where parameters fill the rest of it; left out: as many as fit."""

    @model_validator(mode="after")
    def _fits_word(self) -> Self:
        if self.bits * (self.per_word or 1) > self.memory.width:
            values = "a value" if self.per_word is None else f"{self.per_word} values"
            raise ValueError(f"{values} of {self.bits} bit is wider than the memory word of {self.memory.width} bit")
        return self

    def values_in_word(self, bits: int) -> int:
        """Return the neurons whose values, ``bits`` wide with all that is stored beside them, lie in one word."""
        fit = self.memory.width // bits
        return fit if self.per_word is None else min(fit, self.per_word)


class AxonMemorySpec(Spec):
    """A memory of table entries: incoming axons (row pointers) or outgoing routes."""

    entry_bits: Annotated[Count, Field(le=256)]
    memory: SramSpec

    @property
    def entries(self) -> int:
        """Number of entries that fit."""
        return self.memory.capacity // self.entry_bits

    @model_validator(mode="after")
    def _fits_word(self) -> Self:
        if self.entry_bits > self.memory.width:
            raise ValueError(
                f"an entry of {self.entry_bits} bit is wider than the memory word of {self.memory.width} bit"
            )
        return self


class DramSpec(Spec):
    """Off-chip memory of the baseline and of cold starts."""

    energy: BitEnergy
    bandwidth: Bandwidth
    source: Source
