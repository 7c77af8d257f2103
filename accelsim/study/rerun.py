"""``DIR/#ID``: one point of a study, run again by itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accelsim.errors import ConfigError
from accelsim.hardware.loader import LoadedArray, LoadedChip, check_machine
from accelsim.hardware.overrides import apply_overrides
from accelsim.hardware.schema import may_hold_key, root_of
from accelsim.hardware.yaml_reader import Location
from accelsim.network.events import ALL, Limit
from accelsim.network.workload import workload_file
from accelsim.network.workload_schema import read_workload_spec
from accelsim.study.identity import FileHashes, digest_of, input_hashes
from accelsim.study.study import Study


@dataclass(frozen=True, eq=False)
class Rerun:
    """What :func:`accelsim.pipeline.flow.run` needs to run a point again."""

    origin: str
    chip: LoadedChip | LoadedArray
    workload: str
    workload_overrides: tuple[str, ...]
    samples: Limit
    ann: str | None
    engine: str


def load_point(text: str, overrides: Sequence[str] = ()) -> Rerun:
    """Return a point of a study as it was, its chip with further overrides.

    Parameters
    ----------
    text : str
        ``DIR/#ID``; the beginning of the identity is enough.
    overrides : sequence of str
        ``core.synapse_memory.banks=8``, applied to the point's chip in order.

    Raises
    ------
    AccelsimError
        If there is no such point, or the files of its workload have changed since.
    """
    folder, sign, name = text.rpartition("#")
    if not sign or not name:
        raise ConfigError(f"--from {text}: expected DIR/#ID, a folder of a study and a point of it")
    study = Study.open(Path(folder or "."))
    point = study.find(name)
    found = study.configuration(point)
    run = found["run"]
    path = workload_file(Path(run["workload"]) if "/" in run["workload"] else run["workload"])
    description = read_workload_spec(path, run["workload_set"])[1]
    if digest_of([description, input_hashes(description, path.parent, FileHashes())]) != run["workload_digest"]:
        raise ConfigError(f"--from {text}: expected the workload {path} as it was, but its files have changed since")
    origin = f"{Path(folder or '.')}/#{point[:10]}"
    locations = {"": Location(origin, 0)}
    may_hold = partial(may_hold_key, root=root_of(found["chip"]))
    apply_overrides(overrides, found["chip"], locations, may_hold)
    return Rerun(
        origin, check_machine(found["chip"], locations), run["workload"], tuple(run["workload_set"]),
        ALL if run["samples"] is None else Limit(run["samples"]), run["ann"], run["engine"],
    )  # fmt: skip
