"""Event recordings on disk: one file, or a folder of files of one format, opened without reading the events.

A folder with sub-folders is a labelled data set: the label of a file is its sub-folder, by number where all names are
numbers, otherwise by alphabetical order. Samples are ordered by file name, then label, so that the start of a data set
holds every class where names are numbered through (N-MNIST).
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from accelsim.errors import EventError
from accelsim.network.event_formats.event_format import EVENT_FORMATS, EventFormat, RawSample, RawSamples, read_head

MAX_FILES: Final = 1 << 20


@dataclass(frozen=True, eq=False)
class Recordings:
    """Samples and where they come from.

    Attributes
    ----------
    format : str
    samples : RawSamples
    files : sequence of Path
        In the order of the samples.
    first_sample : sequence of int
        First sample of each file.
    classes : sequence of str
        Names of sub-folders by label, where labels are not numbers in the names; empty otherwise.
    """

    format: str
    samples: RawSamples
    files: Sequence[Path]
    first_sample: Sequence[int]
    classes: Sequence[str] = ()

    def used_files(self, samples: int) -> Sequence[Path]:
        """Return the files of the first ``samples`` samples."""
        return self.files[: bisect.bisect_left(self.first_sample, samples)]


def open_recordings(path: Path, name: str | None, time_unit: float | None) -> Recordings:
    """Open a file or a folder of files.

    Parameters
    ----------
    path : Path
    name : str or None
        Format; None to recognise it.
    time_unit : float or None
        ns of one step of the times, for formats that leave it open.

    Raises
    ------
    EventError
        If nothing there is of a known format, or files of a folder differ.
    """
    files, labels, classes = _files(path, name)
    name = _recognised(files[0]) if name is None else name
    kind = EVENT_FORMATS.get(name)
    if time_unit is not None and not kind.takes_time_unit:
        raise EventError(f"{files[0]}: expected no input.time_unit: format {name} states the unit of its times")
    opened = [_opened(kind, file, time_unit) for file in files]
    if len(opened) == 1 and labels is None:
        return Recordings(name, opened[0], files, [0])
    first = opened[0]
    for file, item in zip(files, opened, strict=True):
        if (item.sensor, item.polarities, item.labelled) != (first.sensor, first.polarities, first.labelled):
            raise EventError(f"{file}: expected a sensor and columns as in {files[0]}, got others")
    starts = np.concatenate(([0], np.cumsum([item.available for item in opened]))).tolist()

    def read(index: int) -> RawSample:
        at = bisect.bisect_right(starts, index) - 1
        sample = opened[at].read(index - starts[at])
        return sample if labels is None else replace(sample, label=labels[at])

    joined = RawSamples(starts[-1], first.sensor, first.polarities, first.labelled or labels is not None, read)
    return Recordings(name, joined, files, starts[:-1], classes)


def _opened(kind: type[EventFormat], file: Path, time_unit: float | None) -> RawSamples:
    return kind.open(file, time_unit)


def _recognised(file: Path) -> str:
    head = read_head(file)
    fitting = [name for name in EVENT_FORMATS.names() if EVENT_FORMATS.get(name).recognises(file, head)]
    if len(fitting) == 1:
        return fitting[0]
    got = f"{' and '.join(fitting)} alike" if fitting else f"none of them (it starts with {head[:16]!r})"
    known = ", ".join(EVENT_FORMATS.names())
    raise EventError(f"{file}: expected input.format, one of {known}; the file looks like {got}")


def _files(path: Path, name: str | None) -> tuple[list[Path], list[int] | None, list[str]]:
    """Return files, their labels where sub-folders give them, and the names of classes."""
    if path.is_file():
        return [path], None, []
    if not path.is_dir():
        raise EventError(f"{path}: expected a file of events or a folder of such files, got nothing")
    names = EVENT_FORMATS.names() if name is None else [name]
    suffixes = {suffix for item in names for suffix in EVENT_FORMATS.get(item).suffixes}
    try:
        folders = sorted(item for item in path.iterdir() if item.is_dir())
        found = [(file, label) for label, folder in enumerate(folders or [path]) for file in folder.iterdir()]
    except OSError as error:
        raise EventError(f"{path}: cannot read the folder: {error.strerror or error}") from None
    found = [(file, label) for file, label in found if file.suffix.lower() in suffixes and file.is_file()]
    if not found or len(found) > MAX_FILES:
        raise EventError(f"{path}: expected 1 .. {MAX_FILES} files {', '.join(sorted(suffixes))}, got {len(found)}")
    found.sort(key=lambda item: (item[0].name, item[1]))
    files = [file for file, _ in found]
    if not folders:
        return files, None, []
    numbered = all(folder.name.isdecimal() for folder in folders)
    labels = [int(folders[label].name) if numbered else label for _, label in found]
    return files, labels, [] if numbered else [folder.name for folder in folders]
