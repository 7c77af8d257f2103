"""Generated elastic chips: one step with everything that both engines need, from a seed."""

from typing import NamedTuple

import numpy as np
from timing_builders import Step, axon_tables, step_work

from accelsim.hardware.elastic_spec import DoneTreeSpec, ElasticSpec, SourceSynapsesSpec
from accelsim.hardware.topologies.mesh import Mesh
from accelsim.hardware.topologies.topology import build_fabric
from accelsim.timing.compiled.elastic import run_elastic_step as compiled_step
from accelsim.timing.compiled.elastic_queues import allocate_elastic
from accelsim.timing.elastic import ElasticTables
from accelsim.timing.elastic_netlist import elastic_tables
from accelsim.timing.records import ROUTER_COUNT, STEP, TERMINAL_COUNT
from accelsim.timing.reference.elastic_terminal import run_elastic_step as reference_step
from accelsim.timing.tables import AxonTables, StepWork


class Case(NamedTuple):
    tables: ElasticTables
    axons: AxonTables
    work: StepWork
    first: bool


def noc_spec(**changes) -> ElasticSpec:
    return ElasticSpec.model_validate({"skid_words": 2, "crossbar_grants": "one", "edge_skids": 1, **changes})


def core_spec(**changes) -> SourceSynapsesSpec:
    """Return a core whose only relay is at the origin and whose only readout is at (1, 1)."""
    known = {
        "fifo_words": 8, "sleep": {"idle_cycles": 5, "wake_cycles": 5}, "synapse_cycles": 4, "update_cycles": 8,
        "relays": [[0, 0]], "readouts": [[1, 1]],
    }  # fmt: skip
    return SourceSynapsesSpec.model_validate({**known, **changes})


def tree_spec(**changes) -> DoneTreeSpec:
    known = {"dwell_cycles": 2, "windup_cycles": 10, "restart_cycles": 2, "idle_steps": "skip"}
    return DoneTreeSpec.model_validate({**known, **changes})


def run(engine: str, case: Case) -> Step:
    tables = case.tables
    out = Step(
        np.zeros(len(tables.streams), TERMINAL_COUNT), np.zeros(tables.routers, ROUTER_COUNT),
        np.zeros((tables.routers, tables.ports), np.int64), np.zeros(1, STEP),
    )  # fmt: skip
    if engine == "reference":
        reference_step(tables, case.axons, case.work, *out, case.first)
    else:
        compiled_step(tables, case.axons, case.work, allocate_elastic(tables), *out, case.first)
    return out


def _bursts(generator, visits, fired) -> list[tuple[int, list[int]]]:
    """Return the scan of ``visits`` neurons of which ``fired`` fire, at random places."""
    places = sorted(generator.choice(visits, min(len(fired), visits), replace=False))
    ends = [int(place) + 1 for place in places]
    bursts = [(end - start, [neuron]) for start, end, neuron in zip([0, *ends], ends, fired, strict=False)]
    rest = visits - (ends[-1] if ends else 0)
    return [*bursts, (rest, [])] if rest else bursts


def random_case(seed: int) -> Case:
    """Return a step of a mesh of up to nine routers with random queues, pipelines, routes, events and spikes."""
    generator = np.random.default_rng(seed)

    def pick(*values):
        return values[generator.integers(len(values))]

    width, height = pick((2, 2), (2, 1), (1, 2), (3, 2), (2, 3), (3, 3))
    places = [(x, y) for y in range(height) for x in range(width)]
    shuffled = [places[at] for at in generator.permutation(len(places))]
    relays = shuffled[: 1 if len(places) < 4 else pick(1, 1, 2)]
    readouts = shuffled[len(relays) : len(relays) + int(generator.integers(0, 2))]
    rows = sorted(generator.choice(height, int(generator.integers(1, height + 1)), replace=False))
    interval = [pick(1, 1, 1, 2, 7) for _ in rows]
    core = core_spec(
        fifo_words=pick(1, 2, 3, 8), synapse_cycles=pick(1, 4, 9), update_cycles=pick(4, 8, 11),
        sleep={"idle_cycles": pick(0, 2, 5), "wake_cycles": pick(0, 5, 9)}, relays=relays, readouts=readouts,
    )  # fmt: skip
    noc = noc_spec(skid_words=pick(2, 2, 3), crossbar_grants=pick("one", "one", "per_output"), edge_skids=pick(0, 1, 3))
    fabric = build_fabric(Mesh((width, height)), [*range(len(places)), *(int(row) * width for row in rows)])
    tree = tree_spec(restart_cycles=pick(0, 2, 6))
    tables = elastic_tables(fabric, noc, core, tree, interval)
    sinks = [at for at, place in enumerate(places) if place not in relays]
    most = pick(1, 4, 12)
    costs = [{"terminal": sink, "cycles": pick(1, 1, 1, 3), "sops": 1} for sink in sinks for _ in range(2)]
    neurons = 24
    reaches = [generator.integers(0, len(costs), int(generator.integers(0, most + 1))).tolist() for _ in range(neurons)]
    bursts = []
    for place in places:
        visits = 0 if place in relays else int(generator.integers(0, 16))
        fires = 0 if place in readouts else int(generator.integers(0, visits + 1))
        bursts.append(_bursts(generator, visits, generator.integers(0, neurons, fires).tolist()) if visits else [])
    most_events = pick(0, 3, 30)
    bursts += [
        [(every, [int(generator.integers(neurons))]) for _ in range(int(generator.integers(0, most_events + 1)))]
        for every in interval
    ]
    return Case(tables, axon_tables(reaches, costs), step_work(bursts), bool(generator.integers(2)))
