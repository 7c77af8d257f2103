"""Encodings, one file each: images become an :class:`accelsim.network.events.EventStream`."""
