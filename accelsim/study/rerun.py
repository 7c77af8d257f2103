"""``DIR/#ID``: one point of a study, run again by itself."""

import sys
import warnings
from collections.abc import Mapping, Sequence
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
from accelsim.study.identity import FileHashes, digest_of, input_hashes, model_digest
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
        If there is no such point, or the files of its workload, its ANN or its plug-ins have changed since.

    Warns
    -----
    UserWarning
        If the simulator has changed since: the result may be another one.
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
    if run["ann"] is not None and FileHashes().of(Path(run["ann"])) != run.get("ann_digest"):
        raise ConfigError(f"--from {text}: expected the ANN {run['ann']} as it was, but it has changed since")
    _require_plugins(text, run.get("plugins", {}))
    if run.get("model") != model_digest():
        note = "the simulator's sources or tables have changed since the point was simulated; the result may differ"
        warnings.warn(f"--from {text}: {note}", stacklevel=2)
    origin = f"{Path(folder or '.')}/#{point[:10]}"
    locations = {"": Location(origin, 0)}
    may_hold = partial(may_hold_key, root=root_of(found["chip"]))
    apply_overrides(overrides, found["chip"], locations, may_hold)
    return Rerun(
        origin, check_machine(found["chip"], locations), run["workload"], tuple(run["workload_set"]),
        ALL if run["samples"] is None else Limit(run["samples"]), run["ann"], run["engine"],
    )  # fmt: skip


def _require_plugins(text: str, plugins: Mapping[str, str]) -> None:
    """Refuse a point whose plug-ins have not been imported as they were."""
    files = [Path(vars(module).get("__file__") or "") for module in list(sys.modules.values())]
    hashes = FileHashes()
    for name, digest in plugins.items():
        found = [hashes.of(file) for file in files if file.stem == name and file.is_file()]
        if not found:
            raise ConfigError(f"--from {text}: expected --plugin {name}, which the point was simulated with")
        if digest not in found:
            raise ConfigError(f"--from {text}: expected the plug-in {name} as it was, but it has changed since")
