"""Schedules of noise levels: plain lists of standard deviations, from coarse to fine.

A diffusion may be told in two forms. Variance exploding (VE), ours: x = clean + sigma noise. Variance preserving (VP), the
form of DDPM: sqrt(abar) clean + sqrt(1 - abar) noise, for images in [-1, 1]. Divided by sqrt(abar) the second is the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import Tensor

__all__ = ["alpha_bar_of", "constant", "cosine", "from_vp", "geometric", "karras", "linear", "sigma_of", "to_vp"]

SPAN = 2.0  # images in [-1, 1] are twice as wide as ours, and so is a standard deviation there
BETA_FIRST, BETA_LAST = 0.1, 20.0  # per unit of time: 1000 times the betas 1e-4 and 0.02 of the thousand steps
COSINE_OFFSET = 0.008


def geometric(first: float, last: float, steps: int) -> list[float]:
    """``steps`` levels from first to last with a constant ratio: equal effort at every scale of noise."""
    return [float(s) for s in np.geomspace(first, last, steps)]


def constant(sigma: float, steps: int) -> list[float]:
    """The same level again and again, for fixed-point methods."""
    return [float(sigma)] * steps


def karras(first: float, last: float, steps: int, rho: float = 7.0) -> list[float]:
    """Equal steps in sigma^(1 / rho): denser at the fine end than ``geometric`` (Karras et al. 2022, equation 5)."""
    return [float(s) for s in np.linspace(first ** (1 / rho), last ** (1 / rho), steps) ** rho]


def linear(first: float, last: float, steps: int, power: float = 1.0) -> list[float]:
    """Equal steps in the time of DDPM, whose betas grow linearly (Ho et al. 2020), between two levels.

    A ``power`` below 1 spends more of them at the fine end: 0.5 is the "quad" of DiffPIR's code.
    Taken in continuous time, abar(t) = exp(-0.1 t - 9.95 t^2) for t from 0 to 1 (Song et al. 2021, appendix C).
    """
    return timed(first, last, np.linspace(0, 1, steps) ** power, linear_time, linear_alpha_bar)


def cosine(first: float, last: float, steps: int) -> list[float]:
    """Equal steps in time where sqrt(abar) is a quarter of a cosine (Nichol, Dhariwal 2021), between two levels."""
    return timed(first, last, np.linspace(0, 1, steps), cosine_time, cosine_alpha_bar)


def timed(first: float, last: float, way: np.ndarray, time: Callable[[float], float], alpha_bar: Callable[[float], float]) -> list[float]:
    """Levels at the shares ``way`` (0 to 1) of the time from one level to the other."""
    start, end = time(alpha_bar_of(first)), time(alpha_bar_of(last))
    return [sigma_of(alpha_bar(float(start + w * (end - start)))) for w in way]


def alpha_bar_of(sigma: float) -> float:
    """The share of the image in the variance of the VP form, at the level sigma (pixel units) of the VE form."""
    return 1 / (1 + (SPAN * sigma) ** 2)


def sigma_of(alpha_bar: float) -> float:
    """The level (pixel units) of the VE form where the image's share in the VP form is ``alpha_bar``."""
    return math.sqrt(1 / alpha_bar - 1) / SPAN


def to_vp(x: Tensor, sigma: float) -> Tensor:
    """A noisy image of the VE form in the VP form: what a network trained as DDPM wants to see."""
    return math.sqrt(alpha_bar_of(sigma)) * (SPAN * x - 1)


def from_vp(x: Tensor, alpha_bar: float) -> Tensor:
    """A noisy image of the VP form in the VE form."""
    return (x / math.sqrt(alpha_bar) + 1) / SPAN


def linear_alpha_bar(t: float) -> float:
    return math.exp(-BETA_FIRST * t - (BETA_LAST - BETA_FIRST) * t**2 / 2)


def linear_time(alpha_bar: float) -> float:
    slope = BETA_LAST - BETA_FIRST
    return (math.sqrt(BETA_FIRST**2 - 2 * slope * math.log(alpha_bar)) - BETA_FIRST) / slope


def cosine_alpha_bar(t: float) -> float:
    angle = [math.pi / 2 * (s + COSINE_OFFSET) / (1 + COSINE_OFFSET) for s in (t, 0.0)]
    return (math.cos(angle[0]) / math.cos(angle[1])) ** 2


def cosine_time(alpha_bar: float) -> float:
    start = math.cos(math.pi / 2 * COSINE_OFFSET / (1 + COSINE_OFFSET))
    return math.acos(math.sqrt(alpha_bar) * start) * 2 / math.pi * (1 + COSINE_OFFSET) - COSINE_OFFSET
