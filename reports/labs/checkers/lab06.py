"""Lab 6: an exact Gaussian posterior, the data step as a draw, the annealed sampler, DPS, and how far draws are from the posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import problems
import solvers
from problems import kernels
from reports.labs.drawn import BECAUSE, ERRORS, generator
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white
from reports.labs.stationary import Stationary, as_gain, data_draw, exact_posterior, filtered, minimise, response, stationary, variances


class Scene(NamedTuple):
    """``truth`` and ``y`` [1, 1, H, W], the blur's ``h`` [H, W] in the layout of fft2, the noise, and the prior."""

    truth: Tensor
    y: Tensor
    h: Tensor
    noise_sigma: float
    prior: Stationary


def scene(rng: np.random.Generator) -> Scene:
    return measured(rng, 64, 13, 0.05)


def measured(rng: np.random.Generator, size: int, kernel: int, noise_sigma: float) -> Scene:
    """A detail of a photograph behind a shaken camera, and the prior of its size."""
    truth = detail(rng, size)
    problem = problems.deblur(truth, kernels.shake(kernel, rng), noise_sigma, rng)
    return Scene(truth.double(), problem.y.double(), response(problem), noise_sigma, stationary(size))


# Instances.
def data(rng: np.random.Generator) -> Scene:
    return measured(rng, 24, 7, float(rng.uniform(0.03, 0.08)))


def for_posterior(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, float, Tensor]:
    _, y, h, noise_sigma, prior = data(rng)
    return y, h, noise_sigma, prior.grey, prior.power


def for_draw(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float, Tensor, Tensor, Tensor]:
    _, y, h, noise_sigma, prior = data(rng)
    x0, shape = y + 0.1 * white(rng, *y.shape).double(), (3, *y.shape[1:])
    width = prior.error(float(rng.uniform(0.1, 0.3)))
    return x0, y, h, noise_sigma, width, white(rng, *shape).double(), white(rng, *shape).double()


DRAWS = 200


def for_annealed(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, Stationary, list[float], int, torch.Generator]:
    _, y, h, noise_sigma, prior = data(rng)
    levels = solvers.schedules.geometric(float(rng.uniform(0.08, 0.12)), float(noise_sigma * rng.uniform(0.4, 0.6)), 4)
    return y, h, noise_sigma, prior, levels, DRAWS, generator(int(rng.integers(2**31)))


def for_dps(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Stationary, float, float, float, Tensor]:
    _, y, h, _, prior = data(rng)
    sigma = float(rng.uniform(0.2, 0.4))
    x = y + sigma * white(rng, 3, *y.shape[1:]).double()
    return x, y, h, prior, sigma, float(sigma * rng.uniform(0.5, 0.7)), float(rng.uniform(0.5, 1)), white(rng, *x.shape).double()


