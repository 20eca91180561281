"""Compressed sensing: random combinations of all pixels, fewer than there are pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from problems.factories import simulated, streams
from problems.guessed import Transposed
from problems.images import as_tensor
from problems.operator import Operator, by_coefficient, checked_shape, circulant, conjugate_gradients, weigh
from problems.operators import size_of
from problems.problem import Problem
from problems.seeds import Seed, generator


class Compressed(Operator):
    """A random share of the coefficients of a cosine transform of the image with random signs (Do et al. 2012); the data are [B, C, M].

    Every datum holds something of every pixel. A A^T = I: signs and the orthonormal cosine transform (DCT-II) turn, the choice
    of M rows drops. The same rows and signs serve every channel.

    Raises:
        ValueError: a share that does not lie above 0 and up to 1, a bad shape.
    """

    uniform = True

    def __init__(self, share: float, image_shape: Sequence[int], rng: Seed = 0):
        self.image_shape = channels, height, width = checked_shape(image_shape)
        if not 0 < share <= 1:
            raise ValueError(f"share, of the coefficients that are measured, must lie above 0 and up to 1, not {share}")
        chosen, count = generator(rng), max(1, round(share * height * width))
        self.signs = torch.from_numpy(chosen.choice([-1.0, 1.0], (height, width)))
        self.measured = torch.from_numpy(np.sort(chosen.permutation(height * width)[:count]))
        self.data_shape = (channels, count)
        self.share = count / (height * width)

    @property
    def summary(self) -> str:
        return f"{len(self.measured)} random combinations of all {self.signs.numel()} pixels measured"

    def forward(self, x: Tensor) -> Tensor:
        return cosines(self.signs.to(x) * x).flatten(-2)[..., self.measured]

    def adjoint(self, y: Tensor) -> Tensor:
        whole = y.new_zeros(*y.shape[:-1], self.signs.numel())
        whole[..., self.measured] = y
        return self.signs.to(y) * cosines(whole.unflatten(-1, self.signs.shape), back=True)

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """Closed for one number c, since A^T A is a projection; else by conjugate gradients, for which A^T A is nearly its share."""
        if by_coefficient(c):
            gain = 1 / (self.share + c)
            return conjugate_gradients(lambda x: self.adjoint(self.forward(x)) + weigh(x, c), b, lambda r: circulant(r, gain))
        kept = self.adjoint(self.forward(b))
        return kept / (1 + c) + (b - kept) / c

    def correction(self, residual: Tensor, c: float | Tensor) -> Tensor:
        return super().correction(residual, c) if by_coefficient(c) else self.adjoint(residual) / (1 + c)

    def seen(self, pixel: Tensor) -> Tensor:
        return self.mixed(pixel)

    def as_image(self, y: Tensor) -> Tensor:
        """The least image with these data."""
        return self.adjoint(y)

    def __repr__(self) -> str:
        return f"Compressed({self.share:.1%} measured, {size_of(self.image_shape)})"


def cosines(x: Tensor, back: bool = False) -> Tensor:
    """The orthonormal cosine transform of each [H, W], in the precision of x, computed on the CPU; its transpose is its inverse."""
    return Transposed.apply(x, *((samples, waves) if back else (waves, samples)))


def waves(x: Tensor) -> Tensor:
    return torch.from_numpy(scipy.fft.dctn(x.cpu().numpy(), axes=(-2, -1), norm="ortho")).to(x.device)


def samples(x: Tensor) -> Tensor:
    return torch.from_numpy(scipy.fft.idctn(x.cpu().numpy(), axes=(-2, -1), norm="ortho")).to(x.device)


def compressed(image: Any, share: float = 0.25, noise_sigma: float = 0.02, rng: Seed = 0) -> Problem:
    """y = a random share of the coefficients of the picture with random signs + noise."""
    x = as_tensor(image)
    noise, chosen = streams(rng)
    return simulated("compressed", Compressed(share, x.shape[1:], chosen), x, noise_sigma, noise)
