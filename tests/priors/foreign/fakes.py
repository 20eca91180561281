"""Networks that answer exactly, in the convention of another library: E[clean | x] of the Gaussian prior, the Wiener filter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

import priors

GAUSSIAN = priors.load("gaussian")
Denoise = Callable[[Tensor, float], Tensor]


def wiener(black: float = 0.0, white: float = 1.0) -> Denoise:
    """The filter for images and noise in a range of pixels."""

    def denoise(u: Tensor, sigma: float) -> Tensor:
        width = white - black
        return black + width * GAUSSIAN.denoise((u - black) / width, sigma / width)

    return denoise


def one(sigma: Any) -> float:
    """The level of a batch of one, however it is told."""
    return float(sigma.reshape(-1)[0]) if isinstance(sigma, Tensor) else sigma


class Diffusers:
    """A UNet2DModel: x_t = sqrt(alpha_bar) (clean + sigma epsilon) at step t, on images in [-1, 1].

    Between two steps the level is taken as linear in log sigma. It takes sides that are multiples of 8 and no others.
    """

    def __init__(self, sigmas: Tensor, prediction: str, variance: bool = False, config: Mapping[str, Any] | None = None):
        self.sigmas, self.prediction, self.variance = sigmas.double(), prediction, variance
        self.config = {"in_channels": 1, "block_out_channels": (8, 8, 8, 8)} | dict(config or {})
        self.asked: list[float] = []

    def __call__(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> SimpleNamespace:
        assert x.shape[-1] % 8 == x.shape[-2] % 8 == 0
        assert t.shape == (len(x),)
        self.asked.append(one(t))
        below = min(int(one(t)), len(self.sigmas) - 2)
        share = one(t) - below
        sigma = math.exp((1 - share) * math.log(self.sigmas[below]) + share * math.log(self.sigmas[below + 1]))
        scale = 1 / math.sqrt(1 + sigma**2)
        clean = wiener(-1, 1)(x / scale, sigma)
        epsilon = (x / scale - clean) / sigma
        answers = {"sample": clean, "epsilon": epsilon, "v_prediction": scale * epsilon - scale * sigma * clean}
        found = answers[self.prediction]
        return SimpleNamespace(sample=torch.cat([found, 7 * x], 1) if self.variance else found)
