"""Colours that were not measured: a grey picture of a coloured scene, and a sensor behind a Bayer filter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from problems.factories import simulated, streams
from problems.images import LUMINANCE, as_tensor
from problems.operator import OPPONENT, Map, Operator, by_coefficient, checked_shape, circulant, weigh
from problems.operators import Inpainting, size_of
from problems.problem import Problem
from problems.seeds import Seed

WEIGHTS = {"luminance": LUMINANCE, "mean": (1 / 3, 1 / 3, 1 / 3)}
PATTERNS = ("rggb", "bggr", "grbg", "gbrg")  # two rows of two pixels, as on the sensor


class Colorization(Operator):
    """One grey value of every pixel, the sum of its colours by ``weights`` (red, green, blue); the data are [B, 1, H, W].

    Raises:
        ValueError: grey images, or weights that are not three finite numbers with a positive sum.
    """

    def __init__(self, weights: Any, image_shape: Sequence[int]):
        self.image_shape = coloured("colorize", image_shape)
        self.data_shape = (1, *self.image_shape[1:])
        self.weights = torch.tensor(as_weights(weights), dtype=torch.float64)

    @property
    def summary(self) -> str:
        return f"one grey value of every pixel measured, {', '.join(f'{w:.3g}' for w in self.weights)} of red, green and blue"

    def forward(self, x: Tensor) -> Tensor:
        return (self.weights.to(x)[:, None, None] * x).sum(-3, keepdim=True)

    def adjoint(self, y: Tensor) -> Tensor:
        return self.weights.to(y)[:, None, None] * y

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """By Woodbury's identity; in double precision, since its terms cancel."""
        x = weigh(b.double(), 1 / c)
        return (x - self.correction(self.forward(x), c)).to(b.dtype)

    def correction(self, residual: Tensor, c: float | Tensor) -> Tensor:
        """C^-1 A^T (I + A C^-1 A^T)^-1 residual, where A C^-1 A^T is one number for each frequency and nothing cancels."""
        if not by_coefficient(c):
            return self.adjoint(residual) / (self.weights.square().sum().to(residual) + c)
        return weigh(self.adjoint(circulant(residual, 1 / (1 + self.seen_power(1 / c)))), 1 / c)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        gain = 1 / (self.seen_power(spectrum) + c)
        return lambda b: circulant(b, gain)

    def seen_power(self, spectrum: Tensor) -> Tensor:
        """A S A^T by frequency, [1, H, W // 2 + 1]: the sum of the components of S by the squared weights of the opponent colours."""
        turned = torch.tensor(OPPONENT).to(spectrum) @ self.weights.to(spectrum)
        return (turned.square()[:, None, None] * spectrum).sum(-3, keepdim=True)

    def start(self, y: Tensor, flat: Tensor) -> Tensor:
        """The grey picture: from a flat one the data, which weigh green most, would lead to a green one, which many priors keep."""
        return self.as_image(y)

    def as_image(self, y: Tensor) -> Tensor:
        """The grey picture, in three equal channels."""
        return (y / self.weights.sum().to(y)).expand(*y.shape[:-3], 3, -1, -1)

    def __repr__(self) -> str:
        return f"Colorization({size_of(self.image_shape)} -> {size_of(self.data_shape)})"


class Demosaicing(Inpainting):
    """One colour of every pixel, by a Bayer ``pattern``; the data are [B, 1, H, W]. ``mask`` [3, H, W] is true where a colour is measured.

    A A^T = I. Solved pointwise, for a circulant C as missing pixels are.

    Raises:
        ValueError: grey images, or an unknown pattern.
    """

    has_holes = False  # every 2 x 2 pixels hold all three colours

    def __init__(self, image_shape: Sequence[int], pattern: str = "rggb"):
        self.image_shape = _, height, width = coloured("demosaic", image_shape)
        if pattern not in PATTERNS:
            raise ValueError(f"unknown Bayer pattern {pattern!r}; give one of {', '.join(PATTERNS)}")
        self.pattern, self.data_shape = pattern, (1, height, width)
        colour = torch.tensor(["rgb".index(letter) for letter in pattern]).view(2, 2)
        tiled = colour[torch.arange(height)[:, None] % 2, torch.arange(width) % 2]
        self.mask = tiled == torch.arange(3)[:, None, None]

    @property
    def summary(self) -> str:
        return f"one colour of every pixel measured, through a Bayer filter {self.pattern.upper()}"

    @property
    def picture(self) -> None:
        return None

    def forward(self, x: Tensor) -> Tensor:
        return (self.mask.to(x) * x).sum(-3, keepdim=True)

    def unpacked(self, y: Tensor, missing: float) -> Tensor:
        return torch.where(self.mask.to(y.device), y, missing)

    def as_image(self, y: Tensor) -> Tensor:
        """Each pixel in the colour that it was measured in."""
        return self.adjoint(y)

    def __repr__(self) -> str:
        return f"Demosaicing({self.pattern.upper()}, {size_of(self.image_shape)})"


def colorize(image: Any, weights: Any = "luminance", noise_sigma: float = 0.02, rng: Seed = 0) -> Problem:
    """y = the weighted sum of red, green and blue + noise; ``weights`` are "luminance", "mean", a text "0.3:0.6:0.1" or three numbers."""
    x = as_tensor(image)
    return simulated("colorize", Colorization(weights, x.shape[1:]), x, noise_sigma, streams(rng)[0])


def demosaic(image: Any, pattern: str = "rggb", noise_sigma: float = 0.02, rng: Seed = 0) -> Problem:
    """y = one colour of every pixel, by a Bayer pattern (two rows of two letters), + noise."""
    x = as_tensor(image)
    return simulated("demosaic", Demosaicing(x.shape[1:], pattern), x, noise_sigma, streams(rng)[0])


def coloured(name: str, image_shape: Sequence[int]) -> tuple[int, int, int]:
    shape = checked_shape(image_shape)
    if shape[0] != 3:
        raise ValueError(f"{name} needs a picture with 3 channels, and this one is grey; give a colour picture, or --channels 3")
    return shape


def as_weights(weights: Any) -> list[float]:
    """Three numbers from a name, a text such as "0.3:0.6:0.1", or any three numbers."""
    given = WEIGHTS.get(weights, weights.split(":")) if isinstance(weights, str) else weights
    try:
        found = [float(w) for w in given]
    except (TypeError, ValueError):
        found = []
    if len(found) != 3 or not np.isfinite(found).all() or not 0 < sum(found) < 1e3:
        raise ValueError(f"weights are {' or '.join(WEIGHTS)}, or three numbers with a positive sum, such as 0.3:0.6:0.1, not {weights!r}")
    return found
