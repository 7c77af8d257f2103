"""The page of a study: Markdown with tables and figures, made from the result files of a recipe alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from accelsim.report.figures.style import DPI, legend, new_figure, styled
from accelsim.report.files import prepare_folder
from accelsim.report.palette import PALETTE
from accelsim.training.bench import Bench
from accelsim.training.cells import told
from accelsim.training.judge import COMPARED
from accelsim.training.recipe import RECIPES, Figure, Section, parameters_of
from accelsim.training.recipe_spec import changed, command_of, read_recipe

_HOW = """Energies, latencies, synaptic operations and op counts are means of the first {timed} test samples; where
accelsim agrees to 100 %, it predicts the first {compared} as torch does.
"""
_MARKERS = "osD^vP*Xh<>d"


def write_page(name: str, bench: Bench, folder: Path) -> Path:
    """Write ``NAME.md`` and its figures.

    Parameters
    ----------
    name : str
        Of the recipe.
    bench : Bench
        With its results.
    folder : Path
        Figures go to ``images/`` in it. What stands above the tables (the paper's claim beside ours, what differs and
        why) is the Markdown file beside the recipe's YAML: words are written by hand, numbers are not.

    Returns
    -------
    Path
        The page.
    """
    recipe = RECIPES.get(name)
    entries = changed(bench.spec, read_recipe(recipe.spec, parameters_of(name)))
    images = folder / "images"
    prepare_folder(images)
    parts = [f"# {recipe.title}\n\n{recipe.paper}. Data: {bench.data.source}.\n", _HOW.format(
        timed=bench.spec.samples, compared=max(bench.spec.samples, COMPARED))]  # fmt: skip
    words = parameters_of(name).with_suffix(".md")
    if words.is_file():
        if any(not entry.startswith("threads=") for entry in entries):
            parts.append("**Numbers in these words** are those of the study with its own parameters, not this run's.\n")
        parts.append(words.read_text(encoding="utf-8").strip() + "\n")
    parts += [_section(section, name, images) for section in recipe.page(bench)]
    made_by = command_of(name, entries, " --data DIR --out DIR --page docs/studies")
    parts.append(f"Made by `{made_by}`; parameters: `accelsim/training/recipes/{parameters_of(name).name}`.\n")
    page = folder / f"{name}.md"
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def _section(section: Section, name: str, images: Path) -> str:
    lines = [f"## {section.title}\n"]
    if section.text:
        lines.append(section.text + "\n")
    if section.columns:
        lines.append("| " + " | ".join(heading for _, heading, _ in section.columns) + " |")
        lines.append("| " + " | ".join("---" for _ in section.columns) + " |")
        for row in section.rows:
            cells = (told(row, key, unit) for key, _, unit in section.columns)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    for figure in section.figures:
        file = images / f"{name}_{figure.name}.png"
        draw(figure, file)
        lines.append(f"![{figure.title}](images/{file.name})\n")
    return "\n".join(lines)


def draw(figure: Figure, file: Path) -> None:
    """Draw a figure."""
    with styled():
        made = new_figure(7.2, 4.2)
        axes = made.add_subplot()
        for at, (label, points) in enumerate(figure.series):
            ordered = sorted(points)
            front = label == "front"
            style: dict[str, Any] = {"color": "#333333" if front else PALETTE[at % len(PALETTE)], "label": label}
            style |= {"linestyle": "-" if figure.lines or front else "none", "linewidth": 1.2}
            style |= {"marker": "" if front else _MARKERS[at % len(_MARKERS)], "markersize": 5}
            axes.plot([x for x, _ in ordered], [y for _, y in ordered], **style)
        for log, axis, scale in (
            (figure.log_x, axes.xaxis, axes.set_xscale), (figure.log_y, axes.yaxis, axes.set_yscale),
        ):  # fmt: skip
            if log:
                scale("log")
                axis.set_major_locator(LogLocator(10.0, subs=(1.0, 2.0, 3.0, 5.0), numticks=7))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
                axis.set_minor_formatter(NullFormatter())
        shown = [(x, y) for _, points in figure.series for x, y in points if y >= (figure.floor or 0.0)]
        if figure.floor is not None and shown:
            most = max(y for _, y in shown)
            axes.set_xlim(0.9 * min(shown)[0], 1.1 * max(shown)[0])
            axes.set_ylim(figure.floor, most + 0.05 * (most - figure.floor))
        if figure.ticks:
            axes.set_xticks(range(1, len(figure.ticks) + 1), figure.ticks)
        axes.set_xlabel(figure.x)
        axes.set_ylabel(figure.y)
        axes.set_title(figure.title)
        axes.grid(visible=True, axis="y")
        legend(axes)
        made.savefig(file, dpi=DPI)
