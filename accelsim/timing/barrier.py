"""What the barrier of a mapped chip takes, and how far apart steps begin.

Modelled: stated cycles; a tree along the topology, a register per hop; messages over the network itself, which are
simulated once, as every step begins and ends with an idle network. Not modelled: cores that report before the step has
ended everywhere and report again when a packet reaches them; the messages of a barrier leave when nothing else is left.
"""

import math
from typing import NamedTuple

import numpy as np

from accelsim.errors import DeadlockError
from accelsim.hardware.spec import ChipSpec
from accelsim.mapping.axons import AXON, COST
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.synapses import packet_flits
from accelsim.timing.engine import Chunk, Engine, empty_chunk
from accelsim.timing.machine import Machine
from accelsim.timing.records import STATUS_DONE
from accelsim.timing.tables import AxonTables, NocTables
from accelsim.timing.work import ENGINE, PART, POPULATION, SLOT, WorkTables


class Barrier(NamedTuple):
    """Cycles of every barrier, and what its messages count, where it has any: two jobs, ``done`` and ``go``."""

    cycles: int
    messages: Chunk | None


def barrier_of(machine: Machine, chip: ChipSpec, mapping: Mapping, run: Engine) -> Barrier:
    """Return the barrier between two steps.

    Raises
    ------
    DeadlockError
        If its messages cannot all arrive.
    """
    spec = chip.barrier
    if chip.synchronization == "dependency" or spec.kind == "ideal":
        return Barrier(0, None)
    if spec.kind == "tree":
        return Barrier(_tree_cycles(chip, mapping), None)
    if spec.kind == "message":
        return _message_barrier(machine, chip, mapping, run)
    return Barrier(stated_cycles(chip, mapping), None)


def stated_cycles(chip: ChipSpec, mapping: Mapping) -> int:
    """Return the cycles that are stated, which may depend on the routers with cores in use."""
    return chip.barrier.cycles_of(len({int(mapping.fabric.terminal_router[core]) for core in mapping.used_cores}))


def drain_cycles(mapping: Mapping) -> int:
    """Return the cycles in which the pipelines of all cores drain: those of the slowest kind."""
    return int(mapping.layout.each(lambda core: core.pipeline_drain).max())


def tick_cycles(chip: ChipSpec) -> int:
    """Return the cycles from the start of a step to that of the next at least, 0 without a tick."""
    return 0 if chip.tick == "asap" else math.ceil(round(chip.tick * chip.clock, 6))


def _tree_cycles(chip: ChipSpec, mapping: Mapping) -> int:
    spec, topology = chip.barrier, mapping.fabric.topology
    routers = np.arange(topology.routers)
    depth = int(topology.hops(routers, np.full(len(routers), topology.router_at(spec.root or ()))).max())
    return 2 * depth * (spec.hop_cycles or 0) + (spec.settle_cycles or 0)


def _message_barrier(machine: Machine, chip: ChipSpec, mapping: Mapping, run: Engine) -> Barrier:
    members = [*mapping.used_cores, *range(mapping.cores, mapping.fabric.terminals)]
    root = _root_terminal(chip, mapping)
    others = [terminal for terminal in members if terminal != root]
    messages = _message_machine(machine, others, root, packet_flits(chip, mapping.layout, 0))
    chunk = empty_chunk(messages, 0, 2)
    run(messages, chunk)
    if (chunk.steps["status"] != STATUS_DONE).any():
        raise DeadlockError("the messages of the barrier cannot all arrive")
    return Barrier(int(chunk.steps["end"].sum()), chunk)


def _root_terminal(chip: ChipSpec, mapping: Mapping) -> int:
    """Return the terminal at the root: a core in use, else a port, else any core."""
    router = mapping.fabric.topology.router_at(chip.barrier.root or ())
    there = np.flatnonzero(mapping.fabric.terminal_router == router).tolist()
    used = [terminal for terminal in there if terminal in mapping.occupation or terminal >= mapping.cores]
    return int((used or there)[0])


def _message_machine(machine: Machine, others: list[int], root: int, flits: int) -> Machine:
    """Return a machine of two steps: everybody sends a message to the root, then the root one to everybody.

    A message is an event of its terminal and counts as a token.
    """
    size, terminals = len(others), len(machine.noc.terminals)
    axon, costs = np.zeros(2 * size, AXON), np.zeros(1, COST)
    axon["terminal"] = [root] * size + others
    costs["flits"], costs["cycles"], costs["lookup"] = flits, 1, 1
    ptr = np.append(np.arange(size + 1), 2 * size).astype(np.int64)
    parts, owners = np.zeros(size + 1, PART), np.array([*others, root])
    parts["low"], parts["high"], parts["event_cycles"] = np.arange(size + 1), np.arange(1, size + 2), 1
    order = np.argsort(owners, kind="stable")
    population = np.zeros(1, POPULATION)
    population["fired_base"] = -1
    nothing = np.zeros(0, np.int32)
    work = WorkTables(
        timesteps=2, steps=2, engines=np.ones(terminals, ENGINE),
        part_ptr=np.searchsorted(owners[order], np.arange(terminals + 1)).astype(np.int64),
        parts=parts[order],
        slots=np.zeros(0, SLOT),
        neurons=np.zeros(0, np.uint32),
        group_cycles=nothing,
        populations=population,
        spike_ptr=np.array([0, size, size + (size > 0)], np.int64),
        spike_index=np.arange(size + (size > 0), dtype=np.int32),
        spike_count=np.zeros(0, np.uint16),
        visit=np.zeros(0, np.uint8),
    )  # fmt: skip
    noc = machine.noc
    if isinstance(noc, NocTables):  # messages go to one terminal each, on chips that fork too
        noc = noc._replace(nodes=noc.nodes[:0], branches=noc.branches[:0])
    return Machine(noc, AxonTables(ptr, axon, costs, tokens=0), work, 1, 1)
