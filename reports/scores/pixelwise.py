"""Scores of an image against the truth: numpy [H, W, C] in, clipped to [0, 1] as a screen would.

Of a colour picture ``psnr`` and ``ssim`` judge the three channels alike, ``gmsd`` the luma alone, ``haarpsi`` luma and chroma.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from problems.problem import Problem

YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # luma and the two chroma axes of NTSC
SMALL_GRADIENT = 170 / 255**2  # of GMSD, squared
SMALL_WAVELET, STEEPNESS = 30.0, 4.2  # of HaarPSI, for values in 0..255


def psnr(x: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB for the range [0, 1]; 120 dB at most, which stands for equality."""
    error = np.mean(np.square(np.clip(x, 0, 1).astype(np.float64) - truth))
    return float(-10 * np.log10(max(error, 1e-12)))


def ssim(x: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity with the Gaussian window of Wang et al. (2004), mean over the channels.

    Images smaller than the 11-pixel window are judged with the largest odd window that fits.
    """
    from skimage.metrics import structural_similarity

    shortest = min(truth.shape[:2])
    window = min(11, shortest - 1 + shortest % 2)
    return float(structural_similarity(
        np.clip(x, 0, 1).astype(np.float64), truth.astype(np.float64), data_range=1.0, channel_axis=-1,
        win_size=window, gaussian_weights=True, sigma=1.5, use_sample_covariance=False))  # fmt: skip


def gmsd(x: np.ndarray, truth: np.ndarray) -> float:
    """Gradient magnitude similarity deviation (Xue et al. 2014): how unevenly the edges are kept; 0 for equality, lower is better."""
    one, other = (steepness(halved(yiq(image)[0])) for image in (x, truth))
    return float(likeness(one, other, SMALL_GRADIENT).std())


def haarpsi(x: np.ndarray, truth: np.ndarray) -> float:
    """Haar wavelet perceptual similarity (Reisenhofer et al. 2018), in grey or colour: 1 for equality, higher is better.

    Fine coefficients (windows of 2 and 4 pixels) are compared, and what is compared counts by the coarse ones (8 pixels).
    Colour adds the likeness of the two chroma channels.
    """
    one, other = ([halved(255 * channel) for channel in yiq(image)] for image in (x, truth))
    alike, weights = zip(*(oriented(one[0], other[0], axis) for axis in (0, 1)), strict=True)
    if len(one) == 3:
        chroma = [likeness(smooth(one[k]), smooth(other[k]), SMALL_WAVELET) for k in (1, 2)]
        alike, weights = (*alike, np.mean(chroma, 0)), (*weights, np.mean(weights, 0))
    squashed, total = 1 / (1 + np.exp(-STEEPNESS * np.array(alike))), np.sum(weights)
    if not total:
        return 1.0  # black against black
    mean = float(np.sum(squashed * weights) / total)
    return float((np.log(mean / (1 - mean)) / STEEPNESS) ** 2)


def oriented(one: np.ndarray, other: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(likeness, weight) at each pixel of [H, W], for the edges across ``axis``."""
    fine = [likeness(haar(one, scale, axis), haar(other, scale, axis), SMALL_WAVELET) for scale in (1, 2)]
    return np.mean(fine, 0), np.maximum(haar(one, 3, axis), haar(other, 3, axis))


def haar(image: np.ndarray, scale: int, axis: int) -> np.ndarray:
    """Magnitude of the Haar coefficients of window 2^scale, at every pixel of [H, W]."""
    half = 2 ** (scale - 1)
    flat, step = np.ones(2 * half), np.repeat((1.0, -1.0), half)
    windows = (step, flat) if axis == 0 else (flat, step)
    return np.abs(filtered(image, *windows)) / 2**scale


def steepness(image: np.ndarray) -> np.ndarray:
    """Gradient magnitude of [H, W] by Prewitt's windows."""
    flat, step = np.full(3, 1 / 3), (1.0, 0.0, -1.0)
    return np.hypot(filtered(image, step, flat), filtered(image, flat, step))


def likeness(a: np.ndarray, b: np.ndarray, small: float) -> np.ndarray:
    """1 where two magnitudes are equal, towards 0 where they differ; ``small`` is what counts as no magnitude, squared."""
    return (2 * a * b + small) / (np.square(a) + np.square(b) + small)


def smooth(image: np.ndarray) -> np.ndarray:
    """Magnitude of the means of 2 x 2 pixels, at every pixel of [H, W]."""
    return np.abs(filtered(image, (0.5, 0.5), (0.5, 0.5)))


def halved(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels of [H, W]."""
    return filtered(image, (0.5, 0.5), (0.5, 0.5))[::2, ::2]


def filtered(image: np.ndarray, rows: Sequence[float] | np.ndarray, columns: Sequence[float] | np.ndarray) -> np.ndarray:
    """[H, W] under the window ``rows`` x ``columns``, black outside as in the authors' programs; an even one reaches further ahead."""
    from scipy.ndimage import correlate1d

    for axis, window in enumerate((rows, columns)):
        image = correlate1d(image, window, axis, mode="constant", origin=len(window) % 2 - 1)
    return image


def yiq(image: np.ndarray) -> np.ndarray:
    """[H, W, 1 | 3] to [1 | 3, H, W] in double, clipped: grey stays, colour becomes luma and chroma."""
    clipped = np.moveaxis(np.clip(image, 0, 1).astype(np.float64), -1, 0)
    return np.tensordot(YIQ, clipped, 1) if len(clipped) == 3 else clipped


def misfit(problem: Problem, x: Tensor) -> float:
    """|A x - y|^2 / (m s^2), chi^2 for each of m measured values, not clipped: 1 with a standard deviation of sqrt(2 / m) for the truth.

    An answer x [1, C, H, W] that was fitted to the data may lie below.
    """
    residual = (problem.operator.forward(x) - problem.y) / problem.noise_sigma
    return float(residual.square().mean())
