"""Lab 2: Wiener filter, total variation, the right noise level, log density and score, Tweedie's formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

import priors
from priors.gaussian import MEAN, Gaussian, PowerLaw
from priors.tv import TotalVariation, gradient
from reports.labs.checkers.lab03 import Told
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white


class Scene(NamedTuple):
    """A ``truth`` and its noisy picture y; ``power`` [H, W] of photographs at every frequency, and the ``mean`` of their pixels."""

    truth: Tensor
    y: Tensor
    sigma: float
    power: Tensor
    mean: float


def scene(rng: np.random.Generator) -> Scene:
    truth, sigma = detail(rng, 96), 0.1
    return Scene(truth, truth + sigma * white(rng, 1, 1, 96, 96), sigma, whole(Gaussian().laws[1][0], 96, 96).float(), MEAN)


def whole(law: PowerLaw, height: int, width: int) -> Tensor:
    """The density on all frequencies of fft2, of which ``PowerLaw.density`` gives half."""
    rows, columns = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.fftfreq(width, dtype=torch.float64)
    return law.power * (rows[:, None] ** 2 + columns**2 + law.knee**2) ** (-law.slope / 2)


# Instances.
def law(rng: np.random.Generator) -> PowerLaw:
    return PowerLaw(float(rng.uniform(2e-4, 6e-4)), float(rng.uniform(2.0, 2.6)), float(rng.uniform(0.01, 0.03)))


def for_wiener(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, float]:
    sigma = float(rng.uniform(0.05, 0.2))
    y = detail(rng, 32) + sigma * white(rng, 1, 1, 32, 32)
    return y.double(), whole(law(rng), 32, 32), float(rng.uniform(0.3, 0.6)), sigma


def for_total_variation(rng: np.random.Generator) -> tuple[Tensor]:
    return (detail(rng, 32).double(),)


def for_levels(rng: np.random.Generator) -> tuple[Any, Tensor, Tensor, list[float]]:
    truth, sigma = detail(rng, 32).double(), float(rng.uniform(0.05, 0.15))
    return priors.load("gaussian"), truth + sigma * white(rng, 1, 1, 32, 32).double(), truth, [sigma / 2, sigma, 2 * sigma]


def for_slope(rng: np.random.Generator) -> tuple[Callable[[Tensor], Tensor], Tensor, Tensor, float]:
    x, power, mean, sigma = for_wiener(rng)

    def log_p(x: Tensor) -> Tensor:
        return log_density(x, power, mean, sigma)

    return log_p, x, white(rng, 1, 1, 32, 32).double(), float(rng.uniform(0.05, 0.1))


def for_score(rng: np.random.Generator) -> tuple[Any, Tensor, float]:
    sigma = float(rng.uniform(0.05, 0.15))
    return priors.load("gaussian"), (detail(rng, 32) + sigma * white(rng, 1, 1, 32, 32)).double(), sigma


# The truth.
def wiener(y: Tensor, power: Tensor, mean: float, sigma: float) -> Tensor:
    return mean + filtered(y - mean, power / (power + sigma**2))


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    return torch.fft.ifft2(torch.fft.fft2(x) * gain).real


def total_variation(x: Tensor) -> float:
    return float(TotalVariation().energy(x))


def psnr_by_level(prior: Any, y: Tensor, truth: Tensor, levels: Sequence[float]) -> list[float]:
    return [psnr(prior.denoise(y, sigma), truth) for sigma in levels]


def psnr(x: Tensor, truth: Tensor) -> float:
    return -10 * math.log10(float((x - truth).square().mean()))


def log_density(x: Tensor, power: Tensor, mean: float, sigma: float) -> Tensor:
    """-1/2 x^T C^-1 x for the circulant C of the noisy pictures."""
    return -0.5 * ((x - mean) * filtered(x - mean, 1 / (power + sigma**2))).sum()


def slope(log_p: Callable[[Tensor], Tensor], x: Tensor, direction: Tensor, step: float) -> float:
    """Of a quadratic the central difference is the derivative itself."""
    seen = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(log_p(seen), seen)
    return float((found * direction).sum())


def score(prior: Any, x: Tensor, sigma: float) -> Tensor:
    return (prior.denoise(x, sigma) - x) / sigma**2


# What mistakes give.
def difference(log_p: Callable[[Tensor], Tensor], x: Tensor, d: Tensor, ahead: float, back: float, over: float) -> float:
    return float(log_p(x + ahead * d) - log_p(x - back * d)) / over


def steps_between(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the next pixel below and to the right, with the first pixel after the last."""
    return x.roll(-1, -2) - x, x.roll(-1, -1) - x


