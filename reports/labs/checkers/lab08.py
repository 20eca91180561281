"""Lab 8: a mixture of Gaussians in the plane with labels, guidance with and without a classifier, and what it draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import solvers
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import white

Denoiser = Callable[[Tensor, float], Tensor]  # (x [n, ...], sigma) -> E[clean | x]
Step = Callable[[Tensor, Tensor, float, float], Tensor]  # (x, x0, level, the one after it) -> the next x
LABELS, EACH = 3, 2


class Scene(NamedTuple):
    """Components N(means, spread^2) in the plane, [K, 2], with labels [K]; one label to ask for, and one digit."""

    means: Tensor
    labels: Tensor
    spread: float
    label: int
    digit: int


def scene(rng: np.random.Generator) -> Scene:
    means, labels, spread = plane(rng)
    return Scene(means, labels, spread, int(rng.integers(LABELS)), int(rng.integers(10)))


def plane(rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """Six components on a ring, in random order: labels lie between others."""
    turns = 2 * np.pi * (np.arange(LABELS * EACH) + rng.uniform(-0.2, 0.2, LABELS * EACH)) / (LABELS * EACH) + rng.uniform(0, 2 * np.pi)
    means = rng.uniform(0.8, 1.2, (LABELS * EACH, 1)) * np.stack([np.cos(turns), np.sin(turns)], 1)
    labels = rng.permutation(np.repeat(np.arange(LABELS), EACH))
    return torch.from_numpy(means), torch.from_numpy(labels), float(rng.uniform(0.25, 0.3))


# Instances.
def points(rng: np.random.Generator, means: Tensor, sigma: float, count: int = 9) -> Tensor:
    chosen = torch.from_numpy(rng.integers(len(means), size=count))
    return means[chosen] + (0.3 + 0.5 * sigma) * white(rng, count, 2).double()


def for_log_probability(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, int, float, float]:
    means, labels, spread = plane(rng)
    sigma = float(rng.uniform(0.3, 0.6))
    return points(rng, means, sigma), means, labels, int(rng.integers(LABELS)), spread, sigma


def for_denoise(rng: np.random.Generator) -> tuple[Tensor, Tensor, float, float]:
    means, _, spread = plane(rng)
    sigma = float(rng.uniform(0.35, 0.7))
    return points(rng, means, sigma), means, spread, sigma


def for_guided(rng: np.random.Generator) -> tuple[Tensor, float, Denoiser, Denoiser, float]:
    means, labels, spread = plane(rng)
    sigma, label = float(rng.uniform(0.3, 0.6)), int(rng.integers(LABELS))
    return points(rng, means, sigma), sigma, of(means, spread), of(means[labels == label], spread), float(rng.uniform(1.6, 3.0))


def for_by_classifier(rng: np.random.Generator) -> tuple[Tensor, float, Denoiser, Denoiser, float]:
    means, labels, spread = plane(rng)
    sigma, label = float(rng.uniform(0.3, 0.6)), int(rng.integers(LABELS))

    def told(x: Tensor, sigma: float) -> Tensor:
        return log_probability(x, means, labels, label, spread, sigma)

    return points(rng, means, sigma), sigma, of(means, spread), told, float(rng.uniform(1.6, 3.0))


def for_draw(rng: np.random.Generator) -> tuple[Denoiser, Tensor, list[float]]:
    means, _, spread = plane(rng)
    levels = solvers.schedules.geometric(float(rng.uniform(2, 4)), float(rng.uniform(0.1, 0.2)), 6)
    return of(means, spread), levels[0] * white(rng, 9, 2).double(), levels


def for_sharpened(rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, int, float, float]:
    means, labels, spread = plane(rng)
    return points(rng, means, 0.3), means, labels, int(rng.integers(LABELS)), spread, float(rng.uniform(1.6, 3.0))


# The truth.
def density(means: Tensor, width: float) -> MixtureSameFamily:
    """Equally likely components of one width."""
    parts = Independent(Normal(means, torch.full_like(means, width)), 1)
    return MixtureSameFamily(Categorical(means.new_ones(len(means))), parts)


def log_probability(x: Tensor, means: Tensor, labels: Tensor, label: int, spread: float, sigma: float) -> Tensor:
    """By Bayes' rule, from the density with and without the label."""
    width, chosen = (spread**2 + sigma**2) ** 0.5, means[labels == label]
    share = torch.tensor(len(chosen) / len(means), dtype=means.dtype)
    return share.log() + density(chosen, width).log_prob(x) - density(means, width).log_prob(x)


