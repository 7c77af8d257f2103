"""Figures of a result as a notebook shows them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.errors import OutputError
from accelsim.report.figures import FIGURES, draw
from accelsim.result.run_result import RunResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture:
    """A matplotlib figure, drawn when it is looked at; notebooks show it as a picture.

    Parameters
    ----------
    draw : callable
        Returns the figure.
    """

    def __init__(self, draw: "Callable[[], Figure]") -> None:
        self._draw = draw

    @property
    def figure(self) -> "Figure":
        """The figure, to be changed further."""
        from accelsim.report.figures.style import styled  # noqa: PLC0415 - matplotlib is slow to load

        with styled():
            return self._draw()

    def save(self, path: str | Path) -> Path:
        """Write it; the ending says how: png, svg, pdf.

        Raises
        ------
        OutputError
            If it cannot be written, or the ending is none of matplotlib's.
        """
        file = Path(path)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self._bytes(file.suffix.removeprefix(".") or "png"))
        except (OSError, ValueError) as error:
            raise OutputError(f"cannot write a figure to {file}: {error}") from error
        return file

    def _bytes(self, kind: str) -> bytes:
        from accelsim.report.figures.style import styled  # noqa: PLC0415

        out = io.BytesIO()
        with styled():
            self._draw().savefig(out, format=kind)
        return out.getvalue()

    def _repr_png_(self) -> bytes:
        return self._bytes("png")


class Pictures:
    """The figures of a result, one method each: ``energy``, ``latency``, ``noc_load``, ...

    Examples
    --------
    >>> result.plot.energy().save("energy.svg")                    # doctest: +SKIP
    """

    def __init__(self, result: RunResult) -> None:
        self._result = result

    def __getattr__(self, name: str) -> Callable[[], Picture]:
        if name not in FIGURES:
            raise AttributeError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
        return lambda: Picture(lambda: draw(name, self._result))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *FIGURES]
