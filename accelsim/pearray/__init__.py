"""Layer-serial processing-element arrays for spiking networks: the machine class beside the mesh of cores."""