def denoise(x: Tensor, means: Tensor, spread: float, sigma: float) -> Tensor:
    """By Tweedie's formula, x + sigma^2 grad log p(x, sigma)."""
    return x + sigma**2 * slope(lambda at: density(means, (spread**2 + sigma**2) ** 0.5).log_prob(at), x)


def slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient of each value [n] by its own x [n, ...]."""
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        return torch.autograd.grad(function(at).sum(), at)[0]


def of(means: Tensor, spread: float) -> Denoiser:
    return lambda x, sigma: denoise(x, means, spread, sigma)


def guided(x: Tensor, sigma: float, free: Denoiser, bound: Denoiser, w: float) -> Tensor:
    return torch.lerp(free(x, sigma), bound(x, sigma), w)


def by_classifier(x: Tensor, sigma: float, free: Denoiser, log_probability: Denoiser, w: float) -> Tensor:
    return free(x, sigma) + w * sigma**2 * slope(lambda at: log_probability(at, sigma), x)


def in_parts(x: Tensor, x0: Tensor, sigma: float, after: float) -> Tensor:
    return x0 + after / sigma * (x - x0)


def draw(denoise: Denoiser, x: Tensor, levels: Sequence[float]) -> Tensor:
    return stepped(denoise, x, [*levels, 0.0])


def stepped(denoise: Denoiser, x: Tensor, levels: Sequence[float], step: Step = in_parts) -> Tensor:
    """Along a list of levels that is complete."""
    for sigma, after in pairwise(levels):
        x = step(x, denoise(x, sigma), sigma, after)
    return x


def sharpened(x: Tensor, means: Tensor, labels: Tensor, label: int, spread: float, w: float) -> Tensor:
    return w * density(means[labels == label], spread).log_prob(x) + (1 - w) * density(means, spread).log_prob(x)


def centred(values: Tensor, *given: object) -> Tensor:
    """Without the constant, which is free."""
    return values.double() - values.double().mean()


def expected_sharpened(*given: object) -> Tensor:
    return centred(sharpened(*given))  # type: ignore[arg-type]


# What mistakes give.
def exponents(x: Tensor, means: Tensor, variance: float) -> Tensor:
    """Of each kind's density at x, [n, K]."""
    return -(x[:, None] - means).square().sum(2) / (2 * variance)


def log_shares(x: Tensor, means: Tensor, variance: float) -> Tensor:
    """log p(kind | x), [n, K]."""
    return exponents(x, means, variance).log_softmax(1)


def mixed(x: Tensor, means: Tensor, variance: float, keep: float) -> Tensor:
    """Means of the components and x, weighed with another variance, and with another part of x kept."""
    return across(x, log_shares(x, means, variance).exp() @ means, keep)


def across(x: Tensor, middle: Tensor, keep: float) -> Tensor:
    return middle + keep * (x - middle)


