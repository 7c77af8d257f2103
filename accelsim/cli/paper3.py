"""``accelsim validate paper3``: published energies of a quantised and pruned SNN beside our array."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from accelsim.validation.paper3 import Published, Reading, Study


def paper3(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The authors' table of energies and cycles.")],
    activity: Annotated[
        float | None,
        typer.Option("--activity", help="Density of all inputs; where the cycles rise as published, if not given."),
    ] = None,
) -> None:
    """Hold the array eyeriss_snn against the energies of Schaefer et al. (TCAS-II 2023); takes two minutes.

    For example: accelsim validate paper3 ../shared/data/paper3_energy_table.csv
    """
    import numpy as np

    from accelsim.validation import paper3 as study

    table = study.read_published(file)
    densities, energies, cycles = table.eight_bit
    slope, floor = np.polyfit(densities, energies, 1)
    rise = float(np.polyfit(densities, cycles, 1)[0])
    readings = {item.name: item for item in study.READINGS}
    matched = readings[study.MATCHED]
    typer.echo(f"published, 8 bit: {floor:.2f} + {slope:.2f} mJ x density; {rise:.2f} Mcycles x density")
    trial = 0.1
    if activity is None:
        own = study.Study(trial).slopes(densities, matched.overrides)[2]
        activity = round(min(1.0, trial * rise / own), 3)
        typer.echo(f"activity {activity:g}: where our cycles rise with density as the published ones do")
    typer.echo("\nassumed:")
    for line in study.ASSUMED:
        typer.echo(f"  {line}")
    chosen = study.Study(activity)
    typer.echo(f"\n{'reading':<16}  {'activity':>8}  {'mJ/density':>10}  {'against published':>17}  {'mJ at 0':>8}")
    for item in study.READINGS:
        _line(item.name, activity, chosen.slopes(densities, item.overrides), float(slope))
    for other in (activity / 2, activity / 4):
        _line(matched.name, other, study.Study(other).slopes(densities, matched.overrides), float(slope))
    for item in study.READINGS:
        typer.echo(f"  {item.name}: {item.text}")
    _encodings(chosen, table, matched)
    _crossover(chosen, table)
    _headline(chosen, table)


def _line(name: str, activity: float, found: tuple[float, float, float], published: float) -> None:
    slope, floor, _ = found
    typer.echo(f"{name:<16}  {activity:>8.3g}  {slope:>10.2f}  {slope / published - 1:>+17.1%}  {floor:>8.2f}")


def _encodings(chosen: "Study", table: "Published", reading: "Reading") -> None:
    from accelsim.validation.paper3 import ENCODINGS, QUANTISED

    typer.echo(f"\n{'8 bit, mJ':<16}  " + "  ".join(f"{name:>6}" for name in ENCODINGS) + "  order")
    for prune, density in ((0.8, 0.2), (0.0, QUANTISED[8])):
        ours = {
            name: chosen.point(density, 8, (*reading.overrides, f"formats.weights={name}")).energy for name in ENCODINGS
        }
        theirs = {name: table.energy(prune, 8, name) for name in ENCODINGS}
        for title, values in ((f"pruned {prune:.0%}, ours", ours), ("  published", theirs)):
            cells = "  ".join(f"{values[name]:>6.2f}" for name in ENCODINGS)
            typer.echo(f"{title:<16}  {cells}  {' < '.join(sorted(values, key=lambda name: values[name]))}")


def _crossover(chosen: "Study", table: "Published") -> None:
    from accelsim.validation.paper3 import DENSE_STORAGE, QUANTISED, READINGS, dense_storage

    typer.echo(f"\n{'sparse / dense':<16}  " + "  ".join(f"{bits:>3} bit" for bits in QUANTISED) + "  pays up to")
    for reading in READINGS:
        ratios = {
            bits: chosen.point(density, bits, reading.overrides).energy
            / chosen.point(1.0, bits, dense_storage(reading.overrides)).energy
            for bits, density in QUANTISED.items()
        }
        _ratios(reading.name, ratios)
    _ratios("published", {bits: table.energy(0.0, bits, "rle") / dense for bits, dense in DENSE_STORAGE.items()})


def _ratios(name: str, ratios: dict[int, float]) -> None:
    paying = [bits for bits, ratio in ratios.items() if ratio < 1]
    cells = "  ".join(f"{ratio:>7.3f}" for ratio in ratios.values())
    typer.echo(f"{name:<16}  {cells}  {max(paying) if paying else 'no'} bit")


def _headline(chosen: "Study", table: "Published") -> None:
    from accelsim.validation.paper3 import QUANTISED, READINGS

    published = table.energy(0.8, 8, "rle") / table.energy(0.0, 2, "rle")
    typer.echo(f"\n80 % pruned at 8 bit / ternary: published {published:.3f}")
    for reading in READINGS:
        pruned, ternary = (
            chosen.point(density, bits, reading.overrides).energy for density, bits in ((0.2, 8), (QUANTISED[2], 2))
        )
        typer.echo(f"  {reading.name:<16}  {pruned / ternary:.3f}")
