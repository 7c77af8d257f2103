"""Images moved and mirrored at random while training, as is usual on CIFAR (He et al. 2016, section 4.2).

Not modelled: changes of colour, cuts, mixtures.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from accelsim.errors import TrainingError

_MOST: Final = 4
"""Pixels that an image moves at most in each direction; what comes in is black."""


def augmented(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return images, each mirrored left to right or not and moved by up to 4 pixels, by torch's generator.

    Parameters
    ----------
    images : (n, channels, height, width) uint8

    Raises
    ------
    TrainingError
        If they are not images.
    """
    if images.ndim != 4:
        raise TrainingError(f"augment: expected images (n, channels, height, width), got shape {images.shape}")
    number, _, height, width = images.shape
    wide = np.pad(images, ((0, 0), (0, 0), (_MOST, _MOST), (_MOST, _MOST)))
    down, right = torch.randint(0, 2 * _MOST + 1, (2, number)).numpy()
    mirrored = (torch.rand(number) < 0.5).numpy()
    made = np.empty_like(images)
    for at in range(number):
        part = wide[at, :, down[at] : down[at] + height, right[at] : right[at] + width]
        made[at] = part[:, :, ::-1] if mirrored[at] else part
    return made
