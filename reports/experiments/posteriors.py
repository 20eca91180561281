"""Proof: every sampler against posteriors that are known exactly, at every budget of denoiser calls.

Priors: the stationary Gaussian, a mixture of three textures, and digits. What is drawn from each is measured, a sampler
answers, and its answers are compared with the exact p(x | y). All numbers come with their standard error.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

import priors
import problems
import solvers
from priors import mixture
from priors.gaussian import GREY, Gaussian
from priors.guided import Guided
from priors.mixture import Mixture, Posterior
from priors.slot import Denoiser
from problems import masks
from problems.operator import Operator, circulant
from problems.operators import Blur, Inpainting, SuperResolution
from problems.problem import Problem
from problems.seeds import Seed, generator
from reports.experiments.guidance import Law
from reports.runs.limits import check_limits
from reports.runs.selectors import known
from reports.scores import ensemble
from solvers.solve import run
from solvers.streams import Streams

BUDGETS = (10, 20, 50, 100, 200)
SAMPLES = 39  # of each measurement: intervals between order statistics then reach 90 % exactly, as with 19, 59, 79, 99
MEASUREMENTS = 6  # of each problem; standard errors are over these
SHAPE = (1, 16, 16)
NOISE = 0.05
FEWEST = 19  # samples, between whose extremes 90 % lie
LEVELS = (0.05, 0.2)  # of noise, at which priors are tried for being gradient fields
FINE = 10  # exact draws for each sample that it is compared with
EXACT = "exact draws"  # the method that stands for a perfect sampler: its error comes from the number of samples alone


# Brightness of a crop this small varies by 0.2 as in photographs; by 0.67 with the catalogue's spectrum, made for whole ones.
PRIORS: dict[str, Callable[[], Gaussian | Mixture | Guided]] = {
    "gaussian": lambda: Gaussian(grey=[replace(law, knee=1 / 64) for law in GREY]),
    "mixture": mixture.mixture,
    "digits": mixture.digits,
    "digits, told 3": lambda: mixture.digits().given(3, classifier=True),  # guided at w = 1, which must be the prior of 3 itself
}


@dataclass(frozen=True)
class Case:
    """A prior and an instrument: ``shown`` lists the labels of the components that the truths are drawn from, all if empty."""

    prior: str
    problem: str
    operator: Callable[[], Operator]
    noise_sigma: float = NOISE
    shown: tuple[str, ...] = ()
    hard: float = 1.0  # how many times wider the bounds of ``promised`` are

    def __str__(self) -> str:
        return f"{self.prior} · {self.problem}"


class SmallInpainting(Inpainting):
    """Solved densely: at this size a fraction of the time of conjugate gradients."""

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        if not isinstance(c, Tensor):
            return super().solve(b, c)
        identity = torch.eye(self.mask.numel(), dtype=b.dtype)
        normal = circulant(identity.view(-1, *self.image_shape), c).flatten(1) + torch.diag(self.mask.flatten().to(b))
        return torch.linalg.solve(normal, b.flatten(1).T).T.view(b.shape)


def half_hidden() -> np.ndarray:
    """The left of the image is missing, where a 3 and an 8 differ."""
    return np.broadcast_to(np.arange(SHAPE[2]) >= 9, SHAPE[1:])


CASES = (
    Case("gaussian", "blur", lambda: Blur("gaussian:1.2", SHAPE)),
    Case("gaussian", "super-resolution ×2", lambda: SuperResolution(None, 2, SHAPE)),
    Case("gaussian", "random half missing", lambda: SmallInpainting(masks.random(SHAPE[1:], 0.5), SHAPE)),
    Case("gaussian", "box hole", lambda: SmallInpainting(masks.box(SHAPE[1:], 0.4), SHAPE), hard=2.0),
    Case("mixture", "strong blur", lambda: Blur("gaussian:2", SHAPE)),
    Case("mixture", "box hole", lambda: SmallInpainting(masks.box(SHAPE[1:], 0.4), SHAPE)),
    Case("digits", "3 or 8, left half hidden", lambda: SmallInpainting(half_hidden(), SHAPE), shown=("3", "8")),
    Case("digits", "strong blur and noise", lambda: Blur("gaussian:2", SHAPE), noise_sigma=0.2),
    Case("digits, told 3", "strong blur and noise", lambda: Blur("gaussian:2", SHAPE), noise_sigma=0.2),
)


@dataclass(frozen=True)
class Number:
    value: float
    error: float  # standard error over the measurements


METRICS = {
    "mean_error": "error of the mean, in posterior stds",
    "std_ratio": "sampled std / true std",
    "coverage": "share of the posterior inside the sampled 90 % interval",
    "wasserstein": "Wasserstein-2 distance along the principal axes, in posterior stds",
    "weights_error": "total variation between the sampled and the true weights of the modes",
    "in_mode_std": "sampled std / true std within the modes",
}


@dataclass(frozen=True)
class Row:
    """What a method reached on a case with ``calls`` denoiser calls for each sample; ``message`` tells why there is nothing."""

    case: Case
    method: str
    budget: int
    calls: int
    seconds: float
    numbers: Mapping[str, Number] = field(default_factory=dict)
    message: str = ""


class OneStream(Streams):
    """Noise for all samples from one generator: the same law at a tenth of the time where thousands are drawn at once."""

    def __init__(self, rng: Seed, n: int, batch: int):
        self.n, self.root = n, int(generator(rng).integers(2**63))
        self.batch, self.generator = batch, torch.Generator().manual_seed(self.root >> 1)

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return torch.randn((self.n * self.batch, *shape), generator=self.generator, dtype=like.dtype).to(like.device)


def exact(prior: Gaussian | Mixture | Guided) -> Mixture:
    """The mixture that a prior is, or that one guided at w = 1 must be."""
    if isinstance(prior, Guided):
        return prior.bound
    return mixture.of(prior) if isinstance(prior, Gaussian) else prior


class Reference:
    """A case, measured ``MEASUREMENTS`` times, with its exact posterior and what it takes to hold ``n`` samples against it."""

    def __init__(self, case: Case, n: int = SAMPLES, rng: Seed = 0):
        self.case, self.n, self.prior = case, n, PRIORS[case.prior]()
        self.mixture = exact(self.prior)
        operator = case.operator()
        self.seeds = generator(rng)
        noise = torch.Generator().manual_seed(int(self.seeds.integers(2**63)))
        allowed = [i for i, label in enumerate(self.mixture.labels) if label in (case.shown or self.mixture.labels)]
        which = torch.tensor(allowed)[torch.randint(len(allowed), (MEASUREMENTS,), generator=noise)]
        clean = operator.forward(self.mixture.draw(which, operator.image_shape, noise))
        y = clean + case.noise_sigma * torch.randn(clean.shape, generator=noise, dtype=torch.float64)
        self.problem = Problem(case.problem, operator, y.float(), case.noise_sigma)
        self.posterior: Posterior = self.mixture.posterior(operator, self.problem.y, case.noise_sigma)
        self.variance = self.posterior.std.square().sum(1)  # [B], the trace of the posterior covariance
        self.names = tuple(dict.fromkeys(self.mixture.labels))
        off = (self.draw(500) - self.posterior.mean).flatten(0, 1)
        self.axes = torch.linalg.eigh(off.T @ off).eigenvectors  # of the exact posterior, nearly
        fine = torch.sort(self.draw(FINE * n) @ self.axes, 0).values
        self.quantiles = fine.unflatten(0, (n, FINE)).mean(1)
        self.floor = self.transport(self.draw(n))

    def draw(self, n: int) -> Tensor:
        """Exact draws [n, B, d]."""
        return self.posterior.draw(n, self.seeds)

    def transport(self, x: Tensor) -> Tensor:
        """Squared Wasserstein-2 distances between samples [n, B, d] and the posterior along each axis, summed: [B]."""
        return (torch.sort(x @ self.axes, 0).values - self.quantiles).square().mean(0).sum(1)

    def named(self, parts: Tensor) -> Tensor:
        """Shares of components [..., K] summed over those with one label: [..., names]."""
        index = torch.tensor([self.names.index(label) for label in self.mixture.labels])
        return parts.new_zeros(*parts.shape[:-1], len(self.names)).index_add_(-1, index, parts)

    def measure(self, x: Tensor) -> dict[str, Number]:
        """The METRICS of samples [n, B, d]; what n perfect samples would miss by chance is taken off errors and distances."""
        spread, between = x.var(0).sum(1), (x.mean(0) - self.posterior.mean).square().sum(1)
        numbers = {
            "mean_error": rooted(between - spread / len(x), self.variance),
            "std_ratio": rooted(spread, self.variance),
            "coverage": ratio(self.covered(x), torch.ones(len(self.variance))),
            "wasserstein": rooted(self.transport(x) - self.floor, self.variance),
        }
        return numbers | (self.modes(x) if len(self.mixture.labels) > 1 else {})

    def covered(self, x: Tensor) -> Tensor:
        """Posterior probability of each pixel's interval between order statistics, moved to a nominal 90 %: [B]."""
        k, nominal = ensemble.order(len(x), 0.9)
        ordered = torch.sort(x, 0).values
        return (self.posterior.cdf(ordered[-k]) - self.posterior.cdf(ordered[k - 1])).mean(1) + 0.9 - nominal

    def modes(self, x: Tensor) -> dict[str, Number]:
        """A sample belongs to the modes by the prior's own p(component | x), which an exact sampler reproduces on average."""
        images = x.reshape(-1, *self.problem.operator.image_shape)
        parts = self.mixture.responsibilities(images).view(*x.shape[:2], -1)
        off = (self.named(parts.mean(0)) - self.named(self.posterior.weights)).abs().sum(1) / 2
        distances = x.square().sum(-1, keepdim=True) + self.posterior.means.square().sum(-1)
        distances = distances - 2 * torch.einsum("nbd,bkd->nbk", x, self.posterior.means)
        within = rooted((parts * distances).sum((0, 2)), (parts * self.posterior.variances.sum(1)).sum((0, 2)))
        return {"weights_error": ratio(off, torch.ones(len(off))), "in_mode_std": within}


