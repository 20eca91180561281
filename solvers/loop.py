"""The one loop: believe, measure, go on. Every method in the catalogue is a setting of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from priors.slot import Denoiser, belief
from solvers.data import Covariance, Measurement, Width, perturbation
from solvers.schedules import geometric
from solvers.streams import Streams

Rule = Callable[..., tuple[float, float]]  # (sigma, next sigma, width of the prior's error) -> (carry b, fresh noise q)
STRIDE = 0.17  # in log sigma: the distance of 20 levels for a prior of a narrow range, the smallest that a default schedule has
Believe = Callable[..., tuple[Tensor, Width]]  # (prior, noisy image, sigma, next sigma, streams) -> (image, width at strength 1)


# How much of the old noise is carried, and how much fresh noise is added, on the way from sigma to the next level.
def none(sigma: float, after: float, width: Width = 0.0) -> tuple[float, float]:
    """Estimate: go on from the data step as it is."""
    return 0.0, 0.0


def ancestral(sigma: float, after: float, width: Width = 0.0) -> tuple[float, float]:
    """A draw of the next level given this one and the clean image (DDPM, Ho et al. 2020)."""
    ratio = (after / sigma) ** 2
    return ratio, after * math.sqrt(1 - ratio)


def ddim(sigma: float, after: float, width: Width = 0.0) -> tuple[float, float]:
    """Carry the old noise, shrunk: an Euler step of the probability flow (Song, Meng, Ermon 2021)."""
    return after / sigma, 0.0


def zeta(share: float) -> Rule:
    """A share of the next level's variance is fresh, the rest carried (DiffPIR, Zhu et al. 2023; eta^2 of DDIM and DDNM)."""
    return lambda sigma, after, width=0.0: (math.sqrt(1 - share) * after / sigma, math.sqrt(share) * after)


def fd(a: float) -> Rule:
    """Fresh noise in balance with what is forgotten, q^2 = 2 (1 - b): right for a data step that minimises.

    To first order in a, as fluctuation and dissipation are in Langevin's equation.
    """
    return lambda sigma, after, width=0.0: ((1 - a) * after / sigma, math.sqrt(2 * a) * after)


def renew(sigma: float, after: float, width: Width) -> tuple[float, float]:
    """Forget the old noise and add the next level's in full (DAPS, Zhang et al. 2024), where the levels are STRIDE or more apart.

    Closer levels renew as large a share of the variance as their distance is of STRIDE, and carry the rest as ``zeta`` does, if
    the prior knows its error pixel by pixel. A draw of that width is right at once, but a learned denoiser errs a little, and some
    spread is lost each time: renewed at each of 60 levels, the samples of a deblurred photograph keep 0.76 of the spread that
    they have with 20. Where the error is known less well, the draws become right by being renewed, the more often the better.
    """
    fall = math.log(sigma / after) if after > 0 else STRIDE
    return zeta(min(1.0, fall / STRIDE) if isinstance(width, Covariance) else 1.0)(sigma, after)


