"""The chip as it is described: specifications, loader, presets, topologies and energy sources."""
