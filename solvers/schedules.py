"""Schedules of noise levels: plain lists of standard deviations, from coarse to fine."""

from __future__ import annotations

import numpy as np


def geometric(first: float, last: float, steps: int) -> list[float]:
    """``steps`` levels from first to last with a constant ratio: equal effort at every scale of noise."""
    return [float(s) for s in np.geomspace(first, last, steps)]


def constant(sigma: float, steps: int) -> list[float]:
    """The same level again and again, for fixed-point methods."""
    return [float(sigma)] * steps