def for_judging(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    mean, std = detail(rng, 24).double(), float(rng.uniform(0.05, 0.15))
    n, lean = int(rng.integers(6, 12)), float(rng.uniform(0.3, 0.8))
    return mean + std * (lean + float(rng.uniform(0.5, 0.9)) * white(rng, n, 1, 24, 24).double()), mean, std


# The truth.
class Law(NamedTuple):
    """Independent Gaussian coefficients, in the layout of fft2 and orthonormal: mean and variance, [H, W]."""

    mean: Tensor
    variance: Tensor


def annealed_law(
    y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary, levels: Sequence[float], *,
    data: float = 1, belief: float = 1, width: str = "error", renew: str = "after", last: str = "measured",
) -> Law:  # fmt: skip
    """What the sampler draws from: all steps are linear, so that mean and variance go through them in closed form.

    ``data`` and ``belief`` weigh the noise of the draw; the words choose another width, another fresh noise or another answer.
    """
    grey, measured = (torch.fft.fft2(each, norm="ortho")[0, 0] for each in (torch.full_like(y, prior.grey), y))
    x = Law(grey, torch.full_like(prior.power, levels[0] ** 2))
    for sigma, after in pairwise([*levels, 0.0]):
        shrunk = prior.power / (prior.power + sigma**2)
        wide = {"error": prior.error(sigma), "sigma": as_gain(sigma, h), "after": prior.error(after)}[width] ** 2
        gain = h.conj() * wide / (h.abs() ** 2 * wide + noise_sigma**2)
        kept = (1 - gain * h) * shrunk
        believed = Law(grey + shrunk * (x.mean - grey), shrunk**2 * x.variance)
        noise = (1 - gain * h).abs() ** 2 * belief**2 * wide + gain.abs() ** 2 * data**2 * noise_sigma**2
        z = Law(believed.mean + gain * (measured - h * believed.mean), kept.abs() ** 2 * x.variance + noise)
        if renew == "carried":
            c = after / sigma
            x = Law(z.mean + c * (x.mean - z.mean), ((1 - c) * kept + c).abs() ** 2 * x.variance + (1 - c) ** 2 * noise)
        else:
            x = Law(z.mean, z.variance + {"after": after, "sigma": sigma, "none": 0.0}[renew] ** 2)
    return {"measured": z, "believed": believed, "noisy": x}[last]


BANDS = 3


def bands(power: Tensor) -> list[Tensor]:
    """As many frequencies in each, from coarse to fine: masks [H, W]."""
    order = power.flatten().argsort(descending=True, stable=True).argsort()
    return [(order * BANDS // order.numel() == k).view(power.shape) for k in range(BANDS)]


def looks(samples: Tensor, y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary, *rest: object) -> Tensor:
    """Of samples what ``looks_of`` tells of a law."""
    found = torch.fft.fft2(samples.double(), norm="ortho")[:, 0]
    law = Law(found.mean(0), (found - found.mean(0)).abs().square().sum(0) / (DRAWS - 1))
    return looks_of(law, y, h, noise_sigma, prior)


def looks_of(law: Law, y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary) -> Tensor:
    """Band by band: how far the mean goes in the directions of the exact one, and the mean standard deviation; the exact one is 1."""
    direction, spread = compass(y, h, noise_sigma, prior)
    found = law.mean / spread
    along = [(found * direction.conj()).real[mask].sum() / int(mask.sum()) ** 0.5 for mask in bands(prior.power)]
    return torch.stack([*along, *((law.variance.sqrt() / spread)[mask].mean() for mask in bands(prior.power))])


def compass(y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary) -> tuple[Tensor, Tensor]:
    """The directions of the exact posterior's mean, complex numbers of length 1, and its standard deviations: [H, W]."""
    mean, _ = exact_posterior(y, h, noise_sigma, prior.grey, prior.power)
    spread = variances(h, noise_sigma, prior.power).sqrt()
    return torch.fft.fft2(mean, norm="ortho")[0, 0].sgn(), spread


def annealed_looks(
    y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary, levels: Sequence[float], n: int, rng: torch.Generator, **wrong: object
) -> Tensor:  # fmt: skip
    return looks_of(annealed_law(y, h, noise_sigma, prior, levels, **wrong), y, h, noise_sigma, prior)  # type: ignore[arg-type]


def looks_stray(
    y: Tensor, h: Tensor, noise_sigma: float, prior: Stationary, levels: Sequence[float], n: int, rng: torch.Generator
) -> Tensor:  # fmt: skip
    _, spread = compass(y, h, noise_sigma, prior)
    share = annealed_law(y, h, noise_sigma, prior, levels).variance / spread**2
    parts = [(share[mask].mean(), int(mask.sum())) for mask in bands(prior.power)]
    along, wide = [mean / n for mean, _ in parts], [mean / (2 * n * count) for mean, count in parts]
    return ERRORS * torch.stack([*along, *wide]).sqrt()


def dps_step(x: Tensor, y: Tensor, h: Tensor, prior: Stationary, sigma: float, after: float, step: float, fresh: Tensor) -> Tensor:
    return dps_with(x, y, h, prior, sigma, after, step, fresh)


def dps_with(
    x: Tensor, y: Tensor, h: Tensor, prior: Stationary, sigma: float, after: float, step: float, fresh: Tensor, *,
    through: bool = True, length: str = "each", power: float = 2, noise: str = "ancestral", seen: str = "believed",
) -> Tensor:  # fmt: skip
    """The gradient in closed form, A and the prior being linear: -D^T A^T r / |r|; the words choose what is done wrong."""
    x0 = prior.denoise(x, sigma)
    r = y - {"believed": filtered(x0, h), "x": filtered(x, h), "sharp": x0}[seen]
    back = r if seen == "sharp" else filtered(r, h.conj())
    back = filtered(back, prior.power / (prior.power + sigma**2)) if through and seen != "x" else back
    norms = {"each": r.flatten(1).norm(dim=1)[:, None, None, None], "all": r.norm(), "square": 0.5, "half": 1.0}
    carried = (after / sigma) ** power
    fading = (1 - (after / sigma) ** 2) ** 0.5
    added = {"ancestral": after * fading, "unrooted": after * fading**2, "sigma": sigma * fading, "after": after, "none": 0.0}[noise]
    return x0 + carried * (x - x0) + added * fresh + step * back / norms[length]


def bias_and_spread(samples: Tensor, mean: Tensor, std: float) -> tuple[float, float]:
    lean = samples.mean(0, keepdim=True) - mean
    return float(lean.square().mean().sqrt() / std), float(samples.var(0).mean().sqrt() / std)


ROUNDING = "rounding in single precision"
POSTERIOR = Task(
    "exact_posterior", "mean and spread of the posterior, in closed form", for_posterior, exact_posterior, 1e-5, ROUNDING,
    mistakes=(
        Mistake("noise_sigma must be squared: the data weigh |h|**2 / noise_sigma**2",
                lambda y, h, s, g, p: exact_posterior(y, h, s**0.5, g, p)),
        Mistake("power is a variance already: it is not squared", lambda y, h, s, g, p: exact_posterior(y, h, s, g, p**2)),
        Mistake("the grey of the prior is left out: the data are compared with the blur of a grey picture, and grey is added again",
                lambda y, h, s, g, p: exact_posterior(y, h, s, 0.0, p)),
        Mistake("grey is taken off y, but not added to the answer", lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0] - g,
                                                                                           exact_posterior(y, h, s, g, p)[1])),
        Mistake("the data enter as A^T y, with conj(h), not with h", lambda y, h, s, g, p: (with_response(y, h, s, g, p),
                                                                                            exact_posterior(y, h, s, g, p)[1])),
        Mistake("the second is a variance: take its square root", lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0],
                                                                                        exact_posterior(y, h, s, g, p)[1] ** 2)),
        Mistake("the variance of a pixel is the mean of those of the coefficients; its root comes last",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0], float(variances(h, s, p).sqrt().mean()))),
        Mistake("a square is missing: the data weigh |h|**2 / noise_sigma**2",
                lambda y, h, s, g, p: of_variance(y, h, s, g, 1 / (h.abs() / s**2 + 1 / p))),
        Mistake("inverse variances are added: 1 / power, not power",
                lambda y, h, s, g, p: of_variance(y, h, s, g, 1 / (h.abs() ** 2 / s**2 + p))),
        Mistake("that is the inverse variance; the variance is one over it",
                lambda y, h, s, g, p: of_variance(y, h, s, g, h.abs() ** 2 / s**2 + 1 / p)),
        Mistake("the data are compared with the blur of a grey picture: y - A grey, not y",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, 0.0, p)[0] + g, exact_posterior(y, h, s, g, p)[1])),
        Mistake("the factor variance is missing in the mean: variance * conj(h) / noise_sigma**2",
                lambda y, h, s, g, p: (g + missed_by(y, h, g, h.conj() / s**2), exact_posterior(y, h, s, g, p)[1])),
        Mistake("1 / noise_sigma**2 is missing in the mean: variance * conj(h) / noise_sigma**2",
                lambda y, h, s, g, p: (g + missed_by(y, h, g, variances(h, s, p) * h.conj()), exact_posterior(y, h, s, g, p)[1])),
        Mistake("conj(h) is missing in the mean: variance * conj(h) / noise_sigma**2",
                lambda y, h, s, g, p: (g + missed_by(y, h, g, variances(h, s, p) / s**2), exact_posterior(y, h, s, g, p)[1])),
        Mistake("the mean of the variances is asked for, not their sum",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0], float(variances(h, s, p).sum().sqrt()))),
        Mistake("that is how much the variances differ from each other; take the root of their mean",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0], float(variances(h, s, p).std()))),
        Mistake("the spread is that of the prior: y has made it smaller",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0], float(p.mean().sqrt()))),
        Mistake("variances do not add here: their inverses do, |h|**2 / noise_sigma**2 + 1 / power",
                lambda y, h, s, g, p: (exact_posterior(y, h, s, g, p)[0], float((p + s**2).mean().sqrt()))),
    ),
)  # fmt: skip


