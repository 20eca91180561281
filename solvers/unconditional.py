"""What does a prior believe an image looks like? Reverse diffusion with nothing measured."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from priors.slot import Denoiser, checked, name_of
from problems.names import unknown
from problems.seeds import Seed
from solvers.data import Measurement, Width
from solvers.fit import overdriven
from solvers.loop import Iterate, Method, Task, ancestral, ddim
from solvers.schedules import geometric
from solvers.solve import check_bounds, check_fall, check_steps, check_whole
from solvers.streams import Streams

PURE_NOISE = 80.0  # hides even the brightness of a 64x64 image, whose Fourier coefficient has a standard deviation near 10
DEFAULT_TOP = 2.5  # ten standard deviations of natural images: at lower levels a noisy image still shows its content
FINEST = 1 / 255


class Nothing(Measurement):
    """No measurement at all: the data step leaves what is believed as it is."""

    def __init__(self) -> None:
        pass

    def minimise(self, x0: Tensor, width: Width, y: Tensor | None = None, after: float = 0.0) -> Tensor:
        return x0


def heun(task: Task) -> Iterator[Iterate]:
    """The probability flow by Heun's second-order steps, the last one Euler's (Karras et al. 2022, algorithm 1)."""
    x = task.x
    for sigma, after in task.descent():
        x0 = task.prior.denoise(x, sigma)
        slope = (x - x0) / sigma
        ahead = x + (after - sigma) * slope
        if after > 0:
            slope = (slope + (ahead - task.prior.denoise(ahead, after)) / after) / 2
        x = x + (after - sigma) * slope
        yield Iterate(sigma, sigma, x0, x0, x, calls=2 if after > 0 else 1)


def multistep(task: Task) -> Iterator[Iterate]:
    """DPM-Solver++(2M): ``ddim`` steps from x0 extrapolated to the middle of the step in log sigma (Lu et al. 2022, algorithm 2)."""
    x = task.x
    before, last = x, 0.0  # believed image of the level before, and the length of the step that left it
    for sigma, after in task.descent():
        x0 = task.prior.denoise(x, sigma)
        step = math.log(sigma / after) if after > 0 else 0.0
        z = x0 + step / (2 * last) * (x0 - before) if last > 0 else x0
        x = z + after / sigma * (x - z)
        before, last = x0, step
        yield Iterate(sigma, sigma, x0, z, x)


def from_noise(data: Measurement, prior: Denoiser, strength: float, steps: int) -> list[float]:
    """From the loudest to the finest level that the prior was made for, at most from 80 (2.5 if it does not say) to 1/255.

    Constant ratios: of all schedules here they spread the error of every method most evenly over the scales of an image.
    """
    low, high = getattr(prior, "sigma_range", (0.0, DEFAULT_TOP))
    if high < DEFAULT_TOP:
        raise ValueError(
            f"prior {name_of(prior)!r} was made for sigma up to {high:g}, but sampling starts from pure noise, {DEFAULT_TOP:g} at least; "
            "take another prior, or give levels to see what it makes of less"
        )
    return geometric(min(PURE_NOISE, high), max(FINEST, low), steps)


# Steps: those that bring the spread of the Gaussian prior to within 3 % (first order) or 1 % (second order).
GENERATORS = {
    "ddpm": Method("ancestral sampling (DDPM, Ho, Jain, Abbeel 2020)", from_noise, 200, go_on=ancestral, samples=True),
    "ddim": Method("probability flow by Euler steps (DDIM, Song et al. 2021)", from_noise, 100, go_on=ddim, samples=True),
    "heun": Method("probability flow by Heun's steps (Karras et al. 2022)", from_noise, 35, own=heun, samples=True),
    "dpm++": Method("DPM-Solver++(2M), multistep (Lu et al. 2022)", from_noise, 35, own=multistep, samples=True),
}


@dataclass(frozen=True)
class Generated:
    """Images that a prior believes in, ``samples`` [n, C, H, W], not clipped.

    ``trace`` has one record per level: sigma, and rms, the distance of the believed images from mid-grey. ``calls`` counts
    the images denoised. Where ``heuristic`` is true the prior is no E[clean | x]: what it fixes upon is shown, but no
    density stands behind it.
    """

    prior: Denoiser
    method: str
    samples: Tensor
    trace: tuple[Mapping[str, float], ...]
    config: Mapping[str, Any]
    seconds: float
    calls: int

    @property
    def heuristic(self) -> bool:
        return not getattr(self.prior, "mmse", False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the samples, a sentence each: guidance that drives them out of the range of pictures."""
        return tuple(overdriven(self.prior, self.samples))