# What the prior believes of a noisy image, and the width at which the data step may move it.
def level(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and the level just denoised: believed and measured image then meet as the terms of one energy."""
    return prior.denoise(x, sigma), sigma


def next_level(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and the level to come: zero after the last, so that the prior has the last word (DPIR, Zhang et al. 2021)."""
    return prior.denoise(x, sigma), after


def own_error(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
    """E[clean | x], and how far it errs, which makes a draw honest; where that is not known sigma, which is too wide."""
    x0, width = believed(prior, x, sigma)
    return x0, sigma if width is None else width


def believed(prior: Denoiser, x: Tensor, sigma: float) -> tuple[Tensor, Width | None]:
    """The mean of the prior's belief, and its width as finely as it is known: by pixel and frequency, by frequency, or on average."""
    found = belief(prior, x, sigma)
    if found.pixel is not None:
        white = x.new_ones(1, x.shape[-2], x.shape[-1] // 2 + 1)
        return found.mean, Covariance(found.pixel, white if found.spectrum is None else found.spectrum)
    return found.mean, found.rmse if found.spectrum is None else found.spectrum


def drawn(calls: int) -> Believe:
    """A draw from p(clean | x) by so many ancestral steps, down to a tenth of sigma; the width is the level to come.

    Every step draws the clean image with the prior's own error about what was denoised. Where that error is not known it
    counts as none, and the spread comes out too small, as DDPM's with so few steps.
    """

    def draw(prior: Denoiser, x: Tensor, sigma: float, after: float, noise: Streams | None = None) -> tuple[Tensor, Width]:
        assert noise is not None, "what draws is given streams"
        for high, low in pairwise([*geometric(sigma, sigma / 10, calls), 0.0]):
            x0, error = believed(prior, x, high)
            x0 = x0 + perturbation(noise.normal(x.shape[1:], x), 0.0 if error is None else error)
            b, q = ancestral(high, low)
            x = x0 + b * (x - x0) + q * noise.normal(x.shape[1:], x)
        return x, after

    return draw


@dataclass(frozen=True)
class Method:
    """A setting of the loop.

    ``levels`` makes the default schedule of ``steps`` levels, each with ``calls`` of the prior; ``measure`` is "minimise",
    "draw" or "descend"; ``answer`` says whether the believed or the measured image is returned; ``dual`` adds ADMM's
    running sum of disagreements. ``falling`` says that its levels must not rise; a fixed-point method takes any.
    ``balance`` is the lambda of the method's paper that strength 1 stands for, where the theory leaves it open.
    A method with ``pairs`` draws so many antithetic pairs and answers with one image for each.
    A method that is no setting brings ``own``, a generator with the signature of ``loop``. An ``exhibit`` is run as
    published, to show its known bias; ``line`` names the source.
    """

    line: str
    levels: Callable[[Measurement, Denoiser, float, int], list[float]]
    steps: int
    believe: Believe = level
    measure: str = "minimise"
    go_on: Rule = none
    dual: bool = False
    answer: str = "measured"
    samples: bool = False
    calls: int = 1
    pairs: int = 0
    balance: float = 1.0
    falling: bool = True
    exhibit: bool = False
    own: Callable[[Task], Iterator[Iterate]] | None = None


@dataclass(frozen=True)
class Iterate:
    """One turn: the level told to the prior, the width given to the data, and the images [n * B, C, H, W] they led to.

    ``calls`` counts how often the prior was asked about each of these images, a gradient through it as one more.
    """

    sigma: float
    width: Width
    believed: Tensor
    measured: Tensor
    x: Tensor
    calls: int = 1


@dataclass(frozen=True)
class Task:
    """What a method is given: measurement, prior, levels, and the images x [n * B, C, H, W] to start from.

    ``strength`` is how many times the prior's energy counts: it divides the square of every width. ``noise`` has a stream
    for each sample, and is None where nothing is drawn.
    """

    data: Measurement
    prior: Denoiser
    method: Method
    levels: Sequence[float]
    x: Tensor
    strength: float = 1.0
    noise: Streams | None = None

    def iterates(self) -> Iterator[Iterate]:
        """Run the method."""
        return (self.method.own or loop)(self)

    def descent(self) -> Iterator[tuple[float, float]]:
        """Every level with the next; after the last comes 0."""
        return pairwise([*self.levels, 0.0])

    def white(self, like: Tensor) -> Tensor:
        """Standard normal noise in the shape of ``like``, each sample from its own stream."""
        assert self.noise is not None, "what draws is given streams"
        return self.noise.normal(like.shape[1:], like)


def loop(task: Task) -> Iterator[Iterate]:
    """Run a method that is a setting of the loop."""
    data, method, noise, x = task.data, task.method, task.noise, task.x
    u = torch.zeros_like(x)
    for sigma, after in task.descent():
        x0, error = method.believe(task.prior, x + u, sigma, after, noise)  # believe
        width = error / (task.strength * method.balance) ** 0.5
        if method.dual:
            u = u + x - x0
        b, q = method.go_on(sigma, after, width)
        z = measure(data, method, x0 - u, width, noise, q)  # measure
        x = z + b * (x - z)  # go on
        if noise is not None and q > 0:
            x = x + q * task.white(x)
        yield Iterate(sigma, width, x0, z, x, method.calls)


def measure(data: Measurement, method: Method, x0: Tensor, width: Width, noise: Streams | None, fresh: float) -> Tensor:
    """One of the three data steps; ``fresh`` noise will be added to its answer."""
    if method.measure == "draw" and noise is not None:
        return data.draw(x0, width, noise, fresh)
    if method.measure == "descend" and isinstance(width, float):
        return data.descend(x0, width)
    return data.minimise(x0, width)
