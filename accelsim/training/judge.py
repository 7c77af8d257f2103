"""From a network to figures: whole numbers, export, agreement with accelsim, cycle-level runs; where recipes end."""

from __future__ import annotations

from dataclasses import replace

from accelsim.training.architecture import multiply_accumulates
from accelsim.training.bench import Bench, Row
from accelsim.training.encoding import InputCode
from accelsim.training.integers import integer_layers
from accelsim.training.network import Network
from accelsim.training.scores import score_integer
from accelsim.training.verdict import agreement, cycle_level
from accelsim.training.workload import export_workload

E_MAC, E_AC = 4.6, 0.9
"""pJ of a multiply-accumulate and an accumulate, FP32 at 45 nm (Horowitz, ISSCC 2014): what most papers count with."""
COMPARED = 64
"""Test samples that accelsim predicts of every network, at least."""
HELD = 2000
"""Validation samples that points are chosen by, at most."""


def judge(
    bench: Bench, network: Network, code: InputCode, name: str, *, description: str, test: int | None = None
) -> Row:
    """Return figures of a network whose layers have quantisers.

    Parameters
    ----------
    bench : Bench
    network : Network
    code : InputCode
    name : str
        Of the workload folder.
    description : str
    test : int or None
        Test samples that the accuracy is taken on; all if not given.

    Returns
    -------
    dict
        ``exported`` accuracy in whole numbers, ``validation`` that of the validation part, ``agreement`` of accelsim's
        predictions on the folder's samples,
        ``nonzero`` weights, mean ``spikes``; of every chip what :func:`accelsim.training.verdict.cycle_level` returns
        and ratios ``CHIP_against_dense`` and ``CHIP_against_skipping`` (energy of the array over energy of the SNN);
        ``op_count_dense`` and ``op_count_compressed``, the ratio of op counts at 4.6 and 0.9 pJ.
    """
    spec, data = bench.spec, bench.data
    layers = integer_layers(network)
    kept = [int((layer.codes != 0).sum()) for layer in layers]
    part = data.test.take(slice(test))
    exported = score_integer(layers, part, code, network.options)
    folder = export_workload(
        bench.folder / "workloads" / name, network, layers, replace(data, test=part), code,
        name=name, description=description, samples=max(spec.samples, COMPARED),
        provenance={"recipe": description, "test_accuracy": exported.accuracy, "data": data.source},
    )  # fmt: skip
    bench.remember(name, exported.predictions)
    figures = cycle_level(folder, spec.hardware, spec.samples, spec.threads)
    made = network.projections
    dense = multiply_accumulates(made, data.shape, [item.weights for item in made])
    sops = figures[f"{spec.hardware[0].label}_sops"]
    row: Row = {
        "exported": exported.accuracy,
        "validation": score_integer(layers, data.validation.take(slice(HELD)), code, network.options).accuracy,
        "agreement": agreement(folder, exported.predictions, spec.threads),
        "nonzero": sum(kept),
        "spikes": sum(exported.spikes[1:]),
        "op_count_dense": E_MAC * dense / (E_AC * sops),
        "op_count_compressed": E_MAC * multiply_accumulates(made, data.shape, kept) / (E_AC * sops),
    }
    for machine in spec.hardware:
        own = figures[f"{machine.label}_energy_per_inference"]
        for array in ("dense", "skipping"):
            row[f"{machine.label}_against_{array}"] = figures[f"{machine.label}_ann_{array}_8b_energy"] / own
    return row | figures
