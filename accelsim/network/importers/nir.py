"""NIR, the Neuromorphic Intermediate Representation (neuromorphs.io), read from its HDF5 file.

Represented: every node of nir 1.0.8 - Input, Output, Affine, Linear, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten,
Scale, Delay, Threshold, IF, LIF, CubaLIF, LI, CubaLI, I - in any graph with one input and one output: recurrent,
nested, with skips and sums. What a timestep of a neuron is says the dialect
(:mod:`accelsim.network.importers.dialects`). Files that their tools wrote wrong are put right where one reading alone
is left, and every repair is named in the provenance. Source: Pedersen et al., "Neuromorphic intermediate
representation", Nature Communications 15 (2024), and the layout that the ``nir`` package writes, versions 0.1 to 1.0.8.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from accelsim.errors import NetworkError, UnknownNameError
from accelsim.network.graph import Network
from accelsim.network.importers.dialects.dialect import DIALECTS
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.nir_file import read_nir
from accelsim.network.importers.nir_graph import build_network
from accelsim.network.importers.options import METADATA, USER


@IMPORTERS.register("nir")
class NirImporter(Importer):
    """Reads ``.nir`` files."""

    suffixes: ClassVar[tuple[str, ...]] = (".nir",)

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the float32 network of a NIR file; see :meth:`Importer.read`."""
        graph = read_nir(path)
        try:
            source = METADATA if options.dialect is None else USER
            options = _with_dialect(options, graph.metadata)
            # What leaves float32 here is infinite, and refused by name where a model or a connection is made of it.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                network = build_network(graph, options, path.stem)
            choices = {"dialect": {"value": options.dialect, "from": source}, **network.provenance["choices"]}
            return replace(network, provenance={**network.provenance, "choices": choices})
        except UnknownNameError:
            raise
        except NetworkError as error:
            raise NetworkError(f"{path}: {error}") from None


def _with_dialect(options: ImportOptions, metadata: Mapping[str, Any]) -> ImportOptions:
    """Return the options with the dialect of the metadata, where the user states none."""
    if options.dialect is not None:
        return options
    stated = metadata.get("dialect")
    if not isinstance(stated, str):
        known = ", ".join(DIALECTS.names())
        raise NetworkError(
            f"dialect: expected one of {known}, got nothing: NIR does not say what a timestep of its framework computes"
        )
    return replace(options, dialect=stated)
