"""A network that was trained elsewhere and exported as NIR: describe it in a folder, check that it fits, run it."""

import shutil
from pathlib import Path

import accelsim as ax
from accelsim.network.workload import workload_folder
from accelsim.pipeline.check import check

folder = Path("results/mynet")
folder.mkdir(parents=True, exist_ok=True)
for name in ("network.nir", "digits-idx3-ubyte.gz", "labels-idx1-ubyte.gz"):  # a bundled network stands in for yours
    shutil.copy(workload_folder() / "mnist_conv" / name, folder)

# What a NIR file does not say is stated here: `accelsim import` writes such a file and tells what it found.
(folder / "workload.yaml").write_text("""\
name: mynet
description: imported from NIR
network:
  file: network.nir
  dialect: euler
  dt: 100 us
  reset: subtract
  threshold_op: ">"
  quantize: {bits: 8, granularity: tensor}
input: {file: digits-idx3-ubyte.gz, encoding: poisson, rate: 0.5, seed: 1}
labels: labels-idx1-ubyte.gz
timesteps: 4
decoding: rate
provenance: {source: the bundled network}
""")

fit = check("core", folder)
print(fit.problem or f"it fits: {fit.meta['cores_used']} of {fit.meta['cores']} cores")
print(ax.run(hw="core", workload=folder, samples=4))
