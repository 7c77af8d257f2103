"""Dialects, one file each: what a framework computes in one timestep for the neurons that it exports."""
