"""Analytic energy models of the literature, one family a file: operation counts times energies, or a bar to pass."""
