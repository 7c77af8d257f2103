"""Dataflows of the MAC array, one file each."""