ROUNDING = "rounding in single precision"
LOG_PROBABILITY = Task(
    "log_probability", "how probable a label is, seen through noise", for_log_probability, log_probability, 1e-4, ROUNDING,
    mistakes=(
        Mistake("the noise is left out: each kind is as wide as spread and sigma together, spread**2 + sigma**2",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, s, 0.0)),
        Mistake("the spread of the kinds is left out: their variance is spread**2 + sigma**2",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, 0.0, sigma)),
        Mistake("variances add, not standard deviations: spread**2 + sigma**2, not (spread + sigma)**2",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, s + sigma, 0.0)),
        Mistake("the variance is spread**2 + sigma**2; yours is not squared",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, (s + sigma) ** 0.5, 0.0)),
        Mistake("the variance is spread**2 + sigma**2; a root is taken too much",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, (s**2 + sigma**2) ** 0.25, 0.0)),
        Mistake("the 2 is missing: divide by 2 (spread**2 + sigma**2)",
                lambda x, m, k, c, s, sigma: log_probability(x, m, k, c, (s**2 + sigma**2) ** 0.5 / 2**0.5, 0.0)),
        Mistake("that is the probability; its logarithm is asked for", lambda *given: log_probability(*given).exp()),
        Mistake("logarithms cannot be added up over the kinds; add the probabilities, then take the logarithm: logsumexp",
                lambda x, m, k, c, s, sigma: log_shares(x, m, s**2 + sigma**2)[:, k == c].sum(1)),
        Mistake("the probabilities of a label's kinds are added, not averaged",
                lambda x, m, k, c, s, sigma: log_shares(x, m, s**2 + sigma**2)[:, k == c].exp().mean(1).log()),
        Mistake("that is the likeliest kind of the label; add the probabilities of all its kinds",
                lambda x, m, k, c, s, sigma: log_shares(x, m, s**2 + sigma**2)[:, k == c].amax(1)),
        Mistake("the sum runs over all points: softmax goes over the kinds, axis 1",
                lambda x, m, k, c, s, sigma: exponents(x, m, s**2 + sigma**2).log_softmax(0)[:, k == c].logsumexp(1)),
        Mistake("logsumexp takes logarithms: log_softmax, not softmax, or the logarithm of a plain sum",
                lambda x, m, k, c, s, sigma: log_shares(x, m, s**2 + sigma**2).exp()[:, k == c].logsumexp(1)),
        Mistake("the label is taken for the number of a kind: labels == label picks the kinds",
                lambda x, m, k, c, s, sigma: log_shares(x, m, s**2 + sigma**2)[:, c]),
        Mistake("it is not divided by the sum over all kinds: use log_softmax over all, then pick those of the label",
                lambda x, m, k, c, s, sigma: exponents(x, m[k == c], s**2 + sigma**2).logsumexp(1)),
        Mistake("only kinds of the label are in the sum below the line; all of them belong there",
                lambda x, m, k, c, s, sigma: 0 * x[:, 0]),
    ),
)  # fmt: skip
DENOISE = Task(
    "denoise", "the mean of what may be behind a noisy point", for_denoise, denoise, 1e-4, ROUNDING,
    mistakes=(
        Mistake("x itself counts, too: within a kind the mean is m + spread**2 / (spread**2 + sigma**2) (x - m)",
                lambda x, m, s, sigma: mixed(x, m, s**2 + sigma**2, 0.0)),
        Mistake("the factor is that of the clean part, spread**2 / (spread**2 + sigma**2), not of the noise",
                lambda x, m, s, sigma: mixed(x, m, s**2 + sigma**2, sigma**2 / (s**2 + sigma**2))),
        Mistake("the factor has squares: spread**2 / (spread**2 + sigma**2)",
                lambda x, m, s, sigma: mixed(x, m, s**2 + sigma**2, s / (s + sigma))),
        Mistake("the probabilities of the kinds are those of a noisy point: their variance is spread**2 + sigma**2",
                lambda x, m, s, sigma: mixed(x, m, s**2, s**2 / (s**2 + sigma**2))),
        Mistake("the probabilities of the kinds are those of a noisy point: their variance is spread**2 + sigma**2",
                lambda x, m, s, sigma: mixed(x, m, sigma**2, s**2 / (s**2 + sigma**2))),
        Mistake("brackets are missing: the factor goes with x - m, not with x alone",
                lambda x, m, s, sigma: mixed(x, m, s**2 + sigma**2, 0.0) + s**2 / (s**2 + sigma**2) * x),
        Mistake("the sign is wrong: x - m is the way from the kind's mean to x",
                lambda x, m, s, sigma: mixed(x, m, s**2 + sigma**2, -(s**2) / (s**2 + sigma**2))),
        Mistake("the weights add up to 1 over the points; they must over the kinds, axis 1", lambda x, m, s, sigma: across(
                x, exponents(x, m, s**2 + sigma**2).softmax(0) @ m, s**2 / (s**2 + sigma**2))),
        Mistake("the 2 is missing in the exponent", lambda x, m, s, sigma: mixed(x, m, (s**2 + sigma**2) / 2, s**2 / (s**2 + sigma**2))),
        Mistake("all kinds count the same there; weigh each by its probability, given x",
                lambda x, m, s, sigma: mixed(x, m, 1e12, s**2 / (s**2 + sigma**2))),
        Mistake("that is the mean of the nearest kind; weigh all by their probabilities",
                lambda x, m, s, sigma: mixed(x, m, 1e-12, s**2 / (s**2 + sigma**2))),
    ),
)  # fmt: skip
GUIDED = Task(
    "guided", "guidance without a classifier", for_guided, guided, 1e-5, ROUNDING,
    mistakes=(
        Mistake("the difference is added to the free answer, not to the bound one: so w = 1 is the bound answer itself",
                lambda x, s, free, bound, w: guided(x, s, free, bound, w + 1)),
        Mistake("the difference has the wrong sign: bound minus free", lambda x, s, free, bound, w: guided(x, s, free, bound, -w)),
        Mistake("free and bound are exchanged: w = 0 forgets the label", lambda x, s, free, bound, w: guided(x, s, bound, free, w)),
        Mistake("the free answer is left out", lambda x, s, free, bound, w: w * (bound(x, s) - free(x, s))),
        Mistake("free is not subtracted: w times the difference, bound - free, is added",
                lambda x, s, free, bound, w: free(x, s) + w * bound(x, s)),
        Mistake("the weights are w and 1 - w, which add up to 1", lambda x, s, free, bound, w: w * bound(x, s) + (1 + w) * free(x, s)),
        Mistake("w is left out", lambda x, s, free, bound, w: bound(x, s)),
        Mistake("the label is left out", lambda x, s, free, bound, w: free(x, s)),
        Mistake("x stands where the free answer belongs", lambda x, s, free, bound, w: x + w * (bound(x, s) - free(x, s))),
    ),
)  # fmt: skip
BY_CLASSIFIER = Task(
    "by_classifier", "guidance by a classifier", for_by_classifier, by_classifier, 1e-4, ROUNDING,
    mistakes=(
        Mistake("sigma must be squared", lambda x, s, free, told, w: by_classifier(x, s, free, told, w / s)),
        Mistake("the factor sigma**2 is missing", lambda x, s, free, told, w: by_classifier(x, s, free, told, w / s**2)),
        Mistake("the sign is wrong: the gradient leads uphill, to where the label is more probable",
                lambda x, s, free, told, w: by_classifier(x, s, free, told, -w)),
        Mistake("w is left out", lambda x, s, free, told, w: by_classifier(x, s, free, told, 1.0)),
        Mistake("the free answer is left out", lambda x, s, free, told, w: by_classifier(x, s, free, told, w) - free(x, s)),
        Mistake("x stands where the free answer belongs", lambda x, s, free, told, w: by_classifier(x, s, free, told, w) - free(x, s) + x),
        Mistake("that is the gradient of the probability; take that of its logarithm, as it is given",
                lambda x, s, free, told, w: by_classifier(x, s, free, lambda at, sigma: told(at, sigma).exp(), w)),
        Mistake("the gradient is taken of a mean over the points; take it of their sum, so that each has its own",
                lambda x, s, free, told, w: by_classifier(x, s, free, told, w / len(x))),
        Mistake("the gradient is taken where x was denoised; take it at x itself",
                lambda x, s, free, told, w: free(x, s) + w * s**2 * slope(lambda at: told(at, s), free(x, s))),
    ),
)  # fmt: skip
DRAW = Task(
    "draw", "from noise to a draw, with any denoiser", for_draw, draw, 1e-4, ROUNDING,
    mistakes=(
        Mistake("the last step, from the last level to 0, is missing", lambda d, x, levels: stepped(d, x, levels)),
        Mistake("after / sigma is not squared: as much noise is kept as the next level has",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 + (after / sigma) ** 2 * (x - x0))),
        Mistake("not divided by sigma: after / sigma of the old noise x - x0 is kept",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 + after * (x - x0))),
        Mistake("the difference of the levels is no share: after / sigma of the old noise x - x0 is kept",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 + (sigma - after) * (x - x0))),
        Mistake("after / sigma is the share of the old noise x - x0 that is kept, not the share that is taken away",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x - after / sigma * (x - x0))),
        Mistake("the ratio is upside down: after / sigma, which is below 1",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 + sigma / max(after, 1e-9) * (x - x0))),
        Mistake("the sign of the old noise is wrong: x - x0",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 - after / sigma * (x - x0))),
        Mistake("the old noise is added to x, which holds all of it already; begin at x0",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x + after / sigma * (x - x0))),
        Mistake("brackets are missing: after / sigma goes with x - x0, not with x alone",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0 + after / sigma * x)),
        Mistake("the old noise is forgotten: next x = x0 + after / sigma (x - x0)",
                lambda d, x, levels: drawn(d, x, levels, lambda x, x0, sigma, after: x0)),
        Mistake("only the first step is made: return stands inside the loop", lambda d, x, levels: stepped(d, x, levels[:2])),
        Mistake("every step begins at the first x again; carry x on", lambda d, x, levels: d(x, levels[-1])),
        Mistake("the denoiser is told the next level; x still has noise of the level sigma",
                lambda d, x, levels: shifted(d, x, levels)),
        Mistake("the levels are gone through backwards: begin with the largest",
                lambda d, x, levels: stepped(d, x, [*levels[::-1], 0.0])),
    ),
)  # fmt: skip


