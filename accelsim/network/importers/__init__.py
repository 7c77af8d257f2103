"""Importers, one file each: an exported network file becomes a :class:`accelsim.network.graph.Network`."""
