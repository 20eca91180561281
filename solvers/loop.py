"""The one loop: believe, measure, go on. Every method in the catalogue is a setting of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from priors.slot import Denoiser
from solvers.data import Measurement
from solvers.streams import Streams

Rule = Callable[[float, float], tuple[float, float]]  # (sigma, next sigma) -> (carry b, fresh noise q)
Width = Callable[[Denoiser, Tensor, float, float], "float | Tensor"]  # (prior, image, sigma, next sigma) -> width at strength 1


# How much of the old noise is carried, and how much fresh noise is added, on the way from sigma to the next level.
def none(sigma: float, after: float) -> tuple[float, float]:
    """Estimate: go on from the data step as it is."""
    return 0.0, 0.0


def renoise(sigma: float, after: float) -> tuple[float, float]:
    """Forget the old noise, add the next level's in full (DAPS, Zhang et al. 2024)."""
    return 0.0, after


# How far the data step may move an image that the prior believes in.
def level(prior: Denoiser, x: Tensor, sigma: float, after: float) -> float:
    """The level just denoised: believed and measured image then meet as the terms of one energy."""
    return sigma


def next_level(prior: Denoiser, x: Tensor, sigma: float, after: float) -> float:
    """The level to come; zero after the last, so that the prior has the last word (DPIR, Zhang et al. 2021)."""
    return after


def own_error(prior: Denoiser, x: Tensor, sigma: float, after: float) -> float | Tensor:
    """The prior's own error, which makes a draw honest: its spectrum, or its root mean square, or sigma (too wide)."""
    if hasattr(prior, "error_spectrum"):
        return prior.error_spectrum(sigma, x.shape[-3:]).to(x)
    return prior.rmse(sigma) if hasattr(prior, "rmse") else sigma


@dataclass(frozen=True)
class Method:
    """A setting of the loop.

    ``levels`` makes the default schedule of ``steps`` levels; ``measure`` is "minimise", "draw" or "descend"; ``answer``
    says whether the believed or the measured image is returned; ``dual`` adds ADMM's running sum of disagreements.
    """

    line: str
    levels: Callable[[Measurement, Denoiser, float, int], list[float]]
    steps: int
    measure: str = "minimise"
    width: Width = level
    go_on: Rule = none
    dual: bool = False
    answer: str = "measured"
    samples: bool = False


@dataclass(frozen=True)
class Iterate:
    """One turn: the level told to the prior, the width given to the data, and the images [n * B, C, H, W] they led to."""

    sigma: float
    width: float | Tensor
    believed: Tensor
    measured: Tensor
    x: Tensor


def loop(
    data: Measurement,
    prior: Denoiser,
    method: Method,
    levels: Sequence[float],
    x: Tensor,
    strength: float = 1.0,
    noise: Streams | None = None,
) -> Iterator[Iterate]:
    """Run ``method`` from ``x`` [n * B, C, H, W] down ``levels``; one denoiser call per level.

    ``strength`` is how many times the prior's energy counts: it divides the square of every width.
    """
    u = torch.zeros_like(x)
    for sigma, after in pairwise([*levels, 0.0]):
        x0 = prior.denoise(x + u, sigma)  # believe
        if method.dual:
            u = u + x - x0
        width = method.width(prior, x, sigma, after) / strength**0.5
        z = measure(data, method, x0 - u, width, noise)  # measure
        b, q = method.go_on(sigma, after)
        x = z + b * (x - z)  # go on
        if noise is not None and q > 0:
            x = x + q * noise.normal(x.shape[1:], x)
        yield Iterate(sigma, width, x0, z, x)


def measure(data: Measurement, method: Method, x0: Tensor, width: float | Tensor, noise: Streams | None) -> Tensor:
    if method.measure == "draw" and noise is not None:
        return data.draw(x0, width, noise)
    return data.descend(x0, width) if method.measure == "descend" else data.minimise(x0, width)
