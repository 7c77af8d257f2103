"""Make ``frameworks.npz`` again: run one framework of this environment and put what it did into the file.

    python tests/recordings/record.py snntorch | norse | spikingjelly | sinabs

sinabs 3.1.3 pins nir <= 1.0.4, the others were run with nir 1.0.8: two environments.
"""

import itertools
import sys
import tempfile
from pathlib import Path

import nir
import numpy as np
import torch

FILE = Path(__file__).with_name("frameworks.npz")
STEPS, SAMPLES = 20, 4
SHAPES = ((4, 4, 4), (10,))


def conv():
    torch.manual_seed(1)
    layer = torch.nn.Conv2d(2, 4, 3, stride=2, padding=1)
    layer.weight.data *= 2.2
    layer.bias.data *= 0.5
    return layer


def fc(inputs, outputs, seed=2, gain=3.0):
    torch.manual_seed(seed)
    layer = torch.nn.Linear(inputs, outputs)
    layer.weight.data *= gain
    return layer


def graph(first, second):
    """Return conv - first - flatten - dense - second with two neuron nodes."""
    layer, dense = conv(), fc(64, 10)
    nodes = {
        "input": nir.Input({"input": np.array([2, 8, 8])}),
        "0": nir.Conv2d(
            input_shape=(8, 8), weight=layer.weight.detach().numpy(), bias=layer.bias.detach().numpy(),
            stride=(2, 2), padding=(1, 1), dilation=(1, 1), groups=1,
        ),
        "1": first,
        "2": nir.Flatten(input_type={"input": np.array([4, 4, 4])}, start_dim=0, end_dim=-1),
        "3": nir.Affine(dense.weight.detach().numpy(), dense.bias.detach().numpy()),
        "4": second,
        "output": nir.Output({"output": np.array([10])}),
    }
    return nir.NIRGraph(nodes=nodes, edges=list(itertools.pairwise(nodes)))


class Recorder:
    """Collects arrays and writes them beside those that the file has."""

    def __init__(self):
        with np.load(FILE, allow_pickle=False) as data:
            self.found = dict(data)
        frames = np.unpackbits(self.found["input/input"]).reshape(self.found["input/input_shape"])
        self.frames = torch.tensor(frames.astype(np.float32))

    def keep(self, name, network, first, second):
        for key, spikes in (("spk1", first), ("spk2", second)):
            self.found[f"{name}/{key}"] = np.stack([item.numpy().astype(np.uint8) for item in spikes])
        if network is not None:
            with tempfile.TemporaryDirectory() as folder:
                nir.write(Path(folder) / "n.nir", network)
                self.found[f"nir/{name}"] = np.frombuffer((Path(folder) / "n.nir").read_bytes(), np.uint8)

    def run(self, first, second, layers=None):
        """Return the spikes of both populations; ``first`` and ``second`` take an input and return spikes."""
        before, between = layers or (conv(), fc(64, 10))
        flat = layers is not None
        out = [], []
        with torch.no_grad():
            for frame in self.frames:
                spikes = first(before(frame.flatten(1) if flat else frame))
                out[0].append(spikes)
                out[1].append(second(between(spikes.flatten(1))))
        return out

    def write(self):
        np.savez_compressed(FILE, **self.found)


