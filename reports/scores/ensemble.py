"""Calibration of samples: by the rank of the truth among them, exact for any number of samples, and by proper scores.

If the truth and n samples are drawn from one distribution, the rank of the truth among them is uniform on 0..n, so the
interval from the k-th lowest to the k-th highest sample holds it with probability 1 - 2 k / (n + 1). Quantiles
interpolated between samples do not: from 16 exact samples a nominal 90 % holds 81 % (Talts et al. 2018 on ranks).

Pixels of one picture err together, so every number is made per image, and its confidence interval is over images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reports.scores.intervals import Estimate, bounded, over_images, ratio_over_images, root

LEVEL = 0.9  # of the intervals whose coverage is reported


def order(n: int, level: float) -> tuple[int, float]:
    """(k, nominal level) of the narrowest interval that reaches ``level`` with n samples, or the widest there is.

    Raises:
        ValueError: fewer than two samples, or a level that is not between 0 and 1.
    """
    if n < 2:
        raise ValueError(f"an interval needs at least 2 samples, not {n}")
    if not 0 < level < 1:
        raise ValueError(f"level is a probability between 0 and 1, not {level}")
    k = max(int(np.floor((1 - level) * (n + 1) / 2 + 1e-9)), 1)
    return k, 1 - 2 * k / (n + 1)


def coverage(samples: np.ndarray, truth: np.ndarray, level: float = 0.9) -> tuple[float, float]:
    """(share of the values of ``truth`` [...] inside their interval of ``samples`` [n, ...], share an exact sampler has)."""
    k, nominal = order(len(samples), level)
    ordered = np.sort(samples, axis=0)
    inside = (ordered[k - 1] <= truth) & (truth <= ordered[-k])
    return float(inside.mean()), nominal


def ranks(samples: np.ndarray, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """How many of the ``samples`` [n, ...] lie below each value of ``truth`` [...]: integers in 0..n.

    A truth equal to some samples is put below or above each of them at random, with a seed, which keeps ranks uniform.
    """
    below, ties = (samples < truth).sum(0), (samples == truth).sum(0)
    return below + np.random.default_rng(seed).integers(0, ties + 1)


def rank_histogram(samples: np.ndarray, truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Share of the values with rank 0, 1, ..., n: flat at 1 / (n + 1) for an exact sampler, U-shaped where the spread is too small."""
    counted = np.bincount(ranks(samples, truth, seed).ravel(), minlength=len(samples) + 1)
    return counted / counted.sum()


