"""What a network looks like: layers as a recipe's YAML states them, and their projections.

Layers are convolutions, pools and dense layers, input side first; a pool belongs to the projection behind it. No bias
and no batch normalisation, as in the networks of Rathi et al. and Chowdhury et al. that the recipes follow. The last
layer is a readout that integrates and does not spike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from accelsim.errors import TrainingError
from accelsim.hardware.quantities import Count, CountOrZero, Spec
from accelsim.training.projection import Projection

Shape = tuple[int, ...]


class LayerSpec(Spec):
    """One layer: a convolution, a pool or a dense layer."""

    conv: Count | None = None
    """Output channels."""
    kernel: Annotated[Count, Field(le=15)] = 3
    stride: Annotated[Count, Field(le=8)] = 1
    padding: CountOrZero | None = None
    """Pixels on every side; half of the kernel if not stated."""
    pool: Annotated[Count, Field(ge=2, le=8)] | None = None
    """Side of an average pool."""
    dense: Count | None = None
    """Output neurons."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        stated = [name for name in ("conv", "pool", "dense") if getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError(f"expected one of conv, pool and dense, got {' and '.join(stated) or 'none'}")
        return self


def projections(layers: Sequence[LayerSpec], source: Shape, classes: int) -> list[Projection]:
    """Return the projections of a network, with a dense readout of ``classes`` behind the layers.

    Parameters
    ----------
    layers : sequence of LayerSpec
    source : tuple of int
        (channels, height, width) of the input.
    classes : int

    Raises
    ------
    TrainingError
        If a layer does not fit behind the one before.
    """
    made: list[Projection] = []
    shape, pool = source, 1
    for number, layer in enumerate([*layers, LayerSpec(dense=classes)], start=1):
        if layer.pool is not None:
            if len(shape) < 3 or pool > 1 or min(shape[1:]) < layer.pool:
                raise TrainingError(f"layer {number}: a pool of {layer.pool} does not fit behind shape {shape}")
            pool = layer.pool
            continue
        channels, *size = shape if pool == 1 else (shape[0], *(side // pool for side in shape[1:]))
        if layer.conv is not None:
            padding = layer.kernel // 2 if layer.padding is None else layer.padding
            if not size or min(size) + 2 * padding < layer.kernel:
                raise TrainingError(f"layer {number}: a kernel of {layer.kernel} does not fit behind shape {shape}")
            weights = (layer.conv, channels, layer.kernel, layer.kernel)
            name = f"conv{1 + sum(len(item.shape) == 4 for item in made)}"
            made.append(Projection(name, weights, layer.stride, padding, pool))
        else:
            flat = channels
            for side in size:
                flat *= side
            name = f"fc{1 + sum(len(item.shape) == 2 for item in made)}"
            made.append(Projection(name, (layer.dense or classes, flat), pool=pool))
        shape, pool = made[-1].output_shape((channels, *size)), 1
    return made


def multiply_accumulates(made: Sequence[Projection], source: Shape, kept: Sequence[int]) -> int:
    """Return the multiply-accumulates of an ANN: every kept weight at every output position, border taps included.

    Parameters
    ----------
    made : sequence of Projection
    source : tuple of int
        (channels, height, width) of the input.
    kept : sequence of int
        Weights of each projection that are not zero.
    """
    shape, total = source, 0
    for projection, weights in zip(made, kept, strict=True):
        shape = projection.output_shape(projection.pooled_shape(shape))
        positions = 1
        for side in shape[1:]:
            positions *= side
        total += positions * weights
    return total
