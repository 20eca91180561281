"""Whether an answer fits its data as one should; no truth is needed for it.

The truth leaves a misfit of about 1, and an estimate less, since it fits part of the noise too. How much less depends on the
problem more than on the prior: 0.1 for a wide blur, 0.99 for pixels that have hardly any noise. ``expected_misfit`` computes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real

import torch
from torch import Tensor

from priors.gaussian import Gaussian
from priors.slot import Denoiser
from problems.problem import Problem
from solvers.data import Covariance, Measurement

# On twelve problems (blurs, factors, masks; total variation and a network; hqs and admm at strengths from 0.03 to 10) answers
# whose misfit was LOW below the expected one were 0.7 to 19 dB worse than the best, those above 1 + HIGH 0.7 to 6 dB.
LOW, HIGH = 0.05, 0.25
CERTAIN = 4  # standard deviations of a misfit over the noise
STILL = 3 / 255  # root mean square change over the second half of the turns: limit cycles of networks and of block matching stay below
BEYOND = 0.02  # how far outside [0, 1] a pixel is counted as saturated
CONDITIONS = {"picture": "the picture that the prior was shown", "label": "the label that the prior was told"}
SATURATED = 0.05  # of the pixels: digits have 2 % at guidance 10, where they are strokes still, and 17 % at 20, where they are not


def expected_misfit(problem: Problem) -> float:
    """The misfit of the exact posterior mean, if the scene were Gaussian with the covariance C that photographs have.

    It is s^2 trace((A C A^T + s^2)^-1) / m, the trace estimated by one random probe (Hutchinson 1990). Priors that know more of
    pictures than their spectrum leave more.
    """
    data, shape = Measurement(problem), problem.operator.image_shape
    covariance = Covariance(torch.ones(1, 1, *shape[1:]).to(data.y), Gaussian().density(shape, data.y.dtype, data.y.device).sqrt())
    probe = torch.randn(data.y[:1].shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(data.y)
    left = probe - problem.operator.forward(data.correction(probe, covariance))
    return float((probe * left).mean() / probe.square().mean())


def doubts(problem: Problem, answers: Tensor, moved: float | None, strong: bool, condition: str = "") -> Iterator[str]:
    """What speaks against ``answers`` [n, B, C, H, W], of which the worst of the B problems counts, one sentence each.

    ``moved`` is the root mean square change over the second half of the turns of a method that should come to rest, None for
    others; ``strong`` says whether the method has a strength, ``condition`` what was bound to the prior (``condition_of``).
    """
    found = torch.stack([Measurement(problem).misfit(x) for x in answers]).mean(0)
    slack = CERTAIN * math.sqrt(2 / problem.y[0].numel())
    low, high = expected_misfit(problem) - max(LOW, slack), 1 + max(HIGH, slack)
    if float(found.min()) < low:
        remedy = "give a larger strength or check" if strong else "check"
        yield f"misfit {float(found.min()):.2g}, expected above {low:.2g}: it fits the noise; {remedy} noise_sigma"
    if float(found.max()) > high:
        remedy = ("give a smaller strength or check" if strong else "check") + (f" {CONDITIONS[condition]}," if condition else "")
        other = "" if strong else "; if both are right, the prior errs by more than it tells"
        told = f"misfit {float(found.max()):.2g}, expected below {high:.3g}: it does not explain the data"
        yield f"{told}; {remedy} noise_sigma and operator{other}"
    if moved is not None and moved > STILL:
        yield f"it moved by {255 * moved:.2g}/255 in the second half of its turns: it has not settled; give more steps"


def guidance_of(prior: Denoiser) -> float:
    """How many times a condition bound to it counts; 1 where none is."""
    weight = getattr(prior, "guidance", 1.0)
    return float(weight) if isinstance(weight, Real) else 1.0


def condition_of(prior: Denoiser) -> str:
    """Which of CONDITIONS is bound to a prior, "" where none is."""
    return next((kind for kind in CONDITIONS if getattr(prior, kind, None) is not None), "")


def asked_too_much(prior: Denoiser) -> str:
    return f"guidance {guidance_of(prior):g} asks more of the {condition_of(prior) or 'label'} than the prior bears"


def overdriven(prior: Denoiser, answers: Tensor) -> Iterator[str]:
    """A sentence where guidance drives ``answers`` out of the range of pictures. Only of guided priors: others may well leave it."""
    weight, share = guidance_of(prior), float(((answers - 0.5).abs() > 0.5 + BEYOND).double().mean())
    if weight not in (0, 1) and share > SATURATED:
        yield f"{share:.0%} of the pixels lie outside [0, 1]: {asked_too_much(prior)}; give less"