def coverage_curve(histogram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(nominal, measured) coverage of all intervals that n samples allow, narrowest first, from a rank histogram [..., n + 1]."""
    n = histogram.shape[-1] - 1
    narrowest_first = range(n // 2, 0, -1)
    nominal = np.array([1 - 2 * k / (n + 1) for k in narrowest_first])
    return nominal, np.stack([histogram[..., k : n - k + 1].sum(-1) for k in narrowest_first], -1)


def crps(samples: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Fair continuous ranked probability score of each value, in its own unit: [n, ...] and [...] to [...].

    Lowest on average for the right distribution, at any n: mean |x_i - y| - sum_ij |x_i - x_j| / (2 n (n - 1)) (Ferro 2014).
    """
    n = len(samples)
    weights = (2 * np.arange(n) - n + 1) / (n * (n - 1))  # the pairwise differences of sorted samples
    between = np.tensordot(weights, np.sort(samples, axis=0), 1)
    return np.abs(samples - truth).mean(0) - between


def energy_score(samples: np.ndarray, truth: np.ndarray, patch: int = 8) -> float:
    """Fair energy score of patches, [n, H, W, C] and [H, W, C]: CRPS with distances of whole patches (Gneiting, Raftery 2007).

    It sees whether neighbouring pixels go together, which scores of single pixels do not. Divided by the root of the number
    of values in a patch it is in pixel units. What is left at the lower and right borders is not judged.
    """
    x, y = patches(samples, patch), patches(truth[None], patch)
    n, values = len(x), x.shape[-1]
    between = sum(np.linalg.norm(x[i + 1 :] - x[i], axis=-1).sum(0) for i in range(n - 1)) / (n * (n - 1))
    return float((np.linalg.norm(x - y, axis=-1).mean(0) - between).mean() / math.sqrt(values))


def patches(images: np.ndarray, side: int) -> np.ndarray:
    """[n, H, W, C] to [n, patches, values of a patch]; an image smaller than a patch is one."""
    n, height, width, channels = images.shape
    rows, columns = min(side, height), min(side, width)
    kept = images[:, : height // rows * rows, : width // columns * columns]
    tiles = kept.reshape(n, height // rows, rows, width // columns, columns, channels)
    return tiles.swapaxes(2, 3).reshape(n, -1, rows * columns * channels)


def squares(samples: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(variance of the samples, squared error of the mean of infinitely many) of each value, both unbiased: [...].

    For exact samples both have the same expectation, and a sample's squared error is their sum: twice that of the mean.
    The second is the squared error of the mean of n less the variance / n that is due to n being finite.
    """
    variance = samples.var(0, ddof=1)
    return variance, np.square(samples.mean(0) - truth) - variance / len(samples)


EDGES = np.geomspace(1 / 512, 0.5, 10)  # of the bins of the standard deviation in a spread-skill curve, pixel units


class Scores(NamedTuple):
    """Scores of the samples of one image: means over its values."""

    histogram: np.ndarray  # of ranks, [n + 1]
    crps: float
    energy: float  # NaN where the values are no whole picture
    variance: float
    error: float  # squared, of the mean of infinitely many samples
    curve: np.ndarray  # [3, bins]: by bins of the spread, sums of (1 + 1/n) variance and of squared errors of the mean, and how many values


def scores(samples: np.ndarray, truth: np.ndarray) -> Scores:
    """Of samples [n, ...] against a truth [...]; a whole picture is [H, W, C]."""
    n = len(samples)
    variance, error = squares(samples, truth)
    which = np.digitize(np.sqrt(variance), EDGES).ravel()
    sums = ((1 + 1 / n) * variance, np.square(samples.mean(0) - truth), np.ones_like(variance))
    curve = np.array([np.bincount(which, values.ravel(), len(EDGES) + 1) for values in sums])
    energy = energy_score(samples, truth) if truth.ndim == 3 else math.nan
    means = [float(values.mean()) for values in (crps(samples, truth), variance, error)]
    return Scores(rank_histogram(samples, truth), means[0], energy, means[1], means[2], curve)


def activity(samples: np.ndarray, truth: np.ndarray, window: int = 7) -> np.ndarray:
    """0, 1, 2 for the flat, the middle and the busy third of the pixels: [n, H, W, C] and [H, W, C] to [H, W].

    By the local variance, averaged over truth and samples alike: exact samples then stay calibrated in each third, because
    exchanging the truth with a sample changes nothing. By the truth's own variance even they would look too wide where it
    happens to be flat, and too narrow where it is busy.
    """
    from scipy.ndimage import uniform_filter

    images = np.concatenate([samples, truth[None]]).astype(np.float64)
    size = (1, window, window, 1)
    local = (uniform_filter(images**2, size) - uniform_filter(images, size) ** 2).mean((0, -1))
    return np.digitize(local, np.quantile(local, (1 / 3, 2 / 3)))


def estimates(found: Sequence[Scores], level: float = 0.9) -> dict[str, Estimate]:
    """Over images: coverage, crps, energy (of whole pictures) and, as ratios of means over images,

    - spread_skill: sqrt((1 + 1/n) variance / squared error of the mean), 1 for exact samples (Fortin et al. 2014);
    - mse_ratio: squared error of a sample / that of the mean of infinitely many, 2 for exact samples;
    - rms_error of the mean of n.
    """
    n = len(found[0].histogram) - 1
    k, _ = order(n, level)
    variance, error = (np.array([getattr(each, name) for each in found]) for name in ("variance", "error"))
    of_mean = error + variance / n
    numbers = {
        "coverage": bounded(over_images([float(each.histogram[k : n - k + 1].sum()) for each in found])),
        "spread_skill": root(ratio_over_images((1 + 1 / n) * variance, of_mean)),
        "crps": over_images([each.crps for each in found]),
        "rms_error": root(over_images(of_mean)),
        "mse_ratio": ratio_over_images(variance + error, error),
    }
    return numbers if math.isnan(found[0].energy) else numbers | {"energy": over_images([each.energy for each in found])}