def drawn(denoise: Denoiser, x: Tensor, levels: Sequence[float], step: Step) -> Tensor:
    """A draw by another step."""
    return stepped(denoise, x, [*levels, 0.0], step)


def shifted(denoise: Denoiser, x: Tensor, levels: Sequence[float]) -> Tensor:
    """Steps in which the denoiser is told the next level."""
    for sigma, after in pairwise([*levels, 0.0]):
        x0 = denoise(x, after)
        x = x0 + after / sigma * (x - x0)
    return x


def of_kinds(
    x: Tensor, means: Tensor, labels: Tensor, label: int, spread: float, w: float, *, joined: Callable[[Tensor], Tensor]
) -> Tensor:  # fmt: skip
    """``sharpened`` where the exponents of the kinds are joined otherwise than by logsumexp."""
    one, other = (joined(exponents(x, m, spread**2)) for m in (means[labels == label], means))
    return centred(w * one + (1 - w) * other)


SUMMED = "exponents cannot be added up over the kinds; add their exp, then take the logarithm: logsumexp"
SHARPENED = Task(
    "sharpened", "the density that w seems to promise", for_sharpened, expected_sharpened, 1e-4, ROUNDING, measure=centred,
    form=lambda x, *_: x.shape[:1],
    mistakes=(
        Mistake("p(x) is left out: its power is 1 - w", lambda x, m, k, c, s, w: centred(w * density(m[k == c], s).log_prob(x))),
        Mistake("w is left out: that is p(x | label)", lambda x, m, k, c, s, w: centred(density(m[k == c], s).log_prob(x))),
        Mistake("the power of p(x) is 1 - w, not w - 1", lambda x, m, k, c, s, w: centred(
                w * density(m[k == c], s).log_prob(x) + (w - 1) * density(m, s).log_prob(x))),
        Mistake("the power of p(x) is 1 - w, not 1: together with p(x | label)^w it is p(x) p(label | x)^w",
                lambda x, m, k, c, s, w: centred(w * density(m[k == c], s).log_prob(x) + density(m, s).log_prob(x))),
        Mistake("the power of p(x) is 1 - w, not -w", lambda x, m, k, c, s, w: centred(
                w * density(m[k == c], s).log_prob(x) - w * density(m, s).log_prob(x))),
        Mistake("the densities are exchanged: w belongs to the one that knows the label",
                lambda x, m, k, c, s, w: expected_sharpened(x, m, k, c, s, 1 - w)),
        Mistake("spread must be squared: divide by 2 spread**2", lambda x, m, k, c, s, w: expected_sharpened(x, m, k, c, s**0.5, w)),
        Mistake("the 2 is missing: divide by 2 spread**2", lambda x, m, k, c, s, w: expected_sharpened(x, m, k, c, s / 2**0.5, w)),
        Mistake(SUMMED, lambda *given: of_kinds(*given, joined=lambda logs: logs.sum(1))),
        Mistake(SUMMED, lambda x, m, k, c, s, w: centred(w * exponents(x, m[k == c], s**2).sum(1) + (1 - w) * density(m, s).log_prob(x))),
        Mistake("exponents cannot be averaged over the kinds; add their exp, then take the logarithm: logsumexp",
                lambda *given: of_kinds(*given, joined=lambda logs: logs.mean(1))),
        Mistake("that is the nearest kind alone; a density is the sum over its kinds: logsumexp",
                lambda *given: of_kinds(*given, joined=lambda logs: logs.amax(1))),
        Mistake("those are the densities; their logarithms are asked for, and are summed",
                lambda *given: of_kinds(*given, joined=lambda logs: logs.exp().sum(1))),
        Mistake("that is the density; its logarithm is asked for", lambda x, m, k, c, s, w: centred(
                exponents(x, m[k == c], s**2).exp().sum(1) ** w * exponents(x, m, s**2).exp().sum(1) ** (1 - w))),
        Mistake("p(x | label) is not p(label | x): without dividing by the sum over all kinds, so logsumexp without log_softmax",
                lambda x, m, k, c, s, w: centred(w * log_probability(x, m, k, c, s, 0.0) + (1 - w) * density(m, s).log_prob(x))),
        Mistake("log_softmax divides by the sum that is asked for: use logsumexp of the exponents alone",
                lambda x, *rest: torch.zeros(len(x))),
        Mistake("w and 1 - w are powers of the densities: they stand before logsumexp, not inside",
                lambda x, m, k, c, s, w: centred((w * exponents(x, m[k == c], s**2)).logsumexp(1)
                                                 + ((1 - w) * exponents(x, m, s**2)).logsumexp(1))),
        Mistake("logarithms of products are sums: w and 1 - w multiply the logarithms, they are not inside",
                lambda x, m, k, c, s, w: centred(
                    (w * density(m[k == c], s).log_prob(x).exp() + (1 - w) * density(m, s).log_prob(x).exp()).log())),
    ),
)  # fmt: skip
LAB = Lab(
    8, "Ask for it", scene, (LOG_PROBABILITY, DENOISE, GUIDED, BY_CLASSIFIER, DRAW, SHARPENED),
    "What does w > 1 gain, and what does it lose?",
)  # fmt: skip
