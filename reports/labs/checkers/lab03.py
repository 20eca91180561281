"""Lab 3: adjoint and data step of a blur, half-quadratic splitting, ADMM, misfit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

import priors
import problems
import solvers
from problems import Problem, kernels
from problems.operator import circulant
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white
from solvers.data import Measurement

BALANCE = solvers.METHODS["hqs"].balance  # what the library's strength 1 stands for; the lab's strength is the lambda of the paper


def scene(rng: np.random.Generator) -> Problem:
    """A detail of a photograph, blurred by a shaken camera."""
    return blurred(rng, 96, 13, noise_sigma=0.02)


def blurred(rng: np.random.Generator, size: int, kernel: int, noise_sigma: float) -> Problem:
    return problems.deblur(detail(rng, size), kernels.shake(kernel, rng), noise_sigma, rng)


def measured(y: Tensor, h: Tensor, noise_sigma: float) -> Problem:
    """The measurement of which the functions of the lab get the parts."""
    return Problem("deblur", operator(y, h), y, noise_sigma)


def operator(y: Tensor, h: Tensor) -> problems.Blur:
    return problems.Blur(torch.fft.fftshift(torch.fft.irfft2(h, s=y.shape[-2:])), y.shape[1:])


# Instances: double precision, so that rounding is no excuse and no obstacle.
def data(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """y, h and the noise of a small picture."""
    problem = blurred(rng, 32, 9, noise_sigma=float(rng.uniform(0.01, 0.05)))
    return problem.y.double(), problem.operator.transfer, problem.noise_sigma


def for_adjoint(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    y, h, _ = data(rng)
    return y, h


def for_data_step(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float, float]:
    y, h, noise_sigma = data(rng)
    x0 = y + 0.1 * white(rng, *y.shape).double()
    return x0, y, h, noise_sigma, float(noise_sigma * rng.uniform(2, 6))


def for_hqs(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, Any, list[float], float]:
    y, h, noise_sigma = data(rng)
    levels = solvers.schedules.geometric(float(rng.uniform(0.06, 0.12)), noise_sigma, 3)  # low enough that the start still counts
    return y, h, noise_sigma, priors.load("gaussian"), levels, float(rng.uniform(0.2, 0.5))


def for_admm(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, Any, float, int, float]:
    y, h, noise_sigma = data(rng)
    return y, h, noise_sigma, priors.load("gaussian"), float(rng.uniform(0.06, 0.12)), 6, float(rng.uniform(0.4, 0.8))


def for_misfit(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float]:
    y, h, noise_sigma = data(rng)
    return y, y + noise_sigma * white(rng, *y.shape).double(), h, noise_sigma


# The truth.
def adjoint(y: Tensor, h: Tensor) -> Tensor:
    return operator(y, h).adjoint(y)


def data_step(x0: Tensor, y: Tensor, h: Tensor, noise_sigma: float, width: float) -> Tensor:
    return Measurement(measured(y, h, noise_sigma)).minimise(x0, width)


def hqs(y: Tensor, h: Tensor, noise_sigma: float, prior: Any, levels: Sequence[float], strength: float) -> Tensor:
    return hqs_steps(y, h, noise_sigma, prior, levels, strength)[-1].believed


def hqs_steps(
    y: Tensor, h: Tensor, noise_sigma: float, prior: Any, levels: Sequence[float], strength: float
) -> list[solvers.Iterate]:
    problem = measured(y, h, noise_sigma)
    return list(solvers.steps(problem, prior, "hqs", levels=levels, strength=strength / BALANCE))


def admm(y: Tensor, h: Tensor, noise_sigma: float, prior: Any, sigma: float, turns: int, strength: float) -> Tensor:
    return admm_steps(y, h, noise_sigma, prior, sigma, turns, strength)[-1].believed


def admm_steps(
    y: Tensor, h: Tensor, noise_sigma: float, prior: Any, sigma: float, turns: int, strength: float
) -> list[solvers.Iterate]:
    levels = solvers.schedules.constant(sigma, turns)
    return list(solvers.steps(measured(y, h, noise_sigma), prior, "admm", levels=levels, strength=strength))


def misfit(x: Tensor, y: Tensor, h: Tensor, noise_sigma: float) -> float:
    return float(Measurement(measured(y, h, noise_sigma)).misfit(x))


# What mistakes give.
def split(
    x0: Tensor, y: Tensor, h: Tensor, of_data: float, of_prior: float, *,
    seen: Tensor | None = None, power: Tensor | None = None, below: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The data step with these weights, this response in the place of conj(h), this power in that of |h|^2, or all that stands below the
    line exchanged."""
    top = of_data * torch.fft.rfft2(y) * (h.conj() if seen is None else seen) + of_prior * torch.fft.rfft2(x0)
    bottom = of_data * (h.abs() ** 2 if power is None else power) + of_prior if below is None else below
    return torch.fft.irfft2(top / bottom, s=y.shape[-2:])


