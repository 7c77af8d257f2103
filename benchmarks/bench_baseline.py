"""How long the MAC array's closed forms take: AlexNet, VGG16-like and MobileNet-like networks, every dataflow.

SCALE-Sim 3.0.0 takes 182 processor seconds for AlexNet on 32x32 ``os`` (same kind of machine, its memories included).
"""

import time

import numpy as np
from common import print_table

from accelsim.baseline.dataflow import DATAFLOWS, Gemm, layer_costs
from accelsim.validation.scalesim_memory import Memory, replay
from accelsim.validation.scalesim_order import Layer

SCALESIM_SECONDS = 182.0
ALEXNET = (
    Layer(224, 224, 11, 11, 3, 96, 4), Layer(27, 27, 5, 5, 96, 256), Layer(13, 13, 3, 3, 256, 384),
    Layer(13, 13, 3, 3, 384, 384), Layer(13, 13, 3, 3, 384, 256),
)  # fmt: skip
VGG16 = tuple(
    Layer(side + 2, side + 2, 3, 3, inputs, outputs)
    for side, inputs, outputs in (
        (224, 3, 64), (224, 64, 64), (112, 64, 128), (112, 128, 128), (56, 128, 256), (56, 256, 256), (56, 256, 256),
        (28, 256, 512), (28, 512, 512), (28, 512, 512), (14, 512, 512), (14, 512, 512), (14, 512, 512),
    )
)  # fmt: skip
REPEATS = 2000


def gemm_of(layers: tuple[Layer, ...], groups: int = 1) -> Gemm:
    pixels, window, filters = (
        np.array([getattr(layer, name) for layer in layers], dtype=np.int64) for name in ("pixels", "window", "filters")
    )
    many = np.full(len(layers), groups, dtype=np.int64)
    return Gemm(pixels, window, filters, many, pixels * window * filters * many)


def seconds(name: str, gemm: Gemm, mode: str) -> float:
    layer_costs(name, gemm, 32, 32, mode=mode)
    began = time.process_time()
    for _ in range(REPEATS):
        layer_costs(name, gemm, 32, 32, mode=mode)
    return (time.process_time() - began) / REPEATS


def main() -> None:
    networks = {"AlexNet": gemm_of(ALEXNET), "VGG16": gemm_of(VGG16), "13 layers of 64 groups": gemm_of(VGG16, 64)}
    rows = []
    for network, gemm in networks.items():
        for name in DATAFLOWS.names():
            spent = seconds(name, gemm, "mended")
            rows.append((network, name, f"{spent * 1e6:.0f} us"))
    print_table("Closed forms of a network", ("network", "dataflow, 32x32", "CPU"), rows)
    spent = seconds("os", networks["AlexNet"], "scalesim")
    print(f"\nAlexNet, os, as SCALE-Sim counts: {spent * 1e6:.0f} us, {SCALESIM_SECONDS / spent:,.0f} times SCALE-Sim")
    replay_alexnet()
    began = time.process_time()
    replay_alexnet()
    took = time.process_time() - began
    print(f"the same with its memories, word by word: {took:.2f} s, {SCALESIM_SECONDS / took:,.0f} times SCALE-Sim")


def replay_alexnet() -> None:
    for layer in ALEXNET:
        replay(layer, "os", 32, 32, Memory(64 * 1024, None))


if __name__ == "__main__":
    main()
