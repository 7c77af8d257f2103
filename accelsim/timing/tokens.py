"""Tokens: how terminals keep step where no barrier does it.

A terminal that has finished its part of a step sends a token to each of its neighbours. Rules: docs/timing-model.md,
section 5. For both engines a token is a packet: behind the neurons of a step the neuron engine writes back a *marker*,
a neuron whose axons are the tokens. On routers that fork a token is a packet for one terminal: every target is told
another number of packets. It names its terminal, so that no router reads a table for it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from accelsim.errors import ConfigError
from accelsim.hardware.spec import ChipSpec
from accelsim.hardware.topologies.topology import Fabric
from accelsim.mapping.axons import AXON, COST
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.synapses import packet_flits
from accelsim.mapping.trees import Trees, build_trees, joined
from accelsim.timing.records import STATUS_DEADLOCK, STATUS_DONE
from accelsim.timing.tables import ANNOUNCES, FREES, PORT_FREES, TAG, AxonTables, TokenTables


def token_tables(axons: AxonTables, chip: ChipSpec, mapping: Mapping) -> tuple[AxonTables, TokenTables]:
    """Return the axons with those of the markers, and who waits for whom.

    Raises
    ------
    ConfigError
        If a mapping has more costs than loads can hold.
    """
    if len(axons.costs) + PORT_FREES + 3 > 1 << TAG:
        raise ConfigError(f"synchronization: dependency: expected fewer than {1 << TAG} different axons")
    terminals = mapping.fabric.terminals
    source = np.repeat(mapping.home(), np.diff(axons.ptr))
    pairs = np.unique(source * terminals + axons.axon["terminal"])
    flits = packet_flits(chip, mapping.layout, 0)
    is_core = np.arange(terminals) < mapping.cores
    drain = int(mapping.layout.each(lambda core: core.pipeline_drain).max())
    return with_tokens(axons, pairs, is_core, flits, chip.core.accumulator_slots, drain)


def with_tokens(
    axons: AxonTables, pairs: npt.NDArray[np.int64], is_core: npt.NDArray[np.bool_], flits: int, slots: int, drain: int
) -> tuple[AxonTables, TokenTables]:
    """Add markers and their tokens to axons.

    Parameters
    ----------
    axons : AxonTables
    pairs : (n,) int64
        Terminals that send packets to one another, source * terminals + target.
    is_core : (terminals,) bool
        Whether a terminal has accumulators, which its sources must not write too early; ports have queues alone.
    flits, slots, drain : int
        Of a token; see :class:`TokenTables`.
    """
    terminals = len(is_core)
    source, target = np.divmod(pairs, terminals)
    back = target * terminals + source
    both, where = np.unique(np.concatenate([pairs, back]), return_inverse=True)
    kind = np.zeros(len(both), np.int64)
    said = np.concatenate([np.full(len(pairs), ANNOUNCES), np.where(is_core[target], FREES, PORT_FREES)])
    np.bitwise_or.at(kind, where, said)
    sender = both // terminals
    own = np.zeros(len(both), AXON)
    own["terminal"], own["cost"] = both % terminals, len(axons.costs) + kind - 1
    costs = np.zeros(PORT_FREES + 3, COST)
    costs["flits"], costs["cycles"], costs["lookup"] = flits, 1, 1
    ends = axons.ptr[-1] + np.cumsum(np.bincount(sender, minlength=terminals))
    neurons = len(axons.ptr) - 1
    marker = np.where(np.bincount(sender, minlength=terminals) > 0, neurons + np.arange(terminals), -1)
    tables = AxonTables(
        np.concatenate([axons.ptr, ends]),
        np.concatenate([axons.axon, own]),
        np.concatenate([axons.costs, costs]),
        axons.root,
        len(axons.costs),
    )
    return tables, TokenTables(
        marker.astype(np.int32),
        np.bincount(target, minlength=terminals).astype(np.int32),
        np.bincount(source[is_core[target]], minlength=terminals).astype(np.int32),
        np.bincount(source[~is_core[target]], minlength=terminals).astype(np.int32),
        slots,
        drain,
    )


def token_trees(axons: AxonTables, trees: Trees, fabric: Fabric) -> tuple[AxonTables, Trees]:
    """Return the axons with the nodes at which tokens start, and the trees with their routes: those of unicast packets.

    Parameters
    ----------
    axons : AxonTables
        With tokens; ``root`` is that of the axons before them.
    trees : Trees
    fabric : Fabric

    Raises
    ------
    ConfigError
        If there are more axons than loads can hold.
    """
    if len(axons.axon) > 1 << TAG:
        raise ConfigError(f"synchronization: dependency: expected at most {1 << TAG} axons, got {len(axons.axon)}")
    own = slice(len(axons.root), None)
    source = np.repeat(np.arange(len(axons.ptr) - 1), np.diff(axons.ptr))[own]
    sender = source - (len(axons.ptr) - 1 - fabric.terminals)
    cost = axons.axon["cost"][own]
    routes = build_trees(
        fabric, sender, np.arange(len(sender) + 1), axons.axon["terminal"][own], axons.costs["flits"][cost]
    )
    routes.nodes["reads"] = 0
    every = joined(trees, routes)
    return axons._replace(root=np.concatenate([axons.root, every.root[len(trees.root) :]])), every


def summarise(axons: AxonTables, count: npt.NDArray[Any], steps: npt.NDArray[Any]) -> None:
    """Write the summary of the steps of a sample from the counts of its terminals.

    Parameters
    ----------
    axons : AxonTables
        With tokens.
    count : (steps, terminals) TERMINAL_COUNT
    steps : (steps,) STEP
        Written.
    """
    steps["end"] = np.max([count[name].max(axis=1) for name in ("scan_end", "source_end", "row_end")], axis=0)
    steps["injected"], steps["delivered"] = count["packets_out"].sum(axis=1), count["packets_in"].sum(axis=1)
    everybody = np.count_nonzero(axons.axon["cost"] >= axons.tokens)
    told = count["tokens_in"].sum(axis=1) == everybody
    processed = steps["delivered"] == count["destinations"].sum(axis=1)
    steps["status"] = np.where(told & processed, STATUS_DONE, STATUS_DEADLOCK)
