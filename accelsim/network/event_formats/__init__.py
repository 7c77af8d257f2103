"""Formats of event recordings, one file each: pixels with times, before they are cut into timesteps."""
