"""The report of a run as one HTML file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from accelsim.report import baselines, comparison
from accelsim.report.format import ABSENT, count, percent, quantity, total, versus
from accelsim.report.html import charts
from accelsim.report.html.floor_plan import floor_plan
from accelsim.report.html.page import render, write_page
from accelsim.report.html.parts import (
    Cell,
    Code,
    Facts,
    Folded,
    Grid,
    Notes,
    Part,
    Section,
    grid_of,
    heading,
    words_cell,
)
from accelsim.result.run_result import RunResult

_LAYERS: Final = (
    ("layer", "layer"), ("neurons", "neurons"), ("cores", "cores"), ("spikes", "spikes"), ("firing_rate", "rate"),
    ("sops", "SOPs"), ("sops_issued", "SOPs issued"), ("packets", "packets"), ("updates", "updates"),
    ("scan_cycles", "scan cycles"), ("synapse_cycles", "synapse cycles"), ("bank_conflict_cycles", "conflict cycles"),
    ("energy_pj", "energy"),
)  # fmt: skip
_ARRAY_LAYERS: Final = (
    ("layer", "layer"), ("neurons", "neurons"), ("spikes", "spikes"), ("firing_rate", "rate"), ("sops", "SOPs"),
    ("sops_issued", "SOPs issued"), ("updates", "updates"), ("synapse_cycles", "element cycles"),
    ("dram_wait_cycles", "waiting for DRAM"), ("buffer_wait_cycles", "waiting for buffers"),
    ("scan_cycles", "update cycles"), ("energy_pj", "energy"),
)  # fmt: skip
_MAX_ROWS: Final = 500
"""Most cores of the page's table."""


