"""Options of every command that reads a network file: what the file may not say itself."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from accelsim.network.importers.options import ImportOptions

Dialect = Annotated[
    str | None,
    typer.Option(
        "--dialect",
        metavar="NAME",
        help="What the framework computes in a timestep: snntorch, sinabs, norse, spikingjelly, spyx, rockpool, euler, "
        "nir-strict; needed where the file does not say it.",
    ),
]
Dt = Annotated[str | None, typer.Option("--dt", metavar="TIME", help="Timestep, such as '100 us'.")]
Reset = Annotated[
    str | None, typer.Option("--reset", metavar="RULE", help="subtract, zero, v_reset or none.")
]
ResetDelay = Annotated[
    bool | None, typer.Option("--reset-delay/--no-reset-delay", help="Whether a reset acts one timestep late.")
]
ThresholdOp = Annotated[str | None, typer.Option("--threshold-op", metavar="OP", help="'>' or '>='.")]
SpikeMode = Annotated[str | None, typer.Option("--spike-mode", metavar="MODE", help="single or multi.")]
MembraneFloor = Annotated[
    str | None, typer.Option("--membrane-floor", metavar="LEVEL", help="Lowest membrane: none, -threshold or a number.")
]
NormInput = Annotated[
    bool | None,
    typer.Option("--norm-input/--no-norm-input", help="Whether the input is multiplied by one minus the leak factor."),
]
Synapse = Annotated[
    str | None, typer.Option("--synapse", metavar="KIND", help="filter or jump: how a current takes its input.")
]
Refractory = Annotated[
    int | None, typer.Option("--refractory", min=0, max=127, metavar="N", help="Timesteps of silence after a spike.")
]
Format = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help="Importer; chosen by the file's suffix if not given.")
]


def import_options(
    dialect: str | None,
    dt: str | None,
    reset: str | None,
    reset_delay: bool | None,
    threshold_op: str | None,
    spike_mode: str | None,
    membrane_floor: str | None,
    norm_input: bool | None,
    synapse: str | None,
    refractory: int | None,
) -> "ImportOptions":
    """Return what was stated; words are checked where the file is read.

    Raises
    ------
    ConfigError
        If the time has no known unit.
    """
    from accelsim.network.importers.options import ImportOptions

    return ImportOptions(
        dialect,
        None if dt is None else _seconds(dt),
        reset,  # type: ignore[arg-type]
        threshold_op,  # type: ignore[arg-type]
        reset_delay,
        spike_mode,  # type: ignore[arg-type]
        _floor(membrane_floor),  # type: ignore[arg-type]
        norm_input,
        synapse,  # type: ignore[arg-type]
        refractory,
    )


def _seconds(text: str) -> float:
    from accelsim.errors import ConfigError
    from accelsim.units import UnitError, parse_quantity

    try:
        # Canonical time is ns; dividing keeps 100 us exactly 1e-4 s.
        return parse_quantity(text, "time") / 1e9
    except UnitError as error:
        raise ConfigError(f"--dt: {error}") from None


def _floor(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def pairs(values: list[str] | None, option: str) -> dict[str, str]:
    """Return ``KEY=NAME`` options as a mapping.

    Raises
    ------
    ConfigError
        On one without ``=``.
    """
    from accelsim.errors import ConfigError

    found = {}
    for value in values or ():
        key, sign, name = value.partition("=")
        if not (key and sign and name):
            raise ConfigError(f"{option}: expected KEY=NAME, got {value!r}")
        found[key] = name
    return found
