"""Regression against refinement: what a network that was trained on pairs makes of a measurement, in one answer or in many.

No data step is taken here: the network saw in its training what such a measurement tells. So it is fast, it is right about the
operator it was trained for, and nothing holds it to the data of another one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from priors.slot import Denoiser
from problems.problem import Problem
from problems.seeds import Seed
from solvers.data import Measurement
from solvers.solve import check_whole
from solvers.streams import Streams
from solvers.unconditional import generate

WHITE = 0.25  # standard deviation of a pixel of photographs
STEPS = {"diffusion": 18, "flow": 12}  # of Heun's method, two calls each but the last


class Shown(Protocol):
    """A prior that is shown a picture in several arms (``priors.pictured.Pictured``).

    ``card`` tells ``reach``, ``jitter`` and for each of the ``arms`` its kind and whether it is shown the regression's answer.
    """

    @property
    def arms(self) -> Sequence[str]: ...

    @property
    def card(self) -> Mapping[str, Any]: ...

    def given(self, picture: Tensor, arm: str) -> Denoiser: ...


@dataclass(frozen=True)
class Refined:
    """What an arm made of a measurement: ``samples`` [n, C, H, W], one where it has a single answer; calls of the network for each."""

    arm: str
    shown: Tensor
    samples: Tensor
    calls: int
    seconds: float


def shown(problem: Problem) -> Tensor:
    """The measurement as a picture of the size of the image, [B, C, H, W]: what a network can be shown for any operator.

    The exact posterior mean under the weakest of priors, white pixels of standard deviation WHITE about the flat image that fits best:
    the least-squares picture where the data are good, the flat image where there are none.
    """
    data = Measurement(problem, 1)
    return data.minimise(data.flat(), WHITE)


def refine(problem: Problem, prior: Shown, arm: str, n: int = 16, rng: Seed = None, steps: int | None = None) -> Refined:
    """Answer one measurement with one arm of a network that was trained on pairs.

    The regression, and a flow that starts from the measurement itself, have a single answer whatever ``n``: nothing in them is
    drawn. Sample i depends on ``rng`` and on i alone. ``steps`` of Heun's method: STEPS by default.

    Raises:
        TypeError: a prior without arms.
        ValueError: an arm that it has not, several measurements at once, or a number that is none of samples or steps.
    """
    check_whole("n is the number of samples and", n)
    if steps is not None:
        check_whole("steps", steps)
    if not hasattr(prior, "arms"):
        raise TypeError(f"a {type(prior).__name__} has no arms to answer with; train one with priorbench train refine")
    if arm not in prior.arms:
        raise ValueError(f"the prior has no arm {arm!r}; give one of {', '.join(prior.arms)}")
    if len(problem.y) != 1:
        raise ValueError(f"{len(problem.y)} measurements cannot be refined at once; give them one by one")
    began, told, picture = time.perf_counter(), prior.card["arms"][arm], shown(problem)
    regression = told["from_regression"] or told["kind"] == "regression"
    with torch.no_grad():
        picture = regressed(prior, picture) if regression else picture
        samples, calls = (picture, 0) if told["kind"] == "regression" else chain(prior, arm, picture, n, rng, steps or STEPS[told["kind"]])
    return Refined(arm, picture, samples, calls + regression, time.perf_counter() - began)


def regressed(prior: Shown, picture: Tensor) -> Tensor:
    """The answer of the regression arm, one call."""
    return prior.given(picture, "regression").denoise(picture, prior.card["reach"])


def chain(prior: Shown, arm: str, picture: Tensor, n: int, rng: Seed, steps: int) -> tuple[Tensor, int]:
    """Samples [n, C, H, W] and calls for each: reverse diffusion from noise, or a flow from the picture."""
    bound, told, shape = prior.given(picture, arm), prior.card["arms"][arm], tuple(picture.shape[1:])
    if told["kind"] == "diffusion":
        drawn = generate(bound, shape, n, rng, "heun", steps)
        return drawn.samples, drawn.calls // n
    n = n if told["from_regression"] else 1
    levels = np.linspace(prior.card["reach"], 0, steps, endpoint=False).tolist()
    start = picture.expand(n, -1, -1, -1)
    if told["from_regression"]:
        start = start + prior.card["jitter"] * Streams(rng, n, 1).normal(shape, picture)
    drawn = generate(bound, shape, n, rng, "heun", levels=levels, start=start)
    return drawn.samples, drawn.calls // n
