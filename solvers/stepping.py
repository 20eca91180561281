"""Any method step by step, for those who want to watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from priors.slot import Denoiser
from problems.names import unknown
from problems.problem import Problem
from problems.seeds import Seed
from solvers.loop import Iterate, Task
from solvers.methods import METHODS
from solvers.solve import check_pairs, check_positive, check_problem, check_whole, prepared
from solvers.streams import Streams, streams
from solvers.unconditional import GENERATORS, started


def steps(
    problem: Problem | Sequence[int],
    prior: Denoiser,
    method: str = "annealed",
    n: int = 1,
    rng: Seed = 0,
    steps: int | None = None,
    levels: Sequence[float] | None = None,
    strength: float = 1.0,
    start: Tensor | None = None,
) -> Iterator[Iterate]:
    """Go through a method level by level: ``for step in solvers.steps(problem, prior, "hqs"): step.believed ...``

    Each step has the level ``sigma``, the clean image that the prior ``believed`` in, that image once it has met the data,
    ``measured``, and ``x``, which goes on to the next level; all images are [n * B, C, H, W]. The last step's believed or
    measured image (``METHODS[method].answer``) is, to the last bit, what ``solve`` and ``sample`` answer, and its x what
    ``generate`` answers. A step is computed when it is asked for, and no answer is judged: one that diverges is shown doing so.

    Args:
        problem: a measurement; or the shape (channels, height, width) of images where nothing is measured, for a method of ``GENERATORS``.
        n: samples of a method that samples; pairs of them for "mean"; other methods estimate one image.
        rng, steps, levels, strength: as in ``solve``, ``sample`` and ``generate``.
        start: as in ``generate``, where nothing is measured.

    Raises:
        ValueError: unknown method, an option that the method has not, a number out of range.
        TypeError: no problem and no shape, or no prior.
    """
    with torch.no_grad():
        return walked(taken(problem, prior, method, n, rng, steps, levels, strength, start))


def taken(
    problem: Problem | Sequence[int], prior: Denoiser, name: str, n: int, rng: Seed, steps: int | None,
    levels: Sequence[float] | None, strength: float, start: Tensor | None = None,
) -> Task:  # fmt: skip
    """What the method ``name`` is given; raises as ``steps``."""
    check_whole("n is the number of samples and", n)
    if isinstance(problem, tuple | list):
        check_strength(name, strength)
        return started(prior, problem, n, rng, name, steps, levels, start)
    measured = check_problem(problem)
    if start is not None:
        raise ValueError("with a measurement every method has its own start; leave start out")
    if name not in list(METHODS):
        told = "; it measures nothing: give the shape of the images, such as (1, 64, 64), in place of the problem"
        raise ValueError(f"method {name!r} is unconditional{told}" if name in list(GENERATORS) else unknown("method", name, METHODS))
    return prepared(measured, prior, name, strength, steps, levels, drawn(name, n, rng, len(measured.y), strength))[0]


def drawn(name: str, n: int, rng: Seed, batch: int, strength: float) -> Streams | None:
    """The noise of a method, None for one that estimates without."""
    method = METHODS[name]
    if method.samples:
        check_strength(name, strength)
        return streams(rng, n, batch)
    if method.pairs:
        check_pairs(name, method, n, strength)
        return streams(rng, 2 * n, batch, mirrored=True)
    if n != 1:
        raise ValueError(f"method {name!r} estimates one image; leave n out, or take one that samples, such as 'annealed'")
    return None


def check_strength(name: str, strength: float) -> None:
    check_positive("strength", strength)
    if strength != 1:
        raise ValueError(f"method {name!r} samples and has no strength; leave strength out")


@torch.no_grad()
def walked(task: Task) -> Iterator[Iterate]:
    """The steps as they are asked for; what the caller does between them keeps its gradients."""
    yield from task.iterates()
