"""Pictures for labs: details of the bundled photographs, another one for every id."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

import problems
from problems.images import shrunk

NAMES = ("camera", "astronaut", "chelsea", "rocket", "coins", "coffee")
CONTRAST = 0.15  # standard deviation of its pixels that a detail has at least: a wall or a sky would teach nothing
TRIES = 100


@functools.cache
def whole(name: str) -> Tensor:
    return problems.load_image(name)


def detail(rng: np.random.Generator, size: int, reduced: int = 2) -> Tensor:
    """A random square of a random photograph, ``reduced`` times smaller, perhaps mirrored: [1, 1, size, size] in [0, 1]."""
    for _ in range(TRIES):
        name, side = str(rng.choice(NAMES)), size * reduced
        picture = whole(name)
        top, left = (int(rng.integers(n - side + 1)) for n in picture.shape[-2:])
        found = shrunk(picture[..., top : top + side, left : left + side], size, name)
        found = found.flip(-1) if rng.random() < 0.5 else found
        if float(found.std()) >= CONTRAST:
            return found
    return found


def white(rng: np.random.Generator, *shape: int) -> Tensor:
    """Standard normal noise, float32."""
    return torch.from_numpy(rng.standard_normal(shape)).float()
