"""Building blocks of the terminal report: headings, plain tables, share bars."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

from accelsim.report.format import clean

GOOD, BAD, DIM, HEAD, SNN, ANN = "green", "red", "dim", "bold", "cyan", "yellow"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


class Bar:
    """A horizontal bar of a fraction, in eighths of a character; ``#`` where the terminal has no block characters.

    Parameters
    ----------
    fraction : float
        Length between 0 and 1.
    width : int
        Characters of a full bar.
    light : float
        The part at the end of the bar, a fraction of ``width``, that is drawn lighter (static energy).
    """

    def __init__(self, fraction: float, width: int, style: str = SNN, light: float = 0.0) -> None:
        self.fraction = min(1.0, max(0.0, fraction if fraction == fraction else 0.0))  # noqa: PLR0124 - NaN
        self.width, self.style, self.light = width, style, min(max(0.0, light), self.fraction)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the bar."""
        if options.ascii_only:
            heavy = round((self.fraction - self.light) * self.width)
            yield Text("#" * heavy + "-" * (round(self.fraction * self.width) - heavy), style=self.style)
            return
        light = round(self.light * self.width)
        eighths = round(self.fraction * self.width * 8) - light * 8
        text = Text(
            "█" * max(0, eighths // 8) + (_EIGHTHS[eighths % 8].strip() if eighths > 0 else ""), style=self.style
        )
        yield text.append("░" * light, style=self.style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the width of a full bar, so that bars of one column share a scale."""
        return Measurement(self.width, self.width)


Cells = tuple[str | Text | Bar, ...]
"""One row of :func:`grid`."""


def heading(text: str, note: str = "") -> Text:
    """Return a section's heading with a dim remark."""
    line = Text("\n")
    line.append(clean(text), style=HEAD)
    if note:
        line.append("  " + clean(note), style=DIM)
    return line


def grid(columns: Sequence[tuple[str, str]], rows: Iterable[Cells]) -> Grid:
    """Return an unframed table.

    Numbers (right) are never cut. Where there is other text, it wraps, and the first column gives way with an ellipsis;
    a first column beside nothing but numbers wraps.

    Parameters
    ----------
    columns : sequence of (title, "left" or "right")
    rows : iterable of cells
    """
    cells = [[Text(clean(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]
    titled = any(title for title, _ in columns)
    out = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=DIM, show_header=titled)
    texts = sum(side != "right" for _, side in columns)
    for at, (title, side) in enumerate(columns):
        if side == "right":
            widest = max([len(title), *(cell.cell_len for row in cells if isinstance(cell := row[at], Text))])
            out.add_column(title, justify="right", no_wrap=True, min_width=widest)
        else:
            cut = at == 0 and texts > 1
            out.add_column(title, no_wrap=cut, overflow="ellipsis" if cut else "fold", min_width=6)
    for row in cells:
        out.add_row(*row)
    return out