ROUNDING = "rounding in single precision"
WIENER = Task(
    "wiener", "the best linear denoiser", for_wiener, wiener, 1e-5, ROUNDING,
    mistakes=(
        Mistake("sigma is a standard deviation: the power of the noise is sigma**2", lambda y, p, m, s: wiener(y, p, m, s**0.5)),
        Mistake("the mean is not taken away before, or not added again", lambda y, p, m, s: wiener(y, p, 0.0, s)),
        Mistake("the mean is that of the prior, as it is given, not that of y", lambda y, p, m, s: wiener(y, p, float(y.mean()), s)),
        Mistake("power is a variance, and sigma**2 is: power**0.5 and sigma are the gain of something else",
                lambda y, p, m, s: m + filtered(y - m, p**0.5 / (p**0.5 + s))),
        Mistake("the size of a complex number is not its real part: end with .real, not with .abs()",
                lambda y, p, m, s: m + filtered(y - m, p / (p + s**2)).abs()),
        Mistake('norm="ortho" belongs to both, fft2 and ifft2: it is missing in ifft2',
                lambda y, p, m, s: m + (wiener(y, p, m, s) - m) / y[0, 0].numel() ** 0.5),
        Mistake('norm="ortho" belongs to both, fft2 and ifft2: it is missing in fft2',
                lambda y, p, m, s: m + (wiener(y, p, m, s) - m) * y[0, 0].numel() ** 0.5),
        Mistake("the mean is taken away, but not added again", lambda y, p, m, s: wiener(y, p, m, s) - m),
        Mistake("the mean is added, but was not taken away before", lambda y, p, m, s: wiener(y, p, 0.0, s) + m),
        Mistake("that is the noise: the gain of the picture is power / (power + sigma**2)",
                lambda y, p, m, s: m + filtered(y - m, s**2 / (p + s**2))),
        Mistake("that is only the noise and the mean's rest: the gain of the picture is power / (power + sigma**2)",
                lambda y, p, m, s: y - wiener(y, p, m, s)),
        Mistake("power is a variance already; it is not squared", lambda y, p, m, s: wiener(y, p**2, m, s)),
        Mistake("power is a variance; no root is taken of it", lambda y, p, m, s: wiener(y, p**0.5, m, s)),
        Mistake("a root too much: the gain is power / (power + sigma**2)", lambda y, p, m, s: m + filtered(y - m, (p / (p + s**2)) ** 0.5)),
        Mistake("the gain is applied twice", lambda y, p, m, s: m + filtered(y - m, (p / (p + s**2)) ** 2)),
        Mistake("sigma is taken as if pixels were in 0..255", lambda y, p, m, s: wiener(y, p, m, 255 * s)),
        Mistake("sigma is divided by 255; pixels are in [0, 1] already", lambda y, p, m, s: wiener(y, p, m, s / 255)),
    ),
)  # fmt: skip
TOTAL_VARIATION = Task(
    "total_variation", "how much a picture varies", for_total_variation, total_variation, lambda x: 1e-4 * total_variation(x), ROUNDING,
    mistakes=(
        Mistake("that adds the two differences of a pixel; the length of its gradient is the root of the sum of their squares",
                lambda x: float(gradient(x).abs().sum())),
        Mistake("the root is missing: that adds squares", lambda x: float(gradient(x).square().sum())),
        Mistake("the root is taken of the whole sum; take it at every pixel", lambda x: float(gradient(x).square().sum().sqrt())),
        Mistake("the root is taken of the whole sum; take it at every pixel",
                lambda x: float(gradient(x).square().flatten(1).sum(1).sqrt().sum())),
        Mistake("the differences cancel: square them", lambda x: float(gradient(x).sum())),
        Mistake("only the differences to the pixel below are counted", lambda x: float(gradient(x)[0].abs().sum())),
        Mistake("only the differences to the pixel on the right are counted", lambda x: float(gradient(x)[1].abs().sum())),
        Mistake("that is 0: the first two axes count pictures and channels; rows are axis -2, columns axis -1", lambda x: 0.0),
        Mistake("that is the mean over the pixels; their sum is asked for", lambda x: total_variation(x) / x.numel()),
        Mistake("the picture goes round: below the last row and right of the last column nothing is, and the difference is zero",
                lambda x: float(sum(d.square() for d in steps_between(x)).sqrt().sum())),  # type: ignore[union-attr]
        Mistake("the last row and the last column are left out; one of their two differences still counts",
                lambda x: float(gradient(x)[..., :-1, :-1].square().sum((0, 2)).sqrt().sum())),
    ),
)  # fmt: skip
LEVELS = Task(
    "psnr_by_level", "quality against the level that a denoiser is told", for_levels, psnr_by_level, 1e-3, "rounding, in dB",
    mistakes=(
        Mistake("the logarithm has the base 10", lambda p, y, t, levels: [math.log(10) * x for x in psnr_by_level(p, y, t, levels)]),
        Mistake("10 log10 of one over the mean squared error; 20 belongs to its root",
                lambda p, y, t, levels: [2 * x for x in psnr_by_level(p, y, t, levels)]),
        Mistake("10 log10 of the mean squared error, not of its root",
                lambda p, y, t, levels: [x / 2 for x in psnr_by_level(p, y, t, levels)]),
        Mistake("the squared error is summed over the pixels; its mean is asked for",
                lambda p, y, t, levels: [x - 10 * math.log10(y.numel()) for x in psnr_by_level(p, y, t, levels)]),
        Mistake("the differences must be squared before the mean is taken",
                lambda p, y, t, levels: [-10 * math.log10(float((p.denoise(y, sigma) - t).abs().mean())) for sigma in levels]),
        Mistake("square first, then take the mean: the differences cancel",
                lambda p, y, t, levels: [-20 * math.log10(abs(float((p.denoise(y, sigma) - t).mean()))) for sigma in levels]),
        Mistake("the sign is wrong: the smaller the error, the higher the PSNR",
                lambda p, y, t, levels: [-x for x in psnr_by_level(p, y, t, levels)]),
        Mistake("the noisy picture is compared, not what the denoiser makes of it", lambda p, y, t, levels: [psnr(y, t)] * len(levels)),
        Mistake("the denoised picture is compared with y, not with the truth", lambda p, y, t, levels: psnr_by_level(p, y, y, levels)),
        Mistake("the truth is denoised, not y", lambda p, y, t, levels: psnr_by_level(p, t, t, levels)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda p, y, t, levels: psnr_by_level(Told(p, 255), y, t, levels)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda p, y, t, levels: psnr_by_level(Told(p, power=2), y, t, levels)),
        Mistake("the white pixel is 1, not 255",
                lambda p, y, t, levels: [x + 20 * math.log10(255) for x in psnr_by_level(p, y, t, levels)]),
        Mistake("each level is told for the y of before: denoise y anew for each, not what the last level left",
                lambda p, y, t, levels: chained(p, y, t, levels)),
    ),
)  # fmt: skip


