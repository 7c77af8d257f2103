"""Connections: what joins two populations, always as stored rows and the runs of targets that they reach."""
