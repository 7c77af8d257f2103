"""Is this installation able to work? Versions, folders, threads, optional packages, and both engines on a small case.

Nothing here raises: what is wrong is a finding with advice.
"""

import importlib.metadata
import importlib.util
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from accelsim.errors import AccelsimError

EXTRAS: Final = {
    "train": {"torch": "training recipes", "nir": "networks as NIR graphs of the nir package"},
    "study": {"optuna": "searches", "dask": "studies over a cluster"},
    "test": {"pytest": "tests", "hypothesis": "tests"},
}
"""Packages that may be missing, by extra, and what they are for."""

_REQUIRED: Final = (
    "numpy", "numba", "simpy", "pandas", "matplotlib", "pyarrow", "pydantic", "ruamel.yaml", "typer", "rich", "h5py",
    "safetensors", "platformdirs", "jinja2", "plotly",
)  # fmt: skip
"""Packages of a checkout that is not installed and therefore states none."""

_MINUTE: Final = 60.0


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, what was found, and what to do where it is not well."""

    name: str
    state: Literal["ok", "note", "fail"]
    found: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Yield findings, the quick ones first."""
    for look in (_python, _packages, _threads, _kernels, _traces, _data, _extras, _engines):
        yield from _guarded(look)


def _guarded(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except (AccelsimError, OSError, ImportError, ValueError) as error:
        yield Finding(look.__name__.strip("_"), "fail", f"{type(error).__name__}: {error}")


def _python() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> Iterator[Finding]:
    try:
        wanted = importlib.metadata.requires("accelsim") or []
        version = importlib.metadata.version("accelsim")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("accelsim", "note", f"runs from {Path(__file__).parents[2]}, is not installed")
        wanted, version = list(_REQUIRED), ""
    if version:
        yield Finding("accelsim", "ok", f"{version} in {Path(__file__).parents[2]}")
    present, missing = [], []
    for line in (line for line in wanted if "extra ==" not in line):
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        try:
            present.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding("packages", "fail", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    else:
        yield Finding("packages", "ok", ", ".join(present))


def _threads() -> Iterator[Finding]:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = os.cpu_count() or 1
    found = f"{allowed} of {cores} processors may be used; a run takes --threads, else {cores}"
    if allowed < cores:
        yield Finding("threads", "note", found, f"--threads {allowed} keeps threads from waiting for each other")
    else:
        yield Finding("threads", "ok", found)


def _kernels() -> Iterator[Finding]:
    from accelsim.kernels import cache_folder  # noqa: PLC0415 - numba is slow to load
    from accelsim.timing.compiled import step  # noqa: PLC0415

    own = cache_folder(Path(step.__file__))
    if own is None:
        advice = "set NUMBA_CACHE_DIR to a folder that can be written: without, every run compiles for most of a minute"
        yield Finding("compiled kernels", "fail", "no folder that can be written", advice)
        return
    size, files = _size(own.parent)
    yield Finding("compiled kernels", "ok", f"{own.parent}: {size / 1e6:.0f} MB in {files} files, can be written")


def _traces() -> Iterator[Finding]:
    from accelsim.trace.store import trace_folder  # noqa: PLC0415

    folder = trace_folder()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("activity traces", "note", f"{folder} cannot be written", "every run executes its network again")
        return
    size, files = _size(folder)
    yield Finding("activity traces", "ok", f"{folder}: {size / 1e6:.0f} MB in {files} files, can be written")


def _size(folder: Path) -> tuple[int, int]:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)


def _data() -> Iterator[Finding]:
    from accelsim.hardware.presets import preset_names  # noqa: PLC0415
    from accelsim.network.workload import load_workload  # noqa: PLC0415

    chips = preset_names()
    load = load_workload("mnist_conv", 1)
    yield Finding("data", "ok", f"chips {', '.join(chips)}; workload {load.name} with {load.network.neurons} neurons")


def _extras() -> Iterator[Finding]:
    for extra, packages in EXTRAS.items():
        missing = {name: use for name, use in packages.items() if importlib.util.find_spec(name) is None}
        found = f"{', '.join(packages)}: there"
        if missing:
            lacking = ", ".join(f"{name} (for {use})" for name, use in missing.items())
            yield Finding(f"extra {extra}", "note", f"without {lacking}", f"pip install 'accelsim[{extra}]'")
        else:
            yield Finding(f"extra {extra}", "ok", found)


def _engines() -> Iterator[Finding]:
    from accelsim.pipeline.flow import run  # noqa: PLC0415

    began = time.perf_counter()
    small = {"samples": 1, "threads": 1, "cache": False, "workload_overrides": ("timesteps=1",)}
    compiled, reference = (run("core", "mnist_conv", engine=name, **small) for name in ("compiled", "reference"))  # type: ignore[arg-type]
    took = time.perf_counter() - began
    totals = {name: item.value for name, item in compiled.totals.items()}
    different = [name for name, item in reference.totals.items() if repr(item.value) != repr(totals.get(name))]
    if different:
        advice = "the results of this installation are not to be trusted; please report it"
        yield Finding("self-test", "fail", f"the engines differ in {', '.join(different)}", advice)
        return
    found = f"both engines agree in {len(totals)} totals of one sample, {took:.1f} s"
    slow = "it compiled first; the next run is quick" if took > _MINUTE / 10 else ""
    yield Finding("self-test", "ok", found, slow)