def chained(prior: Any, y: Tensor, truth: Tensor, levels: Sequence[float]) -> list[float]:
    found = []
    for sigma in levels:
        y = prior.denoise(y, sigma)
        found.append(psnr(y, truth))
    return found


DENSITY = Task(
    "log_density", "how likely a noisy picture is", for_wiener, log_density,
    lambda *given: 1e-4 * abs(float(log_density(*given))), ROUNDING,
    mistakes=(
        Mistake("the sign is wrong: the farther from the mean, the less likely", lambda *given: -log_density(*given)),
        Mistake("the 1/2 is missing", lambda *given: 2 * log_density(*given)),
        Mistake("the noise is left out: a noisy picture has the power power + sigma**2", lambda y, p, m, s: log_density(y, p, m, 0.0)),
        Mistake("sigma must be squared", lambda y, p, m, s: log_density(y, p, m, s**0.5)),
        Mistake("the mean is not taken away", lambda y, p, m, s: log_density(y, p, 0.0, s)),
        Mistake("c**2 of a complex coefficient is not |c|^2: square its size, c.abs() ** 2",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).square().real / (p + s**2)).sum()),
        Mistake("that is the size of a sum in which the coefficients cancel: |c|^2 is c.abs() ** 2, before the sum",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).square() / (p + s**2)).sum().abs()),
        Mistake("the imaginary parts are left out: |c|^2 is c.abs() ** 2", lambda y, p, m, s: -0.5 * (
                coefficients(y, m).real.square() / (p + s**2)).sum()),
        Mistake("the mean is that of the prior, as it is given, not that of x", lambda y, p, m, s: log_density(y, p, float(y.mean()), s)),
        Mistake("power is a variance already; it is not squared",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).abs() ** 2 / (p**2 + s**2)).sum()),
        Mistake("the coefficients must be squared", lambda y, p, m, s: -0.5 * (coefficients(y, m).abs() / (p + s**2)).sum()),
        Mistake("it is a sum over the frequencies, not their mean", lambda *given: log_density(*given) / given[0].numel()),
        Mistake('fft2 needs norm="ortho", so that noise of variance sigma**2 has that power at every frequency',
                lambda *given: given[0].numel() * log_density(*given)),
        Mistake("the coefficients are divided by the power, not multiplied",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).abs() ** 2 * (p + s**2)).sum()),
        Mistake("that is the density of the power's square root: power is a variance already",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).abs() ** 2 / (p + s**2) ** 0.5).sum()),
        Mistake("power is a variance already; it is not squared",
                lambda y, p, m, s: -0.5 * (coefficients(y, m).abs() ** 2 / (p + s**2) ** 2).sum()),
    ),
)  # fmt: skip


