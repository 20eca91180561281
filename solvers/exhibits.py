"""Samplers as they were published and are in use, each with the bias that a posterior known in closed form shows.

The papers' images lie in [-1, 1] and their noise is told in the variance-preserving form; here all is in ours (see
``schedules``). Nothing is clipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from priors.slot import Denoiser, name_of
from problems.operator import Operator, weigh
from solvers.loop import Iterate, Task, ancestral, loop, zeta
from solvers.schedules import SPAN, alpha_bar_of
from solvers.spectral import Spectral

ETA = 0.85  # share of fresh noise in DDRM and DDNM, as a standard deviation


def diffpir(task: Task) -> Iterator[Iterate]:
    """DiffPIR (Zhu et al. 2023, algorithm 1), lambda = 1: minimise, renew a share zeta of the noise.

    zeta = 1 for missing pixels, else 0.1, as in the authors' configurations. With ever more levels the variance of the
    samples tends to (1 + sqrt(1 - zeta)) / 2 of the posterior's, 0.5 or 0.97, and the mean converges slowly: the less noise is
    fresh, the longer the start keeps its influence.
    """
    share = 1.0 if masked(task.data.operator) else 0.1
    yield from loop(replace(task, method=replace(task.method, own=None, go_on=zeta(share))))


def ddrm(task: Task) -> Iterator[Iterate]:
    """DDRM (Kawar et al. 2022, equations 7 and 8), eta = 0.85, eta_b = 1: three rules, by the noise of a coefficient.

    Data enter anew at every level: under blur the mean drifts away the more levels there are, and the spread stays too small.
    Few levels miss the data by far more than their noise.
    """
    data, x, spectral = task.data, task.x, Spectral(task.data.operator)
    spoilt = data.noise_sigma * spectral.inverse  # noise of the data as noise of a coefficient
    y = spectral.coefficients(data.y)
    for sigma, after in task.descent():
        x0 = task.prior.denoise(x, sigma)
        known = torch.where(after >= spoilt, 1.0, math.sqrt(1 - ETA**2) * after / spoilt.clamp(min=1e-30))
        fresh = torch.where(after >= spoilt, (after**2 - spoilt**2).clamp(min=0).sqrt(), ETA * after)
        missing = math.sqrt(1 - ETA**2) * after / sigma * (x - x0) + ETA * after * task.white(x)
        c0 = spectral.coefficients(data.operator.forward(x0))
        measured = weigh(y - c0, known) + weigh(task.white(y), fresh)
        x = x0 + spectral.null(missing) + spectral.image(measured)
        yield Iterate(sigma, sigma, x0, x0, x)


def ddnm(task: Task) -> Iterator[Iterate]:
    """DDNM (Wang, Yu, Zhang 2023, algorithm 1), eta = 0.85: what was measured is replaced by A^+ y, noise and all."""
    data, x, spectral = task.data, task.x, Spectral(task.data.operator)
    for sigma, after in task.descent():
        x0 = task.prior.denoise(x, sigma)
        z = x0 + spectral.image(spectral.coefficients(data.y - data.operator.forward(x0)))
        b, q = zeta(ETA**2)(sigma, after)
        x = z + b * (x - z) + q * task.white(x)
        yield Iterate(sigma, sigma, x0, z, x)


def dps(task: Task) -> Iterator[Iterate]:
    """DPS (Chung et al. 2023, algorithm 1): an ancestral step, then one of length zeta down the gradient of |y - A D(x)|.

    zeta = 0.5 for missing pixels, else 0.3. Its length heeds neither the noise of the data nor their number, so the spread
    of what was measured is right by chance only.
    """
    data, x = task.data, task.x
    step = 0.5 if masked(data.operator) else 0.3
    for sigma, after in task.descent():
        seen, x0 = attentive(task.prior, x, sigma)
        with torch.enable_grad():
            distance = (data.y - data.operator.forward(x0)).flatten(1).norm(dim=1).sum()
        slope = gradient(task.prior, distance, seen)
        scale = SPAN * math.sqrt(alpha_bar_of(sigma) * alpha_bar_of(after))  # from x_VP before to x_VE after
        x0 = x0.detach()
        b, q = ancestral(sigma, after)
        pull = step / scale * slope
        x = x0 + b * (x - x0) + q * task.white(x) - pull
        yield Iterate(sigma, sigma, x0, x0 - pull, x, calls=2)


def pigdm(task: Task) -> Iterator[Iterate]:
    """Pseudoinverse guidance (Song et al. 2023, algorithm 1), with their adaptive weight r^2 and eta = 1.

    p(clean | x) is taken as a ball of variance r^2 = sigma^2 / (1 + sigma^2), as for images of variance one in [-1, 1]. The
    pull towards the data, (d D / d x)^T of the step that minimises, has the same length however short the way to the next
    level is: the more levels, the surer of the data.
    """
    data, x = task.data, task.x
    for sigma, after in task.descent():
        seen, x0 = attentive(task.prior, x, sigma)
        r = sigma * math.sqrt(alpha_bar_of(sigma))
        pull = gradient(task.prior, x0, seen, data.minimise(x0.detach(), r) - x0.detach())
        x0 = x0.detach()
        b, q = ancestral(sigma, after)
        x = x0 + b * (x - x0) + q * task.white(x) + pull
        yield Iterate(sigma, r, x0, x0 + pull, x, calls=2)


def repaint(task: Task) -> Iterator[Iterate]:
    """RePaint (Lugmayr et al. 2022, algorithm 1): known pixels overwritten at their level of noise, each level ten times.

    Between two turns at a level the image is led back up to it. The data count as free of noise.

    Raises:
        ValueError: an operator other than a mask of missing pixels.
    """
    data, x, turns = task.data, task.x, task.method.calls
    if not masked(data.operator):
        raise ValueError(f"method 'repaint' fills missing pixels and cannot undo {data.operator}; take another, such as 'annealed'")
    for sigma, after in task.descent():
        for turn in range(turns):
            if turn > 0:
                x = x + math.sqrt(sigma**2 - after**2) * task.white(x)
            x0 = task.prior.denoise(x, sigma)
            b, q = ancestral(sigma, after)
            x = x0 + b * (x - x0) + q * task.white(x)
            known = data.y + after * task.white(data.y)
            x = x + data.operator.adjoint(known - data.operator.forward(x))
        z = x0 + data.operator.adjoint(data.y - data.operator.forward(x0))
        yield Iterate(sigma, sigma, x0, z, x, calls=turns)


def masked(operator: Operator) -> bool:
    return hasattr(operator, "mask")


def attentive(prior: Denoiser, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    """x and D(x), which remembers how it came from x.

    Raises:
        ValueError: a prior that no gradient passes through.
    """
    with torch.enable_grad():
        seen = x.detach().requires_grad_()
        try:
            x0 = prior.denoise(seen, sigma)
        except RuntimeError as error:
            raise no_gradient(prior) from error
    if not x0.requires_grad:
        raise no_gradient(prior)
    return seen, x0


def no_gradient(prior: Denoiser) -> ValueError:
    return ValueError(f"no gradient passes through prior {name_of(prior)!r}, but 'dps' and 'pigdm' need one; take 'annealed'")


def gradient(prior: Denoiser, what: Tensor, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """(d what / d x)^T weight, where ``what`` came from x through the prior; raises as ``attentive``."""
    try:
        return torch.autograd.grad(what, x, weight)[0]
    except RuntimeError as error:  # the answer hangs on the prior's own parameters only, or what it needs was overwritten
        raise no_gradient(prior) from error