def snntorch(recorder):
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    def pair(kind, reset, late):
        torch.manual_seed(5)
        betas = [torch.full(shape, 0.85) + 0.1 * torch.rand(shape) for shape in SHAPES]
        levels = torch.full(SHAPES[0], 1.0), torch.full((10,), 0.8)
        common = {"reset_mechanism": reset, "init_hidden": True, "reset_delay": late}
        if kind == "leaky":
            return [snn.Leaky(beta=b, threshold=t, **common) for b, t in zip(betas, levels, strict=True)]
        alphas = torch.full(SHAPES[0], 0.5) + 0.2 * torch.rand(SHAPES[0]), torch.full((10,), 0.6)
        parts = zip(alphas, betas, levels, strict=True)
        return [snn.Synaptic(alpha=a, beta=b, threshold=2 * t, **common) for a, b, t in parts]

    for kind, reset, late in itertools.product(("leaky", "synaptic"), ("subtract", "zero", "none"), (True, False)):
        network = None
        if reset == "subtract" and late:
            first, second = pair(kind, reset, late)
            module = torch.nn.Sequential(conv(), first, torch.nn.Flatten(), fc(64, 10), second)
            network = export_to_nir(module, recorder.frames[0], ignore_dims=[0])
        name = f"snntorch_{kind}_{reset}_{'late' if late else 'now'}"
        recorder.keep(name, network, *recorder.run(*pair(kind, reset, late)))
    for kind, reset in itertools.product(("rleaky", "rsynaptic"), ("subtract", "zero")):

        def layers(kind=kind, reset=reset):
            before, between = fc(128, 12, 7, 2.0), fc(12, 5, 8, 4.0)
            torch.manual_seed(9)
            common = {"linear_features": 12, "threshold": 1.0, "reset_mechanism": reset, "init_hidden": True}
            one = snn.RLeaky(beta=0.9, **common) if kind == "rleaky" else snn.RSynaptic(alpha=0.5, beta=0.9, **common)
            one.recurrent.weight.data *= 3
            full = torch.full((5,), 0.8), torch.full((5,), 1.0)
            last = snn.Leaky(beta=full[0], threshold=full[1], init_hidden=True, reset_mechanism=reset)
            return before, one, between, last

        before, one, between, last = layers()
        sample = recorder.frames[0].flatten(1)[:1]
        module = torch.nn.Sequential(before, one, between, last)
        network = export_to_nir(module, sample, ignore_dims=[0]) if reset == "subtract" else None
        before, one, between, last = layers()
        recorder.keep(f"snntorch_{kind}_{reset}_late", network, *recorder.run(one, last, (before, between)))


def norse(recorder):
    from norse.torch.functional.iaf import IAFParameters
    from norse.torch.functional.lif import LIFParameters
    from norse.torch.functional.lif_box import LIFBoxParameters
    from norse.torch.functional.reset import reset_subtract, reset_value
    from norse.torch.module.iaf import IAFCell
    from norse.torch.module.lif import LIFCell
    from norse.torch.module.lif_box import LIFBoxCell
    from norse.torch.utils.export_nir import _extract_norse_module

    tensor = torch.as_tensor

    def box(k, method=reset_value, leak=0.0, reset=0.0):
        rate, level = ((250.0, 0.25), (180.0, 0.2))[k]
        given = {"v_leak": tensor(leak), "v_reset": tensor(reset), "reset_method": method}
        return LIFBoxCell(LIFBoxParameters(tau_mem_inv=tensor(rate), v_th=tensor(level), **given))

    def cell(k, leak=0.0, reset=0.0):
        rates = {"tau_mem_inv": tensor(100.0), "tau_syn_inv": tensor((200.0, 330.0)[k]), "v_th": tensor(0.3)}
        return LIFCell(LIFParameters(**rates, v_leak=tensor(leak), v_reset=tensor(reset)))

    def iaf(_, reset=0.0):
        return IAFCell(IAFParameters(v_th=tensor(1.0), v_reset=tensor(reset)))

    def stepped(module):
        state = [None]

        def step(x):
            spikes, state[0] = module(x, state[0])
            return spikes

        return step

    def node(module, shape, reset):
        bare = _extract_norse_module(module, 1.0)
        keys = ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")
        values = {key: np.float32(np.asarray(getattr(bare, key))) for key in keys if hasattr(bare, key)}
        if reset is not None:
            values["v_reset"] = np.float32(reset)
        return type(bare)(**{key: np.broadcast_to(value, shape).copy() for key, value in values.items()})

    cases = {
        "box": (box, {}), "box_subtract": (box, {"method": reset_subtract}),
        "box_leak": (box, {"leak": 0.05, "reset": -0.1}),
        "cell": (cell, {}), "cell_leak": (cell, {"leak": 0.03, "reset": -0.05}),
        "iaf": (iaf, {}), "iaf_reset": (iaf, {"reset": -0.3}),
    }  # fmt: skip
    for name, (make, given) in cases.items():
        modules = [make(k, **given) for k in range(2)]
        nodes = [node(module, shape, given.get("reset")) for module, shape in zip(modules, SHAPES, strict=True)]
        recorder.keep(f"norse_{name}", graph(*nodes), *recorder.run(*map(stepped, modules)))