def coefficients(y: Tensor, mean: float) -> Tensor:
    return torch.fft.fft2(y - mean, norm="ortho")


SLOPE = Task(
    "slope", "how fast the log density grows in a direction", for_slope, slope,
    lambda *given: 1e-5 * (abs(slope(*given)) + abs(float(given[0](given[1]))) / given[3]), "rounding of the difference",
    mistakes=(
        Mistake("the 2 is missing: the two pictures are 2 step apart", lambda f, x, d, e: difference(f, x, d, e, e, e)),
        Mistake("the step is missing below the line: divide by 2 step", lambda f, x, d, e: difference(f, x, d, e, e, 1)),
        Mistake("that is the difference to one side, which is off by the curvature: go one step ahead and one back",
                lambda f, x, d, e: difference(f, x, d, e, 0, e)),
        Mistake("that is the difference to the back side only, which is off by the curvature: go one step ahead and one back",
                lambda f, x, d, e: difference(f, x, d, 0, e, e)),
        Mistake("the sign is wrong: ahead minus back", lambda f, x, d, e: -slope(f, x, d, e)),
        Mistake("brackets are missing: divide by (2 * step)", lambda f, x, d, e: slope(f, x, d, e) * e**2),
        Mistake("the direction is divided by its length; take it as it is", lambda f, x, d, e: slope(f, x, d / d.norm(), e)),
        Mistake("that is a second difference", lambda f, x, d, e: float(f(x + e * d) - 2 * f(x) + f(x - e * d)) / e**2),
        Mistake("the direction is left out: the step goes along it", lambda f, x, d, e: difference(f, x, torch.ones_like(x), e, e, 2 * e)),
    ),
)  # fmt: skip
SCORE = Task(
    "score", "the direction in which a picture becomes likelier", for_score, score,
    lambda p, x, s: 1e-4 * float(score(p, x, s).abs().max()), ROUNDING,
    mistakes=(
        Mistake("the sign is wrong: from the noisy picture to the denoised one", lambda p, x, s: -score(p, x, s)),
        Mistake("sigma must be squared", lambda p, x, s: s * score(p, x, s)),
        Mistake("it is not divided by sigma**2", lambda p, x, s: s**2 * score(p, x, s)),
        Mistake("that is the denoised picture: subtract x, and divide by sigma**2", lambda p, x, s: p.denoise(x, s)),
        Mistake("x is not subtracted", lambda p, x, s: p.denoise(x, s) / s**2),
        Mistake("brackets are missing: (denoised - x), all of it, over sigma**2", lambda p, x, s: p.denoise(x, s) - x / s**2),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda p, x, s: (p.denoise(x, 255 * s) - x) / s**2),
        Mistake("denoise takes the standard deviation sigma, not the variance", lambda p, x, s: (p.denoise(x, s**2) - x) / s**2),
        Mistake("sigma is in [0, 1] already; it is not divided by 255", lambda p, x, s: 255**2 * score(p, x, s)),
    ),
)  # fmt: skip
LAB = Lab(
    2, "A denoiser is a prior", scene, (WIENER, TOTAL_VARIATION, LEVELS, DENSITY, SLOPE, SCORE),
    "A denoiser has never seen a probability. How does it know in which direction a picture becomes likelier, why must it be told the"
    " noise level, and what does it not know?",
)  # fmt: skip
