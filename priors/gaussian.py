"""The stationary Gaussian prior: a smoother whose every posterior is known in closed form, the reference for all others."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.slot import Belief, checks_question

# Orthonormal opponent colours: brightness, yellow-blue, green-magenta.  They decorrelate natural colour images.
OPPONENT = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))
DENSE_LIMIT = 4096  # unknowns up to which a dense covariance is formed


@dataclass(frozen=True)
class PowerLaw:
    """Spectral density S(f) = power / (f^2 + knee^2)^(slope / 2), f in cycles per pixel, for one colour component.

    S is the variance of one orthonormal Fourier coefficient; its mean over all frequencies is the variance of a pixel.
    """

    power: float
    slope: float
    knee: float

    def density(self, height: int, width: int) -> Tensor:
        """[H, W // 2 + 1] in the layout of rfft2, float64."""
        rows, columns = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.rfftfreq(width, dtype=torch.float64)
        return self.power * (rows[:, None] ** 2 + columns**2 + self.knee**2) ** (-self.slope / 2)


# ``fit`` on every third training photograph of BSDS500 (train, test) and photos870; two significant digits are enough.
GREY = (PowerLaw(power=2.28e-4, slope=2.56, knee=0.0059),)
COLOUR = (
    PowerLaw(power=6.97e-4, slope=2.53, knee=0.0050),
    PowerLaw(power=3.03e-7, slope=4.48, knee=0.0299),
    PowerLaw(power=2.47e-7, slope=3.99, knee=0.0248),
)
MEAN = 0.445


class Gaussian:
    """Pixels ~ N(mean, C) with C diagonal in Fourier: denoising is the Wiener filter, exactly E[clean | x].

    Args:
        mean: grey value of the prior's mean image.
        grey, colour: spectra of one-channel images and of the three opponent components of colour images.
    """

    name, family, mmse = "gaussian", "smoother", True
    sigma_range = (0.0, math.inf)

    def __init__(self, mean: float = MEAN, grey: Sequence[PowerLaw] = GREY, colour: Sequence[PowerLaw] = COLOUR):
        self.mean, self.laws = mean, {1: tuple(grey), 3: tuple(colour)}

    def density(self, shape: Sequence[int], dtype: torch.dtype = torch.float64, device: Any = None) -> Tensor:
        """Eigenvalues of C for images [.., C, H, W]: [C, H, W // 2 + 1]."""
        return stack(self.laws[shape[-3]], shape[-2], shape[-1]).to(device, dtype)

    def filter(self, x: Tensor, gain: Tensor) -> Tensor:
        """Multiply the Fourier coefficients of the colour components of x by ``gain`` [C, H, W // 2 + 1]."""
        spectrum = torch.fft.rfft2(turn(x), norm="ortho")
        return turn(torch.fft.irfft2(spectrum * gain, s=x.shape[-2:], norm="ortho"), back=True)

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """C (C + sigma^2)^-1 (x - mean) + mean (Wiener 1949)."""
        power = self.density(x.shape, x.dtype, x.device)
        return self.mean + self.filter(x - self.mean, power / (power + sigma**2))

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        """p(clean | x), which is a Gaussian with the spectrum of ``error_spectrum``."""
        return Belief(self.denoise(x, sigma), spectrum=self.error_spectrum(sigma, x.shape[-3:]).to(x), rmse=self.rmse(sigma, x.shape[-3:]))

    def energy(self, x: Tensor) -> Tensor:
        """(x - mean)^T C^-1 (x - mean) / 2 for each image: [B]."""
        white = self.whiten(x - self.mean)
        return 0.5 * white.square().sum((1, 2, 3))

    def whiten(self, x: Tensor) -> Tensor:
        return self.filter(x, self.density(x.shape, x.dtype, x.device).rsqrt())

    def colour(self, white: Tensor) -> Tensor:
        """C^(1/2) applied to white noise [B, C, H, W]: plus the mean it is a draw from the prior."""
        return self.filter(white, self.density(white.shape, white.dtype, white.device).sqrt())

    def error_spectrum(self, sigma: float, shape: Sequence[int]) -> Tensor:
        """Standard deviation of the error of ``denoise``, [C, H, W // 2 + 1]: C sigma^2 / (C + sigma^2) is the posterior variance."""
        power = self.density(shape)
        return (power * sigma**2 / (power + sigma**2)).sqrt()

    def rmse(self, sigma: float, shape: Sequence[int] = (1, 128, 128)) -> float:
        """Root mean square error of ``denoise`` on images of this prior: sqrt of the mean of C sigma^2 / (C + sigma^2)."""
        power = self.density(shape)
        error = power * sigma**2 / (power + sigma**2)
        return math.sqrt(float((error * weights(shape[-1])).sum() / (error.shape[0] * shape[-2] * shape[-1])))

    def posterior(self, operator: Any, y: Tensor, noise_sigma: float) -> tuple[Tensor, Tensor]:
        """Exact mean and per-pixel standard deviation of p(x | y) for y = A x + N(0, noise_sigma^2), in float64.

        Fourier-diagonal operators (they show their ``transfer``) are solved per frequency at any size; for all others the
        covariance is formed densely.

        Raises:
            ValueError: an operator of the second kind with more than 4096 unknowns; use ``posterior_mean`` there.
        """
        y = y.double()
        if hasattr(operator, "transfer"):
            return self.posterior_fourier(operator, y, noise_sigma)
        return self.posterior_dense(operator, y, noise_sigma)

    def posterior_fourier(self, operator: Any, y: Tensor, noise_sigma: float) -> tuple[Tensor, Tensor]:
        power = self.density(operator.image_shape, device=y.device)
        transfer = operator.transfer.to(torch.complex128)
        precision = transfer.abs() ** 2 / noise_sigma**2 + 1 / power
        mean = self.mean + self.filter(y - self.mean * transfer[0, 0].real, transfer.conj() / noise_sigma**2 / precision)
        variance = (weights(y.shape[-1]) / precision).sum((-2, -1)) / math.prod(y.shape[-2:])
        if len(variance) == 3:
            variance = spread(variance)
        return mean, variance.sqrt()[:, None, None].expand(operator.image_shape)[None].expand_as(mean)

    def posterior_dense(self, operator: Any, y: Tensor, noise_sigma: float) -> tuple[Tensor, Tensor]:
        shape = operator.image_shape
        size = math.prod(shape)
        if size > DENSE_LIMIT:
            raise ValueError(f"an exact variance needs a dense {size} x {size} matrix; use images of at most {DENSE_LIMIT} values")
        identity = torch.eye(size, dtype=torch.float64).view(size, *shape)
        matrix = operator.forward(identity).flatten(1).T  # A, [data, pixels]
        prior = self.filter(identity, self.density(shape)).flatten(1)  # C
        cross = matrix @ prior
        gain = torch.linalg.solve(cross @ matrix.T + noise_sigma**2 * torch.eye(len(matrix), dtype=torch.float64), cross)
        residual = y.flatten(1) - operator.forward(torch.full((1, *shape), self.mean, dtype=torch.float64)).flatten(1)
        variance = prior.diagonal() - (cross * gain).sum(0)
        return self.mean + (residual @ gain).view(-1, *shape), variance.clamp(min=0).sqrt().view(1, *shape).expand(len(y), *shape)

    def posterior_mean(self, operator: Any, y: Tensor, noise_sigma: float, tolerance: float = 1e-12) -> Tensor:
        """Exact posterior mean at any size for any operator, float64: conjugate gradients on whitened unknowns,

        (C^1/2 A^T A C^1/2 / s^2 + 1) u = C^1/2 A^T (y - A mean) / s^2, x = mean + C^1/2 u.
        """
        from scipy.sparse.linalg import LinearOperator, cg

        shape = (-1, *operator.image_shape)
        flat = torch.full((1, *operator.image_shape), self.mean, dtype=torch.float64)

        def matvec(u: np.ndarray) -> np.ndarray:
            x = self.colour(torch.from_numpy(u).view(shape))
            return u + self.colour(operator.adjoint(operator.forward(x))).numpy().ravel() / noise_sigma**2

        answers = []
        for image in y.double():
            right = self.colour(operator.adjoint(image[None] - operator.forward(flat))).numpy().ravel() / noise_sigma**2
            u, failed = cg(LinearOperator((right.size, right.size), matvec, dtype=right.dtype), right, rtol=tolerance, maxiter=100_000)
            if failed:
                raise ArithmeticError(f"the posterior mean did not reach {tolerance:g}; give a larger tolerance")
            answers.append(flat + self.colour(torch.from_numpy(u).view(shape)))
        return torch.cat(answers)


@functools.lru_cache(maxsize=16)
def stack(laws: tuple[PowerLaw, ...], height: int, width: int) -> Tensor:
    return torch.stack([law.density(height, width) for law in laws])


def weights(width: int) -> Tensor:
    """How many coefficients of the full spectrum each column of rfft2 stands for."""
    count = torch.full((width // 2 + 1,), 2.0, dtype=torch.float64)
    count[0] = 1
    if width % 2 == 0:
        count[-1] = 1
    return count


def turn(x: Tensor, back: bool = False) -> Tensor:
    """RGB to orthonormal opponent colours, or back; one-channel images stay as they are."""
    if x.shape[-3] == 1:
        return x
    matrix = torch.tensor(OPPONENT, dtype=x.dtype, device=x.device)
    return torch.einsum("oc,bchw->bohw", matrix.T if back else matrix, x)


def spread(variance: Tensor) -> Tensor:
    """Variances of the three opponent components [3, ...] to those of the colour channels, correlations left out."""
    return torch.einsum("oc,o...->c...", torch.tensor(OPPONENT, dtype=variance.dtype).square(), variance)


def fit(images: Sequence[Tensor], mean: float) -> tuple[PowerLaw, ...]:
    """Power laws fitted to the mean periodogram of images [1, C, H, W] by least squares in log density.

    A Hann window keeps the border jump of non-periodic pictures out of the high frequencies.
    """
    from scipy.optimize import curve_fit

    size = 128
    window = torch.hann_window(size, periodic=False, dtype=torch.float64)
    window = window[:, None] * window
    total, count = torch.zeros(()), 0
    for image in images:
        patches = image.double().unfold(-2, size, size).unfold(-2, size, size).flatten(2, 3).transpose(1, 2).flatten(0, 1)
        spectrum = torch.fft.rfft2(turn(patches - mean) * window, norm="ortho").abs() ** 2 / (window**2).mean()
        total, count = total + spectrum.sum(0), count + len(spectrum)
    radius = (torch.fft.fftfreq(size)[:, None] ** 2 + torch.fft.rfftfreq(size) ** 2).sqrt()
    bins = (radius * size).round().long()
    laws = []
    for component in total / count:
        power = torch.stack([component[bins == k].mean() for k in range(size // 2 + 1)])
        f = torch.arange(size // 2 + 1) / size

        def log_density(f: np.ndarray, log_power: float, slope: float, log_knee: float) -> np.ndarray:
            return log_power - slope / 2 * np.log(f**2 + np.exp(2 * log_knee))

        x, y = f[1:].numpy(), power[1:].log().numpy()
        (log_power, slope, log_knee), _ = curve_fit(log_density, x, y, p0=(-6.0, 2.0, -5.0), sigma=x**-0.5)  # rings hold ~ f values
        laws.append(PowerLaw(float(math.exp(log_power)), float(slope), float(math.exp(log_knee))))
    return tuple(laws)
