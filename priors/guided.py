"""Guidance: a label weighed as one likes, from two denoisers or from one and a classifier.

Let D_u answer without the label, D_c with it. By Bayes' rule the scores differ by that of p(label | x, sigma), so

    D_c - D_u = sigma^2 grad log p(label | x, sigma)

and both guidances are the same answer, D_u + w (D_c - D_u): classifier-free takes the left side (Ho, Salimans 2022, equation
6), classifier guidance the right one (Dhariwal, Nichol 2021). Theirs adds s of it to D_c, which is w = 1 + s here.

w = 0 forgets the label, w = 1 is the prior p(x | label). At any other w the answer is the score of p(x, sigma) p(label | x,
sigma)^w at each level by itself, but these are no levels of one picture under growing noise: samples are no draws of
p(x) p(label | x)^w, which ``tests/priors/test_guided.py`` measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from priors.slot import Belief, belief, checks_question


class Guided:
    """``free`` + guidance x what the label adds; ``added`` maps x [B, C, H, W], sigma and the free answer to that.

    Widths of its belief are those of ``bound``, the prior that knows the label: what guidance adds is no doubt of either. At
    guidance 0 they are those of ``free``.
    """

    def __init__(self, name: str, free: Any, bound: Any, guidance: float, added: Callable[[Tensor, float, Tensor], Tensor]):
        self.name, self.family, self.sigma_range, self.mmse = name, free.family, free.sigma_range, guidance in (0, 1)
        self.free, self.bound, self.guidance, self.added = free, bound, guidance, added
        self.label = getattr(bound, "label", None)

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        free = self.free.denoise(x, sigma)
        return free + self.guidance * self.added(x, sigma, free)

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        return replace(belief(self.bound if self.guidance else self.free, x, sigma), mean=self.denoise(x, sigma))


def uphill(log_probability: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient by x of log p(label | x), [B], itself differentiable where torch records the gradients of x."""
    recorded = torch.is_grad_enabled() and x.requires_grad
    with torch.enable_grad():
        at = x if recorded else x.detach().requires_grad_()
        return torch.autograd.grad(log_probability(at).sum(), at, create_graph=recorded)[0]


def number_of(name: str, label: object, known: Sequence[str]) -> int:
    """The number of a label given by name or number, as the first of ``known``.

    Raises:
        ValueError: neither.
    """
    if isinstance(label, str | int) and not isinstance(label, bool) and str(label) in known:
        return known.index(str(label))
    try:
        number = int(label) if isinstance(label, str | int) and not isinstance(label, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number < len(known):
        raise ValueError(f"prior {name!r} knows no label {label!r}; give one of {', '.join(known)}, or its number from 0 on")
    return number


def weight_of(name: str, label: object, guidance: object, classifier: object) -> float:
    """Guidance as a number.

    Raises:
        TypeError: no number, or a classifier that is neither true nor false.
        ValueError: NaN or infinite, or guidance without a label.
    """
    if not isinstance(classifier, bool):
        raise TypeError(f"classifier is true or false, not {classifier!r}; a prior brings its own")
    if not isinstance(guidance, Real) or isinstance(guidance, bool):
        raise TypeError(f"guidance is a number such as 2.0, not {type(guidance).__name__}; 1 is the conditional prior itself")
    if not math.isfinite(guidance):
        raise ValueError(f"guidance must be finite, not {guidance}; 1 is the conditional prior itself, 2 to 4 sharpens it")
    if label is None and (guidance != 1 or classifier):
        raise ValueError(f"guidance of prior {name!r} has no effect without a label; give label= as well")
    return float(guidance)


def meant(guidance: float, kind: str = "label") -> str:
    """What a prior guided so draws, in words; ``kind`` is what was bound to it."""
    if guidance == 0:
        return f"the {kind} is not used: the prior without it"
    if guidance == 1:
        return f"the prior of this {kind} itself"
    if guidance < 0:
        return f"pictures that are less of the {kind} than those of the prior without it; no density stands behind them"
    if guidance < 1:
        return f"between the prior without the {kind} and the one with it; no density stands behind it"
    return f"pictures more typical of the {kind}, and less diverse, than those that have it; no density stands behind them"


def titled(name: str, label: str, guidance: float, classifier: bool) -> str:
    """The name of a prior with what is bound to it, as a selector."""
    told = [f"label={label}"] + [f"guidance={guidance:g}"] * (guidance != 1) + ["classifier=true"] * classifier
    return f"{name}[{','.join(told)}]"
