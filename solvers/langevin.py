"""Langevin chains: follow the score of prior and data, with noise to match."""

from __future__ import annotations

import math
from collections.abc import Iterator

from priors.slot import Denoiser
from solvers.data import Measurement
from solvers.levels import within
from solvers.loop import Iterate, Task, measure


def langevin(task: Task) -> Iterator[Iterate]:
    """x <- x + e ((D(x) - x) + (M(x) - x)) + sqrt(2 e) sigma noise, one step a level.

    (D(x) - x) / sigma^2 is the score of the prior blurred by sigma (Tweedie), (M(x) - x) / sigma^2 that of the data. With
    "minimise" M is the data step of width sigma: the likelihood of an x that still carries noise, covariance
    s^2 + sigma^2 A A^T (Jalal et al. 2021). With "descend" it is the plain likelihood (Laumont et al. 2022). The step e
    is half of what the steeper of the two would bear. The chain ends on x, which carries noise of the last level.
    """
    data, method, x = task.data, task.method, task.x
    steepest = 2.0 if method.measure == "minimise" else 1 + data.norm() * (task.levels[-1] / data.noise_sigma) ** 2
    e = 1 / (2 * steepest)
    for sigma, after in task.descent():
        x0 = task.prior.denoise(x, sigma)
        x = x + e * (x0 - x) + e * (measure(data, method, x, sigma, None, 0.0) - x)
        if task.noise is not None:
            x = x + math.sqrt(2 * e) * sigma * task.white(x)
        yield Iterate(sigma, sigma, x0, x if after == 0 else x0, x)


def ascent(task: Task) -> Iterator[Iterate]:
    """Coarse-to-fine stochastic ascent (Kadkhodaie, Simoncelli 2021, algorithm 2): steps h_t = h t / (1 + h (t - 1)), h = 0.01.

    Of the old noise 1 - h_t is carried, and as much fresh noise added as reaches the next level. Two things differ from
    the paper, whose denoiser is blind and whose data have no noise: the level is told, not read off the residual, which
    would tie the samples of a batch together; and the data are met by the data step of width sigma.
    """
    x = task.x
    for t, (sigma, after) in enumerate(task.descent(), start=1):
        x0 = task.prior.denoise(x, sigma)
        z = task.data.minimise(x0, sigma)
        b = min(1 - gain(t), after / sigma)
        x = z + b * (x - z)
        if task.noise is not None:
            x = x + math.sqrt(max(0.0, after**2 - (b * sigma) ** 2)) * task.white(x)
        yield Iterate(sigma, sigma, x0, z, x)


def gain(t: int, first: float = 0.01) -> float:
    return first * t / (1 + first * (t - 1))


def ascending(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """From 1 to 0.01, each ratio in proportion to the step h_t that leads there; 630 levels give the paper's beta = 0.01."""
    first, last = within(prior, 1.0), within(prior, 0.01)
    total = sum(gain(t) for t in range(1, steps))
    levels, done = [first], 0.0
    for t in range(1, steps):
        done += gain(t) / total
        levels.append(first * (last / first) ** done)
    return levels
