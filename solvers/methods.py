"""The catalogue of methods: one entry each, a setting of the loop and its default schedule."""

from __future__ import annotations

import math

from priors.slot import Denoiser
from solvers.data import Measurement
from solvers.loop import Method, next_level, own_error, renoise
from solvers.schedules import constant, geometric

COARSE = 49 / 255  # where plug-and-play HQS starts (DPIR, Zhang et al. 2021)
FIXED = 0.1  # level of the fixed-point methods
LOUDEST = 2.5  # ten standard deviations of natural images: noise in which nothing is left to see


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
    """From noise that hides every image to half the noise of the measurement."""
    return geometric(within(prior, LOUDEST), within(prior, data.noise_sigma / 2), steps)


METHODS = {
    "hqs": Method("plug-and-play half-quadratic splitting (DPIR, Zhang et al. 2021)", falling, 8, width=next_level, answer="believed"),
    "admm": Method("plug-and-play ADMM (Venkatakrishnan, Bouman, Wohlberg 2013)", fixed, 30, dual=True, answer="believed"),
    "red": Method("regularisation by denoising, fixed point (Romano, Elad, Milanfar 2017)", fixed, 30),
    "pgd": Method("plug-and-play proximal gradient (Kamilov, Mansour, Wohlberg 2017)", stable, 50, measure="descend", answer="believed"),
    "annealed": Method(
        "denoise, draw, renoise over falling levels (after DAPS, Zhang et al. 2024)",
        annealing, 20, measure="draw", width=own_error, go_on=renoise, samples=True,
    ),
}  # fmt: skip
