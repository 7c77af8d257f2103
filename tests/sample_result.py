"""A realistic result for tests of reports and files: sums agree, numbers are round enough to be found in a text."""

import numpy as np

from accelsim.result.run_result import BaselineResult, Quantity, RunResult
from accelsim.result.table import Table, table

LAYERS = ("input", "conv1", "conv2", "fc1", "out")
CAUSES = {
    "synapse compute": 0.31,
    "memory bank conflicts": 0.22,
    "neuron scan": 0.18,
    "NoC": 0.09,
    "stall: injection queue full": 0.08,
    "stall: input queue empty": 0.07,
    "barrier": 0.05,
}
DYNAMIC = {
    "synapse memory": 0.42,
    "membrane memory": 0.1,
    "accumulator memory": 0.13,
    "axon memory": 0.05,
    "routing memory": 0.02,
    "synapse lanes": 0.12,
    "neuron lanes": 0.04,
    "router": 0.07,
    "link": 0.03,
    "ports": 0.02,
}


def sample_result(
    width: int = 4,
    height: int = 4,
    samples: int = 16,
    labelled: bool = True,
    snn_pj: float = 1.25e6,
    ann_pj: float = 4.0e6,
    name: str = "mnist_conv",
) -> RunResult:
    """Build the result of a chip of ``width`` x ``height`` cores on ``samples`` samples."""
    rng = np.random.default_rng(7)
    spread = 1 + 0.1 * (np.arange(samples) - (samples - 1) / 2) / max(1, samples)
    energy = snn_pj * spread
    cycles = np.rint(24_000 * spread).astype(np.int64)
    label = np.arange(samples) % 10 if labelled else np.full(samples, -1)
    correct = np.arange(samples) != 3
    prediction = np.where(correct, label, (label + 1) % 10)
    count = {"spikes": 4_200, "sops": 310_000, "sops_issued": 355_000, "packets": 5_100, "flit_hops": 12_800}
    counts = {key: np.rint(value * spread).astype(np.int64) for key, value in count.items()}
    per_sample = table(
        "samples",
        ("label", "", "True class, -1 where unknown", label),
        ("prediction", "", "Predicted class", prediction),
        ("correct", "", "Prediction equals label", correct & labelled),
        ("latency_cycles", "cycle", "First input flit to last output", cycles),
        ("latency_ns", "ns", "Latency", cycles * 5.0),
        *((key, "", f"Number of {key}", value) for key, value in counts.items()),
        ("energy_pj", "pJ", "Energy per inference", energy),
        ("energy_dynamic_pj", "pJ", "Dynamic energy", energy * 0.8),
        ("energy_static_pj", "pJ", "Leakage", energy * 0.2),
    )
    mean = {key: float(value.mean()) for key, value in counts.items()}
    latency = float(cycles.mean()) * 5.0
    totals = {
        "latency_cycles": Quantity(float(cycles.mean()), "cycle", "Mean latency"),
        "latency": Quantity(latency, "ns", "Mean latency"),
        "latency_std": Quantity(float(cycles.std(ddof=1)) * 5.0 if samples > 1 else 0.0, "ns", "Spread"),
        "steps": Quantity(23.0, "", "Hardware steps"),
        "throughput_interval_cycles": Quantity(21_000.0, "cycle", "Cycles between samples back to back"),
        "input_events": Quantity(1_100.0, "", "Input events"),
        **{key: Quantity(value, "", f"Mean {key}") for key, value in mean.items()},
        "neuron_updates": Quantity(48_000.0, "", "Neuron updates"),
        "energy_per_inference": Quantity(snn_pj, "pJ", "Mean energy"),
        "energy_dynamic": Quantity(0.8 * snn_pj, "pJ", "Dynamic"),
        "energy_static": Quantity(0.2 * snn_pj, "pJ", "Static"),
        "energy_std": Quantity(float(energy.std(ddof=1)) if samples > 1 else 0.0, "pJ", "Spread"),
        "energy_per_sop": Quantity(snn_pj / mean["sops"], "pJ", "Energy per SOP"),
        "power": Quantity(snn_pj / latency, "mW", "Mean power"),
        "energy_delay": Quantity(snn_pj * latency, "pJ*ns", "Energy-delay product"),
        "cores_used": Quantity(float(min(6, width * height)), "", "Cores used"),
        "cores_total": Quantity(float(width * height), "", "Cores"),
    }
    if labelled:
        totals["accuracy"] = Quantity(0.9375, "", "Correct fraction")
        totals["accuracy_low"] = Quantity(0.7167, "", "Wilson 95 %")
        totals["accuracy_high"] = Quantity(0.9889, "", "Wilson 95 %")
    return RunResult(
        meta={
            "version": "0.1.0",
            "versions": {"numpy": "2.4.6", "numba": "0.61.0"},
            "seed": 0,
            "engine": "compiled",
            "threads": 2,
            "wall_time_s": 3.25,
            "command": "accelsim run --hw core --workload mnist_conv",
            "hashes": {"hardware": "9f31c2aa0b71", "workload": "77e0d1b4c5a2"},
        },
        config={"name": "core", "clock": "200 MHz", "noc": {"size": [width, height], "topology": "mesh"}},
        workload={
            "name": name,
            "timesteps": 20,
            "encoding": "rate",
            "decoding": "spike count",
            "assumptions": ["reset: subtract (assumed)"],
        },
        totals=totals,
        samples=per_sample,
        layers=_layers(snn_pj),
        cores=_cores(width, height, snn_pj, rng),
        components=_components(DYNAMIC, snn_pj),
        causes=_causes(float(cycles.mean())),
        steps=_steps(),
        links=_links(width, height, rng),
        routers=_routers(width, height),
        activity=_activity(),
        raster=table(
            "raster",
            ("layer", "", "Population", [LAYERS[at % 5] for at in range(60)]),
            ("neuron", "", "Position", [7 * at % 10 for at in range(60)]),
            ("timestep", "", "Timestep", [at // 3 for at in range(60)]),
        ),
        prices=table(
            "prices",
            ("component", "", "Kind", ["synapse memory", "router"]),
            ("action", "", "Action", ["read", "crossbar"]),
            ("count", "", "Times", [90_000.0, 12_800.0]),
            ("price_pj", "pJ", "Price", [0.42 * 0.8 * snn_pj / 90_000, 0.07 * 0.8 * snn_pj / 12_800]),
            ("energy_pj", "pJ", "Energy", [0.42 * 0.8 * snn_pj, 0.07 * 0.8 * snn_pj]),
            ("source", "", "Source", ["CACTI 7", "DSENT"]),
        ),
        parameters=table(
            "parameters",
            ("path", "", "Path", ["clock", "noc.topology"]),
            ("value", "", "Value", ["200 MHz", "mesh"]),
            ("place", "", "Place", ["core.yaml:12", "--set noc.topology=mesh"]),
        ),
        baseline=_baseline(ann_pj),
        analytic=table(
            "analytic",
            ("model", "", "Name", ["op count", "Lemaire 2022"]),
            ("source", "", "Publication", ["E_AC x SOPs, Horowitz 2014", "Lemaire et al., ICONIP 2022"]),
            ("snn_pj", "pJ", "SNN", [2.8e5, 9.0e5]),
            ("ann_pj", "pJ", "ANN", [3.4e6, 3.7e6]),
            ("ratio", "", "SNN / ANN", [2.8e5 / 3.4e6, 9.0e5 / 3.7e6]),
        ),
        warnings=["link energy interpolated at 28 nm"],
    )


def _layers(snn_pj: float) -> Table:
    return table(
        "layers",
        ("layer", "", "Population", list(LAYERS)),
        ("neurons", "", "Neurons", [784, 5408, 2704, 128, 10]),
        ("depth", "", "Depth", [0, 1, 2, 3, 4]),
        ("cores", "", "Cores", [0, 3, 2, 1, 1]),
        ("spikes", "", "Spikes", [1100.0, 1800.0, 1000.0, 260.0, 40.0]),
        ("firing_rate", "", "Spikes per neuron and timestep", [0.07, 0.0166, 0.0185, 0.1016, 0.2]),
        ("sops", "", "SOPs", [0.0, 9900.0, 259200.0, 33280.0, 7620.0]),
        ("sops_issued", "", "SOPs issued", [0.0, 11000.0, 300000.0, 36000.0, 8000.0]),
        ("packets", "", "Packets", [1100.0, 2500.0, 1200.0, 260.0, 40.0]),
        ("updates", "", "Updates", [0.0, 30000.0, 15000.0, 2560.0, 440.0]),
        ("energy_pj", "pJ", "Energy", list(snn_pj * np.array([0.02, 0.2, 0.58, 0.15, 0.05]))),
        ("synapse_cycles", "cycle", "Synapse engine", [0.0, 2100.0, 14100.0, 3300.0, 700.0]),
        ("scan_cycles", "cycle", "Neuron engine", [0.0, 6000.0, 3200.0, 400.0, 60.0]),
    )


def _cores(width: int, height: int, snn_pj: float, rng: np.random.Generator) -> Table:
    n = width * height
    used = np.arange(n) < min(6, n) if n < 64 else np.arange(n) < 40
    x, y = np.arange(n) % width, np.arange(n) // width
    energy = np.where(used, rng.uniform(0.5, 1.5, n), 0.02)
    energy *= 0.98 * snn_pj / energy.sum()
    names = [LAYERS[1 + at % 4] if on else "" for at, on in enumerate(used)]
    return table(
        "cores",
        ("core", "", "Number", np.arange(n)),
        ("x", "", "Column", x),
        ("y", "", "Row", y),
        ("layers", "", "Populations", names),
        ("neurons", "", "Neurons", np.where(used, 1024, 0)),
        ("synapse_utilisation", "", "Busy fraction", np.where(used, rng.uniform(0.05, 0.9, n), 0.0)),
        ("neuron_utilisation", "", "Busy fraction", np.where(used, rng.uniform(0.02, 0.4, n), 0.0)),
        ("synapse_memory_occupation", "", "Filled fraction", np.where(used, rng.uniform(0.1, 1.0, n), 0.0)),
        ("packets", "", "Packets", np.where(used, rng.integers(20, 1500, n), 0)),
        ("energy_pj", "pJ", "Energy", energy),
    )


def _components(shares: dict[str, float], energy: float) -> Table:
    dynamic = 0.8 * energy * np.array(list(shares.values()))
    return table(
        "components",
        ("component", "", "Kind", list(shares)),
        ("dynamic_pj", "pJ", "Dynamic", dynamic),
        ("static_pj", "pJ", "Static", 0.2 * energy * np.array(list(shares.values()))),
    )


def _causes(cycles: float) -> Table:
    share = np.array(list(CAUSES.values()))
    return table(
        "causes",
        ("cause", "", "Cause", list(CAUSES)),
        ("cycles", "cycle", "Cycles", cycles * share),
        ("share", "", "Share", share),
    )


def _steps() -> Table:
    cycles = np.array([300.0, *[1000.0 + 40 * at for at in range(21)], 500.0])
    return table(
        "steps",
        ("step", "", "Step", np.arange(23)),
        ("cycles", "cycle", "Cycles", cycles),
        ("neuron_scan_cycles", "cycle", "Scan", 0.25 * cycles),
        ("accumulate_cycles", "cycle", "Accumulate", 0.75 * cycles),
        ("packets", "", "Packets", np.linspace(0.0, 400.0, 23)),
        ("stall_fifo_full", "cycle", "Waiting for axon-out", 0.5 * cycles),
        ("stall_router_vc", "cycle", "Waiting for a channel", 0.1 * cycles),
    )


def _routers(width: int, height: int) -> Table:
    at = np.arange(width * height)
    return table(
        "routers",
        ("router", "", "Number", at),
        ("x", "", "Column", (at % width).astype(float)),
        ("y", "", "Row", (at // width).astype(float)),
        ("ports", "", "Ports", ["in" if number == 0 else "" for number in at]),
        ("flits", "", "Flits", 10.0 * at),
        *((name, "cycle", name, 1.0 * at) for name in ("stall_vc", "stall_switch", "stall_credit", "stall_ejection")),
    )


def _activity() -> Table:
    return table(
        "activity",
        ("layer", "", "Population", np.repeat(np.array(LAYERS), 20)),
        ("timestep", "", "First timestep", np.tile(np.arange(20), len(LAYERS))),
        ("timesteps", "", "Timesteps", np.ones(20 * len(LAYERS), dtype=np.int64)),
        ("spikes", "", "Spikes", np.linspace(0.0, 40.0, 20 * len(LAYERS))),
    )


def _links(width: int, height: int, rng: np.random.Generator) -> Table:
    ends = []
    for y in range(height):
        for x in range(width):
            ends += [
                (x, y, x + dx, y + dy)
                for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
                if 0 <= x + dx < width and 0 <= y + dy < height
            ]
    at = np.array(ends, dtype=np.int64).reshape(-1, 4)
    flits = rng.integers(0, 900, len(at)) * (rng.random(len(at)) < 0.8)
    return table(
        "links",
        *((key, "", key, at[:, k]) for k, key in enumerate(("from_x", "from_y", "to_x", "to_y"))),
        ("flits", "", "Flits per sample", flits),
        ("load", "flit/cycle", "Flits per cycle", flits / 24_000),
    )


def _baseline(ann_pj: float) -> BaselineResult:
    latency = 40_000.0
    shares = {"weight buffer": 0.3, "input buffer": 0.15, "output buffer": 0.2, "MAC array": 0.3, "DRAM": 0.05}
    totals = {
        "energy_per_inference": Quantity(ann_pj, "pJ", "Energy"),
        "energy_dynamic": Quantity(0.8 * ann_pj, "pJ", "Dynamic"),
        "energy_static": Quantity(0.2 * ann_pj, "pJ", "Static"),
        "latency": Quantity(latency, "ns", "Latency"),
        "energy_delay": Quantity(ann_pj * latency, "pJ*ns", "EDP"),
        "accuracy": Quantity(0.98, "", "Accuracy of the ANN"),
        "macs": Quantity(1_550_000.0, "", "MACs"),
        "utilisation": Quantity(0.62, "", "MACs over peak"),
        "energy_dram_cold": Quantity(9.0e6, "pJ", "Weights from DRAM"),
    }
    layers = table(
        "baseline_layers",
        ("layer", "", "Layer", list(LAYERS[1:])),
        ("cycles", "cycle", "Cycles", [3000, 4200, 600, 200]),
        ("energy_pj", "pJ", "Energy", list(ann_pj * np.array([0.3, 0.5, 0.15, 0.05]))),
    )
    parts = _components(shares, ann_pj)
    return BaselineResult(
        "8-bit ANN of the same shape, 16x16 array, weight stationary",
        "assumed dense: no activations given",
        totals,
        layers,
        Table("baseline_components", parts.columns),
        table(
            "baselines",
            ("baseline", "", "Name", ["dense-8b", "skipping-4b", "snn"]),
            ("description", "", "What", ["8-bit ANN, dense", "4-bit ANN, ideal skipping", "SNN in 4 passes"]),
            ("dataflow", "", "Of the array", ["os", "ws", "os"]),
            *((name, unit, name, list(np.array([1.0, 0.4, 6.0]) * scale)) for name, unit, scale in (
                ("energy_pj", "pJ", ann_pj), ("energy_static_pj", "pJ", 0.2 * ann_pj),
                ("energy_first_pj", "pJ", ann_pj + 9e6), ("latency_ns", "ns", latency),
                ("latency_first_ns", "ns", 2 * latency), ("energy_delay", "pJ*ns", ann_pj * latency),
            )),
            ("accuracy", "", "Right", [0.98, 0.97, np.nan]),
            ("fairest", "", "Fairest", [False, True, False]),
        ),
        "skipping-4b",
        "most products are zero",
    )  # fmt: skip
