"""The figures: drawn for every size of chip, not blank, nothing clipped, and they show the numbers they claim."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from sample_result import sample_result

from accelsim.report.figures import FIGURES, draw
from accelsim.report.figures.style import styled
from accelsim.result.run_result import RunResult
from accelsim.result.table import Column, Table, table


def pixels(figure: Figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def texts(figure: Figure) -> list[str]:
    found = [item.get_text() for item in figure.findobj(mpl.text.Text)]
    return [text for text in found if text]


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (8, 8)])
@pytest.mark.parametrize("name", FIGURES)
def test_drawn_with_a_clean_margin(name: str, size: tuple[int, int]) -> None:
    with styled():
        image = pixels(draw(name, sample_result(*size)))
    assert image.std() > 5
    edge = np.concatenate([image[:3].ravel(), image[-3:].ravel(), image[:, :3].ravel(), image[:, -3:].ravel()])
    assert (edge == 255).all(), "something touches the edge of the figure"


def test_long_names_stay_inside() -> None:
    result = sample_result()
    name = "a_layer_with_a_name_that_no_figure_has_room_for_$x^2$_" * 3
    layers = renamed(result.layers, "layer", name)
    causes = renamed(result.causes, "cause", name)
    changed = replace(result, layers=layers, causes=causes, components=renamed(result.components, "component", name))
    for figure in ("energy", "latency", "firing_rate"):
        with styled():
            image = pixels(draw(figure, changed))
        assert (image[:, :3] == 255).all()
        assert (image[:, -3:] == 255).all()


def renamed(item: Table, column: str, name: str) -> Table:
    change = {column: np.array([f"{at}{name}" for at in range(len(item))])}
    return Table(item.name, tuple(replace(c, values=change.get(c.name, c.values)) for c in item.columns))


def test_energy_bars_are_the_components() -> None:
    result = sample_result()
    figure = draw("energy", result)
    top = figure.axes[0]
    widths = sorted(bar.get_width() for bar in top.patches)
    both = np.concatenate([result.components["dynamic_pj"], result.components["static_pj"]]) / 1e6
    np.testing.assert_allclose(widths, sorted(both))
    assert "uJ" in figure.axes[1].get_xlabel()
    assert "3.2x less energy" in top.get_title(loc="left")


def test_latency_bars_are_causes_and_layers() -> None:
    result = sample_result()
    top, bottom = draw("latency", result).axes
    np.testing.assert_allclose(sorted(bar.get_width() for bar in top.patches), sorted(result.causes["cycles"]))
    assert (
        sum(bar.get_width() for bar in bottom.patches)
        == result.layers["synapse_cycles"].sum() + result.layers["scan_cycles"].sum()
    )
    assert "synapse compute: 31 %" in top.get_title(loc="left")


@pytest.mark.parametrize(("size", "arrows"), [((1, 1), 0), ((4, 4), 48), ((8, 8), 224), ((3, 1), 4)])
def test_map_has_every_router_and_every_link(size: tuple[int, int], arrows: int) -> None:
    figure = draw("noc_load", sample_result(*size))
    axes = figure.axes[0]
    assert sum(isinstance(item, FancyArrowPatch) for item in axes.patches) == arrows
    assert sum(isinstance(item, Rectangle) for item in axes.patches) == size[0] * size[1]


def test_map_of_a_torus_points_the_right_way_and_tells_of_local_links() -> None:
    ends = np.array([(0, 0, 1, 0), (1, 0, 0, 0), (3, 0, 0, 0), (0, 3, 0, 0), (2, 2, 2, 2)])
    links = table(
        "links",
        *((key, "", "", ends[:, k]) for k, key in enumerate(("from_x", "from_y", "to_x", "to_y"))),
        ("flits", "", "", [10, 20, 30, 40, 50]),
        ("load", "", "", [0.1, 0.2, 0.3, 0.4, 0.5]),
    )
    figure = draw("noc_load", replace(sample_result(), links=links))
    shown = texts(figure)
    assert any("Busiest link (0,3) to (0,0): 0.4 flits per cycle" in text for text in shown)
    assert any("1 local links not drawn" in text for text in shown)
    arrows = [item for item in figure.axes[0].patches if isinstance(item, FancyArrowPatch)]
    assert len(arrows) == 4
    first = arrows[0]._posA_posB  # lowest load first: (0,0) to (1,0)
    assert first[0][0] < first[1][0]
    assert first[0][1] == first[1][1] != arrows[1]._posA_posB[0][1]


def test_empty_and_silent_results_are_drawn() -> None:
    result = sample_result(1, 1)
    silent: RunResult = replace(
        result,
        layers=Table(
            "layers",
            tuple(
                Column(c.name, c.unit, "", np.zeros_like(c.values)) if c.values.dtype.kind == "f" else c
                for c in result.layers.columns
            ),
        ),
    )
    empty = {
        name: Table(name, tuple(Column(c.name, c.unit, "", c.values[:0]) for c in item.columns))
        for name, item in result.tables().items()
        if not name.startswith("baseline")
    }
    for name in FIGURES:
        for each in (silent, replace(result, **empty)):
            with styled():
                pixels(draw(name, each))
    assert "No layer spikes" in texts(draw("firing_rate", silent))


def test_the_style_does_not_leak() -> None:
    before = dict(mpl.rcParams)
    with styled():
        draw("firing_rate", sample_result())
    assert dict(mpl.rcParams) == before


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(KeyError, match="there are energy"):
        draw("pie", sample_result())