def with_response(y: Tensor, h: Tensor, noise_sigma: float, grey: float, power: Tensor) -> Tensor:
    return grey + missed_by(y, h, grey, variances(h, noise_sigma, power) * h / noise_sigma**2)


def missed_by(y: Tensor, h: Tensor, grey: float, gain: Tensor) -> Tensor:
    """What the data miss of a grey picture, with another gain."""
    return filtered(y - filtered(torch.full_like(y, grey), h), gain)


def of_variance(y: Tensor, h: Tensor, noise_sigma: float, grey: float, variance: Tensor) -> tuple[Tensor, float]:
    return grey + missed_by(y, h, grey, variance * h.conj() / noise_sigma**2), float(variance.mean().sqrt())


DRAW = Task(
    "data_draw", "the data step as a draw", for_draw, data_draw, 1e-5, ROUNDING,
    mistakes=(
        Mistake("nothing is drawn: disturb x0 and y before you minimise",
                lambda x0, y, h, s, w, a, b: minimise(x0, y, h, s, w).expand_as(a)),
        Mistake("only x0 is disturbed; y needs noise of its own, of noise_sigma",
                lambda x0, y, h, s, w, a, b: data_draw(x0, y, h, s, w, a, 0 * b)),
        Mistake("only y is disturbed; x0 needs noise of its own, of the given width",
                lambda x0, y, h, s, w, a, b: data_draw(x0, y, h, s, w, 0 * a, b)),
        Mistake("the noise is added after the minimum; it must be in x0 and y before",
                lambda x0, y, h, s, w, a, b: minimise(x0, y, h, s, w) + filtered(a, w)),
        Mistake("the noise is added after the minimum; it must be in x0 and y before",
                lambda x0, y, h, s, w, a, b: minimise(x0, y, h, s, w) + filtered(a, w) + s * b),
        Mistake("the same noise is used twice: x0 gets white_x, y gets white_y",
                lambda x0, y, h, s, w, a, b: data_draw(x0, y, h, s, w, a, a)),
        Mistake("white_x and white_y are exchanged", lambda x0, y, h, s, w, a, b: data_draw(x0, y, h, s, w, b, a)),
        Mistake("the widths of the noise are exchanged: width belongs to x0, noise_sigma to y",
                lambda x0, y, h, s, w, a, b: minimise(x0 + s * a, y + filtered(b, w), h, s, w)),
        Mistake("width and noise_sigma are standard deviations: the noise is not multiplied by their squares",
                lambda x0, y, h, s, w, a, b: minimise(x0 + filtered(a, w**2), y + s**2 * b, h, s, w)),
        Mistake("the noise of x0 is white; colour it first: filtered(white_x, width)",
                lambda x0, y, h, s, w, a, b: minimise(x0 + a, y + s * b, h, s, w)),
        Mistake("the noise of y has the standard deviation 1; it is noise_sigma",
                lambda x0, y, h, s, w, a, b: minimise(x0 + filtered(a, w), y + b, h, s, w)),
        Mistake("the noise of y is white, noise_sigma * white_y; width belongs to x0 alone",
                lambda x0, y, h, s, w, a, b: minimise(x0 + filtered(a, w), y + filtered(b, w), h, s, w)),
        Mistake("the noise of y is white, noise_sigma * white_y; width belongs to x0 alone, where it is one for each frequency",
                lambda x0, y, h, s, w, a, b: minimise(x0 + filtered(a, w), y + w * b, h, s, w)),
        Mistake("noise_sigma and width are exchanged in minimise", lambda x0, y, h, s, w, a, b: x0 + filtered(a, w) + filtered(
                y + s * b - filtered(x0 + filtered(a, w), h), h.conj() * s**2 / (h.abs() ** 2 * s**2 + w**2))),
        Mistake("that is what was believed, with its noise; minimise, so that it meets the data",
                lambda x0, y, h, s, w, a, b: x0 + filtered(a, w)),
        Mistake("white noise is added as it is; colour it first: filtered(white_x, width), and noise_sigma * white_y",
                lambda x0, y, h, s, w, a, b: minimise(x0 + a, y + b, h, s, w)),
        Mistake("width has one value for each frequency: colour the noise by filtered(white_x, width), not pixel by pixel",
                lambda x0, y, h, s, w, a, b: minimise(x0 + w * a, y + s * b, h, s, w)),
    ),
)  # fmt: skip


