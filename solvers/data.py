"""The data step: how a believed image meets the measurement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from problems.operator import circulant, conjugate_gradients
from problems.problem import Problem
from solvers.streams import Streams

HIDDEN = 0.03  # of the noise to come is what a draw may miss the data by before it
CLOSE = 1e-2  # of the data's residual is left by the inner conjugate gradients: that moves a draw by less of its spread

CLOSER = 3e-5  # of the whitened residual: that moves a draw by 5 % of its spread at most at levels up to 1; above, noise hides it


@dataclass(frozen=True)
class Covariance:
    """diag(pixel) S diag(pixel): how far an image may be off, pixel by pixel [B, 1 or C, H, W] and by frequency.

    S is circulant; the square of ``spectrum`` [1 or 3, H, W // 2 + 1] holds its eigenvalues.
    """

    pixel: Tensor
    spectrum: Tensor

    @cached_property
    def power(self) -> Tensor:
        """The eigenvalues of S."""
        return self.spectrum**2

    def root(self, white: Tensor) -> Tensor:
        """L w with L L^T the covariance: white noise to an error."""
        return self.pixel * circulant(white, self.spectrum)

    def times(self, x: Tensor) -> Tensor:
        return self.pixel * circulant(self.pixel * x, self.power)

    def __truediv__(self, factor: float) -> Covariance:
        return Covariance(self.pixel / factor, self.spectrum)


Width = float | Tensor | Covariance


def perturbation(white: Tensor, width: Width) -> Tensor:
    """White noise [B, C, H, W] to noise of a width."""
    if isinstance(width, Covariance):
        return width.root(white)
    return circulant(white, width) if isinstance(width, Tensor) else width * white


def size(width: Width) -> float:
    """Root mean square over pixels or frequencies."""
    if isinstance(width, Covariance):
        return size(width.pixel) * size(width.spectrum)
    return float(width.square().mean().sqrt()) if isinstance(width, Tensor) else width


class Measurement:
    """y, repeated for ``n`` samples, and the three data steps.

    All are steps on F(z) = |A z - y|^2 / (2 s^2) + |z - x0|^2 / (2 width^2) with s the noise of the measurement. ``width``
    is one standard deviation for all, one per Fourier coefficient, [C, H, W // 2 + 1] in the layout of rfft2, or a Covariance.
    """

    def __init__(self, problem: Problem, n: int = 1):
        self.operator, self.noise_sigma = problem.operator, problem.noise_sigma
        self.y = problem.y.repeat(n, *[1] * (problem.y.ndim - 1))

    def minimise(self, x0: Tensor, width: Width, y: Tensor | None = None, after: float = 0.0) -> Tensor:
        """argmin F, written as a correction of x0: what is not measured then stays exactly as believed.

        Noise of the level ``after`` will be added to it, so that conjugate gradients may stop earlier.
        """
        if isinstance(width, float) and width == 0:
            return x0
        residual = self.residual(x0) if y is None else y - self.operator.forward(x0)
        if isinstance(width, Covariance):
            return x0 + self.correction(residual, width, HIDDEN * after)
        return x0 + self.operator.correction(residual, (self.noise_sigma / width) ** 2)

    def correction(self, residual: Tensor, width: Covariance, enough: float = 0.0) -> Tensor:
        """C A^T (A C A^T + s^2)^-1 residual, by conjugate gradients in the space of the data, where the residual is known.

        They end when CLOSE of it is left, or a root mean square of ``enough``.

        They are preconditioned by the inverse of D (A S A^T + s^2 / d^2) D, which treats A and diag(pixel) as if they commuted;
        D^2 is the variance of the pixel, seen through A, plus that of the noise.
        """
        if self.operator.gram_gain is not None:
            return self.whitened(residual, width, self.operator.gram_gain)
        own = self.operator.seen(width.pixel).square().add(self.noise_sigma**2).sqrt()
        floor = self.noise_sigma**2 / width.pixel.square().mean((1, 2, 3), keepdim=True)  # one for each image of the batch

        def matvec(v: Tensor) -> Tensor:
            return self.operator.forward(width.times(self.operator.adjoint(v))) + self.noise_sigma**2 * v

        inverse = self.operator.gram_inverse(width.power, floor)
        v = conjugate_gradients(matvec, residual, lambda r: inverse(r / own) / own, CLOSE, enough)
        return width.times(self.operator.adjoint(v))

    def whitened(self, residual: Tensor, width: Covariance, gain: Tensor) -> Tensor:
        """L (L^T A^T A L + s^2)^-1 L^T A^T residual with C = L L^T, by conjugate gradients in the space of images.

        They are preconditioned as if A^T A were a convolution of these gains, and diag(pixel) its root mean square.
        """
        variance = width.pixel.square().mean((1, 2, 3), keepdim=True)
        inverse = 1 / (gain.to(width.power) * width.power * variance + self.noise_sigma**2)

        def matvec(u: Tensor) -> Tensor:
            seen = self.operator.adjoint(self.operator.forward(width.root(u)))
            return circulant(width.pixel * seen, width.spectrum) + self.noise_sigma**2 * u

        b = circulant(width.pixel * self.operator.adjoint(residual), width.spectrum)
        return width.root(conjugate_gradients(matvec, b, lambda r: circulant(r, inverse), CLOSER))

    def draw(self, x0: Tensor, width: Width, noise: Streams, after: float = 0.0) -> Tensor:
        """An exact draw from exp(-F): perturb both terms by their own noise, then minimise (Papandreou, Yuille 2010)."""
        fresh = perturbation(noise.normal(x0.shape[1:], x0), width)
        return self.minimise(x0 + fresh, width, self.y + self.noise_sigma * noise.normal(self.y.shape[1:], self.y), after)

    def descend(self, x0: Tensor, width: float) -> Tensor:
        """A gradient step of length width^2 on the data term alone."""
        return x0 + (width / self.noise_sigma) ** 2 * self.operator.adjoint(self.residual(x0))

    def residual(self, x: Tensor) -> Tensor:
        """y - A x; of fewer images than samples, such as the means of pairs, as many measurements are taken."""
        return self.y[: len(x)] - self.operator.forward(x)

    def misfit(self, x: Tensor) -> Tensor:
        """|A x - y|^2 / (m s^2) for each image: about 1 where x explains the data up to their noise."""
        return (self.residual(x) / self.noise_sigma).square().flatten(1).mean(1)

    def flat(self) -> Tensor:
        """The constant image that fits the data best: the start of every method, and the least any answer must beat."""
        ones = self.y.new_ones((1, *self.operator.image_shape))
        response = self.operator.forward(ones)
        level = (response * self.y).flatten(1).sum(1) / response.square().sum()
        return level[:, None, None, None] * ones

    def norm(self, steps: int = 30) -> float:
        """Largest eigenvalue of A^T A, by power iteration from a fixed start."""
        shape = (1, *self.operator.image_shape)
        x = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(self.y)
        for _ in range(steps):
            x = self.operator.adjoint(self.operator.forward(x / x.norm()))
        return float(x.norm())
