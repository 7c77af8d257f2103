"""YANA's memory images (a folder) as a network: channels, neurons with lazy leak, and a readout.

The core at the origin turns events of its channels into packets; every other core with weights is a population, the one
in the opposite corner a readout without leak or threshold. Routes are the synapses. For a chip with schedule
``native``: a spike is integrated one timestep after it was sent, over every hop. Neurons that no route reaches, and
weights that no route names, are not part of the network.
"""

from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from accelsim.errors import NetworkError
from accelsim.network.connections.dense import dense
from accelsim.network.graph import Network, Population, Projection
from accelsim.network.importers.importer import IMPORTERS, Importer, ImportOptions
from accelsim.network.importers.options import expect_complete
from accelsim.network.importers.yana_images import (
    GAIN_BITS,
    LEAK_BITS,
    WEIGHT_BITS,
    CoreImages,
    Place,
    read_images,
)
from accelsim.neurons.lazy_lif import LazyLIF
from accelsim.neurons.model import NeuronModel
from accelsim.neurons.readout import Integrator

RELAY: Final = (0, 0)
READOUT: Final = (1, 1)
TIMESTEP: Final = 1e-3
"""Not in the images; a label of time, which nothing depends on."""


@IMPORTERS.register("yana")
class YanaImporter(Importer):
    """Reads folders of memory images."""

    suffixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, path: Path, options: ImportOptions) -> Network:
        """Return the integer network of a folder; see :meth:`Importer.read`."""
        expect_complete(options, "yana")
        return yana_network(read_images(path), f"{path}")


def population_name(place: Place) -> str:
    """Return the name of the population on a core."""
    return "input" if place == RELAY else f"core_{place[0]}_{place[1]}"


def yana_network(cores: dict[Place, CoreImages], source: str) -> Network:
    """Return the network of memory images.

    Parameters
    ----------
    cores : dict of (x, y) to CoreImages
    source : str
        The folder, for errors and provenance.

    Raises
    ------
    NetworkError
        On a route to a core or weight that is not there, or to a weight of zero, which would update a neuron without
        input.
    """
    reached = {route.place for core in cores.values() for own in core.routes.values() for route in own}
    places = [RELAY, *sorted(reached - {READOUT}), READOUT]
    if not reached <= {place for place, core in cores.items() if core.weights}:
        raise NetworkError(f"{source}: a route leads to a core without weights, one of {sorted(reached)}")
    if READOUT not in reached or RELAY in reached:
        raise NetworkError(f"{source}: expected routes to the readout {READOUT} and none to {RELAY}")
    sizes = {place: max(cores[place].routes, default=-1) + 1 for place in places}
    for core in cores.values():
        for own in core.routes.values():
            for route in own:
                sizes[route.place] = max(sizes[route.place], route.neuron + 1)
    populations = {}
    for place in places:
        model = None if place == RELAY else _model(cores[place], sizes[place], source)
        populations[population_name(place)] = Population(population_name(place), (sizes[place],), model)
    edges = []
    for place in places:
        for target in places[1:]:
            weights = _weights(cores[place], cores[target], sizes, source)
            if weights is not None:
                edges.append(Projection(population_name(place), population_name(target), dense(weights, WEIGHT_BITS)))
    provenance = {"format": "yana", "source": source, "reset": "zero", "threshold_op": ">="}
    return Network("yana", populations, tuple(edges), TIMESTEP, provenance)


def _model(core: CoreImages, size: int, source: str) -> NeuronModel:
    if core.place == READOUT:
        return Integrator(size, np.int32)
    if not core.leak or not core.threshold:
        raise NetworkError(f"{source}: core {core.place}: expected a leak table and a threshold, got none")
    full = np.full(size, 1, np.int32)
    return LazyLIF(full * core.threshold, full * core.gain, np.array(core.leak, np.int32), GAIN_BITS, LEAK_BITS)


def _weights(
    core: CoreImages, target: CoreImages, sizes: dict[Place, int], source: str
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]] | None:
    """Return (n_target, n_source) weights between two cores, None where there is no route."""
    out = np.zeros((sizes[target.place], sizes[core.place]), np.int32)
    routed = False
    for number, own in core.routes.items():
        for route in own:
            if route.place == target.place:
                value = target.weights.get(route.weight, 0)
                if value == 0:
                    raise NetworkError(
                        f"{source}: core {core.place}: {number} has a route to weight {route.weight} of core "
                        f"{target.place}, which is zero or not there"
                    )
                out[route.neuron, number] = value
                routed = True
    return out if routed else None