def ratio(above: Tensor, below: Tensor) -> Number:
    """Ratio of two sums over the measurements, with its jackknife standard error."""
    left = (above.sum() - above) / (below.sum() - below)
    return Number(float(above.sum() / below.sum()), float((left - left.mean()).square().mean().mul(len(left) - 1).sqrt()))


def rooted(above: Tensor, below: Tensor) -> Number:
    """Square root of a ratio; its error is the step up from the value to that of the ratio plus its error."""
    found = ratio(above.double(), below.double())
    value = math.sqrt(max(found.value, 0.0))
    return Number(value, math.sqrt(value**2 + found.error) - value)


def samplers() -> list[str]:
    return [name for name, method in solvers.METHODS.items() if method.samples]


def check(methods: Sequence[str], budgets: Sequence[int], n: int) -> None:
    """
    Raises:
        ValueError: a method that does not sample, a budget below one call, or too few samples to judge a spread by.
    """
    for method in methods:
        known("sampling method", method, samplers())
    if not methods or not budgets or min(budgets) < 1:
        raise ValueError("nothing to prove; name at least one sampling method and one budget of at least 1 call")
    check_limits(samples=n, calls=max(budgets))
    if n < FEWEST:
        raise ValueError(f"a 90 % interval needs at least {FEWEST} samples, not {n}")


