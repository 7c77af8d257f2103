"""The SNN beside the ANN: which headline numbers are compared, and who wins, in words."""

import math
from dataclasses import dataclass
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from accelsim.report.format import ABSENT, count, factor, percent, points, quantity, versus
from accelsim.report.parts import ANN, BAD, GOOD, HEAD, SNN, grid
from accelsim.result.run_result import Quantity, RunResult

_BOUNDS: Final = {"accuracy_low", "accuracy_high"}


@dataclass(frozen=True)
class Row:
    """One compared quantity: texts of both sides, the verdict in words, and whether the SNN wins (None: neither)."""

    name: str
    snn: str
    ann: str
    verdict: str
    wins: bool | None


def rows(result: RunResult) -> list[Row]:
    """Return the compared quantities of a result; a side that lacks one shows ``-``."""
    snn, ann = _finite(result.totals), _finite(result.baseline.totals)
    found = [
        _amount("energy / inference", snn.get("energy_per_inference"), ann.get("energy_per_inference")),
        _amount("  of it static", snn.get("energy_static"), ann.get("energy_static")),
        _amount("latency", snn.get("latency"), ann.get("latency"), "time"),
        _amount("energy-delay product", snn.get("energy_delay"), ann.get("energy_delay")),
        _amount("power", mean_power(snn), mean_power(ann)),
        _amount("area", snn.get("area"), ann.get("area")),
        _operations(snn.get("sops"), ann.get("macs")),
        _accuracy(snn, ann),
    ]
    if "accuracy" in snn and snn.keys() >= _BOUNDS:
        found.append(_interval(snn, ann))
    found.insert(1, _amount("  first, weights from DRAM", cold(snn), cold(ann)))
    return found


def cold(totals: dict[str, Quantity]) -> Quantity | None:
    """Return the energy of the first inference, which fetches the resident weights from DRAM."""
    if not {"energy_per_inference", "energy_dram_cold"} <= totals.keys():
        return None
    loaded = totals["energy_per_inference"].value + totals["energy_dram_cold"].value
    return Quantity(loaded, "pJ", "energy of the first inference after power-up, weights fetched from DRAM")


def _finite(totals: dict[str, Quantity]) -> dict[str, Quantity]:
    """Return the totals without those that are NaN: what does not apply is absent."""
    return {key: item for key, item in totals.items() if not math.isnan(item.value)}


def mean_power(totals: dict[str, Quantity]) -> Quantity | None:
    """Return ``power``, or energy over latency where only these are given (pJ / ns = mW), or None."""
    if "power" in totals:
        return totals["power"]
    energy, time = totals.get("energy_per_inference"), totals.get("latency")
    if energy is None or time is None or time.value <= 0:
        return None
    return Quantity(energy.value / time.value, "mW", "energy per inference over latency")


def verdict(result: RunResult) -> Text:
    """Return the finding as one sentence."""
    snn, ann = result.totals, result.baseline.totals
    energy = _words(snn, ann, "energy_per_inference", ("less energy than", "more energy than", "as much energy as"))
    time = _words(snn, ann, "latency", ("faster", "slower", "as fast"))
    if energy is None:
        return Text("No energy of the ANN to compare with.", style=HEAD)
    line = Text(f"The SNN takes {energy} the ANN on the MAC array", style=HEAD)
    if time is not None:
        line.append(f" and is {time}")
    return line.append(".")


def table(result: RunResult) -> RenderableType:
    """Return the comparison as a table SNN | ANN | verdict."""
    colours = {True: GOOD, False: BAD, None: ""}
    lines = [
        (row.name, Text(row.snn, SNN), Text(row.ann, ANN), Text(row.verdict, colours[row.wins])) for row in rows(result)
    ]
    return grid((("", "left"), ("SNN", "right"), ("ANN", "right"), ("SNN against ANN", "left")), lines)


def _words(snn: dict[str, Quantity], ann: dict[str, Quantity], key: str, say: tuple[str, str, str]) -> str | None:
    if key not in snn or key not in ann:
        return None
    one, two = snn[key].value, ann[key].value
    if not (math.isfinite(one) and math.isfinite(two) and one > 0 and two > 0):
        return None
    if max(one, two) / min(one, two) < 1.005:
        return say[2]
    return f"{factor(two / one)} {say[0]}" if one < two else f"{factor(one / two)} {say[1]}"


def _amount(name: str, snn: Quantity | None, ann: Quantity | None, kind: str = "amount") -> Row:
    left = quantity(snn.value, snn.unit) if snn else ABSENT
    right = quantity(ann.value, ann.unit) if ann else ABSENT
    if snn is None or ann is None:
        return Row(name, left, right, ABSENT, None)
    text = versus(snn.value, ann.value, kind)
    return Row(name, left, right, text, snn.value < ann.value if text.startswith("SNN") else None)


def _operations(sops: Quantity | None, macs: Quantity | None) -> Row:
    left = f"{count(sops.value)} SOPs" if sops else ABSENT
    right = f"{count(macs.value)} MACs" if macs else ABSENT
    text = versus(sops.value, macs.value, "count") if sops and macs else ABSENT
    wins = sops.value < macs.value if sops and macs and text.startswith("SNN") else None
    return Row("operations", left, right, text, wins)


def _accuracy(snn: dict[str, Quantity], ann: dict[str, Quantity]) -> Row:
    left = percent(snn["accuracy"].value) if "accuracy" in snn else ABSENT
    right = percent(ann["accuracy"].value) if "accuracy" in ann else ABSENT
    if "accuracy" not in snn:
        return Row("accuracy", left, right, "samples have no labels", None)
    if "accuracy" not in ann:
        return Row("accuracy", left, right, ABSENT, None)
    text = points(snn["accuracy"].value, ann["accuracy"].value)
    wins = snn["accuracy"].value > ann["accuracy"].value if text.startswith("SNN") else None
    return Row("accuracy", left, right, text, None if _includes(snn, ann["accuracy"].value) else wins)


def _interval(snn: dict[str, Quantity], ann: dict[str, Quantity]) -> Row:
    text = f"{100 * snn['accuracy_low'].value:.1f}-{percent(snn['accuracy_high'].value)}"
    remark = ABSENT
    if "accuracy" in ann:
        inside = _includes(snn, ann["accuracy"].value)
        remark = "includes the ANN's: these samples do not tell them apart" if inside else "excludes the ANN's"
    return Row("  95 % interval", text, ABSENT, remark, None)


def _includes(snn: dict[str, Quantity], value: float) -> bool:
    return snn.keys() >= _BOUNDS and snn["accuracy_low"].value <= value <= snn["accuracy_high"].value
