"""Randomness: one independent stream per sample, so that sample i does not depend on how many are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from problems.operator import Operator
from problems.seeds import Seed, generator

if TYPE_CHECKING:
    from collections.abc import Sequence


class Streams:
    """Standard normal noise for ``n`` samples of ``batch`` images; row i * batch + b has a stream of its own.

    With ``mirrored`` the second half of the samples gets the noise of the first with the other sign: sample i and sample
    i + n / 2 are an antithetic pair (Hammersley, Morton 1956). Numbers are drawn in double precision on the CPU, so a seed
    gives the same noise in float32, in float64 and on a GPU.
    """

    def __init__(self, rng: Seed, n: int, batch: int, mirrored: bool = False):
        self.n, self.mirrored, self.root = n, mirrored, int(generator(rng).integers(2**63))
        own = n // 2 if mirrored else n
        seeds = [np.random.SeedSequence(self.root, spawn_key=(i, b)) for i in range(own) for b in range(batch)]
        self.generators = [torch.Generator().manual_seed(int(s.generate_state(1, np.uint64)[0] >> 1)) for s in seeds]

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """[n * batch, *shape] in the dtype and on the device of ``like``."""
        rows = [torch.randn(tuple(shape), generator=g, dtype=torch.float64) for g in self.generators]
        found = torch.stack(rows).to(like.device, like.dtype)
        return torch.cat([found, -found]) if self.mirrored else found


BLOCK = 64  # pixels a side: the noise of a large picture is drawn block by block


@dataclass(frozen=True)
class Place:
    """Where a tile lies in a larger picture, given in place of a seed: its noise is cut out of that of the whole.

    Tiles that overlap then draw nearly the same there, so that they can be joined without a seam. ``image`` and ``data`` are the
    places (row, column) of the tile's first pixel in the whole scene and in the whole measured picture, of which ``operator``
    has the tile's part.
    """

    seed: int
    operator: Operator
    image: tuple[int, int]
    data: tuple[int, int]


class Placed(Streams):
    """As ``Streams``, for one image: sample i gets the noise of its place."""

    def __init__(self, place: Place, n: int, mirrored: bool = False):
        self.n, self.mirrored, self.root, self.place = n, mirrored, place.seed, place
        self.own, self.asked = n // 2 if mirrored else n, 0

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        operator, self.asked = self.place.operator, self.asked + 1
        whole = tuple(shape) == tuple(operator.image_shape)
        corner = self.place.image if whole else self.place.data
        size = operator.image_shape if whole else operator.as_image(like[:1]).shape[1:]
        rows = [field((self.root, i, self.asked, int(whole)), size, corner) for i in range(self.own)]
        found = torch.stack(rows).to(like.device, like.dtype)
        found = found if whole else operator.packed(found)
        return torch.cat([found, -found]) if self.mirrored else found


def field(key: tuple[int, ...], shape: Sequence[int], corner: tuple[int, int]) -> Tensor:
    """The part [C, h, w] at ``corner`` of an endless field of white noise that ``key`` names."""
    channels, height, width = shape
    (top, left), noise = corner, torch.empty(tuple(shape), dtype=torch.float64)
    for i in range(top // BLOCK, (top + height - 1) // BLOCK + 1):
        for j in range(left // BLOCK, (left + width - 1) // BLOCK + 1):
            seed = np.random.SeedSequence(key[0], spawn_key=(*key[1:], i + 2**20, j + 2**20)).generate_state(1, np.uint64)[0]
            block = torch.randn(channels, BLOCK, BLOCK, generator=torch.Generator().manual_seed(int(seed >> 1)), dtype=torch.float64)
            rows, columns = overlap(i, top, height), overlap(j, left, width)
            noise[:, rows[1], columns[1]] = block[:, rows[0], columns[0]]
    return noise


def overlap(block: int, start: int, length: int) -> tuple[slice, slice]:
    """The part of a block that lies in [start, start + length), in the coordinates of the block and from ``start`` on."""
    low, high = max(block * BLOCK, start), min((block + 1) * BLOCK, start + length)
    return slice(low - block * BLOCK, high - block * BLOCK), slice(low - start, high - start)


def streams(rng: Seed | Place, n: int, batch: int, mirrored: bool = False) -> Streams:
    return Placed(rng, n, mirrored) if isinstance(rng, Place) else Streams(rng, n, batch, mirrored)
