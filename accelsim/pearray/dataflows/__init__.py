"""Execution models of arrays, one file each."""
