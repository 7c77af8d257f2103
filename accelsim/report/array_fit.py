"""What ``accelsim check`` prints of a layer-serial array: the verdict, the buffers, the layers."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from accelsim.report.format import ABSENT, clean, count, percent
from accelsim.report.parts import BAD, DIM, GOOD, HEAD, grid, heading
from accelsim.report.terminal import print_parts
from accelsim.result.fit import ArrayFit


def print_array_fit(fit: ArrayFit, console: Console | None = None) -> None:
    """Print whether a workload runs, and what fits where."""
    print_parts(array_fit_report(fit), console)


def array_fit_report(fit: ArrayFit) -> Iterator[RenderableType]:
    """Yield the parts in order."""
    meta = fit.meta
    line = Text(f"{clean(meta['workload'])} on {clean(meta['machine'])}: ", style=HEAD)
    if fit.fits:
        yield line.append(f"runs, {len(fit.layers)} layers one after the other", style=GOOD)
    else:
        yield line.append("does not run", style=BAD)
        yield Text(clean(fit.problem, 2000))
    facts = ", ".join(f"{name} {meta[name]}" for name in ("elements", "dataflow", "order", "timesteps"))
    yield Text(facts, style=DIM)
    yield heading("Buffers")
    rows = [(row["buffer"], _kib(row["capacity"]), row["holds"] or ABSENT) for row in fit.buffers.rows()]
    yield grid((("buffer", "left"), ("capacity", "right"), ("holds", "left")), rows)
    yield from _layers(fit)


def _layers(fit: ArrayFit) -> Iterator[RenderableType]:
    if not len(fit.layers):
        return
    spill = "goes to DRAM and back" if fit.meta["activations"] == "spill" else "is taken to fit all the same"
    yield heading("Layers", f"busy: of the elements if every tap had a spike; what does not fit {spill}")
    rows = [
        (
            clean(row["layer"], 24), f"{count(row['positions'])} x {row['window']} x {row['filters']}",
            count(row["tiles"]), percent(row["utilisation"], 0), _kib(row["weight_bits"]), str(row["weights_in"]),
            _room(row["spike_bits"], row["spikes_fit"]), _room(row["state_bits"], row["states_fit"]),
        )
        for row in fit.layers.rows()
    ]  # fmt: skip
    titles = ("layer", "product", "tiles", "busy", "weights", "in", "spikes", "membranes")
    yield grid([(title, "left" if title in {"layer", "in"} else "right") for title in titles], rows)


def _room(bits: int, fits: bool) -> Text:
    if not bits:
        return Text(ABSENT)
    return Text(f"{_kib(bits)}{'' if fits else ' !'}", style="" if fits else BAD)


def _kib(bits: float) -> str:
    return f"{bits / 8192:,.4g} KiB"
