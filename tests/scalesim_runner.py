"""Runs SCALE-Sim 3.0.0 on stated layers; executed by a Python that has it (numpy<2), never imported.

Standard input: a list of ``{"rows", "columns", "dataflow", "kib", "bandwidth", "layers"}``, a layer being height,
width, filter height, filter width, channels, filters, stride. Last line of the standard output: for every run a list of
``[cycles, stalls, span, sram ifmap, filter, ofmap, dram ifmap, filter, ofmap]``.
"""

import contextlib
import csv
import io
import json
import sys
import tempfile
from pathlib import Path

from scalesim.scale_sim import scalesim

CONFIG = """[general]
run_name = run
[architecture_presets]
ArrayHeight : {rows}
ArrayWidth : {columns}
IfmapSramSzkB : {kib}
FilterSramSzkB : {kib}
OfmapSramSzkB : {kib}
IfmapOffset : 0
FilterOffset : 10000000
OfmapOffset : 20000000
Bandwidth : {bandwidth}
Dataflow : {dataflow}
MemoryBanks : 1
ReadRequestBuffer : 32
WriteRequestBuffer : 32
[layout]
IfmapCustomLayout : False
IfmapSRAMBankBandwidth : {bandwidth}
IfmapSRAMBankNum : 1
IfmapSRAMBankPort : 2
FilterCustomLayout : False
FilterSRAMBankBandwidth : {bandwidth}
FilterSRAMBankNum : 1
FilterSRAMBankPort : 2
[sparsity]
SparsitySupport : false
SparseRep : ellpack_block
OptimizedMapping : false
BlockSize : 8
RandomNumberGeneratorSeed : 40
[run_presets]
InterfaceBandwidth: {mode}
UseRamulatorTrace: False
"""


def lines(path):
    with path.open() as stream:
        return [[float(item) for item in row if item.strip()] for row in list(csv.reader(stream))[1:]]


def run(case, folder):
    mode = "CALC" if case["bandwidth"] is None else "USER"
    text = CONFIG.format(**{**case, "bandwidth": case["bandwidth"] or 10}, mode=mode)
    (folder / "run.cfg").write_text(text)
    header = ",".join(f"column {at}" for at in range(8))
    layers = [f"layer{at}," + ",".join(map(str, layer)) + "," for at, layer in enumerate(case["layers"])]
    (folder / "net.csv").write_text("\n".join([header + ",", *layers, ""]))
    layout = [f"layer{at}," + "1," * 20 for at in range(len(layers))]
    (folder / "layout.csv").write_text("\n".join([header + ",", *layout, ""]))
    with contextlib.redirect_stdout(io.StringIO()):
        scalesim(
            save_disk_space=True, verbose=False, config=str(folder / "run.cfg"), topology=str(folder / "net.csv"),
            layout=str(folder / "layout.csv"), input_type_gemm=False,
        ).run_scale(top_path=str(folder))  # fmt: skip
    compute, detail = lines(folder / "run" / "COMPUTE_REPORT.csv"), lines(folder / "run" / "DETAILED_ACCESS_REPORT.csv")
    return [
        [one[2], one[3], one[1], two[3], two[6], two[9], two[12], two[15], two[18]]
        for one, two in zip(compute, detail, strict=True)
    ]


found = []
for item in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as name:
        found.append(run(item, Path(name)))
print(json.dumps(found))  # noqa: T201
