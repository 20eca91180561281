"""Scores of an image against the truth: numpy [H, W, C] in, clipped to [0, 1] as a screen would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from problems.problem import Problem


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


def misfit(problem: Problem, x: Tensor) -> float:
    """|A x - y|^2 / (m s^2), not clipped: about 1 where x [1, C, H, W] explains the data up to their noise."""
    residual = (problem.operator.forward(x) - problem.y) / problem.noise_sigma
    return float(residual.square().mean())
