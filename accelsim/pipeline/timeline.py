"""Which steps of a run are wanted as a timeline, and where."""

import re
from dataclasses import dataclass
from pathlib import Path

from accelsim.errors import ConfigError


@dataclass(frozen=True)
class TimelineRequest:
    """A timeline to be written beside a run.

    Attributes
    ----------
    path : Path
    sample : int
    steps : range or None
        Hardware steps; as many from the first as a timeline holds, if None.
    """

    path: Path
    sample: int = 0
    steps: range | None = None


def parse_steps(text: str) -> range:
    """Return the steps of ``FIRST:END`` (END itself is left out, as in Python) or of a single ``STEP``.

    Raises
    ------
    ConfigError
        If the text is neither.
    """
    found = re.fullmatch(r"([0-9]{1,9})(?::([0-9]{1,9}))?", text.strip())
    if found is None:
        raise ConfigError(f"timeline steps: expected FIRST:END, such as 3:5 for steps 3 and 4, or STEP, got {text!r}")
    first = int(found[1])
    return range(first, int(found[2]) if found[2] else first + 1)
