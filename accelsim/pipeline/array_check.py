"""Does a workload run on a layer-serial array, and what fits where? Shapes and storage alone, no activity.

Cycles and utilisation are those of the dataflow for a layer in which every tap is met by a spike in every timestep: a
bound that shows how well the layer's shape fills the elements, not what a run will take. Spikes are stored as if all
neurons fired.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from accelsim.errors import ConfigError, MappingError
from accelsim.hardware.array_spec import PeArraySpec
from accelsim.hardware.loader import LoadedArray
from accelsim.network.graph import Network, Projection
from accelsim.network.workload import load_workload
from accelsim.pearray.dataflow import Dataflow, ceil_div
from accelsim.pearray.layer import MAX_ENTRIES, ArrayLayer, shape_of
from accelsim.pearray.machine import build_dataflow
from accelsim.pearray.simulate import require_runnable
from accelsim.pearray.storage import stored_spikes, stored_weights
from accelsim.result.fit import ArrayFit
from accelsim.result.table import Table, table

_COLUMNS = (
    ("layer", "", "Projection"),
    ("kind", "", "dense or conv"),
    ("positions", "", "Output positions over all timesteps: rows of the product"),
    ("window", "", "Taps of a position"),
    ("filters", "", "Columns of the product, all groups"),
    ("tiles", "", "Tiles of filters: how often the layer's spikes pass"),
    ("cycles", "cycle", "Of the elements, if every tap had a spike"),
    ("utilisation", "", "Additions over cycles x elements then"),
    ("weight_bits", "bit", "Stored weights of the layer"),
    ("tile_bits", "bit", "Of them those of a tile of filters"),
    ("weights_in", "", "Where they wait: a buffer, or DRAM"),
    ("spike_bits", "bit", "Spikes in and out that have to lie in their buffer together, if all neurons fired"),
    ("spikes_fit", "", "Whether they do"),
    ("state_bits", "bit", "Membranes that have to lie in the buffer of sums; 0 if the dataflow takes all timesteps"),
    ("states_fit", "", "Whether they do"),
)


def check_array(machine: LoadedArray, workload: str | Path, workload_overrides: Sequence[str] = ()) -> ArrayFit:
    """Hold a workload against an array.

    Raises
    ------
    AccelsimError
        If array or workload are wrong in themselves; what cannot run is ``ArrayFit.problem``.
    """
    spec, dataflow = machine.spec, build_dataflow(machine)
    load = load_workload(workload, 1, workload_overrides, without_input=True)
    network, timesteps = load.network, load.events.timesteps
    problem, rows = "", list[tuple[Any, ...]]()
    try:
        _require_integers(network)
        require_runnable(spec, network, load.events)
        rows = [_row(spec, dataflow, network, edge, timesteps) for edge in network.projections]
    except (ConfigError, MappingError) as error:
        problem = str(error)
    meta = {
        "machine": spec.name,
        "workload": load.name,
        "elements": f"{spec.elements.rows}x{spec.elements.columns}",
        "dataflow": spec.elements.dataflow,
        "order": spec.order,
        "timesteps": timesteps,
        "activations": spec.storage.activations,
    }
    return ArrayFit(meta, problem, _buffers(spec), _layers(rows))


def _require_integers(network: Network) -> None:
    if not network.integer:
        raise MappingError("an array computes in integers: quantise the network (network.quantize)")


def _row(spec: PeArraySpec, dataflow: Dataflow, network: Network, edge: Projection, timesteps: int) -> tuple[Any, ...]:
    shape = shape_of(edge.name, edge.connection, timesteps)
    size = (shape.groups, timesteps, shape.pixels, shape.window)
    if int(np.prod(size)) > MAX_ENTRIES:
        raise MappingError(f"{edge.name}: {int(np.prod(size))} entries of spikes, the limit is {MAX_ENTRIES}")
    nonzero = (edge.connection.rows != 0).reshape(shape.groups, shape.window, shape.filters)
    work = dataflow.work(ArrayLayer(shape, np.ones(size, np.uint8), nonzero))
    weights = stored_weights(nonzero, edge.connection.bits, spec.formats).size.bits
    tile = ceil_div(weights, work.input_passes)
    name, storage = spec.storage.weights, spec.storage
    held = name if name is not None and tile <= storage.buffers[name].capacity else "DRAM, every pass"
    steps = timesteps if spec.order == "timestep" else 1
    sides = {edge.source, edge.target}
    full = [np.ones((timesteps, network.populations[each].size), np.int64) for each in sides]
    spikes = ceil_div(sum(stored_spikes(each, spec.formats).bits for each in full), steps)
    waiting = network.neurons if spec.order == "timestep" else network.populations[edge.target].size
    states = 0 if dataflow.whole_layer else waiting * spec.neurons.state_bits
    return (
        edge.name, shape.kind, shape.positions, shape.window, shape.filters * shape.groups, work.input_passes,
        work.cycles, work.additions / max(1, work.cycles * spec.elements.size), weights, tile, held,
        spikes, spikes <= storage.buffers[storage.inputs].capacity,
        states, states <= storage.buffers[storage.sums].capacity,
    )  # fmt: skip


def _layers(rows: list[tuple[Any, ...]]) -> Table:
    columns = zip(*rows, strict=True) if rows else ([] for _ in _COLUMNS)
    return table("layers", *((*head, list(values)) for head, values in zip(_COLUMNS, columns, strict=True)))


def _buffers(spec: PeArraySpec) -> Table:
    storage = spec.storage
    roles = {"spikes": storage.inputs, "sums and membranes": storage.sums, "weights": storage.weights}
    return table(
        "buffers",
        ("buffer", "", "Name", list(storage.buffers)),
        ("capacity", "bit", "Capacity", [memory.capacity for memory in storage.buffers.values()]),
        ("holds", "", "What lies in it",
         [", ".join(role for role, place in roles.items() if place == name) for name in storage.buffers]),
    )  # fmt: skip
