"""How busy the engines of every used core were, and how full its memories are."""

import numpy as np
from matplotlib.figure import Figure

from accelsim.report.figures.style import label, legend, new_figure, title
from accelsim.report.format import percent
from accelsim.report.palette import PALETTE
from accelsim.result.run_result import RunResult

_MAX_LABELS = 40


def draw(result: RunResult) -> Figure:
    """Draw the engines' busy fraction and the memories' filled fraction of the used cores, busiest first."""
    table = result.cores
    used = np.flatnonzero(table["neurons"] > 0)
    used = used[np.argsort(-table["synapse_utilisation"][used], kind="stable")]
    engines = [name for name in table.names if name.endswith("_utilisation")]
    memories = [name for name in table.names if name.endswith("_occupation")]
    figure = new_figure(min(14.0, max(7.0, 3.0 + 0.42 * len(used))), 3.6 if not memories else 6.2)
    every = figure.subplots(2 if memories else 1, 1, sharex=True, squeeze=False)[:, 0]
    at = np.arange(len(used))
    for axes, names, suffix, text in zip(
        every, (engines, memories), ("_utilisation", "_occupation"), ("busy [% of time]", "filled [%]"), strict=False
    ):
        width = 0.8 / max(1, len(names))
        for k, name in enumerate(names):
            colour = PALETTE[(k + (len(engines) if suffix == "_occupation" else 0)) % len(PALETTE)]
            offset = at + (k - (len(names) - 1) / 2) * width
            axes.bar(offset, 100 * table[name][used], width, color=colour, label=label(name.removesuffix(suffix)))
        axes.set_ylim(0, 100)
        axes.set_ylabel(text)
        axes.grid(axis="y")
        legend(axes)
    step = max(1, -(-len(used) // _MAX_LABELS))
    every[-1].set_xticks(
        at[::step], [f"{table['core'][k]}" for k in used[::step]], rotation=0 if len(used) <= 30 else 90
    )
    every[-1].set_xlabel("core number, busiest synapse engine first")
    every[0].set_xlim(-0.7, max(len(used), 4) - 0.3)
    mean = float(np.mean(table["synapse_utilisation"][used])) if len(used) else 0.0
    finding = f"The synapse engines are busy {percent(mean, 0)} of the time on average"
    title(every[0], finding, f"{len(used)} of {len(table)} cores used")
    return figure
