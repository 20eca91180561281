"""Means over images, each with its 95 % confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A mean over images and its 95 % confidence interval, NaN where a single image tells of none."""

    value: float
    low: float = math.nan
    high: float = math.nan


def over_images(values: Sequence[float] | np.ndarray) -> Estimate:
    """Mean of one number for each image, with Student's interval."""
    found, n = np.asarray(values, float), len(values)
    limits = student(found.mean(), found.std(ddof=1) / math.sqrt(n), n) if n > 1 else ()
    return Estimate(float(found.mean()), *limits)


def ratio_over_images(above: Sequence[float] | np.ndarray, below: Sequence[float] | np.ndarray) -> Estimate:
    """Ratio of two means over images, with Student's interval of its logarithm from the jackknife; NaN where the second is zero."""
    a, b = np.asarray(above, float), np.asarray(below, float)
    n, value = len(a), float(a.sum() / b.sum()) if b.sum() else math.nan
    if n < 2 or min(a.sum() - a.max(), b.sum() - b.max()) <= 0:
        return Estimate(value)
    left = np.log((a.sum() - a) / (b.sum() - b))
    error = math.sqrt((n - 1) / n * np.square(left - left.mean()).sum())
    return Estimate(value, *(math.exp(limit) for limit in student(math.log(value), error, n)))


def student(value: float, error: float, n: int) -> tuple[float, float]:
    """95 % interval from a standard error over n images."""
    from scipy.stats import t

    half = float(t.ppf(0.975, n - 1)) * error
    return value - half, value + half


def root(found: Estimate) -> Estimate:
    return Estimate(*np.sqrt(np.maximum(found, 0)).tolist())


def bounded(share: Estimate) -> Estimate:
    """A share and its limits, none of which lies outside 0..1."""
    return Estimate(*np.clip(share, 0, 1).tolist())
