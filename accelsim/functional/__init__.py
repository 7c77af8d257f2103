"""Functional execution: what fires when, without hardware time."""
