"""Pictures without periodic borders: the camera saw a window of a larger scene, or a scene that is taken to go on as its mirror.

A photograph that is blurred, or reduced, was made of light from beyond its borders too. Deconvolved as if it were periodic, it
shows ripples that run far into the picture. With an unknown border the scene is larger than the picture and the operator crops
(Almeida, Figueiredo 2013); what lies outside is restored too, and left out of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from problems.operator import Filter, Map, Operator, by_coefficient, circulant, conjugate_gradients, weigh

BOUNDARIES = ("unknown", "circular", "reflect")
EXACT = 3e-3  # of a residual is left by a data step; 1e-4 moves no answer by 0.01 dB and costs twice the time
CANCELLED = 1e-8  # where most digits cancel


class Window(Operator):
    """A blur, or a blur and decimation, of a scene, of whose data only a window is known: an unknown border.

    ``inner`` measures the whole scene as if it were periodic; of its data ``margin`` = (top, bottom, left, right) pixels are
    cut off, at least as many as the kernel reaches. ``scene`` are the slices of the scene that lie behind the window.

    Raises:
        ValueError: a margin that leaves nothing.
    """

    def __init__(self, inner: Filter, margin: tuple[int, int, int, int]):
        top, bottom, left, right = margin
        channels, height, width = inner.data_shape
        if min(margin) < 0 or top + bottom >= height or left + right >= width:
            raise ValueError(f"a margin of {margin} pixels leaves nothing of {height}x{width} data; make the scene larger")
        self.inner, self.image_shape = inner, inner.image_shape
        self.data_shape = (channels, height - top - bottom, width - left - right)
        self.kept = (..., slice(top, height - bottom), slice(left, width - right))
        factor = inner.factor
        self.scene = (..., slice(factor * top, factor * (height - bottom)), slice(factor * left, factor * (width - right)))

    @property
    def summary(self) -> str:
        return f"{self.inner.summary}, the border unknown"

    @property
    def picture(self) -> np.ndarray | None:
        return self.inner.picture

    def forward(self, x: Tensor) -> Tensor:
        return self.inner.forward(x)[self.kept]

    def adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.padded(y))

    def padded(self, y: Tensor) -> Tensor:
        """Data of the window among zeros."""
        whole = y.new_zeros(*y.shape[:-2], *self.inner.data_shape[1:])
        whole[self.kept] = y
        return whole

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """By Woodbury's identity (C^-1 - C^-1 A^T (I + A C^-1 A^T)^-1 A C^-1) b, in double precision, since its terms cancel."""
        prior = 1 / (c.double() if isinstance(c, Tensor) else c)
        x = weigh(b.double(), prior)
        return (x - weigh(self.adjoint(self.inverted(self.forward(x), prior, CANCELLED)), prior)).to(b.dtype)

    def correction(self, residual: Tensor, c: float | Tensor) -> Tensor:
        """C^-1 A^T (I + A C^-1 A^T)^-1 residual, which is the same as (A^T A + C)^-1 A^T and nothing cancels in it."""
        prior = 1 / c
        return weigh(self.adjoint(self.inverted(residual, prior)), prior)

    def inverted(self, b: Tensor, prior: float | Tensor, tolerance: float | None = None) -> Tensor:
        """(I + A C^-1 A^T)^-1 b, by conjugate gradients in the space of the data, preconditioned by the window of the periodic inverse."""
        spectrum = prior if by_coefficient(prior) else b.new_full(flat(self.image_shape), float(prior))

        def matvec(v: Tensor) -> Tensor:
            return v + self.forward(weigh(self.adjoint(v), prior))

        return conjugate_gradients(matvec, b, self.gram_inverse(spectrum, 1.0), tolerance or EXACT)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        """The window of the inverse in place of the inverse of the window: a good approximation but near the border."""
        inverse = self.inner.gram_inverse(spectrum, c)
        return lambda b: inverse(self.padded(b))[self.kept]

    def __repr__(self) -> str:
        return f"Window({'x'.join(map(str, self.data_shape))} of {self.inner!r})"


