"""The posterior mean: draws that mirror each other, corrected by a fixed point of the denoiser.

The mean of a sampler's draws misses what the sampler misses: between its steps it takes the prior's error for Gaussian, so that
its draws are not quite pictures, and the denoiser treats them as if they were. A fixed point of the denoiser has no draws in it
and makes other errors: it takes what the data leave open for white noise of one level. Both are the exact posterior mean of a
Gaussian prior; elsewhere the squared error of their average is at most the average of their squared errors. Where the fixed point
lies further off than the draws differ, as it does with digits of which half the pixels are missing, it counts less than half.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from solvers.data import Measurement, size
from solvers.levels import within
from solvers.loop import Iterate, Task, loop

TURNS = 8  # of the fixed point; 4 leave 0.1 dB on few pixels, 16 gain nothing
LEAST = 1e-12  # of an error, where a prior claims to make none
MATCH = 1.4  # the level, in units of the matched one: 1 to 1.8 are within 0.1 dB, since a learned prior errs more than its draws tell


def posterior_mean(task: Task) -> Iterator[Iterate]:
    """Draws x_1 ... x_2p, in antithetic pairs (Hammersley, Morton 1956), then for each pair its mean and a fixed point, weighed.

    Every step of a draw is affine in the noise where prior and data are Gaussian: what is odd in the noise cancels in a pair.
    """
    errors, drawn = [], task.x
    for iterate in loop(task):
        errors.append((iterate.sigma, size(iterate.width)))
        drawn = iterate.measured
        yield iterate
    first, second = drawn.unflatten(0, (2, -1))
    mean, half = (first + second) / 2, (first - second) / 2
    sigma = within(task.prior, MATCH * matched(errors, float(half.square().mean().sqrt())))
    error = expected_error(task.data, mean, half)
    for iterate in fixed_point(task, mean, sigma):
        yield replace(iterate, measured=mean + weight(error, iterate.x - mean) * (iterate.x - mean))


def expected_error(data: Measurement, mean: Tensor, half: Tensor) -> Tensor:
    """Squared error of the mean of two draws, for each image [B]: half of their variance if they were independent, and what of
    the data it leaves unexplained beyond their noise, as draws do that began at a level which hides too little."""
    return power(half) / 2 + data.noise_sigma**2 * (data.misfit(mean) - 1).clamp(min=0)


def weight(error: Tensor, difference: Tensor) -> Tensor:
    """Of another estimate of the same image that lies ``difference`` away, [B, 1, 1, 1].

    Squared errors of two estimates that err independently add up to the square of their difference, and the best weights are
    as the error of the other one. The fixed point counts half at most, and little where the draws do not bear it.
    """
    return (error / power(difference).clamp(min=LEAST)).clamp(max=0.5)[:, None, None, None]


def power(x: Tensor) -> Tensor:
    return x.square().mean((1, 2, 3))


def matched(errors: Sequence[tuple[float, float]], spread: float) -> float:
    """The level at which the prior errs by ``spread``, between the levels whose (sigma, error) are known.

    There the prior knows as much of a picture as the draws do: the two sides of expectation consistency (Opper, Winther 2005;
    Fletcher et al. 2018). A batch is given one level.
    """
    sigmas, found = np.log(np.maximum(sorted(errors), LEAST)).T
    return math.exp(np.interp(math.log(max(spread, LEAST)), np.maximum.accumulate(found), sigmas))


def fixed_point(task: Task, x: Tensor, sigma: float) -> Iterator[Iterate]:
    """ADMM at one level from the mean x of two draws.

    Its fixed point is x = D(x + u), u = (sigma / s)^2 A^T (y - A x), from which the dual variable u starts: for a Gaussian prior
    the exact mean stays where it is. Other priors may not bear such a u: where the noise is small the first x0 can lie far out of
    bounds, and where a prior knows few pictures, such as digits, all turns may.
    """
    data = task.data
    u = (sigma / data.noise_sigma) ** 2 * data.operator.adjoint(data.residual(x))
    for _ in range(TURNS):
        x0 = task.prior.denoise(x + u, sigma)
        u = u + x - x0
        x = data.minimise(x0 - u, sigma)
        yield Iterate(sigma, sigma, x0, x, x)
