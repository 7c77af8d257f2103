"""The compiled engine: an event loop in numba that skips idle cycles; one module per part of the machine."""
