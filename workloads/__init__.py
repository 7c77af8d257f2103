"""Bundled workloads, one folder each."""
