"""What can be said of a restoration whose truth is unknown: is its residual noise, does it foretell data it has not seen?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import erf
from torch import Tensor

import priors
import solvers
from priors.slot import Denoiser
from problems import resolution
from problems.borders import Held
from problems.operator import Operator
from problems.problem import Problem
from reports.judging.trust import simulate_back
from reports.runs.loading import derived, picture
from reports.scores import ensemble

LAGS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
COLOURED = 0.01  # of a correlation, beyond chance; right kernels gave up to 0.032 at 128 x 128, wrong ones 0.02 to 0.23
SHARE = 0.05  # of the data that are held back in each fold
FOLDS = 3
LEVEL = 0.9
RIM = 12  # pixels
CERTAIN = 2.0  # standard errors between two priors that are told apart


@dataclass(frozen=True)
class Whiteness:
    """Of a residual in units of the noise: its mean square, its largest correlation between neighbours and what chance allows."""

    misfit: float
    correlation: float
    lag: tuple[int, int]
    chance: float

    @property
    def white(self) -> bool:
        return abs(self.correlation) < self.chance + COLOURED

    @property
    def explained(self) -> bool:
        return 0.75 < self.misfit < 1.25


def residual(problem: Problem, x: Tensor) -> Tensor:
    """(y - A x) / s as a picture [1, C, h, w], NaN where nothing is measured."""
    return problem.operator.as_image((problem.y - problem.operator.forward(x)) / problem.noise_sigma)


def whiteness(residuals: Tensor) -> Whiteness:
    """Of the residuals [n, C, h, w] of samples, which given the data are exchangeable with the truth: theirs is noise as well."""
    known = ~residuals[:1].isnan()
    values = torch.where(known, residuals, torch.zeros(()))
    power = float(values.square().sum() / (known.sum() * len(residuals)))
    found = {}
    for lag in LAGS:
        moved, seen = values.roll(lag, (-2, -1)), known & inside(known.roll(lag, (-2, -1)), lag)
        pairs = int(seen.sum())
        if pairs:
            found[lag] = float((values * moved * seen).sum()) / (len(residuals) * pairs * max(power, 1e-12)), 4 / math.sqrt(pairs)
    lag = max(found, key=lambda each: abs(found[each][0]))
    return Whiteness(power, *(found[lag][0], lag, found[lag][1]))


def inside(moved: Tensor, lag: tuple[int, int]) -> Tensor:
    """Without the pixels that came in from the other border."""
    moved = moved.clone()
    down, right = lag
    if down:
        moved[..., :down, :] = False
    if right > 0:
        moved[..., :right] = False
    elif right < 0:
        moved[..., right:] = False
    return moved


@dataclass(frozen=True)
class Foretold:
    """How a prior foretold data that were held back: CRPS of each value, in units of the noise, and the share in 90 % intervals."""

    prior: str
    crps: np.ndarray
    covered: float
    nominal: float


def foretell(problem: Problem, prior: Denoiser, name: str, n: int, seed: int, steps: int | None = None) -> Foretold:
    """Restore from all data but SHARE of them, in FOLDS folds, and score the predictive distribution of what was held back.

    It is that of A x plus noise over samples x. The folds are the same for every prior.
    """
    scores, covered, nominal = [], [], 0.0
    for fold in range(FOLDS):
        kept = folds(problem, seed)[fold]
        held = Held(problem.operator, kept)
        part = Problem(problem.name, held, held.chosen(problem.y), problem.noise_sigma)
        drawn = solvers.sample(part, prior, n, derived(seed, "fold", str(fold)), steps=steps).drawn()
        left = ~kept.flatten()
        told = torch.stack([problem.operator.forward(x).flatten(2)[0][..., left] for x in drawn]).double().numpy() / problem.noise_sigma
        y = problem.y.flatten(2)[0][..., left].double().numpy() / problem.noise_sigma
        scores.append(mixture_crps(told, y).ravel())
        noisy = told + np.random.default_rng(seed + fold).standard_normal(told.shape)
        share, nominal = ensemble.coverage(noisy, y, LEVEL)
        covered.append(share)
    return Foretold(name, np.concatenate(scores), float(np.mean(covered)), nominal)


def folds(problem: Problem, seed: int) -> list[Tensor]:
    """For each fold bools over the data of one channel: false where they are held back; no value is held back twice."""
    shape = problem.operator.data_shape[1:]
    size = int(np.prod(shape))
    order = torch.from_numpy(np.random.default_rng(seed).permutation(size))
    count = max(1, round(SHARE * size))
    found = []
    for fold in range(FOLDS):
        kept = torch.ones(size, dtype=torch.bool)
        kept[order[fold * count : (fold + 1) * count]] = False
        found.append(kept.view(shape))
    return found


def mixture_crps(centres: np.ndarray, y: np.ndarray) -> np.ndarray:
    """CRPS of unit normals around ``centres`` [n, ...], at y [...] (Grimit et al. 2006), fair to the number of centres.

    E|X - y| - E|X - X'| / 2, both closed; X' comes from another centre, as Ferro (2014) has it for ensembles, or from the same.
    """
    n = len(centres)
    own = absolute(np.zeros(()), math.sqrt(2))
    pairs = sum(absolute(centres[i] - centres[j], math.sqrt(2)) for i in range(n) for j in range(i))
    return absolute(centres - y, 1.0).mean(0) - (pairs / (n * (n - 1) / 2) if n > 1 else own) / 2


def absolute(mean: np.ndarray, std: float) -> np.ndarray:
    """E|N(mean, std^2)|."""
    z = mean / std
    return std * (math.sqrt(2 / math.pi) * np.exp(-z * z / 2) + z * erf(z / math.sqrt(2)))


@dataclass(frozen=True)
class Ranked:
    """A prior's mean score, by how much the best one leads, and the standard error of that."""

    prior: str
    crps: float
    behind: float
    error: float

    @property
    def apart(self) -> bool:
        return self.behind > CERTAIN * self.error


