"""Run the bundled network on a bundled chip and look at what came out."""

import accelsim as ax

result = ax.run(hw="core", workload="mnist_conv", samples=4)

print(result)
print(result.table())  # the SNN beside the ANN
print(result.table("layers")[["layer", "spikes", "sops", "energy_pj"]])
print(f"{result.value('energy_per_inference') / 1e3:.0f} nJ, {result.value('latency') / 1e3:.1f} us per inference")

result.plot.energy().save("results/energy.svg")
result.html("results/core.html")
