"""Lab 1: a series of noisy pictures, what is most likely, a mixture of sharp pictures and its mean, errors of samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from reports.labs.drawn import BECAUSE, ERRORS, generator
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white


class Scene(NamedTuple):
    """Noisy ``frames`` [N, 1, H, W] of one ``truth``; sharp ``pictures`` [K, 1, H, W], of which y shows one under heavy noise."""

    truth: Tensor
    frames: Tensor
    frame_sigma: float
    pictures: Tensor
    chances: Tensor
    y: Tensor
    sigma: float


def scene(rng: np.random.Generator) -> Scene:
    truth = detail(rng, 64)
    pictures, chances = shifted(truth, 3), even(49)
    sigma = float((truth.roll(1, -1) - truth).norm())  # one pixel to the side is as far as the noise reaches in any direction
    y = pictures[int(rng.integers(len(pictures)))] + sigma * white(rng, 1, 1, 64, 64)
    return Scene(truth, truth + 0.2 * white(rng, 64, 1, 64, 64), 0.2, pictures, chances, y, sigma)


def shifted(picture: Tensor, reach: int) -> Tensor:
    """A picture moved by up to ``reach`` pixels both ways: [(2 reach + 1)^2, 1, H, W]."""
    steps = range(-reach, reach + 1)
    return torch.cat([picture.roll((down, right), (-2, -1)) for down in steps for right in steps])


def even(count: int) -> Tensor:
    return torch.full((count,), 1 / count)


# Instances.
def for_series(rng: np.random.Generator) -> tuple[Tensor]:
    frames = detail(rng, 24) + float(rng.uniform(0.1, 0.3)) * white(rng, int(rng.integers(6, 12)), 1, 24, 24)
    return (frames.double(),)


def for_energy(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    mean, sigma = detail(rng, 24).double(), float(rng.uniform(0.1, 0.3))
    return mean + sigma * white(rng, 1, 1, 24, 24).double(), mean, sigma


def for_mixture(rng: np.random.Generator, size: int = 24, noise: tuple[float, float] = (1.2, 2.0)) -> tuple[Tensor, Tensor, Tensor, float]:
    pictures = shifted(detail(rng, size), 1).double()
    chances = torch.from_numpy(rng.dirichlet(np.full(9, 4.0)))
    sigma = float(rng.uniform(*noise))
    return pictures[int(rng.integers(9))][None] + sigma * white(rng, 1, 1, size, size).double(), pictures, chances, sigma


def for_weights(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float]:
    """So many pixels that exp of minus the squared distance is 0 in a computer for every picture."""
    return for_mixture(rng, 48, (3.0, 5.0))


DRAWS = 4000


def for_draw(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, float, int, torch.Generator]:
    y, pictures, chances, sigma = for_mixture(rng)
    return y, pictures, chances, sigma, DRAWS, generator(int(rng.integers(2**31)))


def for_errors(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    mean, spread, n = detail(rng, 24).double(), float(rng.uniform(0.05, 0.15)), int(rng.integers(5, 12))
    return mean + spread * white(rng, n, 1, 24, 24).double(), mean + spread * white(rng, 1, 1, 24, 24).double()


# The truth.
def series(frames: Tensor) -> tuple[Tensor, Tensor]:
    return frames.mean(0, keepdim=True), frames.std(0, keepdim=True) / len(frames) ** 0.5


def energy(x: Tensor, mean: Tensor, sigma: float) -> float:
    """Minus log density without its constant."""
    density = torch.distributions.Normal(mean, sigma)
    return float((density.log_prob(mean) - density.log_prob(x)).sum())


def weights(y: Tensor, pictures: Tensor, chances: Tensor, sigma: float) -> Tensor:
    """p(k | y) by Bayes."""
    logs = torch.distributions.Normal(pictures, sigma).log_prob(y).sum((1, 2, 3))
    return torch.softmax(chances.log() + logs, 0)


def mean_picture(y: Tensor, pictures: Tensor, chances: Tensor, sigma: float) -> Tensor:
    return torch.tensordot(weights(y, pictures, chances, sigma), pictures, 1)[None]


def shares(samples: Tensor, y: Tensor, pictures: Tensor, chances: Tensor, sigma: float, n: int, rng: torch.Generator) -> Tensor:
    """How often each picture was drawn, and last how often none of them."""
    flat = samples.double().reshape(-1, pictures[0].numel())
    same = torch.cdist(flat, pictures.double().flatten(1)) < 1e-3
    return torch.cat([same.double().mean(0), (~same.any(1)).double().mean()[None], torch.tensor([len(flat) / n], dtype=torch.float64)])


def expected_shares(y: Tensor, pictures: Tensor, chances: Tensor, sigma: float, n: int, rng: torch.Generator) -> Tensor:
    return with_shares(weights(y, pictures, chances, sigma))


def with_shares(chance: Tensor) -> Tensor:
    return torch.cat([chance.double(), torch.tensor([0.0, 1.0], dtype=torch.float64)])


def shares_stray(y: Tensor, pictures: Tensor, chances: Tensor, sigma: float, n: int, rng: torch.Generator) -> Tensor:
    chance = weights(y, pictures, chances, sigma)
    return torch.cat([ERRORS * (chance * (1 - chance) / n).sqrt() + 2 / n, torch.tensor([1e-9, 1e-9], dtype=torch.float64)])


def errors(samples: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean squared error of a sample, and of the mean of all."""
    return float((samples - truth).square().mean()), float((samples.mean(0, keepdim=True) - truth).square().mean())


