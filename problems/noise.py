"""How much noise a picture holds, from the picture alone.

Patches of a picture lie near a space of few dimensions; white noise fills all of them alike. The smallest eigenvalues of the
covariance of the patches are then the variance of the noise (Pyatykh, Hesser, Zheng 2013; Chen, Zhu, Heng 2015). A blurred picture
has no fine detail of its own, so there the answer is exact to a few per cent; in a sharp one the finest texture, and the noise
that the camera left in it, count as noise too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

SIDE = 6  # pixels of a patch: 8 need more pictures than a small one has, 4 see too little of its redundancy
LOWEST = 3  # eigenvalues of 36 that are averaged
FEWEST = 10 * SIDE**2  # patches; with fewer the eigenvalues tell nothing


@dataclass(frozen=True)
class Noise:
    """A standard deviation in pixel units, and the standard error of it: how far quarters of the picture differ."""

    sigma: float
    error: float

    def __str__(self) -> str:
        return f"{self.sigma:.3g} ± {self.error:.1g} ({255 * self.sigma:.3g} of 255)"


def estimate(picture: Tensor) -> Noise:
    """The noise of a picture [1, C, H, W] of which missing pixels are NaN; every channel holds as much of it.

    Raises:
        ValueError: too few pixels measured near each other, or a picture without any noise, such as a drawing.
    """
    whole = smallest(picture)
    if whole is None:
        raise ValueError("too few pixels are measured beside each other to estimate their noise; give noise_sigma")
    if not whole > 0:
        raise ValueError("the picture has no noise that could be estimated, or only rounded values; give noise_sigma, such as 0.003")
    height, width = picture.shape[-2] // 2, picture.shape[-1] // 2
    quarters = [smallest(part) for half in picture.tensor_split([height], -2) for part in half.tensor_split([width], -1)]
    known = [quarter for quarter in quarters if quarter is not None]
    error = float(np.std(known, ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else whole / 2
    return Noise(whole, error)


def smallest(picture: Tensor) -> float | None:
    """Square root of the mean of the LOWEST eigenvalues, their bias removed; None where too few patches are measured whole.

    Of n patches of d pixels of pure noise the smallest eigenvalue is (1 - sqrt(d / n))^2 of the variance (Marchenko, Pastur 1967).
    """
    patches = np.concatenate([windows(channel) for channel in picture[0].double().cpu().numpy()])
    whole = patches[np.isfinite(patches).all(1)]
    if len(whole) < FEWEST:
        return None
    lowest = np.linalg.eigvalsh(np.cov(whole.T))[:LOWEST].mean()
    return math.sqrt(max(lowest, 0.0)) / (1 - math.sqrt(SIDE**2 / len(whole)))


def windows(channel: np.ndarray) -> np.ndarray:
    """All patches of [H, W] as rows."""
    if min(channel.shape) < SIDE:
        return np.empty((0, SIDE**2))
    return np.lib.stride_tricks.sliding_window_view(channel, (SIDE, SIDE)).reshape(-1, SIDE**2)
