"""Lab 7: ranks, intervals between order statistics, coverage, CRPS, and a sampler judged by simulating measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import problems
from priors.gaussian import Gaussian
from problems import Problem, kernels
from reports.labs.lab import Lab, Mistake, Task
from reports.labs.pictures import detail, white
from reports.labs.stationary import LAW, Stationary, data_draw, exact_posterior, filtered, response, stationary
from reports.scores import ensemble

SIZE, NOISE = 32, 0.05
Sampler = Callable[[Tensor, int, int], Tensor]  # (y, how many, number of the round) -> samples


@dataclass(frozen=True)
class Scene:
    """A world in which truths are drawn from a prior and measured, and three samplers, ``A``, ``B`` and ``C``.

    All take the number of the round, to which their noise belongs.
    """

    instrument: Problem  # its picture is of no interest
    prior: Stationary
    seed: int
    narrow: float  # of the spread is what the overconfident sampler has
    order: tuple[int, ...]

    def noise(self, count: int, *key: int) -> Tensor:
        """White noise [count, 1, H, W] of its own for each key."""
        return white(np.random.default_rng([self.seed, *key]), count, 1, SIZE, SIZE).double()

    def draw(self, i: int) -> Tensor:
        """The i-th truth, [1, 1, H, W]."""
        return self.prior.grey + filtered(self.noise(1, 0, i), self.prior.power.sqrt())

    def measure(self, x: Tensor, i: int) -> Tensor:
        """x, blurred, with the i-th noise."""
        return filtered(x, response(self.instrument)) + NOISE * self.noise(1, 1, i)

    def problem(self, y: Tensor) -> Problem:
        """y in the form that the library's samplers take."""
        return Problem("deblur", self.instrument.operator, y.float(), NOISE)

    @property
    def gaussian(self) -> Gaussian:
        """The prior in the form that they take."""
        return Gaussian(self.prior.grey, grey=(LAW,))

    @property
    def samplers(self) -> dict[str, Sampler]:
        """Samplers by a letter, in an order that belongs to the id; each maps y, n and i to samples [n, 1, H, W]."""
        known: tuple[Sampler, ...] = (self.exact, self.overconfident, self.unheeding)
        return {letter: known[k] for letter, k in zip("ABC", self.order, strict=True)}

    def exact(self, y: Tensor, n: int, i: int) -> Tensor:
        grey, h = torch.full_like(y, self.prior.grey), response(self.instrument)
        return data_draw(grey, y, h, NOISE, self.prior.power.sqrt(), self.noise(n, 2, i), self.noise(n, 3, i))

    def overconfident(self, y: Tensor, n: int, i: int) -> Tensor:
        mean, _ = exact_posterior(y, response(self.instrument), NOISE, self.prior.grey, self.prior.power)
        return mean + self.narrow * (self.exact(y, n, i) - mean)

    def unheeding(self, y: Tensor, n: int, i: int) -> Tensor:
        """Draws of the prior: calibrated, and of no use."""
        return self.prior.grey + filtered(self.noise(n, 4, i), self.prior.power.sqrt())


def scene(rng: np.random.Generator) -> Scene:
    instrument = problems.deblur(torch.zeros(1, 1, SIZE, SIZE), kernels.shake(9, rng), NOISE, rng)
    return Scene(instrument, stationary(SIZE), int(rng.integers(2**31)), float(rng.uniform(0.6, 0.75)), tuple(rng.permutation(3).tolist()))


