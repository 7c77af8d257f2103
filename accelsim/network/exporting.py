"""The network of a workload as one file, in the format that its suffix says."""

from collections.abc import Sequence
from pathlib import Path

from accelsim.errors import NetworkError
from accelsim.network.network_file import SUFFIX, write_network
from accelsim.network.nir_export import write_nir
from accelsim.network.workload import load_workload


def export_workload(source: str | Path, path: Path, overrides: Sequence[str] = ()) -> str:
    """Write the network of a workload and return what was written, in words.

    Parameters
    ----------
    source : str or Path
        See :func:`accelsim.network.workload.load_workload`.
    path : Path
        ``.snn``: the network as it is simulated, pruned and quantised. ``.nir``: before quantisation, in float32, as
        NIR has no integers.
    overrides : sequence of str

    Raises
    ------
    AccelsimError
        If the workload does not load, the format is unknown or cannot hold the network, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == SUFFIX:
        network = load_workload(source, 1, overrides, without_input=True).network
        write_network(network, path)
        how = "in integers, with scales and widths" if network.integer else "in float32"
        return f"{len(network.populations)} populations, {len(network.projections)} projections, {how}"
    if suffix == ".nir":
        network = load_workload(source, 1, (*overrides, "network.quantize=none"), without_input=True).network
        notes = write_nir(network, path)
        return "; ".join([f"NIR graph of {len(network.populations)} populations in float32", *notes])
    raise NetworkError(f"{path}: expected a name that ends in {SUFFIX} or .nir, got {path.suffix!r}")
