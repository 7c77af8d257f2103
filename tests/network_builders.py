"""NIR files written with h5py alone, and naive channel-first twins of the linear layers."""

import itertools

import h5py
import numpy as np


def write_graph(path, nodes, edges, version="1.0.8"):
    """Write nodes {name: (type, parameters)} and edges as a NIR file."""
    with h5py.File(path, "w") as file:
        file["version"] = version
        root = file.create_group("node")
        root["type"] = "NIRGraph"
        root["edges"] = np.array(edges, dtype=object).astype(h5py.string_dtype())
        group = root.create_group("nodes")
        for name, (kind, values) in nodes.items():
            node = group.create_group(name)
            node["type"] = kind
            for key, value in values.items():
                node[key] = value
    return path


def lif(shape, tau=1e-3, r=10.0, threshold=1.0, v_reset=0.0, v_leak=0.0):
    full = {"tau": tau, "r": r, "v_threshold": threshold, "v_reset": v_reset, "v_leak": v_leak}
    return "LIF", {key: np.full(shape, value) for key, value in full.items()}


def neuron_if(shape, r=1.0, threshold=1.0):
    return "IF", {"r": np.full(shape, r), "v_threshold": np.full(shape, threshold), "v_reset": np.zeros(shape)}


def conv2d(weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1, input_shape=None):
    values = {"weight": weight, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    values["bias"] = np.zeros(weight.shape[0], np.float32) if bias is None else bias
    if input_shape is not None:
        values["input_shape"] = input_shape
    return "Conv2d", values


def pool(kind, window, stride=None, padding=(0, 0)):
    return kind, {"kernel_size": window, "stride": stride or window, "padding": padding}


def flatten(shape):
    return "Flatten", {"start_dim": 0, "end_dim": -1, "input_type": shape}


def chain(path, shape, middle, neurons, out):
    """Write input -> middle nodes -> neurons -> output."""
    nodes = {"input": ("Input", {"shape": shape}), **middle, "neurons": neurons, "output": ("Output", {"shape": out})}
    names = list(nodes)
    return write_graph(path, nodes, list(itertools.pairwise(names)))


def naive_conv(x, weight, stride, padding, dilation, groups):
    """Direct convolution of (C, H, W); padding is ((top, bottom), (left, right))."""
    c_out, per_group, kh, kw = weight.shape
    padded = np.pad(x, ((0, 0), *padding))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, (kh, kw), strict=True)]
    oh, ow = ((padded.shape[axis + 1] - reach[axis]) // stride[axis] + 1 for axis in range(2))
    out = np.zeros((c_out, oh, ow), dtype=np.result_type(x, weight))
    for o, oy, ox, j, ky, kx in np.ndindex(c_out, oh, ow, per_group, kh, kw):
        channel = o // (c_out // groups) * per_group + j
        value = padded[channel, oy * stride[0] + ky * dilation[0], ox * stride[1] + kx * dilation[1]]
        out[o, oy, ox] += weight[o, j, ky, kx] * value
    return out


def naive_sum_pool(x, window, stride, padding):
    weight = np.ones((x.shape[0], 1, *window), dtype=x.dtype)
    return naive_conv(x, weight, stride, tuple((p, p) for p in padding), (1, 1), x.shape[0])


def channel_last(x):
    """Return a (C, H, W) or flat array in neuron order."""
    return np.moveaxis(x, 0, -1).ravel() if x.ndim == 3 else x.ravel()
