"""What a method returns: never a bare image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.slot import Denoiser, name_of
from problems.problem import Problem
from solvers.fit import condition_of, doubts, overdriven
from solvers.methods import METHODS


class Diverged(ArithmeticError):
    """A method left all bounds; ``trace`` tells the way there."""

    def __init__(self, sentence: str, trace: Sequence[Mapping[str, Any]]):
        super().__init__(sentence)
        self.trace = tuple(trace)


@dataclass(frozen=True)
class Result:
    """An answer with its history.

    ``x`` [B, C, H, W] is the estimate, or the mean of the samples; ``samples`` [n, B, C, H, W] or None. ``pairs``
    [pairs, B, C, H, W] are the means of the antithetic pairs behind a posterior mean, or None. ``trace`` has one
    record per level: sigma, width, misfit, change, and bands, what the first image believed holds in octaves of frequency
    (``solvers.bands``). ``calls`` counts the images denoised for each of the B problems, a
    gradient through the prior as one more. ``seconds`` is wall time. ``moved`` is the root mean square change of the answer over
    the second half of the levels. Images are not clipped.
    """

    problem: Problem
    prior: Denoiser
    method: str
    x: Tensor
    samples: Tensor | None
    trace: tuple[Mapping[str, Any], ...]
    config: Mapping[str, Any]
    seconds: float
    calls: int
    pairs: Tensor | None = None
    moved: float = 0.0

    def _repr_html_(self) -> str:
        """For a notebook: the measurement, the answer, and where samples differ, from black to white over the printed range."""
        answers = {"answer" if self.samples is None else f"mean of {len(self.samples)}": self.x}
        if self.samples is not None:
            answers["one sample"] = self.samples[0]
            if len(self.samples) > 1:
                spread = self.std[:1].square().mean(1, keepdim=True).sqrt()  # over the channels
                answers[f"std, 0 to {float(spread.max()):.2g}"] = spread / spread.max().clamp(min=1e-12)
        cost = f"{self.calls} denoiser calls, {self.seconds:.1f} s{', heuristic' * self.heuristic}"
        return self.problem.gallery(answers, f"{name_of(self.prior)} by {self.method}, {cost}")

    @property
    def heuristic(self) -> bool:
        """Whether samples come from a prior that is no E[clean | x], so that no density stands behind them."""
        return self.samples is not None and not getattr(self.prior, "mmse", False)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the answer, a sentence each, found without the truth: a misfit that is too small or too large, an
        iteration that has not settled, guidance that saturates (``solvers.fit``). Empty where nothing does.
        """
        answers = self.x[None] if self.samples is None else self.samples
        method = METHODS[self.method]
        moved = None if method.samples or method.falling else self.moved
        found = doubts(self.problem, answers, moved, not (method.samples or method.pairs), condition_of(self.prior))
        return (*found, *overdriven(self.prior, answers))

    def drawn(self) -> Tensor:
        if self.samples is None:
            raise ValueError(f"method {self.method!r} gives one estimate and no spread; use solvers.sample(problem, prior, n=16)")
        return self.samples

    @property
    def mean(self) -> Tensor:
        """Mean of the samples [B, C, H, W]; the estimate itself where there are none."""
        return self.x

    @property
    def std(self) -> Tensor:
        """Standard deviation of the samples per pixel (n - 1 in the denominator), [B, C, H, W]."""
        if len(self.drawn()) < 2:
            raise ValueError("a spread needs at least two samples; use solvers.sample(problem, prior, n=16)")
        return self.drawn().std(0)

    @property
    def standard_error(self) -> Tensor:
        """Of the posterior mean per pixel [B, C, H, W], from the spread between pairs; what the sampler itself misses is not in it.

        Raises:
            ValueError: no posterior mean by pairs, or a single pair.
        """
        if self.pairs is None or len(self.pairs) < 2:
            raise ValueError("a standard error needs two antithetic pairs at least; use solvers.solve(problem, prior, 'mean', pairs=4)")
        return self.pairs.std(0) / len(self.pairs) ** 0.5

    def interval(self, level: float = 0.9) -> tuple[Tensor, Tensor]:
        """Central interval per pixel between two order statistics of the n samples, each [B, C, H, W].

        For an exact sampler the interval between the k-th lowest and the k-th highest sample holds the truth with
        probability 1 - 2 k / (n + 1); the narrowest pair that reaches ``level`` is taken.

        Raises:
            ValueError: no level between 0 and 1, or n too small for it (even the extremes reach only (n - 1) / (n + 1)).
        """
        n = len(self.drawn())
        if not 0 < level < 1:
            raise ValueError(f"level is a probability between 0 and 1, such as 0.9, not {level}")
        k = int(np.floor((1 - level) * (n + 1) / 2 + 1e-9))
        if k < 1:
            raise ValueError(f"{n} samples cannot bound a {level:.0%} interval; draw at least {int(np.ceil(2 / (1 - level) - 1 - 1e-9))}")
        ordered = torch.sort(self.drawn(), dim=0).values
        return ordered[k - 1], ordered[n - k]