def spikingjelly(recorder):
    from spikingjelly.activation_based import neuron
    from spikingjelly.activation_based.nir_exchange.to_nir import _ModuleMapper

    def pair(kind, given):
        if kind == "if":
            return [neuron.IFNode(v_threshold=level, **given) for level in (1.0, 0.9)]
        if kind == "cuba":
            parts = ((0.5, 0.8, 2.0), (0.4, 0.75, 1.5))
            return [neuron.CUBALIFNode(c_decay=c, v_decay=v, v_threshold=level, **given) for c, v, level in parts]
        levels = (0.3 if given["decay_input"] else 0.7, 0.5)
        return [neuron.LIFNode(tau=tau, v_threshold=t, **given) for tau, t in zip((3.0, 2.5), levels, strict=True)]

    cases = {
        "if_hard": ("if", {}), "if_reset": ("if", {"v_reset": -0.2}), "if_soft": ("if", {"v_reset": None}),
        "cuba": ("cuba", {}), "cuba_reset": ("cuba", {"v_reset": -0.1}), "cuba_soft": ("cuba", {"v_reset": None}),
    }  # fmt: skip
    for text, decay, reset in (("decay", True, -0.15), ("nodecay", False, 0.1)):
        for tail, value in (("", 0.0), ("_soft", None), ("_reset", reset)):
            cases[f"lif_{text}{tail}"] = ("lif", {"decay_input": decay, "v_reset": value})
    for name, (kind, given) in cases.items():
        network = None
        if given.get("v_reset", 0.0) is not None:
            first, second = pair(kind, given)
            module = torch.nn.Sequential(conv(), first, torch.nn.Flatten(), fc(64, 10), second)
            mapper = _ModuleMapper(module, recorder.frames[0])
            node = {"if": mapper.map_if, "lif": mapper.map_lif, "cuba": mapper.map_cuba_lif}[kind]
            network = graph(node(first), node(second))
        recorder.keep(f"sj_{name}", network, *recorder.run(*pair(kind, given)))


def sinabs(recorder):
    import sinabs.activation as act
    import sinabs.layers as sl

    single, zero = {"spike_fn": act.SingleSpike}, {"reset_fn": act.MembraneReset()}
    plain, norm = {"norm_input": False}, {"norm_input": True}
    cases = {
        "iaf_multi": {}, "iaf_single": single, "iaf_floor": {"min_v_mem": -0.5}, "iaf_zero": zero,
        "iaf_single_zero": single | zero,
        "lif_plain": plain, "lif_norm": norm, "lif_norm_floor": norm | {"min_v_mem": -0.1},
        "lif_single_zero": plain | single | zero, "lif_floor": plain | {"min_v_mem": -1.0},
        "lif_syn": plain | {"tau_syn": 4.0}, "lif_syn_norm": norm | {"tau_syn": 4.0},
    }  # fmt: skip
    for name, given in cases.items():
        levels = (0.15, 0.15) if given.get("norm_input") else (1.0, 0.8)
        modules, nodes = [], []
        for level, tau, shape in zip(levels, (12.0, 7.0), SHAPES, strict=True):
            leaky = {"tau_mem": tau} if name.startswith("lif") else {}
            kind = sl.LIF if leaky else sl.IAF
            modules.append(kind(**leaky, spike_threshold=torch.tensor(level), **given))
            one, zeros = np.ones(shape, np.float32), np.zeros(shape, np.float32)
            common = {"r": one, "v_threshold": np.float32(level) * one}
            if not leaky:
                nodes.append(nir.IF(**common))
            elif "tau_syn" in given:
                nodes.append(nir.CubaLIF(tau_mem=np.float32(tau) * one, tau_syn=4 * one, v_leak=zeros, **common))
            else:
                nodes.append(nir.LIF(tau=np.float32(tau) * one, v_leak=zeros, **common))

        def stepped(module):
            return lambda x: module(x[:, None])[:, 0]

        recorder.keep(f"sinabs_{name}", graph(*nodes), *recorder.run(*map(stepped, modules)))


if __name__ == "__main__":
    recording = Recorder()
    {"snntorch": snntorch, "norse": norse, "spikingjelly": spikingjelly, "sinabs": sinabs}[sys.argv[1]](recording)
    recording.write()
