"""SANA-FE itself, run in an interpreter that has it installed."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from accelsim.errors import NetworkError
from accelsim.validation import sanafe_runner
from accelsim.validation.sanafe_network import CORES, DvsNetwork

TimingModel = Literal["simple", "detailed", "cycle"]
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True, eq=False)
class PeerRun:
    """What SANA-FE found.

    Attributes
    ----------
    version : str
    totals : dict
        As SANA-FE names them; energies in J, times in s.
    steps : dict of str to (timesteps,) float64
        Per timestep; empty where no trace was asked for.
    load_cpu_s, load_wall_s, sim_cpu_s, sim_wall_s : float
        From the start of the import to a loaded chip; of the simulation.
    peak_rss_mb : float
    """

    version: str
    totals: dict[str, Any]
    steps: dict[str, npt.NDArray[np.float64]]
    load_cpu_s: float
    load_wall_s: float
    sim_cpu_s: float
    sim_wall_s: float
    peak_rss_mb: float


def describe(dvs: DvsNetwork, *, trace: bool) -> dict[str, Any]:
    """Return the network as the runner reads it: channel-first layers with flat weights."""
    layers = []
    shape: tuple[int, ...] | None = None
    for name, population in dvs.network.populations.items():
        if name not in CORES:
            continue
        weights = None if shape is None else dvs.arrays["dense1" if name == "dense" else name]
        kernel = None if weights is None or weights.ndim != 4 else weights.shape
        stride = 1
        if kernel is not None and shape is not None:
            stride = 1 if (shape[0] - kernel[0]) + 1 == population.shape[0] else 2
        layers.append(
            {
                "name": name,
                "neurons": population.size,
                "cores": CORES[name],
                "threshold": int(population.model.threshold[0]),  # type: ignore[union-attr]
                "biases": [] if population.bias is None else population.bias.tolist(),
                "inputs": None if shape is None else list(shape),
                "kernel": None if kernel is None else [kernel[0], kernel[1], kernel[3]],
                "stride": [stride, stride],
                "weights": [] if weights is None else weights.astype(np.float64).ravel().tolist(),
            }
        )
        shape = population.shape
    return {"layers": layers, "trace": trace}


def package_folder(interpreter: str | Path) -> Path:
    """Return the folder that holds another interpreter's package sanafe, which is not imported.

    Raises
    ------
    NetworkError
        If the interpreter cannot be started or does not have it.
    """
    find = "import importlib.util as u; s = u.find_spec('sanafe'); print(s.origin if s else '')"
    try:
        done = subprocess.run([str(interpreter), "-c", find], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise NetworkError(f"{interpreter}: expected a Python with the package sanafe, got: {error}") from None
    if done.returncode or not done.stdout.strip():
        raise NetworkError(f"{interpreter}: expected a Python with the package sanafe, which it does not have")
    return Path(done.stdout.strip()).parent.parent


def run_peer(
    dvs: DvsNetwork, timesteps: int, model: TimingModel, interpreter: str | Path, *, trace: bool = True
) -> PeerRun:
    """Run SANA-FE on the network, in one thread.

    Parameters
    ----------
    dvs : DvsNetwork
    timesteps : int
    model : {"simple", "detailed", "cycle"}
        Its timing model; counts and energies do not depend on it.
    interpreter : str or Path
        A Python with the package sanafe.
    trace : bool
        Whether to keep counts per timestep.

    Raises
    ------
    NetworkError
        If the interpreter cannot be started, or the program ends with an error.
    """
    with tempfile.TemporaryDirectory(prefix="accelsim-sanafe-") as folder:
        network, result = Path(folder) / "network.json", Path(folder) / "result.json"
        network.write_text(json.dumps(describe(dvs, trace=trace)), encoding="utf-8")
        program = Path(sanafe_runner.__file__)
        command = [str(item) for item in (interpreter, program, network, timesteps, model, result)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the user's choice
        except OSError as error:
            raise NetworkError(f"{interpreter}: expected a Python with the package sanafe, got: {error}") from None
        if done.returncode or not result.exists():
            raise NetworkError(f"{interpreter}: SANA-FE failed: {done.stderr.strip()[-_LONGEST_MESSAGE:]}")
        found = json.loads(result.read_text(encoding="utf-8"))
    steps = {name: np.array(values, dtype=np.float64) for name, values in found.pop("trace").items()}
    return PeerRun(steps=steps, **found)
