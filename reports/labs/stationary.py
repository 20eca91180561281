"""A stationary Gaussian prior and its posteriors, written out in the layout of fft2 as the labs write them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from priors.gaussian import GREY, MEAN
from problems import Problem

# Brightness varies by 0.05 to 0.2 between pictures of 64 and of 16 pixels, as between details of photographs; by far more with the
# catalogue's knee, made for whole ones.
LAW = replace(GREY[0], knee=1 / 64)


@dataclass(frozen=True)
class Stationary:
    """A Gaussian prior: every coefficient of fft2 has the variance ``power`` [H, W], in units where white noise of standard deviation
    sigma has sigma^2, about a picture that is ``grey`` everywhere."""

    grey: float
    power: Tensor

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], by the Wiener filter."""
        return self.grey + filtered(x - self.grey, self.power / (self.power + sigma**2))

    def error(self, sigma: float) -> Tensor:
        """The standard deviation of what ``denoise`` errs by, in each coefficient: [H, W]."""
        return (self.power * sigma**2 / (self.power + sigma**2)).sqrt()


def stationary(size: int) -> Stationary:
    """What the catalogue's Gaussian prior believes of square pictures of ``size``."""
    rows, columns = (torch.fft.fftfreq(size, dtype=torch.float64) for _ in range(2))
    return Stationary(MEAN, LAW.power * (rows[:, None] ** 2 + columns**2 + LAW.knee**2) ** (-LAW.slope / 2))


def response(problem: Problem) -> Tensor:
    """What a blur multiplies each coefficient of a square picture by, [H, W] complex."""
    half, size = problem.operator.transfer.to(torch.complex128), problem.y.shape[-1]
    return torch.fft.fft2(torch.fft.irfft2(half, s=(size, size))).view(size, size)


def filtered(x: Tensor, gain: Tensor) -> Tensor:
    """Multiply the coefficients of pictures [n, 1, H, W] by ``gain`` [H, W]."""
    return torch.fft.ifft2(gain * torch.fft.fft2(x)).real


def variances(h: Tensor, noise_sigma: float, power: Tensor) -> Tensor:
    """Of the posterior's coefficients, [H, W]."""
    return 1 / (h.abs() ** 2 / noise_sigma**2 + 1 / power)


def exact_posterior(y: Tensor, h: Tensor, noise_sigma: float, grey: float, power: Tensor) -> tuple[Tensor, float]:
    """Its mean [n, 1, H, W] and the standard deviation of a pixel."""
    variance = variances(h, noise_sigma, power)
    mean = grey + filtered(y - filtered(torch.full_like(y, grey), h), variance * h.conj() / noise_sigma**2)
    return mean, float(variance.mean().sqrt())


def minimise(x0: Tensor, y: Tensor, h: Tensor, noise_sigma: float, width: Tensor | float) -> Tensor:
    """The data step: where |A z - y|^2 / noise_sigma^2 + |z - x0|^2 / width^2 is smallest."""
    gain = h.conj() * width**2 / (h.abs() ** 2 * width**2 + noise_sigma**2)
    return x0 + filtered(y - filtered(x0, h), gain)


def data_draw(
    x0: Tensor, y: Tensor, h: Tensor, noise_sigma: float, width: Tensor | float, white_x: Tensor, white_y: Tensor
) -> Tensor:  # fmt: skip
    """The data step as a draw: both terms disturbed, then minimised (Papandreou, Yuille 2010)."""
    return minimise(x0 + filtered(white_x, as_gain(width, h)), y + noise_sigma * white_y, h, noise_sigma, width)


def as_gain(width: Tensor | float, h: Tensor) -> Tensor:
    return width * torch.ones_like(h.real)
