"""Lab 5: the forward process in both forms, ancestral, DDIM and Heun steps, and the way from noise to a picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

import priors
import solvers
from priors.slot import checked
from reports.labs.checkers.lab03 import Told
from reports.labs.drawn import BECAUSE, generator, moments, moments_stray
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white
from solvers.schedules import to_vp
from solvers.unconditional import Nothing

SHAPE = (16, 1, 32, 32)  # of what is drawn


def scene(rng: np.random.Generator) -> Tensor:
    """A detail of a photograph of the size that the diffusion prior was trained on."""
    return detail(rng, 64)


# Instances.
def level(rng: np.random.Generator) -> float:
    """Away from 1, where a level is its own square, and so is the level ``below`` it."""
    return float(rng.uniform(0.25, 0.6) if rng.random() < 0.5 else rng.uniform(2.6, 3.5))


def below(sigma: float, rng: np.random.Generator) -> float:
    """Not near sigma / 2, where as much is kept as is taken away."""
    return float(sigma * rng.uniform(0.55, 0.8))


def for_forward(rng: np.random.Generator) -> tuple[Tensor, float, torch.Generator]:
    return detail(rng, 32).expand(SHAPE).contiguous(), level(rng), generator(int(rng.integers(2**31)))


def for_vp(rng: np.random.Generator) -> tuple[Tensor, float]:
    sigma = level(rng)
    return (detail(rng, 32) + sigma * white(rng, 1, 1, 32, 32)).double(), sigma


def for_ancestral(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, float, torch.Generator]:
    x, x0, sigma, after = for_ddim(rng)
    return x.expand(SHAPE).contiguous(), x0.expand(SHAPE).contiguous(), sigma, after, generator(int(rng.integers(2**31)))


def for_ddim(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, float]:
    x, sigma = for_vp(rng)
    return x, detail(rng, 32).double(), sigma, below(sigma, rng)


def for_generate(rng: np.random.Generator) -> tuple[Any, Tensor, list[float]]:
    """With a prior that is not linear: the order of the levels does not matter to a linear one."""
    sigma = float(rng.uniform(0.25, 0.6))
    x = (detail(rng, 24) + sigma * white(rng, 1, 1, 24, 24)).double()
    return priors.load("nlm"), x, solvers.schedules.geometric(sigma, 0.2 * sigma, 3)


def for_heun(rng: np.random.Generator) -> tuple[Any, Tensor, float, float]:
    x, sigma = for_vp(rng)
    return priors.load("gaussian"), x, sigma, below(sigma, rng)


# The truth. Of a draw the noise is compared: what is left when the right centre is taken away, over the right width.
def forward_noise(answer: Tensor, x: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    return moments((answer - x) / sigma)


def ancestral_noise(answer: Tensor, x: Tensor, x0: Tensor, sigma: float, after: float, rng: torch.Generator) -> Tensor:
    return moments(left_over(answer, x, x0, sigma, after))


def left_over(answer: Tensor, x: Tensor, x0: Tensor, sigma: float, after: float) -> Tensor:
    return (answer - x0 - (after / sigma) ** 2 * (x - x0)) / (after * math.sqrt(1 - (after / sigma) ** 2))


def white_noise(*_: Any) -> Tensor:
    return torch.tensor([0.0, 1.0, 1.0])


def stray(*_: Any) -> Tensor:
    return moments_stray(SHAPE)


def ddim(x: Tensor, x0: Tensor, sigma: float, after: float) -> Tensor:
    return x0 + after / sigma * (x - x0)


def turns_of(name: str, prior: Any, x: Tensor, levels: Sequence[float]) -> list[solvers.Iterate]:
    """The turns of a generator of the library from x, which carries noise of the first level; the last one ends at zero."""
    return list(solvers.Task(Nothing(), checked(prior), solvers.GENERATORS[name], levels, x).iterates())


def generate(prior: Any, x: Tensor, levels: Sequence[float]) -> Tensor:
    return turns_of("ddim", prior, x, levels)[-1].x


def heun(prior: Any, x: Tensor, sigma: float, after: float) -> Tensor:
    return turns_of("heun", prior, x, [sigma, after])[0].x


# What mistakes give.
def drawn_as(b: float, q: float, x: Tensor, x0: Tensor, sigma: float, after: float, shared: bool = False) -> Tensor:
    """The moments of x0 + b (x - x0) + q noise, where those of a right draw are asked for; ``for_ancestral`` repeats one picture."""
    noise = white(np.random.default_rng(0), *SHAPE).double()
    noise = noise[:1].expand(SHAPE) if shared else noise
    return moments(left_over(x0 + b * (x - x0) + q * noise, x, x0, sigma, after))


def turned(x: Tensor, levels: Sequence[float], step: Callable[[Tensor, float, float], Tensor]) -> Tensor:
    """Through all levels down to 0 by another step, a function of x, the level and the one after it."""
    for sigma, after in pairwise([*levels, 0.0]):
        x = step(x, sigma, after)
    return x


def forward_as(centre: Tensor, q: float, x: Tensor, sigma: float, shared: bool = False) -> Tensor:
    noise = white(np.random.default_rng(0), *SHAPE)
    return moments((centre + q * (noise[:1] if shared else noise) - x) / sigma)


def slopes(
    prior: Any, x: Tensor, sigma: float, after: float, *, over: float | None = None, told: float | None = None
) -> tuple[Tensor, Tensor]:
    """Both, times the step after - sigma; the second is taken at the level ``told`` and divided by ``over``, where these are given."""
    slope = (x - prior.denoise(x, sigma)) / sigma
    ahead = x + (after - sigma) * slope
    second = (ahead - prior.denoise(ahead, told or after)) / (over or after)
    return (after - sigma) * slope, (after - sigma) * second


def weighed(prior: Any, x: Tensor, sigma: float, after: float, first: float, other: float) -> Tensor:
    """A step by another sum of the two slopes."""
    slope, second = slopes(prior, x, sigma, after)
    return x + first * slope + other * second


def heun_with(prior: Any, x: Tensor, sigma: float, after: float, *, over: float, told: float) -> Tensor:
    return x + sum(slopes(prior, x, sigma, after, over=over, told=told)) / 2


def lopsided(prior: Any, x: Tensor, sigma: float, after: float, of: Callable[[Tensor], Tensor]) -> Tensor:
    """The second slope as the difference of x from an answer: of ``of(ahead)``."""
    slope, _ = slopes(prior, x, sigma, after)
    second = (x - prior.denoise(of(x + slope), after)) / after
    return x + (slope + (after - sigma) * second) / 2


def fresh(b: float, sigma: float, after: float) -> float:
    """The width of noise that makes up the level ``after`` where b of the old noise is carried."""
    return math.sqrt(max(0.0, after**2 - (b * sigma) ** 2))


ROUNDING, OF_NOISE = "rounding in single precision", f"{BECAUSE} of mean and width of the noise, in units of the right width"
FORWARD = Task(
    "forward", "pictures under noise", for_forward, white_noise, stray, OF_NOISE, measure=forward_noise, form=lambda *_: SHAPE,
    mistakes=(
        Mistake("sigma is a standard deviation: multiply the noise by sigma, not by its square root",
                lambda x, s, rng: forward_as(x, s**0.5, x, s)),
        Mistake("sigma is a standard deviation: multiply the noise by sigma, not by its square",
                lambda x, s, rng: forward_as(x, s**2, x, s)),
        Mistake("sigma is left out", lambda x, s, rng: forward_as(x, 1.0, x, s)),
        Mistake("all pictures of the batch share one noise; draw it in the shape of x",
                lambda x, s, rng: forward_as(x, s, x, s, shared=True)),
        Mistake("hardly any noise: sigma is in [0, 1] already, not in 0..255, and the noise must be added",
                lambda x, s, rng: forward_as(x, s / 255, x, s)),
        Mistake("the noise is uniform: rand lies between 0 and 1; randn is normal",
                lambda x, s, rng: torch.tensor([0.5, 12**-0.5, 12**-0.5])),
        Mistake("the picture itself is left out", lambda x, s, rng: forward_as(0 * x, s, x, s)),
        Mistake("the picture is not shrunk: in this form the noise is added to it as it is",
                lambda x, s, rng: forward_as((1 - s) * x, s, x, s)),
        Mistake("the picture is not shrunk: that is the variance preserving form of task 2",
                lambda x, s, rng: forward_as(abs(1 - s**2) ** 0.5 * x, s, x, s)),
        Mistake("it is clipped to [0, 1]; noisy pictures go beyond", lambda x, s, rng: moments(
                ((x + s * white(np.random.default_rng(0), *SHAPE)).clamp(0, 1) - x) / s)),
    ),
)  # fmt: skip
VP = Task(
    "to_vp", "the same picture as DDPM writes it", for_vp, to_vp, 1e-5, ROUNDING,
    mistakes=(
        Mistake("a root is missing: the factor is sqrt(abar)", lambda x, s: (1 + 4 * s**2) ** -1 * (2 * x - 1)),
        Mistake("in [-1, 1] the noise is twice as wide, too: abar = 1 / (1 + (2 sigma)**2)", lambda x, s: (1 + s**2) ** -0.5 * (2 * x - 1)),
        Mistake("the picture must be brought to [-1, 1] first: 2 x - 1", lambda x, s: (1 + 4 * s**2) ** -0.5 * x),
        Mistake("2 x - 1 takes 1 away, not 1/2", lambda x, s: (1 + 4 * s**2) ** -0.5 * (2 * x - 0.5)),
        Mistake("(2 sigma)**2 is 4 sigma**2", lambda x, s: (1 + 2 * s**2) ** -0.5 * (2 * x - 1)),
        Mistake("the factor is sqrt(abar), not one over it", lambda x, s: (1 + 4 * s**2) ** 0.5 * (2 * x - 1)),
        Mistake("that is sqrt(1 - abar), the share of the noise", lambda x, s: 2 * s * (1 + 4 * s**2) ** -0.5 * (2 * x - 1)),
        Mistake("sigma must be squared", lambda x, s: (1 + 2 * s) ** -0.5 * (2 * x - 1)),
        Mistake("sigma must be squared, and twice as wide: abar = 1 / (1 + (2 sigma)**2)", lambda x, s: (1 + s) ** -0.5 * (2 * x - 1)),
        Mistake("the factor is sqrt(abar), not its square", lambda x, s: (1 + 4 * s**2) ** -2 * (2 * x - 1)),
        Mistake("brackets are missing: sqrt(abar) * (2 x - 1)", lambda x, s: 2 * (1 + 4 * s**2) ** -0.5 * x - 1),
        Mistake("sqrt(1 - abar) is added once more: x holds its noise already", lambda x, s: (1 + 4 * s**2) ** -0.5 * (
                2 * x - 1 + 2 * s)),
        Mistake("x holds its noise already: only scale 2 x - 1", lambda x, s: (1 + 4 * s**2) ** -0.5 * (2 * x - 1 + 2 * s * x)),
    ),
)  # fmt: skip
ANCESTRAL = Task(
    "ancestral", "one step of DDPM, with fresh noise", for_ancestral, white_noise, stray, OF_NOISE, measure=ancestral_noise,
    form=lambda *_: SHAPE,
    mistakes=(
        Mistake("a square is missing: (after / sigma)**2 of the old noise is carried",
                lambda x, x0, s, a, rng: drawn_as(a / s, a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("a square root is missing: the fresh noise has the width after * sqrt(1 - (after / sigma)**2)",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, a * (1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("the fresh noise has the width after * sqrt(1 - (after / sigma)**2), since old noise is carried, too",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, a, x, x0, s, a)),
        Mistake("the fresh noise belongs to the level after; sigma * sqrt(1 - (after / sigma)**2) leads up from after to sigma",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, s * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("a square is missing under the root: (after / sigma)**2",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, a * math.sqrt(1 - a / s), x, x0, s, a)),
        Mistake("squares are missing: after * sqrt(1 - (after / sigma)**2), not after * (1 - after / sigma)",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, a * (1 - a / s), x, x0, s, a)),
        Mistake("the width of the fresh noise has the factor after, too: after * sqrt(1 - (after / sigma)**2)",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("the sign is wrong: x0 plus the share of x - x0",
                lambda x, x0, s, a, rng: drawn_as(-((a / s) ** 2), a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("the noise is added to x, which holds all of the old noise; begin at x0",
                lambda x, x0, s, a, rng: drawn_as(1 + (a / s) ** 2, a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("all pictures of the batch share one noise; draw it in the shape of x",
                lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a, shared=True)),
        Mistake("the noise is uniform: rand lies between 0 and 1; randn is normal",
                lambda *_: torch.tensor([0.5, 12**-0.5, 12**-0.5])),
        Mistake("no fresh noise is added", lambda x, x0, s, a, rng: drawn_as((a / s) ** 2, 0.0, x, x0, s, a)),
        Mistake("no fresh noise is added, and all of the old is carried: that is DDIM",
                lambda x, x0, s, a, rng: drawn_as(a / s, 0.0, x, x0, s, a)),
        Mistake("no old noise is carried: (after / sigma)**2 of x - x0 is added to x0",
                lambda x, x0, s, a, rng: drawn_as(0.0, a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
        Mistake("no old noise is carried, and all of the level is fresh", lambda x, x0, s, a, rng: drawn_as(0.0, a, x, x0, s, a)),
        Mistake("the ratio is upside down: after / sigma, which is below 1",
                lambda x, x0, s, a, rng: drawn_as((s / a) ** 2, a * math.sqrt(1 - (a / s) ** 2), x, x0, s, a)),
    ),
)  # fmt: skip
DDIM = Task(
    "ddim", "one step of DDIM, without noise", for_ddim, ddim, 1e-5, ROUNDING,
    mistakes=(
        Mistake("that is the share of an ancestral step; without fresh noise after / sigma is carried, not its square",
                lambda x, x0, s, a: x0 + (a / s) ** 2 * (x - x0)),
        Mistake("the ratio is upside down: after / sigma, which is below 1", lambda x, x0, s, a: x0 + s / a * (x - x0)),
        Mistake("the old noise x - x0 is multiplied by after, but was not divided by sigma", lambda x, x0, s, a: x0 + a * (x - x0)),
        Mistake("the noise is added to x, which holds noise already; add it to x0", lambda x, x0, s, a: x + a / s * (x - x0)),
        Mistake("the sign of the noise is wrong: x - x0", lambda x, x0, s, a: x0 - a / s * (x - x0)),
        Mistake("the whole noisy picture is carried; carry x - x0", lambda x, x0, s, a: x0 + a / s * x),
        Mistake("after / sigma is the share of the noise x - x0 that is kept, not the share that is taken away",
                lambda x, x0, s, a: x - a / s * (x - x0)),
        Mistake("the difference of the levels is no share of the way: of the noise x - x0 after / sigma is kept",
                lambda x, x0, s, a: x - (s - a) * (x - x0)),
        Mistake("no root is taken: after / sigma of the noise is kept", lambda x, x0, s, a: x0 + (a / s) ** 0.5 * (x - x0)),
        Mistake("brackets are missing: after / sigma * (x - x0)", lambda x, x0, s, a: x0 + a / s * x - x0),
        Mistake("x0 is missing: that is its noise alone", lambda x, x0, s, a: a / s * (x - x0)),
        Mistake("it goes all the way: noise of the level after must be left", lambda x, x0, s, a: x0),
    ),
)  # fmt: skip
GENERATE = Task(
    "generate", "from noise to a picture, level by level", for_generate, generate, 1e-4, ROUNDING, uses=("ddim",),
    mistakes=(
        Mistake("the last step, from the last level to 0, is left out", lambda p, x, levels: turns_of("ddim", p, x, levels)[-2].x),
        Mistake("the levels are gone through backwards: begin with the largest", lambda p, x, levels: generate(p, x, levels[::-1])),
        Mistake("that is one step: denoise anew at every level", lambda p, x, levels: p.denoise(x, levels[0])),
        Mistake("x is denoised once, before the loop: denoise anew at every level", lambda p, x, levels: p.denoise(x, levels[0])),
        Mistake("denoise is told the first level in every turn; tell it that of the turn", lambda p, x, levels: turned(
                x, levels, lambda x, sigma, after: ddim(x, p.denoise(x, levels[0]), sigma, after))),
        Mistake("x and x0 are exchanged in ddim: x first, then what was denoised", lambda p, x, levels: turned(
                x, levels, lambda x, sigma, after: ddim(p.denoise(x, sigma), x, sigma, after))),
        Mistake("one step only: return stands inside the loop", lambda p, x, levels: turns_of("ddim", p, x, levels)[0].x),
        Mistake("the denoiser is told the level after; x carries noise of the level before",
                lambda p, x, levels: turned(x, levels, lambda x, sigma, after: ddim(x, p.denoise(x, after), sigma, after))),
        Mistake("every step begins with the x of the start; carry x on", lambda p, x, levels: p.denoise(x, levels[-1])),
        Mistake("denoise takes the standard deviation sigma, not the variance", lambda p, x, levels: generate(Told(p, power=2), x, levels)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda p, x, levels: generate(Told(p, 255), x, levels)),
        Mistake("the picture is denoised over and over, but the noise of the next level is not kept: use ddim",
                lambda p, x, levels: turned(x, levels, lambda x, sigma, after: p.denoise(x, sigma))),
    ),
)  # fmt: skip
HEUN = Task(
    "heun", "one step of Heun's method", for_heun, heun, 1e-5, ROUNDING,
    mistakes=(
        Mistake("that is Euler's step, which is DDIM: the second slope is left out",
                lambda p, x, s, a: ddim(x, p.denoise(x, s), s, a)),
        Mistake("the second slope is taken alone; take the mean of both",
                lambda p, x, s, a: weighed(p, x, s, a, 0, 1)),
        Mistake("the second slope is divided by after, its own level, not by sigma",
                lambda p, x, s, a: heun_with(p, x, s, a, over=s, told=a)),
        Mistake("at the second slope the denoiser is told after, not sigma", lambda p, x, s, a: heun_with(p, x, s, a, over=a, told=s)),
        Mistake("the second slope belongs to the level after, in both places", lambda p, x, s, a: heun_with(p, x, s, a, over=s, told=s)),
        Mistake("the sum of both slopes is taken; take their mean", lambda p, x, s, a: weighed(p, x, s, a, 1, 1)),
        Mistake("brackets are missing: half of both slopes, (slope + second) / 2", lambda p, x, s, a: weighed(p, x, s, a, 1, 0.5)),
        Mistake("brackets are missing: (after - sigma) times the mean of both slopes",
                lambda p, x, s, a: weighed(p, x, s, a, 1, 0.5 / (a - s))),
        Mistake("the mean goes from the place where the first step ended; begin at x again",
                lambda p, x, s, a: weighed(p, x, s, a, 1.5, 0.5)),
        Mistake("the second slope is that of the place ahead: ahead minus its denoised picture, not x minus it",
                lambda p, x, s, a: lopsided(p, x, s, a, lambda ahead: ahead)),
        Mistake("the second slope is taken at x again; take it at the place ahead",
                lambda p, x, s, a: lopsided(p, x, s, a, lambda ahead: x)),
        Mistake("the sign is wrong: the step after - sigma is negative", lambda p, x, s, a: x - (heun(p, x, s, a) - x)),
    ),
)  # fmt: skip
LAB = Lab(
    5, "Noise it, remove it", scene, (FORWARD, VP, ANCESTRAL, DDIM, GENERATE, HEUN),
    "A single denoising step from pure noise is blurry, twenty small ones give a sharp picture, though the denoiser is the same. Where does"
    " the detail come from, and in which order does it come?",
)  # fmt: skip
