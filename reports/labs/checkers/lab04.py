"""Lab 4: adjoint and data step of super-resolution, RED, proximal gradient, and what no datum saw."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.functional import interpolate

import priors
import problems
import solvers
from priors.slot import checked
from problems import Problem
from reports.labs.checkers.lab03 import Told, flat
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white
from solvers.data import Measurement


def scene(rng: np.random.Generator) -> Problem:
    """A detail of a photograph, of which a coarse sensor measured the mean of every 3 x 3 pixels."""
    return problems.super_resolution(detail(rng, 84), 3, noise_sigma=0.02, rng=rng)


def measured(y: Tensor, factor: int, noise_sigma: float) -> Problem:
    """The measurement of which the functions of the lab get the parts."""
    return Problem("super_resolution", operator(y, factor), y, noise_sigma)


def operator(y: Tensor, factor: int) -> problems.SuperResolution:
    return problems.SuperResolution(None, factor, (1, factor * y.shape[-2], factor * y.shape[-1]))


# Instances.
def data(rng: np.random.Generator) -> tuple[Tensor, int, float]:
    factor = int(rng.choice([2, 3, 4]))
    problem = problems.super_resolution(detail(rng, 24).double(), factor, noise_sigma=float(rng.uniform(0.02, 0.05)), rng=rng)
    return problem.y, factor, problem.noise_sigma


def for_adjoint(rng: np.random.Generator) -> tuple[Tensor, int]:
    return data(rng)[:2]


def for_data_step(rng: np.random.Generator) -> tuple[Tensor, Tensor, int, float, float]:
    y, factor, noise_sigma = data(rng)
    x0 = wide(y, factor) + 0.1 * white(rng, 1, 1, 24, 24).double()
    return x0, y, factor, noise_sigma, float(noise_sigma * factor * rng.uniform(0.5, 2))


def for_loop(rng: np.random.Generator) -> tuple[Tensor, int, float, Any, float, int]:
    y, factor, noise_sigma = data(rng)
    return y, factor, noise_sigma, priors.load("gaussian"), float(factor * noise_sigma * rng.uniform(0.7, 1.2)), 4


def for_made_up(rng: np.random.Generator) -> tuple[Tensor, int]:
    return detail(rng, 24).double(), int(rng.choice([2, 3, 4]))


# The truth.
def adjoint(y: Tensor, factor: int) -> Tensor:
    return operator(y, factor).adjoint(y)


def data_step(x0: Tensor, y: Tensor, factor: int, noise_sigma: float, width: float) -> Tensor:
    return Measurement(measured(y, factor, noise_sigma)).minimise(x0, width)


def turns_of(method: str, start: Tensor, y: Tensor, factor: int, s: float, prior: Any, sigma: float, turns: int) -> list[solvers.Iterate]:
    """The turns of a method of the library from another start than its own."""
    taken = Measurement(measured(y, factor, s))
    levels = solvers.schedules.constant(sigma, turns)
    return list(solvers.Task(taken, checked(prior), solvers.METHODS[method], levels, start).iterates())


def red(y: Tensor, factor: int, noise_sigma: float, prior: Any, sigma: float, turns: int) -> Tensor:
    return turns_of("red", grey(y, factor), y, factor, noise_sigma, prior, sigma, turns)[-1].measured


def pgd(y: Tensor, factor: int, noise_sigma: float, prior: Any, sigma: float, turns: int) -> Tensor:
    start = Measurement(measured(y, factor, noise_sigma)).descend(grey(y, factor), sigma)
    return turns_of("pgd", start, y, factor, noise_sigma, prior, sigma, turns)[-1].believed


def made_up(x: Tensor, factor: int) -> Tensor:
    return x - wide(coarse(x, factor), factor)


# What mistakes give.
def coarse(x: Tensor, factor: int) -> Tensor:
    return problems.SuperResolution(None, factor, x.shape[1:]).forward(x)


def wide(y: Tensor, factor: int) -> Tensor:
    """Each pixel as factor x factor equal ones."""
    return factor**2 * adjoint(y, factor)


def grey(y: Tensor, factor: int) -> Tensor:
    return flat(wide(y, factor))


def nudged(x0: Tensor, y: Tensor, factor: int, gain: float) -> Tensor:
    """The belief moved by ``gain`` times what it misses of the data."""
    return x0 + gain * wide(y - coarse(x0, factor), factor)


def descended(
    y: Tensor, factor: int, s: float, prior: Any, sigma: float, turns: int, *, step: float | None = None, up: bool = False, sign: float = 1,
    denoise: bool = True, start: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Gradient steps of another length or from another start, without the adjoint's weight, uphill, or without a prior."""
    x = grey(y, factor) if start is None else start
    length = sign * ((sigma / s) ** 2 if step is None else step) * (1 if up else 1 / factor**2)
    for _ in range(turns):
        x = nudged(x, y, factor, length)
        x = prior.denoise(x, sigma) if denoise else x
    return x


