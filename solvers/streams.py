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

    Numbers are drawn in double precision on the CPU, so a seed gives the same noise in float32, in float64 and on a GPU.
    """

    def __init__(self, rng: Seed, n: int, batch: int):
        self.n, self.root = n, int(generator(rng).integers(2**63))
        seeds = [np.random.SeedSequence(self.root, spawn_key=(i, b)) for i in range(n) for b in range(batch)]
        self.generators = [torch.Generator().manual_seed(int(s.generate_state(1, np.uint64)[0] >> 1)) for s in seeds]

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """[n * batch, *shape] in the dtype and on the device of ``like``."""
        rows = [torch.randn(tuple(shape), generator=g, dtype=torch.float64) for g in self.generators]
        return torch.stack(rows).to(like.device, like.dtype)
