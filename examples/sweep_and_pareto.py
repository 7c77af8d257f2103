"""A small study: two axes, every point once, and the points that no other point beats."""

import accelsim as ax

study = ax.sweep(
    {
        "name": "banks",
        "hw": "core",
        "workload": "mnist_conv",
        "samples": 1,
        "axes": {"core.synapse_lanes": [4, 8, 16], "core.accumulator.memory.banks": [2, 8]},
        "objectives": ["energy", "latency", "area"],
    },
    out="results/banks",
    processes=1,
)

points = study.points()
print(points[["core.synapse_lanes", "core.accumulator.memory.banks", "energy_per_inference", "latency"]])

front = study.pareto(["energy", "latency"])
print(f"{len(front.table)} of {len(points)} points are on the front of energy and latency")
study.html("results/banks.html")
