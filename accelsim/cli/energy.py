"""``accelsim energy``: every price of a chip, how one came about, and Accelergy tables of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.cli.console import print_text, results

if TYPE_CHECKING:
    from accelsim.costs.price_list import PriceLine
    from accelsim.hardware.array_spec import PeArraySpec
    from accelsim.hardware.spec import ChipSpec

app = typer.Typer(help="Show, explain and export the prices of a chip or array.", no_args_is_help=True)

Hw = Annotated[str, typer.Option("--hw", metavar="NAME|FILE", help="Machine: name of a preset, or a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B.C=VALUE", help="Change one value; may be repeated."),
]
Float = Annotated[bool, typer.Option("--float32", help="Prices for a float32 network instead of integers.")]
Bits = Annotated[
    int, typer.Option("--weight-bits", min=1, max=16, help="Weights of a multiply-accumulate.")
]


def _lines(
    hw: str, overrides: list[str] | None, *, float32: bool, weight_bits: int
) -> "tuple[ChipSpec | PeArraySpec, list[PriceLine]]":
    from accelsim.baseline.price_list import array_lines
    from accelsim.costs.price_list import price_list
    from accelsim.errors import ConfigError
    from accelsim.hardware.loader import LoadedArray, load_machine

    machine = load_machine(hw, overrides or ())
    if isinstance(machine, LoadedArray):
        if float32:
            raise ConfigError("--float32: an array of processing elements computes in integers")
        from accelsim.pipeline.array_prices import machine_lines

        return machine.spec, machine_lines(machine.spec, weight_bits=weight_bits)
    chip = machine.spec
    return chip, [*price_list(chip, float32, weight_bits=weight_bits), *array_lines(chip)]


@app.command()
def show(
    hw: Hw = "core",
    overrides: Overrides = None,
    *,
    float32: Float = False,
    weight_bits: Bits = 8,
) -> None:
    """List every price, leakage and area: component, action, number, formula, source.

    For example: accelsim energy show --hw small
    """
    from rich import box
    from rich.table import Table

    from accelsim.report.format import quantity

    chip, lines = _lines(hw, overrides, float32=float32, weight_bits=weight_bits)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("component")
    table.add_column("action")
    table.add_column("value", no_wrap=True, justify="right")
    table.add_column("formula", overflow="fold")
    table.add_column("source", overflow="fold")
    for line in lines:
        shown = f"{line.value:.4g} mm2" if line.unit == "mm2" else quantity(line.value, line.unit)
        table.add_row(line.component, line.action, shown, line.formula or line.expression, line.source)
    results().print(f"{chip.name}: energies per action, leakage and area per instance, {chip.technology.node:g} nm")
    results().print(table)


@app.command()
def explain(
    path: Annotated[str, typer.Argument(help="Component and action, such as core.synapse_memory.read.")],
    hw: Hw = "core",
    overrides: Overrides = None,
    *,
    float32: Float = False,
    weight_bits: Bits = 8,
) -> None:
    """Say how one number came about: formula, numbers filled in, rows of the table around it, source.

    For example: accelsim energy explain core.synapse_memory.read --hw core,
    or accelsim energy explain global_buffer.read --hw eyeriss_snn
    """
    from accelsim.costs.price_list import find_line

    _, lines = _lines(hw, overrides, float32=float32, weight_bits=weight_bits)
    line = find_line(lines, path)
    text = [f"{line.path} = {line.value:.6g} {line.unit}"]
    if line.formula:
        text.append(f"formula:  {line.formula}")
    text.append(f"numbers:  {line.expression}")
    text += [f"{'table:  ' if at == 0 else '':8}  {point}" for at, point in enumerate(line.points)]
    text.append(f"source:   {line.source}")
    print_text("\n".join(text))


@app.command()
def export(
    hw: Hw = "core",
    overrides: Overrides = None,
    ert: Annotated[Path | None, typer.Option("--ert", metavar="FILE", help="Write energies there.")] = None,
    art: Annotated[Path | None, typer.Option("--art", metavar="FILE", help="Write areas there.")] = None,
    *,
    float32: Float = False,
    weight_bits: Bits = 8,
) -> None:
    """Write the prices of chip and MAC array as Accelergy energy and area reference tables (version 0.4).

    Units are pJ, pJ per cycle of the chip's clock and um2. A hardware file reads the tables back:
    technology: {ert: {file: ert.yaml}}.

    For example: accelsim energy export --hw core --ert ert.yaml --art art.yaml
    """
    from accelsim.costs.ert import area_reference_table, energy_reference_table
    from accelsim.costs.parts import instances
    from accelsim.errors import ConfigError
    from accelsim.hardware.spec import ChipSpec
    from accelsim.hardware.yaml_writer import write_yaml

    if ert is None and art is None:
        raise ConfigError("energy export: expected --ert FILE, --art FILE or both, got neither")
    chip, lines = _lines(hw, overrides, float32=float32, weight_bits=weight_bits)
    count = instances(chip) if isinstance(chip, ChipSpec) else {}
    wanted = []
    if ert is not None:
        wanted.append((ert, energy_reference_table(chip.name, chip.clock, lines, count)))
    if art is not None:
        wanted.append((art, area_reference_table(chip.name, lines, count)))
    for file, data in wanted:
        try:
            file.write_text(write_yaml(data, {}), encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error
        print_text(f"{file}: written")
