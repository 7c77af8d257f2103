"""The page of a study: small, harmless, and its filters work by click, by drag and by keyboard."""

import json

import numpy as np
import pandas as pd
import pytest
from browser import Browser
from test_html_report import EVIL, MAX_BYTES, check, drawn, quiet

from accelsim.report.html.sensitivity import effect, groups_of
from accelsim.report.html.study_page import StudyData, study_page, write_study_page

AXES = ["core.lanes", "core.banks", "format", "rate"]
UNITS = {"energy_per_inference": ("pJ", "energy"), "latency": ("ns", "latency"), "area": ("mm2", "area"),
         "accuracy": ("", "share of right predictions"), "steps": ("", "the same for all")}  # fmt: skip


def study(number: int, *, evil: str = "", failed: int = 0, extra: int = 0) -> StudyData:
    rng = np.random.default_rng(3)
    lanes, banks = rng.choice([4, 8, 16], number), rng.choice([1, 2, 4], number)
    kinds = [f"{evil}{kind}" for kind in rng.choice(["a", "b"], number)]
    points = pd.DataFrame({
        "id": [f"{at:032x}" for at in rng.permutation(number)], "core.lanes": lanes, "core.banks": banks,
        "format": kinds, "rate": rng.random(number).round(4),
    })  # fmt: skip
    points["energy_per_inference"] = 1e5 * lanes**0.7 * (1 + 0.1 * banks) * rng.lognormal(0, 0.05, number)
    points["latency"] = 3e4 / lanes / np.sqrt(banks) * rng.lognormal(0, 0.05, number)
    points["area"], points["accuracy"], points["steps"] = lanes * 0.1, rng.random(number), 12.0
    for at in range(extra):
        points[f"total_{at}"] = rng.random(number) * 10.0 ** rng.integers(-3, 7)
    points["status"], points["error"], points["violations"] = "done", None, ""
    points.loc[: failed - 1, ["status", "error"]] = ["failed", f"{evil}no room"]
    points.loc[: failed - 1, list(UNITS)] = np.nan
    units = UNITS | {f"total_{at}": ("cycle", "a total") for at in range(extra)}
    aims = [("energy_per_inference", "min"), ("latency", "min"), ("accuracy", "max")]
    return StudyData(f"banks {evil}", evil, "0.1.0", points, AXES, units, aims)


def test_a_thousand_points_are_small():
    page = study_page(study(1000, extra=40))
    read = check(page)
    assert {"scatter", "parallel", "filters", "sensitivity-chart"} <= set(read.ids)
    assert len(page.encode()) < MAX_BYTES


def test_names_are_text():
    page = study_page(study(30, evil=EVIL, failed=4))
    read = check(page)
    assert EVIL not in page
    assert EVIL in "".join(read.text)
    assert "no room" in "".join(read.text)


@pytest.mark.parametrize(("number", "failed"), [(0, 0), (1, 0), (3, 3), (2, 1)])
def test_small_studies(number, failed):
    check(study_page(study(number, failed=failed)))


def test_effects():
    groups = groups_of([1, 1, 2, 2])
    assert groups.tolist() == [0, 0, 1, 1]
    assert effect(groups, np.array([1.0, 1.0, 4.0, 4.0])) == pytest.approx((1.0, 4.0))
    assert effect(groups, np.array([1.0, 4.0, 1.0, 4.0])) == pytest.approx((0.0, 1.0))
    assert effect(groups, np.array([2.0, 2.0, 2.0, 2.0]))[0] == 0.0
    share, apart = effect(groups, np.array([-1.0, 1.0, 1.0, 3.0]))  # not positive: as it is; means 0 and 2, spread 8
    assert share == pytest.approx(0.5)
    assert np.isnan(apart)
    assert np.bincount(groups_of(np.linspace(0, 1, 80).tolist())).tolist() == [10] * 8
    rng = np.random.default_rng(1)
    one, two = rng.permutation(np.repeat([0, 1, 2], 200)), rng.integers(0, 2, 600)
    values = np.exp(one + 0.1 * two)
    frame = pd.DataFrame({"log": np.log(values), "one": one})
    means = frame.groupby("one")["log"].transform("mean")
    expected = means.var(ddof=0) / frame["log"].var(ddof=0)
    assert effect(groups_of(one.tolist()), values)[0] == pytest.approx(expected)


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    data = study(300, failed=5)
    path = tmp_path_factory.mktemp("study") / "study.html"
    write_study_page(data, path)
    return path, data.points[data.points["status"] == "done"].reset_index(drop=True)


def status(browser: Browser) -> int:
    return int(browser.run("document.getElementById('study-status').textContent").split(" of ")[0])


