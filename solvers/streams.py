"""Randomness: one independent stream per sample, so that sample i does not depend on how many are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

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