class Mirrored(Operator):
    """A blur, or a blur and decimation, of a scene that goes on as its mirror beyond the border, the edge repeated.

    ``inner`` measures the picture with its three mirror images, twice as high and wide, as if that were periodic.
    """

    def __init__(self, inner: Filter):
        channels, height, width = inner.image_shape
        rows, columns = inner.data_shape[1:]
        self.inner, self.image_shape = inner, (channels, height // 2, width // 2)
        self.data_shape = (channels, rows // 2, columns // 2)

    @property
    def summary(self) -> str:
        return f"{self.inner.summary}, mirrored at the border"

    @property
    def picture(self) -> np.ndarray | None:
        return self.inner.picture

    def forward(self, x: Tensor) -> Tensor:
        _, rows, columns = self.data_shape
        return self.inner.forward(unfolded(x))[..., :rows, :columns]

    def adjoint(self, y: Tensor) -> Tensor:
        whole = y.new_zeros(*y.shape[:-2], *self.inner.data_shape[1:])
        whole[..., : y.shape[-2], : y.shape[-1]] = y
        return folded(self.inner.adjoint(whole))

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """By conjugate gradients, preconditioned by the cosine transform: exact where kernel and C are symmetric about both axes."""
        share = self.data_shape[-1] / self.image_shape[-1] * self.data_shape[-2] / self.image_shape[-2]
        gain = 1 / (share * symmetric(self.inner.power) + (self.doubled(c) if by_coefficient(c) else c))
        _, height, width = self.image_shape

        def matvec(x: Tensor) -> Tensor:
            return self.adjoint(self.forward(x)) + weigh(x, c)

        def guide(r: Tensor) -> Tensor:
            return circulant(unfolded(r), gain)[..., :height, :width]

        return conjugate_gradients(matvec, b, guide, EXACT)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        if self.inner.factor > 1:
            return super().gram_inverse(spectrum, c)
        gain = 1 / (symmetric(self.inner.power) * self.doubled(spectrum) + (c.cpu() if isinstance(c, Tensor) else c))
        return lambda b: circulant(unfolded(b), gain)[..., : b.shape[-2], : b.shape[-1]]

    def doubled(self, c: Tensor) -> Tensor:
        """A spectrum [.., H, W // 2 + 1] at the frequencies of an image twice as high and wide, interpolated linearly."""
        c = c.cpu()
        rows = torch.stack([c, (c + c.roll(-1, -2)) / 2], -2).flatten(-3, -2)
        beyond = rows[..., -1:] if self.image_shape[-1] % 2 else rows[..., :0]  # of odd widths half the sampling rate is no frequency
        rows = torch.cat([rows, beyond], -1)
        between = (rows[..., :-1] + rows[..., 1:]) / 2
        whole = torch.cat([torch.stack([rows[..., :-1], between], -1).flatten(-2), rows[..., -1:]], -1)
        return whole[..., : self.image_shape[-1] + 1]

    def __repr__(self) -> str:
        return f"Mirrored({self.inner!r})"


def symmetric(power: Tensor) -> Tensor:
    """The mean of an even spectrum [.., 2 H, W + 1] and its mirror image: that of a kernel symmetric about both axes."""
    return (power + power.flip(-2).roll(1, -2)) / 2


def flat(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape of a spectrum of images, the same for every channel."""
    _, height, width = image_shape
    return 1, height, width // 2 + 1


def unfolded(x: Tensor) -> Tensor:
    """[.., H, W] with its mirror images below, beside and both: [.., 2 H, 2 W]."""
    x = torch.cat([x, x.flip(-2)], -2)
    return torch.cat([x, x.flip(-1)], -1)


def folded(x: Tensor) -> Tensor:
    """The adjoint of ``unfolded``: mirror images added up."""
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    x = x[..., :width] + x[..., width:].flip(-1)
    return x[..., :height, :] + x[..., height:, :].flip(-2)


def check(boundary: str) -> None:
    """
    Raises:
        ValueError: none of the BOUNDARIES.
    """
    if boundary not in BOUNDARIES:
        raise ValueError(f"unknown boundary {boundary!r}; give one of {', '.join(BOUNDARIES)}")
