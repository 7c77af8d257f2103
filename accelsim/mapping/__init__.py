"""Mapping: which neurons live on which core, where the cores lie, and what every axon costs there."""
