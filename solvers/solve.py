"""Estimate or sample: the two calls that run the loop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from priors.slot import Denoiser, checked, name_of
from problems.names import unknown
from problems.problem import Problem
from problems.seeds import Seed
from solvers.bands import octaves
from solvers.data import Measurement, size
from solvers.fit import asked_too_much, guidance_of
from solvers.loop import Iterate, Method, Task
from solvers.methods import METHODS
from solvers.result import Diverged, Result
from solvers.streams import Place, Streams, streams

OUT_OF_BOUNDS = 3.0  # root mean square distance from mid-grey that no answer in [0, 1] comes near


def solve(
    problem: Problem,
    prior: Denoiser,
    method: str = "hqs",
    strength: float = 1.0,
    steps: int | None = None,
    levels: Sequence[float] | None = None,
    pairs: int | None = None,
    rng: Seed | Place = 0,
) -> Result:
    """Estimate the image behind a measurement.

    Args:
        strength: how many times the prior's energy counts against the data. 1 is right for a denoiser that is right about its
            level: at 1 the fixed point of "admm" and "pgd" is the exact posterior mean of a Gaussian prior and the mode of one
            with an energy; "hqs" has the lambda of DPIR there.
        steps: number of levels of the method's own schedule.
        levels: a schedule of one's own in place of it, standard deviations in pixel units.
        pairs: how many antithetic pairs of draws "mean" averages.
        rng: int, numpy or torch Generator, None, or the ``Place`` of a tile; decides the draws of "mean", other estimates draw nothing.

    Raises:
        ValueError: unknown method, a method that samples, an option that the method has not, or a number out of range.
        Diverged: the iteration left all bounds, or its answer explains the data worse than a flat image does.
    """
    check_problem(problem)
    chosen = named(method, samples=False)
    check_pairs(method, chosen, pairs, strength)
    noise = streams(rng, 2 * (pairs or chosen.pairs), len(problem.y), mirrored=True) if chosen.pairs else None
    return run(problem, prior, method, strength, steps, levels, noise)


def sample(
    problem: Problem,
    prior: Denoiser,
    n: int = 16,
    rng: Seed | Place = None,
    method: str = "annealed",
    steps: int | None = None,
    levels: Sequence[float] | None = None,
) -> Result:
    """Draw ``n`` answers to one measurement from p(x | y), as the prior and the noise have it.

    ``rng`` is an int, a numpy or torch Generator, or None; sample i depends on it and on i alone. Where ``prior.mmse`` is
    false the draws are a heuristic: no density stands behind them.

    Raises:
        ValueError: unknown method, a method that estimates, or a number out of range.
        Diverged: as in ``solve``.
    """
    check_whole("n is the number of samples and", n)
    check_problem(problem)
    named(method, samples=True)
    return run(problem, prior, method, 1.0, steps, levels, streams(rng, n, len(problem.y)))


def run(
    problem: Problem, prior: Denoiser, name: str, strength: float, steps: int | None, levels: Sequence[float] | None, noise: Streams | None
) -> Result:
    began, method = time.perf_counter(), METHODS[name]
    trace: list[dict[str, Any]] = []
    calls = 0
    with torch.no_grad():
        task, flat = prepared(problem, prior, name, strength, steps, levels, noise)
        data, answer, halfway = task.data, flat, flat
        for iterate in task.iterates():
            calls += len(iterate.x) // len(problem.y) * iterate.calls
            before, answer = answer, iterate.believed if method.answer == "believed" else iterate.measured
            trace.append(record(data, iterate, answer, before))
            halfway = answer if 2 * len(trace) <= len(task.levels) else halfway
            check_bounds(answer, trace, name, prior, iterate.sigma)
    check_fit(data, answer, flat, trace, name, prior)
    parts = answer.view(-1, len(problem.y), *answer.shape[1:])  # samples, means of pairs, or the one estimate
    config = {"strength": strength, "levels": list(task.levels), "n": noise.n if noise else None, "seed": noise.root if noise else None}
    samples, pairs = parts if method.samples else None, parts if method.pairs else None
    moved = float((answer - halfway[: len(answer)]).square().mean().sqrt())
    seconds = time.perf_counter() - began
    return Result(problem, prior, name, parts.mean(0), samples, tuple(trace), config, seconds, calls, pairs, moved)


def prepared(
    problem: Problem, prior: Denoiser, name: str, strength: float, steps: int | None, levels: Sequence[float] | None, noise: Streams | None
) -> tuple[Task, Tensor]:
    """What the method ``name`` is given, and the flat image that its answer must beat; raises as ``solve``."""
    check_positive("strength", strength)
    trusted, method, data = checked(prior), METHODS[name], Measurement(problem, noise.n if noise else 1)
    schedule = check_steps(levels, steps) or method.levels(data, trusted, strength, steps or method.steps)
    if method.falling and levels is not None:
        check_fall(schedule, name)
    flat = data.flat()
    start = begin(data, flat, schedule[0], strength * method.balance, noise)
    return Task(data, trusted, method, schedule, start, strength, noise), flat


def check_problem(problem: object) -> Problem:
    if not isinstance(problem, Problem):
        raise TypeError(f"{type(problem).__name__} is no problem; make one, such as problems.deblur(image)")
    return problem


def check_positive(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{what} must be a positive number, not {value!r}; give one, such as 1.0")
    if not 0 < float(value) < math.inf:
        raise ValueError(f"{what} must be a positive number, not {value}")


def check_whole(what: str, value: Any) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{what} must be a whole number, not {value!r}; give one, such as 16")
    if value < 1:
        raise ValueError(f"{what} must be at least 1, not {value}")


def check_pairs(name: str, method: Method, pairs: Any, strength: float) -> None:
    """
    Raises:
        TypeError, ValueError: pairs that cannot be, or an option that the method has not.
    """
    if pairs is not None:
        check_whole("pairs", pairs)
        if not method.pairs:
            raise ValueError(f"pairs belongs to the method 'mean', not to {name!r}; leave it out")
    if method.pairs and strength != 1:
        raise ValueError(f"method {name!r} has no strength: it averages draws of the posterior; leave strength out")


def check_steps(levels: Sequence[float] | None, steps: int | None) -> list[float]:
    """The schedule given, if any, as a list.

    Raises:
        TypeError, ValueError: levels or steps that cannot be, or both.
    """
    if steps is not None:
        check_positive("steps", steps)
        check_whole("steps", steps)
        if levels is not None:
            raise ValueError("steps is the length of the method's own schedule and has no effect on levels; give one of the two")
    if levels is None:
        return []
    if isinstance(levels, str) or not isinstance(levels, Iterable) or len(given := list(levels)) == 0:
        raise ValueError("levels is empty or no list; give at least one noise level, or leave it out for the method's own schedule")
    for sigma in given:
        check_positive("every level", sigma.item() if isinstance(sigma, Tensor) and sigma.numel() == 1 else sigma)
    return [float(sigma) for sigma in given]


def check_fall(levels: Sequence[float], name: str) -> None:
    if any(after > sigma for sigma, after in pairwise(levels)):
        raise ValueError(f"levels must fall, from noise to image, for method {name!r}; sort them, the largest first")


def begin(data: Measurement, flat: Tensor, sigma: float, strength: float, noise: Streams | None) -> Tensor:
    """The same start for every prior: mostly the flat image, met with the measurement once, or drowned in noise to be sampled."""
    if noise is not None:
        return flat + sigma * noise.normal(flat.shape[1:], flat)
    return data.minimise(data.operator.start(data.y, flat), sigma / strength**0.5)


def record(data: Measurement, iterate: Iterate, answer: Tensor, before: Tensor) -> dict[str, Any]:
    return {
        "sigma": iterate.sigma,
        "width": size(iterate.width),
        "misfit": float(data.misfit(answer).mean()),
        "change": float((answer - before[: len(answer)]).square().mean().sqrt()),
        "bands": octaves(iterate.believed[0]),
    }


def check_bounds(answer: Tensor, trace: list[dict[str, Any]], name: str, prior: Denoiser, sigma: float = 0.0) -> None:
    distance = float((answer - 0.5).square().mean((1, 2, 3)).max().sqrt())
    if not distance < OUT_OF_BOUNDS + sigma:  # an image under noise may lie as far off as the noise
        raise Diverged(
            f"{name} with prior {name_of(prior)!r} diverged at level {len(trace)} (pixels {distance:.3g} from mid-grey); "
            f"{remedy(name, prior)}", trace)  # fmt: skip


def remedy(name: str, prior: Denoiser) -> str:
    """What may keep a method within bounds."""
    if abs(weight := guidance_of(prior)) > 1:
        return f"{asked_too_much(prior)}: give less, such as {math.copysign(min(2, abs(weight) / 2), weight):g}"
    strong = name in METHODS and not (METHODS[name].samples or METHODS[name].pairs)
    return "give a larger strength, or other levels" if strong else "give more steps, or other levels"


def check_fit(data: Measurement, answer: Tensor, flat: Tensor, trace: list[dict[str, Any]], name: str, prior: Denoiser) -> None:
    misfit, drawn = data.misfit(answer), METHODS[name].samples or METHODS[name].pairs
    strength = "" if drawn else "a smaller strength, or "
    if bool((misfit > data.misfit(flat[: len(answer)]).clamp(min=2.0)).any()):
        raise Diverged(
            f"{name} with prior {name_of(prior)!r} ended on an image that explains the data worse than a flat one "
            f"(misfit {float(misfit.max()):.3g}); give {strength}levels that end lower", trace)  # fmt: skip


def named(name: str, samples: bool) -> Method:
    fitting = [known for known, method in METHODS.items() if method.samples == samples]
    if name in fitting:
        return METHODS[name]
    if name in list(METHODS):
        raise ValueError(f"method {name!r} belongs to solvers.{'solve' if samples else 'sample'}; known here: {', '.join(fitting)}")
    raise ValueError(unknown("method", name, METHODS))