# Instances.
def for_ranks(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    truth, n = detail(rng, 24).double(), int(rng.integers(8, 16))
    return truth + 0.1 * float(rng.uniform(0.5, 1.5)) * white(rng, n, 1, 24, 24).double(), truth + 0.1 * white(rng, 1, 1, 24, 24).double()


def for_interval(rng: np.random.Generator) -> tuple[Tensor, int]:
    return for_ranks(rng)[0], int(rng.integers(2, 4))


def for_coverage(rng: np.random.Generator) -> tuple[Tensor, Tensor, int]:
    return *for_ranks(rng), 2


def for_simulation(rng: np.random.Generator) -> tuple[Callable[[int], Tensor], Callable[[Tensor, int], Tensor], Sampler, int, int]:
    """A small world: white pictures, measured by adding noise."""
    seed, lean = int(rng.integers(2**31)), float(rng.uniform(0.3, 0.6))

    def normal(count: int, *key: int) -> Tensor:
        return white(np.random.default_rng([seed, *key]), count, 1, 8, 8).double()

    def draw(i: int) -> Tensor:
        return normal(1, 0, i)

    def measure(x: Tensor, i: int) -> Tensor:
        return x + 0.5 * normal(1, 1, i)

    def sample(y: Tensor, n: int, i: int) -> Tensor:
        return lean * y + 0.4 * normal(n, 2, i)

    return draw, measure, sample, int(rng.integers(7, 10)), int(rng.integers(5, 8))


def for_outside(rng: np.random.Generator) -> tuple[Tensor, int]:
    """Ranks whose tails differ from round to round, as those of whole pictures do."""
    n, rounds = int(rng.integers(9, 20)), int(rng.integers(12, 20))
    spread = rng.uniform(0.3, 1.2, (rounds, 1, 1, 1))
    samples, truth = spread * rng.standard_normal((n, rounds, 1, 6, 6)), rng.standard_normal((rounds, 1, 6, 6))
    return torch.from_numpy(ensemble.ranks(samples, truth)), n


# The truth.
def ranks(samples: Tensor, truth: Tensor) -> Tensor:
    return torch.from_numpy(ensemble.ranks(samples.numpy(), truth[0].numpy()))[None]


def interval(samples: Tensor, k: int) -> tuple[Tensor, Tensor]:
    low, high = samples.kthvalue(k, 0).values, samples.kthvalue(len(samples) + 1 - k, 0).values
    return low[None], high[None]


def coverage(samples: Tensor, truth: Tensor, k: int) -> tuple[float, float]:
    return inside(*interval(samples, k), truth), 1 - 2 * k / (len(samples) + 1)


def inside(low: Tensor, high: Tensor, truth: Tensor) -> float:
    return float(((low <= truth) & (truth <= high)).double().mean())


def crps(samples: Tensor, truth: Tensor) -> float:
    return float(ensemble.crps(samples.numpy(), truth[0].numpy()).mean())


def crps_parts(samples: Tensor, truth: Tensor) -> tuple[float, float]:
    """Mean distance from the truth, and mean distance between two different samples."""
    off = float((samples - truth).abs().mean())
    return off, 2 * (off - crps(samples, truth))


def simulate_back(
    draw: Callable[[int], Tensor], measure: Callable[[Tensor, int], Tensor], sample: Sampler, n: int, rounds: int
) -> Tensor:  # fmt: skip
    return simulated(draw, measure, sample, n, rounds)


def simulated(
    draw: Callable[[int], Tensor], measure: Callable[[Tensor, int], Tensor], sample: Sampler, n: int, rounds: int, *,
    truth: Callable[[int], int] = int, noise: Callable[[int], int] = int, chance: Callable[[int], int] = int,
    among: Callable[[Tensor, Tensor], Tensor] | None = None, judged: Callable[[int], int] | None = None,
) -> Tensor:  # fmt: skip
    """Ranks of all rounds; the numbers of the truth, the noise and the samples, what is ranked and which truth, can be wrong."""
    found = []
    for i in range(rounds):
        x = draw(truth(i))
        y = measure(x, noise(i))
        told = x if judged is None else draw(judged(i))
        found.append(ranks(sample(y, n, chance(i)), told if among is None else among(x, y)))
    return torch.cat(found)


def outside(ranks: Tensor, n: int) -> tuple[float, float]:
    shares = outer(ranks, n).double().mean((1, 2, 3))
    return float(shares.mean()), float(shares.std() / len(shares) ** 0.5)


def outer(ranks: Tensor, n: int) -> Tensor:
    return (ranks == 0) | (ranks == n)


def single(of: Tensor) -> tuple[float, float]:
    """Share and its error, as if every pixel were a round of its own."""
    share = float(of.double().mean())
    return share, (share * (1 - share) / of.numel()) ** 0.5


WHOLE, ROUNDING = "they are whole numbers", "rounding in single precision"
RANKS = Task(
    "ranks", "how many samples lie below the truth", for_ranks, ranks, 1e-6, WHOLE,
    mistakes=(
        Mistake("those are the samples above the truth; count those below", lambda s, t: len(s) - ranks(s, t)),
        Mistake("that is the share of the samples; the rank is their number", lambda s, t: ranks(s, t) / len(s)),
        Mistake("ranks count from 0: a truth below all samples has the rank 0", lambda s, t: ranks(s, t) + 1),
        Mistake("pixels are counted there, not samples: add up over the axis 0", lambda s, t: (s < t).sum((1, 2, 3))),
        Mistake("that compares the truth with the mean of the samples; compare it with each", lambda s, t: (s.mean(0, keepdim=True) < t)),
        Mistake("argsort tells which sample stands at a place; count the samples that are below",
                lambda s, t: torch.cat([s, t]).argsort(0)[-1:]),
        Mistake("it is sorted by size: the place of the truth, not of a sample, is asked for",
                lambda s, t: (s - t).abs().argmin(0, keepdim=True)),
    ),
)  # fmt: skip
INTERVAL = Task(
    "interval", "the interval between two of the samples", for_interval, interval, 1e-6, ROUNDING,
    mistakes=(
        Mistake("one too far in: the k-th lowest of sorted samples is number k - 1, counted from 0",
                lambda s, k: (interval(s, k + 1)[0], interval(s, k)[1])),
        Mistake("one too far in at both ends: from 0 on, the k-th lowest is number k - 1, and the k-th highest n - k",
                lambda s, k: interval(s, k + 1)),
        Mistake("one too far out at the upper end: the k-th highest of sorted samples is number -k",
                lambda s, k: (interval(s, k)[0], interval(s, k - 1)[1])),
        Mistake("one too far in at the upper end: the k-th highest of sorted samples is number -k",
                lambda s, k: (interval(s, k)[0], interval(s, k + 1)[1])),
        Mistake("that is the whole range of the samples, k = 1", lambda s, k: interval(s, 1)),
        Mistake("low and high are exchanged", lambda s, k: interval(s, k)[::-1]),
        Mistake("quantile interpolates between samples, which makes intervals too narrow; sort and take the k-th",
                lambda s, k: (s.quantile(k / (len(s) + 1), 0, keepdim=True), s.quantile(1 - k / (len(s) + 1), 0, keepdim=True))),
        Mistake("quantile interpolates between samples, which makes intervals too narrow; sort and take the k-th",
                lambda s, k: (s.quantile(k / len(s), 0, keepdim=True), s.quantile(1 - k / len(s), 0, keepdim=True))),
        Mistake("the samples are not sorted: what is k-th is so by chance", lambda s, k: (s[k - 1 : k], s[len(s) - k : len(s) - k + 1])),
        Mistake("pixels are sorted along a row; sort the samples, along the axis 0",
                lambda s, k: (s.sort().values[k - 1 : k], s.sort().values[len(s) - k : len(s) - k + 1])),
    ),
)  # fmt: skip
COVERAGE = Task(
    "coverage", "how often the truth lies in the interval, and how often it should", for_coverage, coverage, 1e-6, ROUNDING,
    uses=("interval",),
    mistakes=(
        Mistake("that is the share outside; the share inside is asked for",
                lambda s, t, k: (1 - coverage(s, t, k)[0], coverage(s, t, k)[1])),
        Mistake("that is the number of pixels inside; their share is asked for", lambda s, t, k: (
                t.numel() * coverage(s, t, k)[0], coverage(s, t, k)[1])),
        Mistake("inside means above low and below high, both at once: &, not |", lambda s, t, k: (1.0, coverage(s, t, k)[1])),
        Mistake("n samples leave n + 1 places for the truth: 1 - 2 k / (n + 1)",
                lambda s, t, k: (coverage(s, t, k)[0], 1 - 2 * k / len(s))),
        Mistake("n samples leave n + 1 places for the truth, and k of them are outside at each end: 1 - 2 k / (n + 1)",
                lambda s, t, k: (coverage(s, t, k)[0], 1 - 2 * k / (len(s) - 1))),
        Mistake("there are two ends: 2 k of the n + 1 places lie outside", lambda s, t, k: (coverage(s, t, k)[0], 1 - k / (len(s) + 1))),
        Mistake("that is how often an exact sampler fails; 1 less that is asked for",
                lambda s, t, k: (coverage(s, t, k)[0], 1 - coverage(s, t, k)[1])),
        Mistake("the two are exchanged: what was measured first", lambda s, t, k: coverage(s, t, k)[::-1]),
        Mistake("the upper end is left out: inside means above low and below high",
                lambda s, t, k: (inside(interval(s, k)[0], torch.full_like(t, torch.inf), t), coverage(s, t, k)[1])),
        Mistake("the lower end is left out: inside means above low and below high",
                lambda s, t, k: (inside(torch.full_like(t, -torch.inf), interval(s, k)[1], t), coverage(s, t, k)[1])),
        Mistake("that is the share of the samples inside; it is the truth that counts",
                lambda s, t, k: (inside(*interval(s, k), s), coverage(s, t, k)[1])),
        Mistake("percentages, where shares between 0 and 1 are asked for", lambda s, t, k: tuple(100 * each for each in coverage(s, t, k))),
    ),
)  # fmt: skip
CRPS = Task(
    "crps", "one score for place and width", for_ranks, crps, lambda *given: 1e-5 * crps(*given), ROUNDING,
    mistakes=(
        Mistake("a sample's distance from itself is 0 and does not count: divide by n (n - 1), not by n**2",
                lambda s, t: crps_parts(s, t)[0] - crps_parts(s, t)[1] / 2 * (len(s) - 1) / len(s)),
        Mistake("half of the distance between samples is subtracted", lambda s, t: crps_parts(s, t)[0] - crps_parts(s, t)[1]),
        Mistake("half of the distance between samples is subtracted, not added",
                lambda s, t: crps_parts(s, t)[0] + crps_parts(s, t)[1] / 2),
        Mistake("the distance between the samples is left out: narrow samples would win for nothing", lambda s, t: crps_parts(s, t)[0]),
        Mistake("that is the error of the mean of the samples; each sample has its own distance from the truth",
                lambda s, t: float((s.mean(0, keepdim=True) - t).abs().mean())),
        Mistake("the pairs (i, j) and (j, i) are both among n (n - 1): with half of the pairs only, do not divide by 2",
                lambda s, t: crps_parts(s, t)[0] - crps_parts(s, t)[1] / 4),
        Mistake("distances are absolute values there, not squares",
                lambda s, t: float((s - t).square().mean()) - float(s.var(0).mean())),
        Mistake("the mean over the pixels is asked for, not their sum", lambda s, t: t.numel() * crps(s, t)),
    ),
)  # fmt: skip
SIMULATION = Task(
    "simulate_back", "ranks of many truths that are known", for_simulation, simulate_back, 1e-6, WHOLE, uses=("ranks",),
    mistakes=(
        Mistake("all rounds have the same truth; draw one for each: draw(i)", lambda *given: simulated(*given, truth=lambda i: 0)),
        Mistake("all rounds have the same noise in y: measure(x, i)", lambda *given: simulated(*given, noise=lambda i: 0)),
        Mistake("the samples of all rounds use the same noise: sample(y, n, i)", lambda *given: simulated(*given, chance=lambda i: 0)),
        Mistake("y is ranked among the samples; rank the truth", lambda *given: simulated(*given, among=lambda x, y: y)),
        Mistake("the truth is measured twice: samples are those of a measured y", lambda *given: simulated(given[0],
                lambda x, i: given[1](given[1](x, i), i), *given[2:])),
        Mistake("the sampler is given the truth, not what was measured of it",
                lambda *given: simulated(given[0], lambda x, i: x, *given[2:])),
        Mistake("another truth than the one that was measured is ranked", lambda *given: simulated(*given, judged=lambda i: i + 1)),
        Mistake("sample is asked for n samples, not for as many as there are rounds", lambda draw, measure, sample, n, rounds: simulated(
                draw, measure, lambda y, n, i: sample(y, rounds, i), n, rounds)),
        Mistake("rounds count from 0", lambda *given: simulated(*given, truth=lambda i: i + 1, noise=lambda i: i + 1,
                                                                chance=lambda i: i + 1)),
    ),
)  # fmt: skip
OUTSIDE = Task(
    "outside", "how often the truth lies outside all samples, and the error of that", for_outside, outside, 1e-6, ROUNDING,
    mistakes=(
        Mistake("the pixels of a picture err together: take the share of each round, and the standard error over the rounds",
                lambda r, n: single(outer(r, n))),
        Mistake("the pixels of a picture err together: take the share of each round, and the standard error over the rounds",
                lambda r, n: (outside(r, n)[0], float(outer(r, n).double().std()) / r.numel() ** 0.5)),
        Mistake("the pixels of a picture err together: take the share of each round first, then the standard deviation over the rounds",
                lambda r, n: (outside(r, n)[0], float(outer(r, n).double().std()) / len(r) ** 0.5)),
        Mistake("that is the standard deviation over the rounds; the error of their mean is smaller by the root of their number",
                lambda r, n: (outside(r, n)[0], outside(r, n)[1] * len(r) ** 0.5)),
        Mistake("the standard error is that over the rounds: divide by the root of their number, not of n",
                lambda r, n: (outside(r, n)[0], outside(r, n)[1] * (len(r) / n) ** 0.5)),
        Mistake("a truth lies outside if its rank is 0 or n: |, not &", lambda r, n: (0.0, 0.0)),
        Mistake("the pixels outside are summed; take their share of each round", lambda r, n: tuple(
                r[0].numel() * each for each in outside(r, n))),
        Mistake("the mean over the rounds is taken first; take the share of each round, over its pixels", lambda r, n: across(r, n)),
        Mistake("the error of a mean falls with the root of the number of rounds, not with that number",
                lambda r, n: (outside(r, n)[0], outside(r, n)[1] / len(r) ** 0.5)),
        Mistake("the standard deviation of a few rounds has one less than their number below the line",
                lambda r, n: (outside(r, n)[0], outside(r, n)[1] * (1 - 1 / len(r)) ** 0.5)),
        Mistake("a truth above all samples has the rank n, and counts, too", lambda r, n: of_rounds(r == 0)),
        Mistake("a truth below all samples has the rank 0, and counts, too", lambda r, n: of_rounds(r == n)),
        Mistake("a truth above all samples has the rank n: there are n + 1 ranks, from 0 to n",
                lambda r, n: of_rounds((r == 0) | (r == n - 1))),
        Mistake("that is the share inside; outside are the ranks 0 and n", lambda r, n: of_rounds(~outer(r, n))),
        Mistake("the two are exchanged: the share first, then its error", lambda r, n: outside(r, n)[::-1]),
    ),
)  # fmt: skip


def across(ranks: Tensor, n: int) -> tuple[float, float]:
    """Of the shares of the pixels, over the rounds."""
    shares = outer(ranks, n).double().mean(0)
    return float(shares.mean()), float(shares.std() / len(shares) ** 0.5)


def of_rounds(which: Tensor) -> tuple[float, float]:
    shares = which.double().mean((1, 2, 3))
    return float(shares.mean()), float(shares.std() / len(shares) ** 0.5)


LAB = Lab(
    7, "Can the spread be trusted?", scene, (RANKS, INTERVAL, COVERAGE, CRPS, SIMULATION, OUTSIDE),
    "Which of A, B and C is calibrated, and which one would you use?",
)  # fmt: skip