def ranking(found: Sequence[Foretold]) -> list[Ranked]:
    """The best first."""
    ordered = sorted(found, key=lambda each: each.crps.mean())
    best = ordered[0].crps
    differences = [each.crps - best for each in ordered]
    return [
        Ranked(each.prior, float(each.crps.mean()), float(d.mean()), float(d.std(ddof=1) / math.sqrt(d.size)))
        for each, d in zip(ordered, differences, strict=True)
    ]


@dataclass(frozen=True)
class Judged:
    """A prior's answer to the middle of a picture, as far as it can be judged there."""

    prior: str
    whiteness: Whiteness
    foretold: Foretold
    back: Mapping[str, float]
    residual: np.ndarray  # [n, h, w, C] of all samples, in units of the noise


def judged(problem: Problem, prior: Denoiser, name: str, n: int, seed: int, steps: int | None = None) -> Judged:
    """Sample, look at the residuals, simulate back, and foretell what is held back."""
    result = solvers.sample(problem, prior, n, derived(seed, "judged"), steps=steps)
    drawn = result.drawn()
    residuals = torch.cat([residual(problem, x) for x in drawn])
    again = simulate_back(problem, prior, drawn[0], n, derived(seed, "back"), steps=steps)
    samples, truth = picture(again.drawn()).astype(np.float64), picture(drawn[0]).astype(np.float64)
    share, nominal = ensemble.coverage(samples, truth, LEVEL)
    variance, error = ensemble.squares(samples, truth)
    back = {"coverage": share, "nominal": nominal, "ratio": math.sqrt(variance.mean() / max(error.mean(), 1e-12))}
    shown = picture(residuals[:, None])
    return Judged(name, whiteness(residuals), foretell(problem, prior, name, n, seed, steps), back, shown)


def measured_share(operator: Operator, noise_sigma: float) -> tuple[float, np.ndarray]:
    """Degrees of freedom that the data fixed, as a share of all, and the map of it [H, W, 1]; a grey operator is enough.

    A rim of RIM pixels is left out: there it matters that a part was cut out of the picture.
    """
    power = priors.load("gaussian").density(operator.image_shape).float()  # type: ignore[attr-defined]
    found = resolution.resolution(operator, noise_sigma, power)
    pixel = found.pixel[getattr(operator, "scene", (...,))].mean(0, keepdim=True)
    height, width = (n - 2 * RIM if n > 4 * RIM else n for n in pixel.shape[-2:])
    top, left = (pixel.shape[-2] - height) // 2, (pixel.shape[-1] - width) // 2
    pixel = pixel[:, top : top + height, left : left + width]
    return float(pixel.mean()), pixel.movedim(0, -1).numpy()
