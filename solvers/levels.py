"""Which levels a method visits: its schedule, fitted to the prior and to the noise of the measurement."""

from __future__ import annotations

import math

from priors.slot import Denoiser, name_of
from solvers.data import Measurement
from solvers.schedules import constant, geometric, linear

COARSE = 49 / 255  # where plug-and-play HQS starts (DPIR, Zhang et al. 2021)
FIXED = 0.1  # level of the fixed-point methods
LINEAR_TOP, LINEAR_END = 78.5, 0.005  # of DDPM's thousand levels
TOP = 2.5  # ten standard deviations of natural images: noise that hides every image


def within(prior: Denoiser, sigma: float) -> float:
    """sigma, or the nearer end of the range that the prior was made for."""
    low, high = getattr(prior, "sigma_range", (0.0, math.inf))
    return min(max(sigma, low), high)


def falling(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """From 49/255 to the noise of the measurement."""
    last = within(prior, data.noise_sigma)
    return geometric(max(within(prior, COARSE), last), last, steps)


def fixed(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    return constant(within(prior, FIXED), steps)


def stable(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """The level at which the gradient step, width^2 = sigma^2 / strength, has length noise_sigma^2 / |A^T A|."""
    return constant(within(prior, data.noise_sigma * math.sqrt(strength / data.norm())), steps)


def annealing(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """From noise that hides every image to half the noise of the measurement.

    Raises:
        ValueError: the prior was made for one level, or for none above the noise: there is nothing to fall through.
    """
    top, last = within(prior, TOP), within(prior, data.noise_sigma / 2)
    if not last < top:
        told = f"prior {name_of(prior)!r} was made for sigma up to {top:g}, from where annealing to {last:g} cannot fall"
        raise ValueError(f"{told}; take a prior made for more levels, or a method that estimates, such as hqs")
    return geometric(top, last, steps)


def settling(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """For chains: from noise that hides every image to a quarter of the noise of the measurement, a fifth of the way held there."""
    hold = steps // 5
    last = within(prior, data.noise_sigma / 4)
    return geometric(within(prior, TOP), last, steps - hold) + constant(last, hold)


def held(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """One level for a chain: half the noise of the measurement."""
    return constant(within(prior, data.noise_sigma / 2), steps)


def thousandths(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """Equal steps in the time of DDPM, from its first level to its last (betas 1e-4 to 0.02): as most exhibits are run."""
    return linear(within(prior, LINEAR_TOP), within(prior, LINEAR_END), steps)


def quadratic(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """As ``thousandths``, but denser at the fine end (DiffPIR's code)."""
    return linear(within(prior, LINEAR_TOP), within(prior, LINEAR_END), steps, power=0.5)