def generate(
    prior: Denoiser,
    shape: Sequence[int] = (1, 64, 64),
    n: int = 16,
    rng: Seed = None,
    method: str = "heun",
    steps: int | None = None,
    levels: Sequence[float] | None = None,
    start: Tensor | None = None,
) -> Generated:
    """Draw ``n`` images of ``shape`` (channels, height, width) from the prior itself.

    Starts from the prior's ``mean``, or mid-grey, plus noise of the first level. Where that level s does not drown all
    there is to see, the spread of a component of standard deviation c comes out too small by 1 / sqrt(1 + c^2 / s^2), and
    the mean leans to the start: brightness, whose c is near 0.17 x the side in pixels, is the first to suffer. Sample i
    depends on ``rng`` (as in ``sample``) and on i alone. "ddim" is also the probability-flow Euler method: in the
    variance-exploding form the two are one. A ``start`` [n, C, H, W] takes the place of that noise, and its own ``levels`` belong
    to it: of a prior that was trained on the way from such pictures to images it makes a rectified flow (``priors.pairs``).

    Raises:
        TypeError: a start that is no float tensor.
        ValueError: unknown method, a number out of range, a start of another shape, without levels or not finite, or a prior that
            does not know pure noise.
        Diverged: the images left all bounds.
    """
    began = time.perf_counter()
    trace: list[dict[str, float]] = []
    calls = 0
    with torch.no_grad():
        task = started(prior, shape, n, rng, method, steps, levels, start)
        for iterate in task.iterates():
            trace.append({"sigma": iterate.sigma, "rms": float((iterate.believed - 0.5).square().mean().sqrt())})
            calls += n * iterate.calls
    check_bounds(iterate.x, trace, method, prior)
    config = {"levels": list(task.levels), "n": n, "seed": task.noise.root if task.noise else None}
    return Generated(prior, method, iterate.x, tuple(trace), config, time.perf_counter() - began, calls)


def check_start(start: Tensor | None, shape: Sequence[int], levels: Sequence[float] | None) -> None:
    if start is None:
        return
    if not isinstance(start, Tensor) or not start.is_floating_point():
        raise TypeError("a start is a float tensor [n, C, H, W]; problems.as_tensor makes one of any picture")
    if levels is None or tuple(start.shape) != tuple(shape):
        raise ValueError(f"a start is [n, C, H, W] = {list(shape)} and comes with its levels, not {list(start.shape)}; give both")
    if not bool(start.isfinite().all()):
        raise ValueError("the start holds NaN or infinite values; fill what is not known of it")


def started(
    prior: Denoiser, shape: Sequence[int], n: int, rng: Seed, method: str, steps: int | None, levels: Sequence[float] | None,
    start: Tensor | None = None,
) -> Task:  # fmt: skip
    """What a generator is given, from the first noise on; raises as ``generate``."""
    check_whole("n is the number of samples and", n)
    if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
        raise ValueError(f"shape is (channels, height, width) of one image, with 1 or 3 channels, not {tuple(shape)}")
    trusted, chosen, noise = checked(prior), generator(method), Streams(rng, n, 1)
    check_start(start, (n, *shape), levels)
    schedule = check_steps(levels, steps) or chosen.levels(Nothing(), trusted, 1.0, steps or chosen.steps)
    check_fall(schedule, method)
    if start is None:
        start = mean_of(prior) + schedule[0] * noise.normal(shape, torch.empty(0, dtype=torch.float32))
    return Task(Nothing(), trusted, chosen, schedule, start, 1.0, noise)


def mean_of(prior: Denoiser) -> float | Tensor:
    """The mean of the prior's images, or mid-grey.

    Raises:
        TypeError: a member ``mean`` that is something else.
    """
    mean = getattr(prior, "mean", 0.5)
    if not isinstance(mean, Real | Tensor):
        raise TypeError(f"prior {name_of(prior)!r} has a member mean that is no grey value; rename it, or make it a number such as 0.5")
    return mean  # type: ignore[return-value]


def generator(name: str) -> Method:
    if name not in list(GENERATORS):
        raise ValueError(unknown("method", name, GENERATORS))
    return GENERATORS[name]