def red_with(y: Tensor, factor: int, s: float, prior: Any, sigma: float, turns: int, *, width: float | None = None) -> Tensor:
    x = grey(y, factor)
    for _ in range(turns):
        x = data_step(prior.denoise(x, sigma), y, factor, s, sigma if width is None else width)
    return x


def stepped(x0: Tensor, y: Tensor, factor: int, below: float) -> Tensor:
    """The data step with something else below the line, in the place of A A^T + (noise_sigma / width)^2."""
    return nudged(x0, y, factor, 1 / factor**2 / below)


ROUNDING = "rounding in single precision"
ADJOINT = Task(
    "adjoint", "A^T y: where a coarse pixel's light came from", for_adjoint, adjoint, 1e-5, ROUNDING,
    mistakes=(
        Mistake("that enlarges y; the adjoint of a mean gives each of the factor**2 pixels 1 / factor**2 of it", wide),
        Mistake("each of the factor**2 pixels gets 1 / factor**2, not 1 / factor", lambda y, f: f * adjoint(y, f)),
        Mistake("1 / factor**2 once is enough", lambda y, f: adjoint(y, f) / f**2),
        Mistake("the factor 1 / factor**2 is that of each pixel: every coarse pixel fills a square of equal ones, without going over into"
                " the next", lambda y, f: interpolate(y, scale_factor=f, mode="bilinear") / f**2),
        Mistake("y is laid out as tiles; each of its pixels is to be repeated, by repeat_interleave",
                lambda y, f: y.repeat(1, 1, f, f) / f**2),
    ),
)  # fmt: skip
DATA_STEP = Task(
    "data_step", "the picture where data and belief meet", for_data_step, data_step, 1e-5, ROUNDING, uses=("adjoint",),
    mistakes=(
        Mistake("A A^T is 1 / factor**2, not 1", lambda x0, y, f, s, w: stepped(x0, y, f, 1 + (s / w) ** 2)),
        Mistake("A A^T is 1 / factor**2, not factor**2", lambda x0, y, f, s, w: stepped(x0, y, f, f**2 + (s / w) ** 2)),
        Mistake("A A^T is 1 / factor**2, not 1 / factor", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f + (s / w) ** 2)),
        Mistake("A A^T is 1 / factor**2, not 1: the data count too much",
                lambda x0, y, f, s, w: nudged(x0, y, f, 1 / (1 + (s / w) ** 2))),
        Mistake("the widths enter squared: (noise_sigma / width)**2", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + s / w)),
        Mistake("only width is squared: brackets are missing, (noise_sigma / width)**2",
                lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + s / w**2)),
        Mistake("only noise_sigma is squared: (noise_sigma / width)**2", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + s**2 / w)),
        Mistake("noise_sigma is left out: (noise_sigma / width)**2", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + 1 / w**2)),
        Mistake("the ratio of the two counts: (noise_sigma / width)**2, not width**2",
                lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + w**2)),
        Mistake("below the line stands A A^T + (noise_sigma / width)**2: all of it was divided by noise_sigma**2",
                lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 / s**2 + 1 / w**2)),
        Mistake("noise_sigma and width are exchanged", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + (w / s) ** 2)),
        Mistake("the residual's sign is wrong: y - A x0 is what the belief lacks",
                lambda x0, y, f, s, w: stepped(x0, y, f, -1 / f**2 - (s / w) ** 2)),
        Mistake("y alone is added; add what the belief lacks of it, y - A x0",
                lambda x0, y, f, s, w: x0 + adjoint(y, f) / (1 / f**2 + (s / w) ** 2)),
        Mistake("c is enlarged, each pixel as it is; lay it out by the adjoint",
                lambda x0, y, f, s, w: stepped(x0, y, f, (1 / f**2 + (s / w) ** 2) / f**2)),
        Mistake("the belief is left out: the correction is added to x0", lambda x0, y, f, s, w: data_step(x0, y, f, s, w) - x0),
        Mistake("that believes the data as if they had no noise", lambda x0, y, f, s, w: nudged(x0, y, f, 1.0)),
        Mistake("the correction is A^T of the residual, without dividing by what A A^T makes of it",
                lambda x0, y, f, s, w: nudged(x0, y, f, 1 / f**2)),
        Mistake("that is one step down the gradient, not the minimum", lambda x0, y, f, s, w: nudged(x0, y, f, (w / s) ** 2 / f**2)),
        Mistake("noise_sigma is taken as if it were in 0..255", lambda x0, y, f, s, w: stepped(x0, y, f, 1 / f**2 + (s / w / 255) ** 2)),
    ),
)  # fmt: skip
RED = Task(
    "red", "regularisation by denoising, its fixed point", for_loop, red, 1e-4, ROUNDING, uses=("adjoint", "data_step"),
    mistakes=(
        Mistake("the denoised picture is returned; RED answers with the one that met the data",
                lambda *given: turns_of("red", grey(*given[:2]), *given)[-1].believed),
        Mistake("the data come first, and the prior has the last word: that is plug-and-play, not RED",
                lambda y, f, s, p, sigma, turns: p.denoise(red_with(y, f, s, p, sigma, turns), sigma)),
        Mistake("the start is flat, at the mean of y; yours is y, enlarged",
                lambda y, f, *rest: turns_of("red", wide(y, f), y, f, *rest)[-1].measured),
        Mistake("the start has the mean of y; yours is A^T y, which is factor**2 times darker",
                lambda y, f, *rest: turns_of("red", adjoint(y, f), y, f, *rest)[-1].measured),
        Mistake("the start has the mean of y, not of A^T y, which is factor**2 times darker",
                lambda y, f, *rest: turns_of("red", flat(adjoint(y, f)), y, f, *rest)[-1].measured),
        Mistake("the start has the mean of y, not zero", lambda y, f, *rest: turns_of("red", 0 * wide(y, f), y, f, *rest)[-1].measured),
        Mistake("the width of the data step is sigma, not its square",
                lambda y, f, s, p, sigma, turns: red_with(y, f, s, p, sigma, turns, width=sigma**2)),
        Mistake("the width of the data step is sigma, not noise_sigma",
                lambda y, f, s, p, sigma, turns: red_with(y, f, s, p, sigma, turns, width=s)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda y, f, s, p, sigma, turns: red_with(y, f, s, Told(p, power=2), sigma, turns)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255",
                lambda y, f, s, p, sigma, turns: red_with(y, f, s, Told(p, 255), sigma, turns)),
        Mistake("denoise is told noise_sigma; tell it sigma",
                lambda y, f, s, p, sigma, turns: red_with(y, f, s, Told(p, s / sigma), sigma, turns)),
        Mistake("only one turn is made: x must be carried on, and return stand behind the loop",
                lambda y, f, s, p, sigma, turns: red(y, f, s, p, sigma, 1)),
        Mistake("one turn too few", lambda y, f, s, p, sigma, turns: red(y, f, s, p, sigma, turns - 1)),
        Mistake("one turn too many", lambda y, f, s, p, sigma, turns: red(y, f, s, p, sigma, turns + 1)),
    ),
)  # fmt: skip
PGD = Task(
    "pgd", "proximal gradient with a denoiser", for_loop, pgd, 1e-4, ROUNDING, uses=("adjoint",),
    mistakes=(
        Mistake("the start is flat, at the mean of y; yours is y, enlarged", lambda y, f, *rest: descended(y, f, *rest, start=wide(y, f))),
        Mistake("the start has the mean of y, not zero", lambda y, f, *rest: descended(y, f, *rest, start=0 * wide(y, f))),
        Mistake("the start has the mean of y; that of A^T y is factor**2 times darker",
                lambda y, f, *rest: descended(y, f, *rest, start=flat(adjoint(y, f)))),
        Mistake("denoise is told noise_sigma; tell it sigma",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, Told(p, s / sigma), sigma, turns)),
        Mistake("sigma and noise_sigma both enter squared: sigma**2 * gradient, and the gradient has noise_sigma**2",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, p, sigma, turns, step=sigma / s)),
        Mistake("uphill: subtract the gradient", lambda *given: descended(*given, sign=-1)),
        Mistake("the residual is enlarged, not laid out by the adjoint", lambda *given: descended(*given, up=True)),
        Mistake("the gradient is divided by noise_sigma**2, not by noise_sigma",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, p, sigma, turns, step=sigma**2 / s)),
        Mistake("noise_sigma is left out of the gradient",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, p, sigma, turns, step=sigma**2)),
        Mistake("the step has the length sigma**2, not sigma",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, p, sigma, turns, step=sigma / s**2)),
        Mistake("a factor 2 too much: the energy has a 2 below the line, which the derivative takes away",
                lambda y, f, s, p, sigma, turns: descended(y, f, s, p, sigma, turns, step=2 * (sigma / s) ** 2)),
        Mistake("the prior is not asked", lambda *given: descended(*given, denoise=False)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda y, f, s, p, *rest: descended(y, f, s, Told(p, power=2), *rest)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda y, f, s, p, *rest: descended(y, f, s, Told(p, 255), *rest)),
        Mistake("the prior has the last word: the gradient step first, then the denoiser",
                lambda *given: turns_of("pgd", grey(*given[:2]), *given)[-1].measured),
        Mistake("only one turn is made: x must be carried on, and return stand behind the loop",
                lambda y, f, s, p, sigma, turns: pgd(y, f, s, p, sigma, 1)),
        Mistake("one turn too few", lambda y, f, s, p, sigma, turns: pgd(y, f, s, p, sigma, turns - 1)),
    ),
)  # fmt: skip
MADE_UP = Task(
    "made_up", "the part of a picture that no datum saw", for_made_up, made_up, 1e-5, ROUNDING, uses=("adjoint",),
    mistakes=(
        Mistake("that is the part that was measured; the rest is asked for", lambda x, f: wide(coarse(x, f), f)),
        Mistake("A^T A x is not the measured part yet: A A^T is 1 / factor**2, so multiply by factor**2",
                lambda x, f: x - adjoint(coarse(x, f), f)),
        Mistake("A A^T is 1 / factor**2: multiply A^T A x by factor**2, not by factor",
                lambda x, f: x - f * adjoint(coarse(x, f), f)),
        Mistake("the sign is wrong: the picture minus its measured part", lambda x, f: -made_up(x, f)),
        Mistake("the mean of the whole picture is taken, not of each factor x factor pixels", lambda x, f: x - x.mean()),
    ),
)  # fmt: skip
LAB = Lab(
    4, "One denoiser, many slots", scene, (ADJOINT, DATA_STEP, RED, PGD, MADE_UP),
    "All three priors fit the same data. What of their pictures is the same, what differs, and how could you tell, without the truth,"
    " which detail to believe?",
)  # fmt: skip