class Told:
    """A prior that is told another level."""

    def __init__(self, prior: Any, factor: float = 1.0, power: float = 1.0):
        self.prior, self.factor, self.power = prior, factor, power

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.prior.denoise(x, self.factor * sigma**self.power)


def hqs_from(
    start: Tensor, y: Tensor, h: Tensor, s: float, prior: Any, levels: Sequence[float], strength: float, *,
    anew: bool = False, power: float = 1,
) -> Tensor:  # fmt: skip
    """From another start, and with this power of the width; with ``anew`` every turn begins at the start again."""
    x = start
    for sigma in levels:
        x = prior.denoise(data_step(start if anew else x, y, h, s, (sigma / strength**0.5) ** power), sigma)
    return x


def prior_first(y: Tensor, h: Tensor, noise_sigma: float, prior: Any, levels: Sequence[float], strength: float) -> Tensor:
    x = flat(y)
    for sigma in levels:
        x = data_step(prior.denoise(x, sigma), y, h, noise_sigma, sigma / strength**0.5)
    return x


def flat(y: Tensor) -> Tensor:
    return torch.full_like(y, float(y.mean()))


def admm_with(
    y: Tensor, h: Tensor, s: float, prior: Any, sigma: float, turns: int, strength: float, *,
    asked: float = 1, given: float = 1, add: float = 1, keep: float = 1, power: float = 1, begun: bool = True,
) -> Tensor:  # fmt: skip
    """The prior is asked about x + ``asked`` u, the data are given v - ``given`` u, and u becomes ``keep`` u + ``add`` (x - v).

    The data step is told the width to this ``power``; without ``begun`` there is none before the first turn."""
    width = (sigma / strength**0.5) ** power
    x = data_step(flat(y), y, h, s, width) if begun else flat(y)
    u = torch.zeros_like(x)
    for _ in range(turns):
        v = prior.denoise(x + asked * u, sigma)
        u = keep * u + add * (x - v)
        x = data_step(v - given * u, y, h, s, width)
    return v


def told_late(y: Tensor, h: Tensor, s: float, prior: Any, sigma: float, turns: int, strength: float) -> Tensor:
    """u is renewed after x, from the x that follows v."""
    width = sigma / strength**0.5
    x = data_step(flat(y), y, h, s, width)
    u = torch.zeros_like(x)
    for _ in range(turns):
        v = prior.denoise(x + u, sigma)
        x = data_step(v - u, y, h, s, width)
        u = u + x - v
    return v