ANNEALED = Task(
    "annealed", "the annealed sampler", for_annealed, annealed_looks, looks_stray,
    f"{BECAUSE} of mean and spread in {BANDS} bands of frequencies, in units of the exact spread", measure=looks,
    form=lambda y, h, s, p, levels, n, rng: (n, *y.shape[1:]), uses=("data_draw",),
    mistakes=(
        Mistake("the fresh noise is missing: go on from z + after * noise", lambda *given: annealed_looks(*given, renew="none")),
        Mistake("the fresh noise has the level sigma; it is that of the next level, after",
                lambda *given: annealed_looks(*given, renew="sigma")),
        Mistake("old noise is carried on, as in DDIM; here all of it is forgotten and drawn anew: z + after * noise",
                lambda *given: annealed_looks(*given, renew="carried")),
        Mistake("the draw is as wide as sigma; the prior errs by less: width = prior.error(sigma)",
                lambda *given: annealed_looks(*given, width="sigma")),
        Mistake("the error is that of the next level; the prior was asked at sigma: prior.error(sigma)",
                lambda *given: annealed_looks(*given, width="after")),
        Mistake("z is a minimum, not a draw: use data_draw with noise of its own in every turn",
                lambda *given: annealed_looks(*given, data=0, belief=0)),
        Mistake("y is not disturbed in the draw", lambda *given: annealed_looks(*given, data=0)),
        Mistake("the believed picture is not disturbed in the draw", lambda *given: annealed_looks(*given, belief=0)),
        Mistake("what the prior believed last is returned; the draw, z, has met the data: return it",
                lambda *given: annealed_looks(*given, last="believed")),
        Mistake("noise is added to the answer; return the last z", lambda *given: annealed_looks(*given, last="noisy", renew="sigma")),
        Mistake("only the first level is gone through: return stands inside the loop",
                lambda y, h, s, p, levels, *rest: annealed_looks(y, h, s, p, levels[:1], *rest)),
    ),
)  # fmt: skip
DPS = Task(
    "dps_step", "a step of DPS", for_dps, dps_step, 1e-5, ROUNDING,
    mistakes=(
        Mistake("the step goes uphill: subtract step times the gradient of the distance",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, -step, w)),
        Mistake("the gradient is by x, through the prior; yours is by the believed picture",
                lambda *given: dps_with(*given, through=False)),
        Mistake("that is the gradient of the squared distance; take that of the distance, |y - A D(x)|",
                lambda *given: dps_with(*given, length="square")),
        Mistake("that is the gradient of half the squared distance; take that of the distance, |y - A D(x)|",
                lambda *given: dps_with(*given, length="half")),
        Mistake("one distance is taken over all pictures; each picture has its own: norm over its pixels, then the sum",
                lambda *given: dps_with(*given, length="all")),
        Mistake("the square is missing: (after / sigma)**2 of the old noise is carried", lambda *given: dps_with(*given, power=1)),
        Mistake("a square root is missing: after * sqrt(1 - (after / sigma)**2)", lambda *given: dps_with(*given, noise="unrooted")),
        Mistake("the fresh noise belongs to the level after: after * sqrt(1 - (after / sigma)**2)",
                lambda *given: dps_with(*given, noise="sigma")),
        Mistake("step is left out", lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, 1.0, w)),
        Mistake("the sum of the distances is derived, not their mean: each picture goes by its own gradient",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, step / len(x), w)),
        Mistake("the distance is the root of the sum of squares over the pixels, not of their mean",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, step / x[0].numel() ** 0.5, w)),
        Mistake("one distance is taken over all pictures, of the mean square; each picture has its own, of the sum of squares",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, step / x.numel() ** 0.5, w, length="all")),
        Mistake("y is compared with the blur of what is believed, A x0, not of x", lambda *given: dps_with(*given, seen="x")),
        Mistake("x0 is compared with y as it is; blur it first", lambda *given: dps_with(*given, seen="sharp")),
        Mistake("brackets are missing: the share of x - x0 is carried, not of x",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, step, w) + (a / s) ** 2 * p.denoise(x, s)),
        Mistake("the fresh noise is missing", lambda *given: dps_with(*given, noise="none")),
        Mistake("the fresh noise is too strong: after * sqrt(1 - (after / sigma)**2)", lambda *given: dps_with(*given, noise="after")),
        Mistake("the data are left out: subtract step times the gradient of |y - A D(x)|",
                lambda x, y, h, p, s, a, step, w: dps_with(x, y, h, p, s, a, 0.0, w)),
    ),
)  # fmt: skip
def judged_as(
    samples: Tensor, mean: Tensor, std: float, *,
    bias: Callable[[Tensor], Tensor] | None = None, spread: Callable[[Tensor], Tensor] | None = None,
) -> tuple[float, float]:  # fmt: skip
    """With another bias, of how far the mean of the samples is off, or another spread, of the samples; in units of std."""
    right = bias_and_spread(samples, mean, std)
    off = samples.mean(0, keepdim=True) - mean
    return float(bias(off)) / std if bias else right[0], float(spread(samples)) / std if spread else right[1]


