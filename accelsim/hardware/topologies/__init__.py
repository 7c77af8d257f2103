"""Topologies, one file each: neighbours, routes, positions."""
