"""The HTML report: complete in itself, harmless whatever a workload is called, drawn and usable in a browser."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from pipeline_builders import run_flow
from repository_files import ROOT
from sample_result import sample_result
from typer.testing import CliRunner

from accelsim.cli.app import build
from accelsim.errors import OutputError
from accelsim.report.files import write_result
from accelsim.report.html.page import render
from accelsim.report.html.parts import Notes, Section, finite
from accelsim.report.html.run_page import run_page, write_run_page
from accelsim.result.table import Table

EVIL = "<script>alert(1)</script>"
MAX_BYTES = 6e6
CHARTS = {
    "time-by-cause", "steps", "stalls", "energy-by-part", "floor-plan", "layer-shares", "rates", "raster", "samples",
    "confusion",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects ids, references to them, addresses, scripts and event handlers of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.tables: list[dict[str, int]] = []
        self.policy, self._in_script, self.text = "", False, []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        if "id" in own:
            self.ids.append(own["id"])
        for name in ("for", "aria-labelledby", "aria-describedby", "data-for", "data-chart"):
            self.references.update((own.get(name) or "").split())
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            if name in own:
                self.addresses.append(own[name])
        self.handlers += [name for name in own if name.startswith("on")]
        if own.get("http-equiv") == "Content-Security-Policy":
            self.policy = own["content"]
        if tag == "script":
            self._in_script = own.get("type") != "application/json"
            if self._in_script:
                self.scripts.append("")
        if tag == "table":
            self.tables.append({"caption": 0, "scope": 0})
        if tag == "caption":
            self.tables[-1]["caption"] += 1
        if tag == "th":
            self.tables[-1]["scope"] += own.get("scope") in {"row", "col"}
            assert own.get("scope") in {"row", "col"}

    def handle_endtag(self, tag):
        if tag == "script":
            self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.text.append(data)


def check(page: str) -> Reader:
    """Check what every page must be."""
    read = Reader(page)
    assert len(read.ids) == len(set(read.ids)), "an id repeats"
    assert read.references <= set(read.ids)
    inner = [address for address in read.addresses if address.startswith("#")]
    assert {address[1:] for address in inner} <= set(read.ids)
    assert set(read.addresses) - set(inner) == {"data:,"}
    assert not read.handlers
    allowed = set(re.findall(r"'sha256-([^']+)'", read.policy))
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in read.scripts}
    assert digests == allowed
    assert "unsafe-eval" not in read.policy
    assert "default-src 'none'" in read.policy
    assert not [table for table in read.tables if table["caption"] != 1]
    assert "NaN" not in "".join(re.findall(r"<script type=\"application/json\"[^>]*>(.*?)</script>", page, re.DOTALL))
    assert len(page.encode()) < MAX_BYTES
    return read


def without_rows(table: Table) -> Table:
    return Table(table.name, tuple(replace(column, values=column.values[:0]) for column in table.columns))


@pytest.mark.parametrize(
    ("width", "height", "samples", "labelled"), [(4, 4, 16, True), (1, 1, 1, False), (20, 30, 3, True)]
)
def test_pages_of_any_size(width, height, samples, labelled):
    read = check(run_page(sample_result(width, height, samples, labelled)))
    assert CHARTS - set(read.ids) == (set() if labelled else {"confusion"})
    text = " ".join(read.text)
    assert "CACTI 7" in text
    assert "--set noc.topology=mesh" in text
    assert "Lemaire et al." in text


def test_a_result_with_empty_tables():
    result = sample_result()
    names = ("links", "raster", "prices", "parameters", "analytic")
    check(run_page(replace(result, **{name: without_rows(getattr(result, name)) for name in names})))


def evil_result():
    """Return a result whose every text is a script."""
    result = sample_result(name=EVIL)

    def renamed(table: Table) -> Table:
        first = replace(table.columns[0], values=np.array([f"{EVIL}{name}" for name in table.columns[0].values]))
        return Table(table.name, (first, *table.columns[1:]))

    config = {**result.config, "name": f'"\'{EVIL}'}
    meta = {**result.meta, "command": f"{EVIL}</code>", "versions": {EVIL: EVIL}}
    return replace(
        result, layers=renamed(result.layers), raster=renamed(result.raster), activity=renamed(result.activity),
        components=renamed(result.components), config=config, meta=meta,
        warnings=[EVIL, "<img src=x onerror=alert(1)>"],
    )  # fmt: skip


def test_names_are_text():
    page = run_page(evil_result())
    read = check(page)
    assert EVIL in "".join(read.text)
    assert EVIL not in page
    assert "<img" not in page.replace("".join(read.scripts), "")


def test_finite():
    assert finite({"a": [1.0, float("nan"), (float("inf"), "NaN", 2)]}) == {"a": [1.0, None, [None, "NaN", 2]]}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast():
    style = (ROOT / "accelsim" / "report" / "html" / "templates" / "page.css").read_text()
    light, dark = (dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", block)) for block in style.split("@media")[:2])
    for scheme in (light, {**light, **dark}):
        for name in ("text", "dim", "accent", "good", "bad"):
            for behind in ("back", "panel"):
                one, two = sorted((luminance(scheme[name]), luminance(scheme[behind])))
                assert (two + 0.05) / (one + 0.05) >= 4.5, (name, behind)


def test_command(tmp_path):
    write_result(sample_result(), tmp_path / "run", figures=False)
    out = tmp_path / "deep" / "report.html"
    done = CliRunner().invoke(build(), ["report", str(tmp_path / "run"), "--html", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == f"Report: {out}"
    check(out.read_text(encoding="utf-8"))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write a report"):
        write_run_page(sample_result(), tmp_path / "file" / "report.html")


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Path:
    """Return the report of a real run."""
    path = tmp_path_factory.mktemp("html") / "run.html"
    write_run_page(run_flow("mnist_conv", samples=2, cache=True)[0], path)
    return path


def drawn(browser: Browser) -> dict[str, int]:
    """Return the marks (bars, points, lines, cells) in every figure."""
    return browser.run(
        "Object.fromEntries([...document.querySelectorAll('.plot')].map(plot => [plot.id, plot.querySelectorAll("
        "'.point, .js-line, .heatmaplayer image, .fills path').length]))"
    )


def quiet(browser: Browser) -> None:
    assert browser.complaints == []
    assert browser.requests == []


def test_a_browser_draws_every_figure(browser, real):
    browser.open(real)
    marks = drawn(browser)
    assert set(marks) == CHARTS
    assert all(marks.values()), marks
    assert "SNN takes" in browser.run("document.querySelector('.finding').textContent")
    quiet(browser)


@pytest.mark.parametrize(("width", "media"), [(400, ""), (720, "print")])
def test_nothing_is_cut_off(browser, real, width, media):
    assert browser.excess(real, width, media) <= 0


def test_the_floor_plan_changes_by_keyboard(browser, real):
    browser.open(real)
    colours = "accelsim.figures.get('floor-plan').data.find(trace => trace.name === 'cores').marker.color"
    fills = "[...document.querySelectorAll('#floor-plan .point')].map(point => point.style.fill).join()"
    before, shown = browser.run(colours), browser.run(fills)
    browser.run("document.querySelector('#floor-plan-choice').focus()")
    browser.press("ArrowDown", 40)
    browser.press("Enter", 13, "\r")
    browser.run("new Promise(done => setTimeout(done, 200))")
    assert browser.run("document.querySelector('#floor-plan-choice').value") == "1"
    assert browser.run(colours) != before
    assert browser.run(fills) != shown
    quiet(browser)


def test_a_table_is_sorted_by_click_and_key(browser, real):
    browser.open(real)
    column = "[...document.querySelectorAll('#layers tbody tr')].map(row => Number(row.cells[1].dataset.value))"
    browser.click("#layers thead th:nth-child(2) button")
    found = browser.run(column)
    assert found == sorted(found)
    browser.run("document.querySelector('#layers thead th:nth-child(2) button').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.run(column) == sorted(found, reverse=True)
    assert browser.run("document.querySelector('#layers th[aria-sort]').ariaSort") == "descending"
    quiet(browser)


def test_dark_and_light(browser, real):
    browser.open(real)
    colours = set()
    for scheme in ("light", "dark"):
        browser.colours(scheme)
        browser.run("accelsim.redraw().then(() => null)")
        colours.add(browser.run("getComputedStyle(document.querySelector('#steps .xtick text')).fill"))
    browser.colours("light")
    assert len(colours) == 2
    quiet(browser)


def test_a_browser_runs_no_foreign_script(browser, tmp_path):
    path = tmp_path / "evil.html"
    write_run_page(evil_result(), path)
    browser.open(path)
    assert all(drawn(browser).values())
    assert browser.run("document.querySelector('h1').textContent").startswith(EVIL)
    assert not [event for event in browser.events if event["method"] == "Page.javascriptDialogOpening"]
    quiet(browser)


def test_the_policy_stops_what_is_not_ours(browser, tmp_path):
    page = render("title", "", [], [Section("one", "One", "", [Notes(["text"])])], "0")
    path = tmp_path / "broken.html"
    spoilt = "<script>window.ran = 1</script><img src='https://example.org/x.png' onerror='window.ran = 2'>"
    path.write_text(page.replace("</main>", spoilt + "</main>"), encoding="utf-8")
    browser.open(path)
    assert browser.run("window.ran === undefined")
    assert any("Content Security Policy" in line for line in browser.complaints)
