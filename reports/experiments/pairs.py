"""Pictures to show a network in its training: what is measured of clean ones by a problem of the catalogue."""

from __future__ import annotations

import numpy as np
from torch import Tensor

import problems
from priors.pairs import Showing
from reports.runs.loading import simulated
from solvers.refinement import shown


def showing(problem: str, channels: int, size: int) -> Showing:
    """The picture that ``solvers.refinement.shown`` makes of a simulated measurement by the selector ``problem``; tried once.

    Raises:
        ValueError: no such problem, or one that cannot measure pictures of this size.
    """

    def show(clean: Tensor, random: np.random.Generator) -> Tensor:
        return shown(simulated(problem, clean, random))

    flat = problems.as_tensor(np.full((size, size, channels), 0.5, np.float32))
    show(flat, np.random.default_rng(0))
    return show
