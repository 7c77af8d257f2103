"""Damaged network files by the thousand: run as a program, so that a hang or a limit on memory ends this process alone.

``python import_fuzz.py FORMAT COUNT SEED``. Every case must end in a network or an AccelsimError, within SECONDS and
MEMORY more than the program had at its start. Networks that are still read are executed, if they are small.
"""

import io
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

from accelsim.errors import AccelsimError
from accelsim.functional.executor import execute
from accelsim.functional.numerics import Numerics
from accelsim.network.densities import read_densities
from accelsim.network.events import EventStream
from accelsim.network.importers.importer import import_network
from accelsim.network.importers.options import ImportOptions
from accelsim.network.network_file import write_network
from accelsim.validation.spike_recording import input_key, read_counts

SECONDS = 20
MEMORY = 4 << 30
VALUES = (0, -1, 1, 2, 255, 1 << 16, 1 << 31, 1 << 40, 1 << 62, 1 << 70, -(1 << 70), 0.5, 1e300, True, None, "x", [],
          {}, [1, 2], "a" * 300)  # fmt: skip


def damaged(raw, rng):
    """Bytes overwritten, cut out, repeated or cut off."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        at = int(rng.integers(len(data)))
        length = int(min(len(data) - at, 1 << int(rng.integers(0, 8))))
        kind = rng.integers(6)
        if kind == 0:
            data[at : at + length] = rng.bytes(length)
        elif kind == 1:
            data[at : at + length] = bytes([int(rng.choice([0, 255, 127, 128]))]) * length
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length]
        elif kind == 4:
            data[at] ^= 1 << int(rng.integers(8))
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data)


def changed(value, rng):
    """One leaf of nested plain values replaced, or one entry taken away or added."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = str(rng.choice(list(value)))
        if rng.random() < 0.05:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        at = int(rng.integers(len(value)))
        if rng.random() < 0.05:
            return value[:at] + value[at + 1 :]
        return [*value[:at], changed(value[at], rng), *value[at + 1 :]]
    return VALUES[int(rng.integers(len(VALUES)))]


def other_array(array, rng):
    """An array of other values, another type or another shape."""
    kind = rng.integers(5)
    if kind == 0 and array.size:
        out = array.copy().ravel()
        with np.errstate(all="ignore"):
            out[int(rng.integers(out.size))] = np.array(rng.choice([-1, 0, 1, 1e9, -1e9, 2**31 - 1])).astype(out.dtype)
        return out.reshape(array.shape)
    if kind == 1:
        with np.errstate(all="ignore"):
            return array.astype(rng.choice(["f4", "f8", "i4", "i8", "u1", "f2", "?"]))
    if kind == 2:
        return array.ravel()[: int(rng.integers(array.size + 1))]
    if kind == 3:
        return np.concatenate([array.ravel(), array.ravel()])
    return array.reshape(-1, 1) if array.ndim == 1 else array.T


def npz_bytes(arrays):
    raw = io.BytesIO()
    np.savez(raw, **arrays)
    return raw.getvalue()


def npz_case(raw, rng, header=None):
    """Damage an npz file: its bytes, an array, or the header in JSON."""
    if rng.random() < 0.2:
        return damaged(raw, rng)
    with np.load(io.BytesIO(raw)) as file:
        arrays = dict(file)
    if header is not None and rng.random() < 0.6:
        content = changed(json.loads(arrays[header].tobytes()), rng)
        arrays[header] = np.frombuffer(json.dumps(content).encode(), np.uint8)
    else:
        key = str(rng.choice(list(arrays)))
        arrays[key] = other_array(arrays[key], rng)
    return npz_bytes(arrays)


def small_network():
    from extra_neurons import Burster, Gate
    from functional_builders import random_graph

    from accelsim.neurons.model import NEURON_MODELS

    NEURON_MODELS.get("if")
    NEURON_MODELS._items.update(burster=Burster, gate=Gate)
    return random_graph(4, integer=True)


def originals(form, folder):
    """Valid files of a format, by name, the first the one to be damaged."""
    rng = np.random.default_rng(0)
    if form == "snn":
        write_network(small_network(), folder / "a.snn")
        return {"a.snn": (folder / "a.snn").read_bytes()}
    if form == "netx":
        from test_netx import _write

        return {"a.net": _write(folder / "a.net").read_bytes()}
    if form == "state_dict":
        from safetensors.numpy import save
        from test_state_dict import CONV, DENSE, HEAD, IF, _some

        layers = [CONV, IF, "{type: max_pool, kernel: 2}", "{type: flatten}", DENSE, IF]
        text = HEAD + "layers:\n" + "".join(f"  - {layer}\n" for layer in layers)
        return {"a.safetensors": save(_some(rng)), "a.yaml": text.encode()}
    if form == "sanafe":
        from sanafe_twin import synthetic_arrays

        return {"a.npz": npz_bytes(synthetic_arrays())}
    if form == "densities":
        from test_densities import HEAD as COLUMNS
        from test_densities import ROWS

        return {"a.csv": "\n".join([COLUMNS, *ROWS]).encode()}
    image = (rng.random((4, 2, 1, 6, 6)) < 0.5).astype(np.uint8)
    shape = np.array(image.shape)
    return {"a.npz": npz_bytes({"input": np.packbits(image), "input_shape": shape, "spk1": image})}


def read(form, path):
    if form == "densities":
        return read_densities(path, 8, 1, 0).network
    if form == "recording":
        read_counts(path, {input_key(path): "input", "spk1": "one"}, "tn")
        return None
    return import_network(path, ImportOptions())


def case(form, files, folder, rng):
    name = list(files)[int(rng.integers(len(files)))]
    raw = files[name]
    if name.endswith((".npz", ".snn")):
        raw = npz_case(raw, rng, "header" if form == "snn" else None)
    else:
        raw = damaged(raw, rng)
    for other, content in {**files, name: raw}.items():
        (folder / other).write_bytes(content)
    try:
        network = read(form, folder / next(iter(files)))
    except AccelsimError:
        return False
    if network is not None and sum(edge.connection.run_row.size for edge in network.projections) < 100_000:
        frames = rng.random((1, 3, network.input.size)) < 0.3
        limits = Numerics(32, 32) if network.integer else Numerics(None, None)
        try:
            execute(network, EventStream.from_dense(frames), limits, 1)
        except AccelsimError:
            return False
    return True


def main(form, count, seed):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = originals(form, folder)
        case(form, files, folder, np.random.default_rng(0))  # compiles kernels
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MEMORY, mapped + MEMORY))
        kept = 0
        for at in range(count):
            signal.alarm(SECONDS)
            try:
                kept += case(form, files, folder, np.random.default_rng([seed, at]))
            except Exception as error:
                sys.stderr.write(f"{form}: case {at} of seed {seed}: {type(error).__name__}: {error}\n")
                raise
            signal.alarm(0)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - used
    sys.stdout.write(f"{form}: {count} cases, {kept} still a network, {grown >> 20} MiB more\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
