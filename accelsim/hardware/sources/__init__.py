"""Where energies, leakages and areas come from: one file per source, found by registry."""