def plain(y: Tensor, pictures: Tensor, chances: Tensor, sigma: float) -> Tensor:
    """Weights by exp itself, before they are divided by their sum."""
    return chances * (-(y - pictures).square().sum((1, 2, 3)) / (2 * sigma**2)).exp()


def softened(y: Tensor, pictures: Tensor, chances: Tensor, scale: float) -> Tensor:
    """Weights where the squared distance is divided by ``scale``."""
    return torch.softmax(chances.log() - (y - pictures).square().sum((1, 2, 3)) / scale, 0)


ROUNDING = "rounding in single precision"
SERIES = Task(
    "noise_series", "mean of a series, and its standard error", for_series, series, 1e-5, ROUNDING,
    mistakes=(
        Mistake("that is the error of one frame; the mean of N frames errs less, by sqrt(N)",
                lambda f: (f.mean(0, keepdim=True), f.std(0, keepdim=True))),
        Mistake("the error of a mean falls with sqrt(N), not with N", lambda f: (f.mean(0, keepdim=True), f.std(0, keepdim=True) / len(f))),
        Mistake("that is a variance: take its square root", lambda f: (f.mean(0, keepdim=True), f.var(0, keepdim=True) / len(f))),
        Mistake("the standard deviation of a few frames has N - 1 below the line, since their own mean is used",
                lambda f: (f.mean(0, keepdim=True), f.std(0, keepdim=True, correction=0) / len(f) ** 0.5)),
        Mistake("the two are exchanged: mean first, then its error",
                lambda f: (f.std(0, keepdim=True) / len(f) ** 0.5, f.mean(0, keepdim=True))),
        Mistake("the sum is not divided by the number of frames", lambda f: (f.sum(0, keepdim=True), series(f)[1])),
        Mistake("that is one error for the whole picture; each pixel has its own",
                lambda f: (f.mean(0, keepdim=True), 0 * f[:1] + f.std() / len(f) ** 0.5)),
    ),
)  # fmt: skip
ENERGY = Task(
    "energy", "how unlikely a picture is", for_energy, energy, lambda *given: 1e-4 * energy(*given), ROUNDING,
    mistakes=(
        Mistake("the 2 is missing: divide by 2 sigma**2", lambda x, m, s: 2 * energy(x, m, s)),
        Mistake("sigma must be squared", lambda x, m, s: s * energy(x, m, s)),
        Mistake("the differences must be squared", lambda x, m, s: float((x - m).abs().sum()) / (2 * s**2)),
        Mistake("the differences must be squared, or they cancel", lambda x, m, s: float((x - m).sum()) / (2 * s**2)),
        Mistake("it is the sum over the pixels, not their mean", lambda x, m, s: energy(x, m, s) / x.numel()),
        Mistake("the mean is left out: what counts is how far x is from it", lambda x, m, s: energy(x, 0 * m, s)),
        Mistake("the sign is wrong: an energy is the larger, the less likely a picture is", lambda x, m, s: -energy(x, m, s)),
        Mistake("sigma is taken as if it were in 0..255", lambda x, m, s: 255**2 * energy(x, m, s)),
        Mistake("that is the density, exp(-energy), which is 0 in a computer; the energy itself is asked for",
                lambda x, m, s: float(np.exp(-energy(x, m, s)))),
        Mistake("the constant of the density is not asked for: the mean has the energy 0",
                lambda x, m, s: energy(x, m, s) + x.numel() * float(np.log(s * (2 * np.pi) ** 0.5))),
    ),
)  # fmt: skip
WEIGHTS = Task(
    "weights", "how probable each picture is, once y was seen", for_weights, weights, 1e-5, ROUNDING,
    mistakes=(
        Mistake("exp of minus so large a sum is 0 for every picture, and 0 / 0 is no number: subtract the largest exponent before exp"
                " (log-sum-exp), as torch.softmax does", lambda y, p, c, s: plain(y, p, c, s) / plain(y, p, c, s).sum()),
        Mistake("exp of minus so large a sum is 0 for every picture, and that has no logarithm: use torch.softmax, or torch.logsumexp",
                lambda y, p, c, s: plain(y, p, c, s).log() - plain(y, p, c, s).sum().log()),
        Mistake("one distance is taken over all pictures together; each picture has its own: sum((1, 2, 3))", lambda y, p, c, s: c),
        Mistake("the chances before the measurement are left out", lambda y, p, c, s: weights(y, p, torch.full_like(c, 1 / len(c)), s)),
        Mistake("the 2 is missing: divide by 2 sigma**2", lambda y, p, c, s: softened(y, p, c, s**2)),
        Mistake("sigma must be squared: divide by 2 sigma**2", lambda y, p, c, s: softened(y, p, c, 2 * s)),
        Mistake("the sign in the exponent is wrong: the farther from y, the less probable",
                lambda y, p, c, s: softened(y, p, c, -2 * s**2)),
        Mistake("the squared differences of all pixels are added, not averaged",
                lambda y, p, c, s: softened(y, p, c, 2 * s**2 * y.numel())),
        Mistake("they do not add up to 1, and exp of minus so large a sum is 0 for every picture: torch.softmax sees to both", plain),
        Mistake("these are the logarithms of the weights", lambda y, p, c, s: weights(y, p, c, s).log()),
        Mistake("the chances are multiplied in, not their logarithm added: they belong before exp, as log, or behind it, as a factor",
                lambda y, p, c, s: torch.softmax(c - (y - p).square().sum((1, 2, 3)) / (2 * s**2), 0)),
        Mistake("all on the nearest picture: that is the most likely one, not how likely each is",
                lambda y, p, c, s: torch.nn.functional.one_hot(weights(y, p, c, s).argmax(), len(c)).double()),
    ),
)  # fmt: skip
MEAN_PICTURE = Task(
    "mean_picture", "the mean of all pictures that may be behind y", for_mixture, mean_picture, 1e-5, ROUNDING, uses=("weights",),
    mistakes=(
        Mistake("every picture counts the same there; weigh each by its probability", lambda y, p, c, s: p.mean(0, keepdim=True)),
        Mistake("the chances before the measurement are used; y has changed them", lambda y, p, c, s: torch.tensordot(c, p, 1)[None]),
        Mistake("that is the most likely picture, not the mean", lambda y, p, c, s: p[weights(y, p, c, s).argmax()][None]),
        Mistake("the weights already add up to 1: a sum is asked for, not a mean", lambda y, p, c, s: mean_picture(y, p, c, s) / len(c)),
    ),
)  # fmt: skip
DRAW = Task(
    "draw", "pictures drawn as probable as they are", for_draw, expected_shares, shares_stray,
    f"{BECAUSE} of how often each picture is drawn", measure=shares, form=lambda y, p, c, s, n, rng: (n, *y.shape[1:]), uses=("weights",),
    mistakes=(
        Mistake("all pictures are drawn equally often; draw each with its probability, once y was seen",
                lambda y, p, c, s, n, rng: with_shares(torch.full_like(c, 1 / len(c)))),
        Mistake("the chances before the measurement are used; y has changed them", lambda y, p, c, s, n, rng: with_shares(c)),
        Mistake("always the most likely picture: that is no draw",
                lambda y, p, c, s, n, rng: with_shares(torch.nn.functional.one_hot(weights(y, p, c, s).argmax(), len(c)))),
        Mistake("what is drawn is none of the pictures: draw which picture, and do not mix or add noise",
                lambda y, p, c, s, n, rng: torch.cat([0 * c, torch.ones(2, dtype=torch.float64)])),
    ),
)  # fmt: skip
ERRORS_TASK = Task(
    "errors", "squared error of a sample, and of the mean", for_errors, errors, lambda *given: tuple(1e-4 * e for e in errors(*given)),
    ROUNDING,
    mistakes=(
        Mistake("the two are exchanged: a sample's error first", lambda s, t: errors(s, t)[::-1]),
        Mistake("the error of the mean is that of the mean of the samples, not the mean of their errors",
                lambda s, t: (errors(s, t)[0],) * 2),
        Mistake("no root is asked for: squared errors", lambda s, t: tuple(e**0.5 for e in errors(s, t))),
        Mistake("the differences must be squared",
                lambda s, t: (float((s - t).abs().mean()), float((s.mean(0, keepdim=True) - t).abs().mean()))),
        Mistake("sums over the pixels, where means are asked for", lambda s, t: tuple(t.numel() * e for e in errors(s, t))),
        Mistake("the first is the error of one sample only; take the mean over all of them",
                lambda s, t: (errors(s[:1], t)[0], errors(s, t)[1])),
        Mistake("no mean is taken: that is the error of the sum of the samples",
                lambda s, t: (errors(s, t)[0], float((s.sum(0, keepdim=True) - t).square().mean()))),
        Mistake("the samples are compared with their mean, not with the truth",
                lambda s, t: (float((s - s.mean(0, keepdim=True)).square().mean()), errors(s, t)[1])),
    ),
)  # fmt: skip
LAB = Lab(
    1, "The mean of many sharp pictures is blurry", scene, (SERIES, ENERGY, WEIGHTS, MEAN_PICTURE, DRAW, ERRORS_TASK),
    "The mean has the smallest error, and it is no picture that could have been taken. When would you show the mean, when a sample, and why"
    " is the error of a sample twice as large?",
)  # fmt: skip