SIGNS = "deviations that are averaged with their signs cancel: take the root of the mean square"
ROOT_LAST = "the roots come last: of the mean square over the pixels, and of the mean variance; then divide by std"
JUDGED = Task(
    "bias_and_spread", "how far draws are from the posterior", for_judging, bias_and_spread,
    lambda *given: tuple(1e-4 * each for each in bias_and_spread(*given)), ROUNDING,
    mistakes=(
        Mistake("the two are exchanged: the bias first", lambda *given: bias_and_spread(*given)[::-1]),
        Mistake("both are in units of std: divide by it", lambda s, m, d: tuple(d * each for each in bias_and_spread(s, m, d))),
        Mistake("the spread is in units of std, too: divide by it",
                lambda s, m, d: judged_as(s, m, d, spread=lambda s: d * s.var(0).mean().sqrt())),
        Mistake("the bias is in units of std, too: divide by it",
                lambda s, m, d: judged_as(s, m, d, bias=lambda x: d * x.square().mean().sqrt())),
        Mistake("both are divided by std, not multiplied", lambda s, m, d: tuple(d**2 * each for each in bias_and_spread(s, m, d))),
        Mistake("both are divided by std once", lambda s, m, d: tuple(each / d for each in bias_and_spread(s, m, d))),
        Mistake(ROOT_LAST, lambda s, m, d: tuple(each**2 for each in bias_and_spread(s, m, d))),
        Mistake(ROOT_LAST, lambda *given: judged_as(*given, bias=lambda x: x.square().mean(), spread=lambda s: s.var(0).mean())),
        Mistake("the root of the bias is missing: it is that of the mean square, in units of std",
                lambda *given: judged_as(*given, bias=lambda x: x.square().mean())),
        Mistake("the root of the spread is missing: it is that of the mean variance, in units of std",
                lambda *given: judged_as(*given, spread=lambda s: s.var(0).mean())),
        Mistake(SIGNS, lambda *given: judged_as(*given, bias=lambda x: x.mean())),
        Mistake(SIGNS, lambda *given: judged_as(*given, bias=lambda x: x.mean().abs())),
        Mistake("take the root of the mean square, not the mean of the sizes",
                lambda *given: judged_as(*given, bias=lambda x: x.abs().mean())),
        Mistake("take the root of the mean square, not the largest deviation",
                lambda *given: judged_as(*given, bias=lambda x: x.abs().max())),
        Mistake("a mean over the pixels is asked for; a norm is the root of their sum",
                lambda *given: judged_as(*given, bias=lambda x: x.norm())),
        Mistake("the first is about the mean of the samples, not about each sample",
                lambda s, m, d: judged_as(s, m, d, bias=lambda x: (s - m).square().mean().sqrt())),
        Mistake("both are in units of the exact std, not of the samples' own",
                lambda s, m, d: judged_as(s, m, d, bias=lambda x: d * (x / s.std(0)).square().mean().sqrt())),
        Mistake("the spread is about the mean of the samples, not about the exact mean, so that the bias stays out of it",
                lambda s, m, d: judged_as(s, m, d, spread=lambda s: (s - m).square().mean().sqrt())),
        Mistake("the spread is taken over pixels and samples together; take the variance over the samples, pixel by pixel",
                lambda *given: judged_as(*given, spread=lambda s: s.std())),
        Mistake("that is how much the pixels of one picture differ; take the variance over the samples, along the axis 0",
                lambda *given: judged_as(*given, spread=lambda s: s.var((1, 2, 3)).mean().sqrt())),
        Mistake("that is how much the pixels of the mean differ; take the variance over the samples, along the axis 0",
                lambda *given: judged_as(*given, spread=lambda s: s.mean(0).std())),
        Mistake("the variance of a few samples has n - 1 below the line, since their own mean is used",
                lambda *given: judged_as(*given, spread=lambda s: s.var(0, correction=0).mean().sqrt())),
        Mistake("the root is taken pixel by pixel; take the mean of the variances first",
                lambda *given: judged_as(*given, spread=lambda s: s.std(0).mean())),
    ),
)  # fmt: skip
LAB = Lab(
    6, "Draw the posterior", scene, (POSTERIOR, DRAW, ANNEALED, DPS, JUDGED),
    "Which of the samplers would you trust to say how sure a pixel is, and what does DPS get wrong at each step length?",
)  # fmt: skip