def write_run_page(result: RunResult, path: Path) -> None:
    """Write the report of a run.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_page(run_page(result), path)


def run_page(result: RunResult) -> str:
    """Return the report of a run as HTML."""
    chip, workload = result.config.get("name", "?"), result.workload.get("name", "?")
    number = len(result.samples)
    facts = [f"{number} sample{'s' if number != 1 else ''}", f"{result.meta.get('engine', '?')} engine"]
    known = [key for key in ("timesteps", "encoding", "decoding") if key in result.workload]
    facts += [f"{key} {result.workload[key]}" for key in known]
    fairest = baselines.short(result)
    findings = [comparison.verdict(result).plain, *([fairest.plain] if fairest else [])]
    version = str(result.meta.get("version", "?"))
    return render(f"{workload} on {chip}", ", ".join(facts), findings, list(_sections(result)), version)


def _sections(result: RunResult) -> Iterator[Section]:
    yield Section("summary", "Summary", "", [_headlines(result), _comparison(result), _baselines(result)])
    yield Section("time", "Time", "Of one inference, mean over the samples.", [
        charts.time(result), *((charts.steps(result), charts.stalls(result)) if len(result.steps) else ()),
    ])  # fmt: skip
    yield Section("energy", "Energy", "Of one inference, mean over the samples; both machines on one scale.", [
        charts.energy(result), Folded("Energy by component", [grid_of(result.components, "SNN chip"),
                                                              grid_of(result.baseline.components, "ANN, MAC array")]),
    ])  # fmt: skip
    if len(result.cores):
        yield Section("chip", "Chip", "", [floor_plan(result), Folded("Every core", [_cores(result)])])
    columns = _LAYERS if len(result.cores) else _ARRAY_LAYERS
    yield Section("layers", "Layers", "Per inference; cycles are summed over the cores of a layer.", [
        charts.layer_shares(result), grid_of(result.layers, "Layers", columns),
    ])  # fmt: skip
    yield Section("activity", "Activity", "", [charts.rates(result), charts.raster(result)])
    confusions = charts.confusions(result)
    yield Section("samples-section", "Samples", "", [
        charts.samples(result), *([confusions] if confusions else []),
        Folded("Every sample", [_samples(result)]),
    ])  # fmt: skip
    if len(result.analytic):
        note = "Energy per inference by number of operations, as the literature counts it."
        yield Section("analytic", "Analytic models", note, [_analytic(result)])
    yield Section("configuration", "Configuration and sources", "", list(_sources(result)))
    yield Section("provenance", "Provenance", "", list(_provenance(result)))


def _samples(result: RunResult) -> Grid:
    hidden = () if len(result.cores) else ("packets", "flit_hops")
    columns = [(name, heading(name)) for name in result.samples.names if name not in hidden]
    return grid_of(result.samples, "Samples", columns)


def _headlines(result: RunResult) -> Facts:
    names = (
        ("energy per inference", "energy_per_inference"), ("latency", "latency"),
        ("energy-delay product", "energy_delay"), ("power", "power"), ("energy per SOP", "energy_per_sop"),
        ("accuracy", "accuracy"), ("SOPs", "sops"),
        ("spikes", "spikes"), ("packets", "packets"), ("cores used", "cores_used"), ("cores", "cores_total"),
    )  # fmt: skip
    shown = [(name, total(result.totals, key)) for name, key in names if key in result.totals and key != "accuracy"]
    if "accuracy" in result.totals:
        shown.insert(4, ("accuracy", percent(result.totals["accuracy"].value)))
    if "area" in result.totals:
        shown.append(("area", f"{result.totals['area'].value:.3g} mm2"))
    return Facts(shown)


def _comparison(result: RunResult) -> Grid:
    marks = {True: "good", False: "bad", None: ""}
    rows = [
        [words_cell(row.name), words_cell(row.snn), words_cell(row.ann), words_cell(row.verdict, marks[row.wins])]
        for row in comparison.rows(result)
    ]
    columns = [("", False, ""), ("SNN", True, ""), ("ANN", True, ""), ("SNN against ANN", False, "")]
    caption = f"SNN and ANN. ANN: {result.baseline.name}; activations: {result.baseline.activations}"
    return Grid(caption, columns, rows, sortable=False)


def _baselines(result: RunResult) -> Folded:
    table = grid_of(result.baseline.variants, "Baselines: operand widths and treatment of zeros")
    return Folded("Which ANN, which array", [table, Notes([f"{result.baseline.reason}."])])


def _cores(result: RunResult) -> Grid:
    table = result.cores
    grid = grid_of(table, "Cores")
    if len(table) <= _MAX_ROWS:
        return grid
    kept = np.argsort(-table["energy_pj"], kind="stable")[:_MAX_ROWS]
    caption = f"The {_MAX_ROWS} of {len(table)} cores with the most energy"
    return Grid(caption, grid.columns, [grid.rows[at] for at in kept])


def _analytic(result: RunResult) -> Grid:
    simulated = result.totals["energy_per_inference"].value if "energy_per_inference" in result.totals else float("nan")
    rows = []
    for row in result.analytic.rows():
        share = row["snn_pj"] / simulated if simulated > 0 else float("nan")
        rows.append([
            words_cell(row["model"]), Cell(quantity(row["snn_pj"], "pJ"), row["snn_pj"]),
            Cell(quantity(row["ann_pj"], "pJ"), row["ann_pj"]),
            Cell(percent(share, 0) if simulated > 0 else ABSENT, share if simulated > 0 else ""),
            words_cell(str(row.get("verdict", "")) or versus(row["snn_pj"], row["ann_pj"])), words_cell(row["source"]),
        ])  # fmt: skip
    columns = [("model", False, ""), ("SNN", True, ""), ("ANN", True, ""), ("of simulated SNN", True, ""),
               ("SNN against ANN", False, ""), ("source", False, "")]  # fmt: skip
    return Grid("Analytic models", columns, rows)


def _sources(result: RunResult) -> Iterator[Part]:
    prices = grid_of(result.prices, "Prices: how often, what one costs, and where that comes from")
    yield Folded(f"{len(result.prices)} prices of actions and of leakage, with their sources", [prices])
    values = grid_of(result.parameters, "The resolved hardware description")
    yield Folded(f"All {len(result.parameters)} parameters of the chip, with file and line", [values])


def _provenance(result: RunResult) -> Iterator[Part]:
    assumed = result.workload.get("assumptions", [])
    notes = [*result.warnings, *(assumed if isinstance(assumed, list | tuple) else [])]
    if notes:
        yield Notes([str(note) for note in notes])
    if result.meta.get("command"):
        yield Code(str(result.meta["command"]))
    facts: list[tuple[str, Any]] = [("accelsim", result.meta.get("version", "?"))]
    facts += [(key, result.meta[key]) for key in ("seed", "threads", "wall_time_s") if key in result.meta]
    facts += _items(result.meta.get("versions"))
    facts += [(f"sha256 of {name}", value) for name, value in _items(result.meta.get("hashes"))]
    facts += [(name, count(value) if isinstance(value, int) else value) for name, value in _plain(result.workload)]
    yield Facts([(str(name).replace("_", " "), str(value)) for name, value in facts])


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _plain(workload: dict[str, Any]) -> Sequence[tuple[str, Any]]:
    known = (str, int, float)
    return [(name, value) for name, value in workload.items() if isinstance(value, known) and value != ""]