ROUNDING = "rounding in single precision"
ADJOINT = Task(
    "adjoint", "A^T y, the blur run backwards", for_adjoint, adjoint, 1e-5, ROUNDING,
    mistakes=(
        Mistake("that blurs once more, A y: the kernel is not flipped; take conj(h)", lambda y, h: circulant(y, h)),
        Mistake("division by h is the inverse of A, not its adjoint", lambda y, h: circulant(y, 1 / h)),
        Mistake("division by conj(h) sharpens; the adjoint multiplies by conj(h)", lambda y, h: circulant(y, 1 / h.conj())),
        Mistake("the array h is flipped; it is the kernel that is flipped, and h becomes conj(h)",
                lambda y, h: circulant(y, h.flip(-2, -1))),
        Mistake("conj belongs to h alone, not to the spectrum of y", lambda y, h: circulant(y, h).flip(-2, -1).roll((1, 1), (-2, -1))),
        Mistake("conj belongs to h alone, not to the spectrum of y",
                lambda y, h: circulant(y, h.conj()).flip(-2, -1).roll((1, 1), (-2, -1))),
        Mistake("|h| forgets where the light went: the adjoint shifts it back by conj(h)", lambda y, h: circulant(y, h.abs())),
        Mistake("that blurs and blurs back, A^T A y; the answer is A^T y", lambda y, h: circulant(y, h.abs() ** 2)),
    ),
)  # fmt: skip
DATA_STEP = Task(
    "data_step", "the picture where data and belief meet", for_data_step, data_step, 1e-4, ROUNDING,
    mistakes=(
        Mistake("the widths enter squared: 1 / noise_sigma**2 and 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s, 1 / w)),
        Mistake("only width is squared: noise_sigma is, too, as in (noise_sigma / width)**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1, s / w**2)),
        Mistake("noise_sigma is left out: the data weigh 1 / noise_sigma**2", lambda x0, y, h, s, w: split(x0, y, h, 1, 1 / w**2)),
        Mistake("width is left out: the belief weighs 1 / width**2", lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1)),
        Mistake("width is not squared: the belief weighs 1 / width**2", lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w)),
        Mistake("the belief has the wrong sign above the line: both are added there",
                lambda x0, y, h, s, w: split(-x0, y, h, 1 / s**2, 1 / w**2)),
        Mistake("the weight of the belief has the wrong sign below the line: both are added there",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, below=h.abs() ** 2 / s**2 - 1 / w**2)),
        Mistake("the weights are missing: the data weigh 1 / noise_sigma**2, the belief 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1, 1)),
        Mistake("the weight of the belief, 1 / width**2, is missing below the line",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, below=h.abs() ** 2 / s**2)),
        Mistake("the weights are missing below the line: |h|**2 / noise_sigma**2 + 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, below=h.abs() ** 2 + 1)),
        Mistake("a square is missing below the line: 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, below=h.abs() ** 2 / s**2 + 1 / w)),
        Mistake("|h| forgets where the light went: y enters as A^T y, with conj(h)",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, seen=h.abs())),
        Mistake("noise_sigma and width are exchanged: the data weigh 1 / noise_sigma**2, the belief 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / w**2, 1 / s**2)),
        Mistake("y is blurred once more: the data enter as A^T y, with conj(h)",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, seen=h)),
        Mistake("y enters as it is; it must enter as A^T y, with conj(h)",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, seen=torch.ones_like(h))),
        Mistake("below the line stands |h|, where |h|**2 is asked for",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, power=h.abs())),
        Mistake("below the line stands |h|**2 = conj(h) h, not h**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, power=h**2)),
        Mistake("the blur is missing below the line: |h|**2 / noise_sigma**2 + 1 / width**2",
                lambda x0, y, h, s, w: split(x0, y, h, 1 / s**2, 1 / w**2, power=torch.ones_like(h))),
        Mistake("the believed picture x0 is left out above the line", lambda x0, y, h, s, w: split(0 * x0, y, h, 1 / s**2, 1 / w**2)),
        Mistake("the belief weighs nothing: that is the inverse filter", lambda x0, y, h, s, w: circulant(y, 1 / h)),
        Mistake("noise_sigma is taken as if it were in 0..255", lambda x0, y, h, s, w: split(x0, y, h, (255 / s) ** 2, 1 / w**2)),
        Mistake("noise_sigma is taken as if pixels were in 0..255", lambda x0, y, h, s, w: split(x0, y, h, (1 / 255 / s) ** 2, 1 / w**2)),
        Mistake("that is one step down the gradient, not the minimum",
                lambda x0, y, h, s, w: x0 + (w / s) ** 2 * circulant(y - circulant(x0, h), h.conj())),
    ),
)  # fmt: skip
HQS = Task(
    "hqs", "half-quadratic splitting: data step and denoiser in turn", for_hqs, hqs, 1e-4, ROUNDING, uses=("data_step",),
    mistakes=(
        Mistake("z, the picture of the data step, is returned; the prior has the last word: return what was denoised last",
                lambda *given: hqs_steps(*given)[-2].measured),
        Mistake("the prior is asked before the data: each turn is the data step, then the denoiser", prior_first),
        Mistake("strength is left out: the width of the data step is sigma / strength**0.5",
                lambda y, h, s, p, levels, strength: hqs(y, h, s, p, levels, 1.0)),
        Mistake("the square root is missing: the width of the data step is sigma / strength**0.5",
                lambda y, h, s, p, levels, strength: hqs(y, h, s, p, levels, strength**2)),
        Mistake("strength works the wrong way round: the stronger the prior, the smaller the width, sigma / strength**0.5",
                lambda y, h, s, p, levels, strength: hqs(y, h, s, p, levels, 1 / strength)),
        Mistake("the data step takes the standard deviation sigma / strength**0.5, not its square",
                lambda y, *rest: hqs_from(flat(y), y, *rest, power=2)),
        Mistake("the prior is told noise_sigma; z has noise of the level sigma, which falls",
                lambda y, h, s, p, *rest: hqs(y, h, s, Told(p, s, 0), *rest)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda y, h, s, p, *rest: hqs(y, h, s, Told(p, power=2), *rest)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda y, h, s, p, *rest: hqs(y, h, s, Told(p, 255), *rest)),
        Mistake("every turn begins at the flat picture again; it must begin where the last one ended",
                lambda y, *rest: hqs_from(flat(y), y, *rest, anew=True)),
        Mistake("the start is y, not a flat picture of its mean", lambda y, *rest: hqs_from(y, y, *rest)),
        Mistake("the start is black, not a flat picture of the mean of y", lambda y, *rest: hqs_from(0 * y, y, *rest)),
        Mistake("the start is A^T y, not a flat picture of the mean of y", lambda y, h, *rest: hqs_from(adjoint(y, h), y, h, *rest)),
        Mistake("only the last level is gone through: is return inside the loop, or x not carried on?",
                lambda y, h, s, p, levels, strength: hqs(y, h, s, p, levels[-1:], strength)),
        Mistake("only the first level is gone through: return stands inside the loop",
                lambda y, h, s, p, levels, strength: hqs(y, h, s, p, levels[:1], strength)),
        Mistake("the levels are gone through backwards: begin with the largest",
                lambda y, h, s, p, levels, strength: hqs_from(flat(y), y, h, s, p, levels[::-1], strength)),
    ),
)  # fmt: skip
ADMM = Task(
    "admm", "ADMM: remember what the two disagreed on", for_admm, admm, 1e-4, ROUNDING, uses=("data_step",),
    mistakes=(
        Mistake("x, the picture of the data step, is returned, not the denoised one, v", lambda *given: admm_steps(*given)[-1].measured),
        Mistake("the prior is asked about x - u; u is added there", lambda *given: admm_with(*given, asked=-1)),
        Mistake("the data are given v + u; u is subtracted there", lambda *given: admm_with(*given, given=-1)),
        Mistake("u has the wrong sign: u + x - v", lambda *given: admm_with(*given, add=-1)),
        Mistake("u stays zero: without it this is half-quadratic splitting at one level", lambda *given: admm_with(*given, add=0)),
        Mistake("u forgets: it is the sum of all disagreements, u + x - v", lambda *given: admm_with(*given, keep=0)),
        Mistake("u is left out where the prior is asked: denoise(x + u, sigma)", lambda *given: admm_with(*given, asked=0)),
        Mistake("u is left out in the data step: v - u", lambda *given: admm_with(*given, given=0)),
        Mistake("denoise takes the standard deviation sigma, not the variance",
                lambda y, h, s, p, *rest: admm(y, h, s, Told(p, power=2), *rest)),
        Mistake("denoise takes sigma in units of [0, 1], not of 0..255", lambda y, h, s, p, *rest: admm(y, h, s, Told(p, 255), *rest)),
        Mistake("strength is left out: the width of the data step is sigma / strength**0.5",
                lambda y, h, s, p, sigma, turns, strength: admm(y, h, s, p, sigma, turns, 1.0)),
        Mistake("the square root is missing: the width of the data step is sigma / strength**0.5",
                lambda y, h, s, p, sigma, turns, strength: admm(y, h, s, p, sigma, turns, strength**2)),
        Mistake("the data step takes the standard deviation sigma / strength**0.5, not its square",
                lambda *given: admm_with(*given, power=2)),
        Mistake("x begins flat: the data step before the loop is missing", lambda *given: admm_with(*given, begun=False)),
        Mistake("u is renewed too late: u + x - v comes before the next data step", told_late),
        Mistake("one turn too few", lambda y, h, s, p, sigma, turns, strength: admm(y, h, s, p, sigma, turns - 1, strength)),
        Mistake("one turn too many", lambda y, h, s, p, sigma, turns, strength: admm(y, h, s, p, sigma, turns + 1, strength)),
    ),
)  # fmt: skip
MISFIT = Task(
    "misfit", "how well a picture explains the data", for_misfit, misfit, lambda *given: 1e-4 * misfit(*given), ROUNDING,
    mistakes=(
        Mistake("it is the sum over the pixels, where their mean is asked for", lambda x, y, h, s: y.numel() * misfit(x, y, h, s)),
        Mistake("the noise is left out: divide by noise_sigma**2", lambda x, y, h, s: s**2 * misfit(x, y, h, s)),
        Mistake("it is multiplied by noise_sigma where it must be divided", lambda x, y, h, s: s**4 * misfit(x, y, h, s)),
        Mistake("a square is missing: divide by noise_sigma**2", lambda x, y, h, s: s * misfit(x, y, h, s)),
        Mistake("the residual is not squared", lambda x, y, h, s: float((circulant(x, h) - y).abs().mean()) / s),
        Mistake("the residual is not squared: what is above and below zero cancels",
                lambda x, y, h, s: float((circulant(x, h) - y).mean()) / s),
        Mistake("x is blurred by the adjoint: A x takes h, not conj(h)",
                lambda x, y, h, s: float((circulant(x, h.conj()) - y).square().mean()) / s**2),
        Mistake("no half is asked for: the misfit of the right picture is 1", lambda x, y, h, s: misfit(x, y, h, s) / 2),
        Mistake("x is compared with y as it is; blur it first", lambda x, y, h, s: float((x - y).square().mean()) / s**2),
        Mistake("noise_sigma is taken as if it were in 0..255", lambda x, y, h, s: misfit(x, y, h, s) * 255**2),
    ),
)  # fmt: skip
LAB = Lab(
    3, "Fit the data, lean on the prior", scene, (ADJOINT, DATA_STEP, HQS, ADMM, MISFIT),
    "The weaker the prior, the better its pictures fit the data. Why are the best-fitting ones the worst? Without the truth, which"
    " strength would you take, and why?",
)  # fmt: skip
