"""``accelsim hw``: list, show and check hardware descriptions, and print their JSON Schema."""

from typing import Annotated

import typer

from accelsim.cli.console import print_text, results

app = typer.Typer(help="List, show and check hardware descriptions.", no_args_is_help=True)

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B.C=VALUE", help="Change one value; may be repeated."),
]


@app.command("list")
def list_presets() -> None:
    """List the bundled machines: chips, which are meshes of cores, and layer-serial arrays.

    For example: accelsim hw list
    """
    from rich import box
    from rich.table import Table

    from accelsim.hardware.loader import load_array, load_chip
    from accelsim.hardware.presets import preset_names
    from accelsim.hardware.summary import summary
    from accelsim.units import engineering

    table = Table(box=box.SIMPLE_HEAD)
    numbers = {"cores", "neurons", "memory"}
    for heading in ("name", "cores", "network", "clock", "node", "neurons", "memory"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in numbers else "left")
    table.add_column("description")
    for name in preset_names("core_mesh"):
        spec = load_chip(name).spec
        total = summary(spec)
        table.add_row(
            name,
            str(total.cores),
            f"{spec.noc.topology} {'x'.join(map(str, spec.noc.size))}",
            engineering(spec.clock * 1e9, "Hz"),
            f"{spec.technology.node:g} nm",
            str(total.neurons),
            f"{total.chip_memory / 8 / 1024:.0f} KiB",
            spec.description,
        )
    results().print(table)
    arrays = Table(box=box.SIMPLE_HEAD)
    for heading in ("name", "elements", "dataflow", "clock", "node", "buffers"):
        arrays.add_column(heading, no_wrap=True, justify="right" if heading == "buffers" else "left")
    arrays.add_column("description")
    for name in preset_names("pe_array"):
        array = load_array(name).spec
        arrays.add_row(
            name,
            f"{array.elements.rows}x{array.elements.columns}",
            array.elements.dataflow,
            engineering(array.clock * 1e9, "Hz"),
            f"{array.technology.node:g} nm",
            f"{sum(buffer.capacity for buffer in array.storage.buffers.values()) / 8 / 1024:.0f} KiB",
            array.description,
        )
    results().print(arrays)


@app.command()
def show(
    chip: Annotated[str, typer.Argument(help="Name of a bundled chip, or a YAML file.")],
    overrides: Overrides = None,
) -> None:
    """Print the resolved description, with the file and line of every value; the output is a hardware file.

    For example: accelsim hw show core --set core.synapse_lanes=16
    """
    from accelsim.errors import ConfigError
    from accelsim.hardware.loader import load_machine
    from accelsim.hardware.yaml_writer import write_yaml
    from accelsim.pipeline.names import unknown_names

    loaded = load_machine(chip, overrides or ())
    problems = unknown_names(loaded)
    if problems:
        raise ConfigError(problems)
    print_text(f"# sha256 of the values: {loaded.sha256}\n{write_yaml(loaded.data, loaded.locations)}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of a hardware file, for editors.

    For example: accelsim hw schema
    """
    import json

    from accelsim.hardware.schema import json_schema

    print_text(json.dumps(json_schema(), indent=2))


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="NAME|FILE...", help="Hardware files, or names of presets.")],
    overrides: Overrides = None,
) -> None:
    """Check hardware files and print all problems of all of them; exit code 2 if there is one.

    For example: accelsim hw check mychip.yaml
    """
    from accelsim.errors import ConfigError
    from accelsim.hardware.loader import LoadedChip, load_machine
    from accelsim.hardware.summary import summary
    from accelsim.pipeline.buildable import problems_of

    problems: list[str] = []
    for file in files:
        try:
            machine = load_machine(file, overrides or ())
            found = problems_of(machine)
        except ConfigError as error:
            problems += error.problems
            continue
        problems += found
        if not found:
            if isinstance(machine, LoadedChip):
                size = f"{summary(machine.spec).cores} cores"
            else:
                size = f"{machine.spec.elements.rows}x{machine.spec.elements.columns} elements"
            results().print(f"{file}: ok, {machine.spec.name} with {size}", soft_wrap=True)
    if problems:
        raise ConfigError(problems)
