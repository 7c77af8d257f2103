"""Neuron models, one file each: the discrete equation, its kernel, its integer form and its operations."""
