"""Measured or conjured: how much of each detail a measurement fixed at its noise, and how much a prior has to supply.

For y = A x + N(0, s^2) and a Gaussian prior of covariance C the posterior mean answers a change of the truth by R times it,

    R = (A^T A + s^2 C^-1)^-1 A^T A = I - (A^T A + c)^-1 c     with c = s^2 C^-1,

the resolution or averaging kernel matrix (Backus, Gilbert 1968; Rodgers 2000): all that is needed is ``Operator.unmeasured``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from problems.operator import Operator, circulant, turn

SPACING = 8  # pixels between the ones of a probe: R is close to zero at larger distances
LABELS = ("measured", "inferred", "conjured")


@dataclass(frozen=True)
class Resolution:
    """R of an operator at a noise level, against a prior of spectral density ``power``.

    ``pixel`` [C, H, W] and ``spectrum`` [1 or 3, H, W // 2 + 1] are the diagonals of R over pixels and over Fourier
    coefficients: 1 is measured, 0 is conjured. Where ``power`` has three components, so have both, brightness first.
    """

    operator: Operator
    noise_sigma: float
    power: Tensor
    pixel: Tensor
    spectrum: Tensor

    @property
    def share(self) -> float:
        """Degrees of freedom that the data fixed, as a share of all: trace R / pixels (Rodgers 2000)."""
        return float(self.pixel.mean())

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R x, x - R x): the measured and the conjured part of a deviation x [B, C, H, W] from the prior's mean."""
        conjured = self.operator.unmeasured(x, self.noise_sigma**2 / self.power.to(x))
        return x - conjured, conjured

    def energy(self, x: Tensor, parts: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Shares [B] of the energy of x that are measured and conjured: between 0 and 1, with sum 1.

        In the norm x^T C^-1 x of the prior, in which R is self-adjoint and every Fourier coefficient of a typical image
        counts alike; for draws from the prior the measured share is ``share`` on average. The norm of pixels would
        count little but brightness, and R is not self-adjoint in it. ``parts`` are what ``split(x)`` gave, where it was asked.
        """
        shares = [(circulant(x, 1 / self.power) * part).flatten(1).sum(1) for part in parts or self.split(x)]
        return shares[0] / sum(shares), shares[1] / sum(shares)


def resolution(operator: Operator, noise_sigma: float, power: Tensor, spacing: int = SPACING, seed: int = 0) -> Resolution:
    """What ``operator`` measures of an image at noise of standard deviation ``noise_sigma``.

    ``power`` [1 or 3, H, W // 2 + 1] is the variance of each orthonormal Fourier coefficient under the prior, in the layout
    of rfft2; its dtype is that of the answer. R is probed by random signs on every ``spacing``-th pixel (Hutchinson 1990;
    Tang, Saad 2012): exact where the image is no larger than that, or, for the spectrum, where R is a convolution; elsewhere
    what leaks from one probed pixel to the next comes in as noise, 0.005 rms a pixel at worst in our tests. Of a ``uniform`` operator
    all pixels get the mean share of theirs, since such leaks are large there.

    Raises:
        ValueError: a noise level or a power that is not positive, or a power of another shape than the operator's images.
    """
    channels, height, width = operator.image_shape
    if not noise_sigma > 0:
        raise ValueError(f"noise_sigma must be a positive number, not {noise_sigma}")
    if tuple(power.shape) not in ((1, height, width // 2 + 1), (channels, height, width // 2 + 1)):
        raise ValueError(f"power has shape {list(power.shape)}, but the operator needs [1 or {channels}, {height}, {width // 2 + 1}]")
    if not bool((power > 0).all()):
        raise ValueError("power must be positive at every frequency; a prior that excludes one leaves nothing to be measured there")
    z, by_colour = probes(operator.image_shape, spacing, seed).to(power), len(power) == 3
    x = turn(z, back=True) if by_colour else z
    answer = x - operator.unmeasured(x, noise_sigma**2 / power)
    answer = turn(answer) if by_colour else answer
    pixel = (z * answer).sum(0)
    if operator.uniform and spacing < max(height, width):  # what leaks from one probed pixel to the next averages out
        pixel = pixel.mean((-2, -1), keepdim=True).expand_as(pixel).contiguous()
    return Resolution(operator, noise_sigma, power, pixel, diagonal(z, answer, len(power)))


def probes(image_shape: tuple[int, int, int], spacing: int, seed: int) -> Tensor:
    """Signs on combs that share no pixel and together hold all, one channel at a time: [n, C, H, W]."""
    channels, height, width = image_shape
    rows, columns = min(spacing, height), min(spacing, width)
    comb = (torch.arange(height) % rows)[:, None] * columns + torch.arange(width) % columns
    which = comb + rows * columns * torch.arange(channels)[:, None, None]
    signs = 2.0 * torch.randint(2, image_shape, generator=torch.Generator().manual_seed(seed)) - 1
    return (which == torch.arange(channels * rows * columns)[:, None, None, None]) * signs


def diagonal(z: Tensor, answer: Tensor, components: int) -> Tensor:
    """Diagonal of R over Fourier coefficients from probes z and R z: [components, H, W // 2 + 1]."""
    before, after = torch.fft.rfft2(z), torch.fft.rfft2(answer)
    dims = 0 if components == z.shape[1] else (0, 1)
    found = (before.conj() * after).real.sum(dims) / before.abs().square().sum(dims)
    return found.view(components, *found.shape[-2:])


def label(measured: Tensor, std: Tensor, prior_std: float | Tensor) -> Tensor:
    """Index into LABELS for each pixel or frequency, from its ``measured`` share (a diagonal of R) and the spread of samples.

    Measured: the data fixed more than half. Inferred: they fixed less, but the samples agree to less than half the standard
    deviation of the prior, because of what was measured near it. Conjured: the samples disagree.
    """
    return torch.where(measured > 0.5, 0, torch.where(std < prior_std / 2, 1, 2))


def hidden(operator: Operator, x: Tensor, c: float = 1e-2, passes: int = 12) -> Tensor:
    """The part of x that leaves no trace in the data: ((A^T A + c)^-1 c)^passes x.

    To rounding where singular values are zero or far above sqrt(c), as for missing pixels and super-resolution. A blur is
    nowhere zero; what it weakens to less than about sqrt(c / passes) is kept, with a trace below sqrt(c) / 8 of x.
    """
    for _ in range(passes):
        x = operator.unmeasured(x, c)
    return x


def twin(operator: Operator, x: Tensor, other: Tensor) -> Tensor:
    """Another truth with the measurement of x: where nothing was measured, it is ``other``."""
    return x + hidden(operator, other - x)