def prove(
    methods: Sequence[str] | None = None,
    budgets: Sequence[int] = BUDGETS,
    n: int = SAMPLES,
    rng: Seed = 0,
    cases: Sequence[Case] = CASES,
) -> Iterator[Row]:
    """Rows for each case: those of a perfect sampler, then of every method at every budget. ``methods``: all that sample, if None.

    Raises:
        ValueError: as ``check`` says.
    """
    chosen = samplers() if methods is None else methods
    check(chosen, budgets, n)
    for case, seed in zip(cases, generator(rng).spawn(len(cases)), strict=True):
        ruler = Reference(case, n, seed)
        yield Row(case, EXACT, 0, 0, 0.0, ruler.measure(ruler.draw(n)))
        for method in chosen:
            for budget in budgets:
                yield judge(ruler, method, budget)


def judge(ruler: Reference, method: str, budget: int) -> Row:
    """Sample all measurements of a case at once."""
    began = time.perf_counter()
    try:
        steps = max(1, budget // solvers.METHODS[method].calls)
        result = run(ruler.problem, ruler.prior, method, 1.0, steps, None, OneStream(ruler.seeds, ruler.n, MEASUREMENTS))
        numbers = ruler.measure(result.drawn().double().flatten(2))
    except (ArithmeticError, ValueError, TypeError) as error:
        return Row(ruler.case, method, budget, 0, time.perf_counter() - began, message=f"{type(error).__name__}: {error}")
    return Row(ruler.case, method, budget, result.calls // ruler.n, time.perf_counter() - began, numbers)


def promised(row: Row) -> Mapping[str, tuple[float, float]]:
    """Lowest and highest value that the default sampler must reach: with the Gaussian prior, at 20 and at 100 calls."""
    if row.case.prior != "gaussian" or row.budget not in (20, 100):
        return {}
    mean, std, cover = (row.case.hard * width for width in ((0.1, 0.05, 0.02) if row.budget == 20 else (0.05, 0.02, 0.01)))
    return {"mean_error": (0, mean), "std_ratio": (1 - std, 1 + std), "coverage": (0.9 - cover, 0.9 + cover)}


def asymmetry(prior: Denoiser, x: Tensor, sigma: float, probes: int = 32, rng: Seed = 0) -> Number:
    """|J - J^T| / |J + J^T| in the Frobenius norm, J the Jacobian of ``denoise`` at x [1, C, H, W]: 0 for a gradient field.

    Estimated from pairs of random probes u, v: u^T J v - v^T J u against u^T J v + v^T J u, J v by central differences of
    sigma / 100 a pixel. The score of any density has a symmetric J (Tweedie), so a prior
    far from 0 is no score of a density; near 1 ``denoise`` jumps and has no derivative.
    """
    noise, step = generator(rng), sigma / 100
    u, v = (torch.from_numpy(noise.standard_normal((probes, *x.shape[1:]))).to(x) for _ in range(2))
    with torch.no_grad():
        ju, jv = ((prior.denoise(x + step * w, sigma) - prior.denoise(x - step * w, sigma)) / (2 * step) for w in (u, v))
    one, other = (u * jv).flatten(1).sum(1).double(), (v * ju).flatten(1).sum(1).double()
    return rooted((one - other).square(), (one + other).square())


@dataclass(frozen=True)
class Field:
    """Whether a prior is the gradient field that a score must be, at some noise levels; ``message`` tells why there is nothing."""

    prior: str
    mmse: bool
    asymmetries: Mapping[float, Number] = field(default_factory=dict)
    message: str = ""


def gradient_fields(names: Sequence[str] = tuple(priors.CATALOGUE)) -> Iterator[Field]:
    """The asymmetry of priors on 32 x 32 pixels of a noisy photograph."""
    picture = problems.load_image("camera", size=32).double()
    for name in names:
        try:
            prior = priors.load(name)
            clean = picture.expand(-1, getattr(prior, "channels", 1), -1, -1)
            noise = torch.from_numpy(np.random.default_rng(0).standard_normal(clean.shape))
            found = {sigma: asymmetry(prior, clean + sigma * noise, sigma) for sigma in LEVELS}
            yield Field(name, bool(getattr(prior, "mmse", False)), found)
        except (ImportError, OSError, ValueError) as error:
            yield Field(name, False, message=str(error))


@dataclass(frozen=True)
class Proof:
    """All rows of a run, the priors tried for being gradient fields, and the laws of guided samples where all is known."""

    rows: tuple[Row, ...]
    fields: tuple[Field, ...]
    samples: int
    command: str = ""
    laws: tuple[Law, ...] = ()

    @property
    def cases(self) -> list[Case]:
        return list(dict.fromkeys(row.case for row in self.rows))

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(row.method for row in self.rows if row.method != EXACT))

    def of(self, case: Case, method: str | None = None) -> list[Row]:
        return [row for row in self.rows if row.case == case and method in (None, row.method)]