def settle(browser: Browser) -> None:
    browser.run("accelsim.study.update().then(() => null)")


@pytest.mark.parametrize(("width", "media"), [(400, ""), (720, "print")])
def test_nothing_is_cut_off(browser, page, width, media):
    assert browser.excess(page[0], width, media) <= 0


@pytest.mark.parametrize("width", [320, 500, 800])
def test_a_menu_stays_beside_its_label(browser, page, width):
    browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    try:
        browser.open(page[0])
        pairs = browser.run("""[...document.querySelectorAll('.toolbar label[for]')].map(label => {
            const one = label.getBoundingClientRect();
            const menu = document.getElementById(label.htmlFor).getBoundingClientRect();
            return [one.top < menu.bottom && menu.top < one.bottom, one.right <= menu.left, menu.left - one.right < 20];
        })""")
    finally:
        browser.send("Emulation.clearDeviceMetricsOverride")
    assert pairs == [[True, True, True]] * 3


def test_points_are_drawn(browser, page):
    path, points = page
    browser.open(path)
    marks = drawn(browser)
    assert marks["scatter"] >= len(points)
    assert marks["parallel"] > 0
    assert marks["sensitivity-chart"] > 0
    assert status(browser) == len(points)
    hover = json.loads(browser.run("JSON.stringify(accelsim.figures.get('scatter').data.at(-1).text[0])"))
    assert all(name in hover for name in ("core.lanes", "core.banks", "format", "energy"))
    quiet(browser)


def test_filter_by_click(browser, page):
    path, points = page
    browser.open(path)
    browser.click("fieldset[data-column='core.lanes'] input[value='0']")
    settle(browser)
    assert status(browser) == int((points["core.lanes"] != 4).sum())
    browser.click("#reset")
    assert status(browser) == len(points)
    quiet(browser)


def test_filter_by_keyboard(browser, page):
    path, points = page
    browser.open(path)
    browser.run("document.querySelector(\"fieldset[data-column='core.banks'] input\").focus()")
    browser.press(" ", 32, " ")
    settle(browser)
    assert status(browser) == int((points["core.banks"] != 1).sum())
    browser.press("Tab", 9)
    browser.press(" ", 32, " ")
    settle(browser)
    assert status(browser) == int((points["core.banks"] == 4).sum())
    browser.run("document.querySelector(\"fieldset[data-column='rate'] input\").focus()")
    browser.press("0", 48, "0")
    browser.press(".", 190, ".")
    browser.press("5", 53, "5")
    browser.press("Enter", 13, "\r")
    settle(browser)
    assert status(browser) == int(((points["core.banks"] == 4) & (points["rate"] >= 0.5)).sum())
    quiet(browser)


def test_filter_by_dragging(browser, page):
    path, points = page
    browser.open(path)
    browser.run("document.getElementById('scatter').scrollIntoView({block: 'center', behavior: 'instant'})")
    area = "document.querySelector('#scatter .nsewdrag').getBoundingClientRect()"
    x, y, width, height = browser.run(f"(b => [b.x, b.y, b.width, b.height])({area})")
    way = [("Pressed", 0.02, 0.02), ("Moved", 0.3, 0.5), ("Moved", 0.98, 0.6), ("Released", 0.98, 0.6)]
    for kind, across, down in way:
        place = {"x": x + across * width, "y": y + down * height}
        browser.send("Input.dispatchMouseEvent", type=f"mouse{kind}", **place, button="left", buttons=1, clickCount=1)
    browser.run("new Promise(done => setTimeout(done, 300))")
    assert 0 < status(browser) < len(points)
    assert "selected by dragging" in browser.run("document.getElementById('study-status').textContent")
    quiet(browser)


def test_the_front_is_the_front(browser, page):
    path, points = page
    browser.open(path)
    shown = browser.run("accelsim.figures.get('scatter').data.at(-1).customdata")
    energy, latency = points["energy_per_inference"], points["latency"]

    def beaten(at: int) -> bool:
        better = (energy < energy[at]) | (latency < latency[at])
        return bool(((energy <= energy[at]) & (latency <= latency[at]) & better).any())

    best = [at for at in range(len(points)) if not beaten(at)]
    assert sorted(shown) == best
    browser.click("#only-front")
    assert set(best) <= set(browser.run("accelsim.study.kept()"))
    quiet(browser)


def test_a_study_of_scripts_runs_none(browser, tmp_path):
    path = tmp_path / "evil.html"
    write_study_page(study(40, evil=EVIL), path)
    browser.open(path)
    assert all(drawn(browser).values())
    assert not [event for event in browser.events if event["method"] == "Page.javascriptDialogOpening"]
    quiet(browser)
