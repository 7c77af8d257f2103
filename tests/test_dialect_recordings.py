"""Every dialect, free-running, against what the framework itself did with the file that it exported: every spike."""

import numpy as np
import pytest
from framework_recordings import archive, counts_of, imported, in_neuron_order, layers_of, run, unpacked

from accelsim.network.importers.options import ImportOptions

SNNTORCH = [
    (f"snntorch_{kind}_{reset}_{when}", f"snntorch_{kind}_subtract_late", {"reset": reset, "reset_delay": late})
    for kind in ("leaky", "synaptic")
    for reset in ("subtract", "zero", "none")
    for when, late in (("late", True), ("now", False))
] + [
    (f"snntorch_{kind}_{reset}_late", f"snntorch_{kind}_subtract_late", {"reset": reset})
    for kind in ("rleaky", "rsynaptic")
    for reset in ("subtract", "zero")
]
NORSE = [
    (f"norse_{name}", f"norse_{name}", {"reset": "subtract"} if name == "box_subtract" else {})
    for name in ("box", "box_subtract", "box_leak", "cell", "cell_leak", "iaf", "iaf_reset")
]
SPIKINGJELLY = [
    (f"sj_{name}", f"sj_{name}", {})
    for name in (
        "if_hard", "if_reset", "lif_decay", "lif_nodecay", "lif_decay_reset", "lif_nodecay_reset", "cuba", "cuba_reset"
    )
] + [
    (f"sj_{name}_soft", f"sj_{file}", {"reset": "subtract"})
    for name, file in (("if", "if_hard"), ("lif_decay",) * 2, ("lif_nodecay",) * 2, ("cuba",) * 2)
]
SINABS = [
    ("iaf_multi", {}),
    ("iaf_single", {"spike_mode": "single"}),
    ("iaf_floor", {"membrane_floor": -0.5}),
    ("iaf_zero", {"reset": "zero"}),
    ("iaf_single_zero", {"spike_mode": "single", "reset": "zero"}),
    ("lif_plain", {}),
    ("lif_norm", {"norm_input": True}),
    ("lif_norm_floor", {"norm_input": True, "membrane_floor": -0.1}),
    ("lif_single_zero", {"spike_mode": "single", "reset": "zero"}),
    ("lif_floor", {"membrane_floor": -1.0}),
    ("lif_syn", {}),
    ("lif_syn_norm", {"norm_input": True}),
]
CASES = [
    *(("snntorch", *case) for case in SNNTORCH),
    *(("norse", *case) for case in NORSE),
    *(("spikingjelly", *case) for case in SPIKINGJELLY),
    *(("sinabs", f"sinabs_{name}", f"sinabs_{name}", stated) for name, stated in SINABS),
]


def given_input(network):
    frames = unpacked(archive(), "input/input")
    if len(network.input.shape) == 1:
        frames = frames.reshape(*frames.shape[:2], -1)  # a network on the flattened image: channel-first
    return in_neuron_order(frames)


@pytest.mark.parametrize(("dialect", "recording", "file", "stated"), CASES, ids=[case[1] for case in CASES])
def test_every_spike(tmp_path, dialect, recording, file, stated):
    network = imported(tmp_path, file, ImportOptions(dialect, **stated))
    trace = run(network, given_input(network))
    for name, key in zip(layers_of(network), ("spk1", "spk2"), strict=True):
        expected = in_neuron_order(archive()[f"{recording}/{key}"])
        found = counts_of(trace, name, expected.shape[2])
        assert expected.any() or key == "spk2"
        wrong = np.argwhere(found != expected)
        assert not len(wrong), f"{name}: {len(wrong)} of {expected.size} differ, (sample, step, neuron) {wrong[:3]}"


def test_the_recordings_tell_the_variants_apart():
    """One file stands for networks with different spikes: that is why a dialect has choices."""
    totals = {case[1]: int(archive()[f"{case[1]}/spk1"].sum()) for case in CASES}
    for group in ("snntorch_leaky_subtract", "snntorch_synaptic_subtract"):
        assert totals[f"{group}_late"] != totals[f"{group}_now"]
    assert len({totals[f"sinabs_iaf_{name}"] for name in ("multi", "single", "floor", "zero")}) == 4


def test_provenance_says_who_stated_what(tmp_path):
    network = imported(tmp_path, "sinabs_iaf_multi", ImportOptions("sinabs", membrane_floor="-threshold"))
    choices = network.provenance["choices"]
    assert choices["membrane_floor"] == {"value": "-threshold", "from": "stated by the user"}
    assert choices["spike_mode"] == {"value": "multi", "from": "dialect sinabs: default of the framework"}
    assert choices["dt"]["value"] == 1.0
    assert network.provenance["neurons"]["1"].startswith("IAF: v = v + x; r is ignored, several spikes")
