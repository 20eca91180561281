"""Estimate or sample: the two calls that run the loop."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from priors.slot import Denoiser, name_of
from problems.problem import Problem
from solvers.bands import octaves
from solvers.data import Measurement, size
from solvers.loop import Iterate, Method, loop
from solvers.methods import METHODS
from solvers.result import Diverged, Result
from solvers.streams import Seed, Streams

OUT_OF_BOUNDS = 3.0  # root mean square distance from mid-grey that no answer in [0, 1] comes near


def solve(
    problem: Problem,
    prior: Denoiser,
    method: str = "hqs",
    strength: float = 1.0,
    steps: int | None = None,
    levels: Sequence[float] | None = None,
) -> Result:
    """Estimate the image behind a measurement.

    Args:
        strength: how many times the prior's energy counts against the data (lambda in the papers).
        steps: number of levels of the method's own schedule.
        levels: a schedule of one's own in place of it, standard deviations in pixel units.

    Raises:
        ValueError: unknown method, a method that samples, or a number out of range.
        Diverged: the iteration left all bounds, or its answer explains the data worse than a flat image does.
    """
    return run(problem, prior, method, strength, steps, levels, None)


def sample(
    problem: Problem,
    prior: Denoiser,
    n: int = 16,
    rng: Seed = None,
    method: str = "annealed",
    steps: int | None = None,
    levels: Sequence[float] | None = None,
) -> Result:
    """Draw ``n`` answers to one measurement from p(x | y), as the prior and the noise have it.

    ``rng`` is an int, a numpy Generator or None (SPEC 7); sample i depends on it and on i alone. Where ``prior.mmse`` is
    false the draws are a heuristic: no density stands behind them.

    Raises:
        ValueError: unknown method, a method that estimates, or a number out of range.
        Diverged: as in ``solve``.
    """
    if n < 1:
        raise ValueError(f"n is the number of samples and must be at least 1, not {n}")
    return run(problem, prior, method, 1.0, steps, levels, Streams(rng, n, len(problem.y)))


def run(
    problem: Problem, prior: Denoiser, name: str, strength: float, steps: int | None, levels: Sequence[float] | None, noise: Streams | None
) -> Result:
    check_types(problem, prior)
    began, method, n = time.perf_counter(), named(name, samples=noise is not None), noise.n if noise else 1
    data = Measurement(problem, n)
    schedule = checked(levels, strength, steps) or method.levels(data, prior, strength, steps or method.steps)
    trace: list[dict[str, Any]] = []
    calls = 0
    with torch.no_grad():
        answer = flat = data.flat()
        start = begin(data, flat, schedule[0], strength, noise)
        for iterate in (method.own or loop)(data, prior, method, schedule, start, strength, noise):
            calls += n * iterate.calls
            before, answer = answer, iterate.believed if method.answer == "believed" else iterate.measured
            trace.append(record(data, iterate, answer, before))
            check_bounds(answer, trace, name, prior, iterate.sigma)
    check_fit(data, answer, flat, trace, name, prior)
    samples = answer.view(n, len(problem.y), *answer.shape[1:])
    config = {"strength": strength, "levels": schedule, "n": n if noise else None, "seed": noise.root if noise else None}
    seconds = time.perf_counter() - began
    return Result(problem, prior, name, samples.mean(0), samples if noise else None, tuple(trace), config, seconds, calls)


def check_types(problem: Problem, prior: Denoiser) -> None:
    """What a caller mixes up, in one sentence."""
    if not isinstance(problem, Problem):
        raise TypeError(f"{type(problem).__name__} is no problem; make one, such as problems.deblur(image)")
    if isinstance(prior, str | type) or not callable(getattr(prior, "denoise", None)):
        raise TypeError(f"{prior!r} is no prior; give an object with denoise(x, sigma), such as priors.load('tv')")


def checked(levels: Sequence[float] | None, strength: float, steps: int | None) -> list[float]:
    """The schedule given, if any, as a list; or a ValueError for what cannot be."""
    if levels is not None and len(levels) == 0:
        raise ValueError("levels is empty; give at least one noise level, or leave it out for the method's own schedule")
    given = [float(sigma) for sigma in levels] if levels is not None else []
    for what, value in (("strength", strength), ("steps", 1 if steps is None else steps), *(("every level", sigma) for sigma in given)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{what} must be a positive number, not {value}")
    return given


def begin(data: Measurement, flat: Tensor, sigma: float, strength: float, noise: Streams | None) -> Tensor:
    """The same start for every prior: the flat image, met with the measurement once, or drowned in noise to be sampled."""
    if noise is not None:
        return flat + sigma * noise.normal(flat.shape[1:], flat)
    return data.minimise(flat, sigma / strength**0.5)


def record(data: Measurement, iterate: Iterate, answer: Tensor, before: Tensor) -> dict[str, Any]:
    return {
        "sigma": iterate.sigma,
        "width": size(iterate.width),
        "misfit": float(data.misfit(answer).mean()),
        "change": float((answer - before).square().mean().sqrt()),
        "bands": octaves(iterate.believed[0]),
    }


def check_bounds(answer: Tensor, trace: list[dict[str, Any]], name: str, prior: Denoiser, sigma: float = 0.0) -> None:
    distance = float((answer - 0.5).square().mean((1, 2, 3)).max().sqrt())
    if not distance < OUT_OF_BOUNDS + sigma:  # an image under noise may lie as far off as the noise
        raise Diverged(
            f"{name} with prior {name_of(prior)!r} diverged at level {len(trace)} (pixels {distance:.3g} from mid-grey); "
            "give a larger strength, or other levels", trace)  # fmt: skip


def check_fit(data: Measurement, answer: Tensor, flat: Tensor, trace: list[dict[str, Any]], name: str, prior: Denoiser) -> None:
    misfit = data.misfit(answer)
    if bool((misfit > data.misfit(flat).clamp(min=2.0)).any()):
        raise Diverged(
            f"{name} with prior {name_of(prior)!r} ended on an image that explains the data worse than a flat one "
            f"(misfit {float(misfit.max()):.3g}); give a smaller strength, or levels that end lower", trace)  # fmt: skip


def named(name: str, samples: bool) -> Method:
    fitting = [known for known, method in METHODS.items() if method.samples == samples]
    if name in fitting:
        return METHODS[name]
    if name in METHODS:
        raise ValueError(f"method {name!r} belongs to solvers.{'solve' if samples else 'sample'}; known here: {', '.join(fitting)}")
    close = difflib.get_close_matches(name, METHODS, n=1)
    raise ValueError(f"unknown method {name!r}; " + (f"did you mean {close[0]!r}?" if close else f"known: {', '.join(METHODS)}"))
