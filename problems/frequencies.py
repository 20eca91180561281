"""Some frequencies of a picture: magnetic resonance imaging with a single coil, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from problems.factories import simulated, streams
from problems.images import as_tensor
from problems.masks import as_mask
from problems.operator import Map, Operator, checked_shape, circulant
from problems.operators import on_cpu, size_of
from problems.problem import Problem
from problems.seeds import Seed, generator

CENTRE = 0.3  # of the measured lines are the lowest frequencies, without a gap
FALL = 2.0  # the density of the others falls as (1 - |frequency| / highest)^FALL


class Fourier(Operator):
    """Coefficients of the orthonormal Fourier transform of a real image, where ``mask`` [H, W] is true in the layout of ``fft2``.

    The data [B, C, 2, M] hold real and imaginary part of M coefficients, each with noise of its own. A real image has the same
    value, conjugate, at opposite frequencies: A^T A is a convolution, with a gain of 1 where both were measured, 1/2 where one was.

    Raises:
        ValueError: a mask of another size than the image, or with nothing measured.
        TypeError: a mask that does not hold bools.
    """

    uniform = True

    def __init__(self, mask: Any, image_shape: Sequence[int]):
        self.image_shape = channels, height, width = checked_shape(image_shape)
        self.sampled = torch.from_numpy(as_mask(mask))
        if self.sampled.shape != (height, width):
            raise ValueError(f"the mask is {size_of(self.sampled)}, but the image has {height}x{width} frequencies; make it for this image")
        self.measured = self.sampled.flatten().nonzero()[:, 0]
        self.data_shape = (channels, 2, len(self.measured))
        opposite = self.sampled.flip(0, 1).roll((1, 1), (0, 1))
        self.power = ((self.sampled.double() + opposite.double()) / 2)[:, : width // 2 + 1]

    @property
    def summary(self) -> str:
        return f"{100 * len(self.measured) / self.sampled.numel():.3g} % of the frequencies measured"

    @property
    def picture(self) -> np.ndarray:
        """The mask [H, W], the frequency zero in the middle: 1 where a coefficient is measured."""
        return np.fft.fftshift(self.sampled.double().numpy())

    def forward(self, x: Tensor) -> Tensor:
        found = torch.fft.fft2(x, norm="ortho").flatten(-2)[..., self.measured]
        return torch.stack([found.real, found.imag], -2)

    def adjoint(self, y: Tensor) -> Tensor:
        whole = torch.zeros(*y.shape[:-2], self.sampled.numel(), dtype=y.dtype.to_complex(), device=y.device)
        whole[..., self.measured] = torch.complex(y[..., 0, :], y[..., 1, :])
        return torch.fft.ifft2(whole.unflatten(-1, self.sampled.shape), norm="ortho").real

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        return circulant(b, 1 / (self.power + on_cpu(c)))

    def correction(self, residual: Tensor, c: float | Tensor) -> Tensor:
        """Where nothing was measured exactly zero, which a small c would not divide by."""
        return circulant(self.adjoint(residual), torch.where(self.power > 0, 1 / (self.power + on_cpu(c)), 0.0))

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        """By Woodbury's identity (1 - A (A^T A + c S^-1)^-1 A^T) / c, exact."""
        gain = 1 / (self.power + on_cpu(c) / on_cpu(spectrum))
        return lambda b: (b - self.forward(circulant(self.adjoint(b), gain))) / c

    def seen(self, pixel: Tensor) -> Tensor:
        return self.mixed(pixel)

    def as_image(self, y: Tensor) -> Tensor:
        """The image whose other frequencies are zero."""
        return circulant(self.adjoint(y), torch.where(self.power > 0, 1 / self.power, 0.0))

    def __repr__(self) -> str:
        return f"Fourier({len(self.measured) / self.sampled.numel():.1%} measured, {size_of(self.image_shape)})"


def lines(shape: Sequence[int], share: float = 0.25, rng: Seed = 0) -> np.ndarray:
    """Whole rows of frequencies, bools [H, W] in the layout of ``fft2``, denser at low frequencies (Lustig, Donoho, Pauly 2007).

    Exactly the share of the rows is measured, rounded to a row, at least one: CENTRE of them the lowest, the others drawn.

    Raises:
        ValueError: a share that does not lie above 0 and up to 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share, of the lines that are measured, must lie above 0 and up to 1, not {share}")
    height, width = shape
    count = max(1, round(share * height))
    distance = np.abs(np.fft.fftfreq(height))
    low = np.argsort(distance, kind="stable")[: max(1, round(CENTRE * count))]
    density = (1 - distance / 0.5 + 1 / height) ** FALL
    density[low] = 0
    mask = np.zeros((height, width), dtype=bool)
    mask[low] = True
    if count > len(low):
        mask[generator(rng).choice(height, count - len(low), replace=False, p=density / density.sum())] = True
    return mask


def fourier(image: Any, share: float = 0.25, noise_sigma: float = 0.02, rng: Seed = 0) -> Problem:
    """y = real and imaginary parts of a share of the lines of frequencies + noise on each; see ``lines``."""
    x = as_tensor(image)
    noise, chosen = streams(rng)
    return simulated("fourier", Fourier(lines(x.shape[-2:], share, chosen), x.shape[1:]), x, noise_sigma, noise)
