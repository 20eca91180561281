"""A sampler for tests that shares nothing with ours: it knows the energy and the data, and no denoiser."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from problems.operator import Operator


def metropolis(
    energy: Callable[[Tensor], Tensor], operator: Operator, y: Tensor, noise_sigma: float, chains: int, steps: int, step: float
) -> Tensor:
    """Draws from p(x | y), [.., C, H, W]: Langevin proposals, accepted or not (MALA, Roberts, Tweedie 1996).

    They start from anywhere; the second half of every chain is kept, one in ten.
    """
    noise = torch.Generator().manual_seed(2)

    def normal() -> Tensor:
        return torch.randn((chains, *operator.image_shape), generator=noise, dtype=torch.float64)

    def potential(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        value = energy(x) + (operator.forward(x) - y).square().flatten(1).sum(1) / (2 * noise_sigma**2)
        return value.detach(), torch.autograd.grad(value.sum(), x)[0]

    x, kept = 0.5 + 0.3 * normal(), []
    value, slope = potential(x)
    for k in range(steps):
        ahead = x - step * slope + math.sqrt(2 * step) * normal()
        value_ahead, slope_ahead = potential(ahead)
        there = (ahead - x + step * slope).square().flatten(1).sum(1)
        back = (x - ahead + step * slope_ahead).square().flatten(1).sum(1)
        accept = (value - value_ahead + (there - back) / (4 * step)).exp() > torch.rand(chains, generator=noise, dtype=torch.float64)
        wide = accept[:, None, None, None]
        x, slope = torch.where(wide, ahead, x), torch.where(wide, slope_ahead, slope)
        value = torch.where(accept, value_ahead, value)
        if k >= steps // 2 and k % 10 == 0:
            kept.append(x)
    return torch.cat(kept)
