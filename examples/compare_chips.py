"""One network on several chips, and as an ANN on the arrays beside them."""

import accelsim as ax

machines = ax.compare(["core", "small"], "mnist_conv", samples=2)

table = machines.table()
print(table[["machine", "description", "energy_pj", "latency_ns", "energy_delay"]].to_string(index=False))
best = table.loc[table["energy_delay"].idxmin()]
print(f"The least energy-delay product: {best['machine']}, {best['description']}")
