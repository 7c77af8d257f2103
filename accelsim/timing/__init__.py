"""The timing model, written twice: a readable SimPy reference and a compiled event loop that agree cycle for cycle."""
