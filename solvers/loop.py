"""The one loop: believe, measure, go on. Every method in the catalogue is a setting of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from priors.slot import Denoiser
from solvers.data import Covariance, Measurement, Width, perturbation
from solvers.schedules import geometric
from solvers.streams import Streams

Rule = Callable[[float, float], tuple[float, float]]  # (sigma, next sigma) -> (carry b, fresh noise q)
Belief = Callable[..., tuple[Tensor, Width]]  # (prior, noisy image, sigma, next sigma, streams) -> (image, width at strength 1)


# How much of the old noise is carried, and how much fresh noise is added, on the way from sigma to the next level.
def none(sigma: float, after: float) -> tuple[float, float]:
    """Estimate: go on from the data step as it is."""
    return 0.0, 0.0


def ancestral(sigma: float, after: float) -> tuple[float, float]:
    """A draw of the next level given this one and the clean image (DDPM, Ho et al. 2020)."""
    ratio = (after / sigma) ** 2
    return ratio, after * math.sqrt(1 - ratio)


def ddim(sigma: float, after: float) -> tuple[float, float]:
    """Carry the old noise, shrunk: an Euler step of the probability flow (Song, Meng, Ermon 2021)."""
    return after / sigma, 0.0


def zeta(share: float) -> Rule:
    """A share of the next level's variance is fresh, the rest carried (DiffPIR, Zhu et al. 2023; eta^2 of DDIM and DDNM)."""
    return lambda sigma, after: (math.sqrt(1 - share) * after / sigma, math.sqrt(share) * after)


def fd(a: float) -> Rule:
    """Fresh noise in balance with what is forgotten, q^2 = 2 (1 - b): right for a data step that minimises.

    To first order in a, as fluctuation and dissipation are in Langevin's equation.
    """
    return lambda sigma, after: ((1 - a) * after / sigma, math.sqrt(2 * a) * after)


def renoise(sigma: float, after: float) -> tuple[float, float]:
    """Forget the old noise, add the next level's in full (DAPS, Zhang et al. 2024)."""
    return 0.0, after


# What the prior believes of a noisy image, and the width at which the data step may move it.
def level(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and the level just denoised: believed and measured image then meet as the terms of one energy."""
    return prior.denoise(x, sigma), sigma


def next_level(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and the level to come: zero after the last, so that the prior has the last word (DPIR, Zhang et al. 2021)."""
    return prior.denoise(x, sigma), after


def own_error(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and how far it errs, which makes a draw honest: p(clean | x) as the prior knows it.

    Pixel by pixel and by frequency (``conditional``), by frequency, on average, or not at all: then sigma, which is too wide.
    """
    if hasattr(prior, "conditional"):
        x0, pixel, spectrum = prior.conditional(x, sigma)
        return x0, Covariance(pixel, spectrum)
    if hasattr(prior, "error_spectrum"):
        return prior.denoise(x, sigma), prior.error_spectrum(sigma, x.shape[-3:]).to(x)
    return prior.denoise(x, sigma), prior.rmse(sigma) if hasattr(prior, "rmse") else sigma


def knows_error(prior: Denoiser) -> bool:
    return any(hasattr(prior, member) for member in ("conditional", "error_spectrum", "rmse"))


def drawn(calls: int) -> Belief:
    """A draw from p(clean | x) by so many ancestral steps, down to a tenth of sigma; the width is the level to come.

    Every step draws the clean image with the prior's own error about what was denoised. Where that error is not known it
    counts as none, and the spread comes out too small, as DDPM's with so few steps.
    """

    def draw(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
        assert noise is not None, "what draws is given streams"
        for high, low in pairwise([*geometric(sigma, sigma / 10, calls), 0.0]):
            x0, error = own_error(prior, x, high, low)
            x0 = x0 + perturbation(noise.normal(x.shape[1:], x), error if knows_error(prior) else 0.0)
            b, q = ancestral(high, low)
            x = x0 + b * (x - x0) + q * noise.normal(x.shape[1:], x)
        return x, after

    return draw


@dataclass(frozen=True)
class Method:
    """A setting of the loop.

    ``levels`` makes the default schedule of ``steps`` levels, each with ``calls`` of the prior; ``measure`` is "minimise",
    "draw" or "descend"; ``answer`` says whether the believed or the measured image is returned; ``dual`` adds ADMM's
    running sum of disagreements. A method that is no setting brings ``own``, a generator with the signature of ``loop``.
    An ``exhibit`` is run as published, to show its known bias; ``line`` names the source.
    """

    line: str
    levels: Callable[[Measurement, Denoiser, float, int], list[float]]
    steps: int
    believe: Belief = level
    measure: str = "minimise"
    go_on: Rule = none
    dual: bool = False
    answer: str = "measured"
    samples: bool = False
    calls: int = 1
    exhibit: bool = False
    own: Callable[..., Iterator[Iterate]] | None = None


@dataclass(frozen=True)
class Iterate:
    """One turn: the level told to the prior, the width given to the data, and the images [n * B, C, H, W] they led to.

    ``calls`` counts how often the prior was asked about each image, a gradient through it as one more.
    """

    sigma: float
    width: Width
    believed: Tensor
    measured: Tensor
    x: Tensor
    calls: int = 1


def loop(
    data: Measurement,
    prior: Denoiser,
    method: Method,
    levels: Sequence[float],
    x: Tensor,
    strength: float = 1.0,
    noise: Streams | None = None,
) -> Iterator[Iterate]:
    """Run ``method`` from ``x`` [n * B, C, H, W] down ``levels``.

    ``strength`` is how many times the prior's energy counts: it divides the square of every width.
    """
    u = torch.zeros_like(x)
    for sigma, after in pairwise([*levels, 0.0]):
        x0, error = method.believe(prior, x + u, sigma, after, noise)  # believe
        width = error / strength**0.5
        if method.dual:
            u = u + x - x0
        z = measure(data, method, x0 - u, width, noise)  # measure
        b, q = method.go_on(sigma, after)
        x = z + b * (x - z)  # go on
        if noise is not None and q > 0:
            x = x + q * noise.normal(x.shape[1:], x)
        yield Iterate(sigma, width, x0, z, x, method.calls)


def measure(data: Measurement, method: Method, x0: Tensor, width: Width, noise: Streams | None) -> Tensor:
    if method.measure == "draw" and noise is not None:
        return data.draw(x0, width, noise)
    if method.measure == "descend" and isinstance(width, float):
        return data.descend(x0, width)
    return data.minimise(x0, width)
