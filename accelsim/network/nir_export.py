"""Stub."""
from pathlib import Path

from accelsim.network.graph import Network


def write_nir(network: Network, path: Path) -> list[str]:
    """Stub."""
    raise NotImplementedError(network, path)
