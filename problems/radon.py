"""Parallel-beam tomography: line integrals of a picture from a few directions, or from a part of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse

from problems.factories import simulated, streams
from problems.guessed import Sparse
from problems.images import as_tensor
from problems.operator import checked_shape
from problems.operators import size_of
from problems.problem import Problem
from problems.seeds import Seed

MOST = 10_000  # directions; more than any scanner takes


class Tomography(Sparse):
    """Integrals along parallel rays one pixel apart, from each of ``angles`` in degrees, by the method of Joseph (1982).

    At 0 degrees the rays run down the columns, as in ``skimage.transform.radon``; the axis is the middle of the picture, which is
    dark outside. The data [B, C, angles, rays] are in units of the longer side: a ray through a white square of that side
    measures 1. There are as many rays as the diagonal has pixels, rounded up to an odd number.

    Raises:
        ValueError: no angle or one that is not finite; a bad shape.
    """

    def __init__(self, angles: Sequence[float] | np.ndarray, image_shape: Sequence[int]):
        channels, height, width = checked_shape(image_shape)
        self.angles = np.asarray(angles, dtype=float).ravel()
        if not len(self.angles) or not np.isfinite(self.angles).all():
            raise ValueError("tomography needs at least one angle, a finite number of degrees")
        self.rays = math.ceil(math.hypot(height, width)) // 2 * 2 + 1
        matrix = scipy.sparse.vstack([projection(angle, (height, width), self.rays) for angle in self.angles]) / max(height, width)
        super().__init__(matrix, (channels, height, width), (channels, len(self.angles), self.rays))

    @property
    def summary(self) -> str:
        span = f"from {self.angles.min():.3g} to {self.angles.max():.3g} degrees"
        return f"{len(self.angles)} x {self.rays} rays measured, {span}"

    def __repr__(self) -> str:
        return f"Tomography({len(self.angles)} angles, {size_of(self.image_shape)} -> {size_of(self.data_shape)})"


def projection(angle: float, shape: tuple[int, int], rays: int) -> scipy.sparse.csr_array:
    """Line integrals in pixels, [rays, H W]: along the axis that the ray is nearer to, one linear interpolation for each pixel."""
    height, width = shape
    turn = math.radians(angle)
    across, along = (math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))  # (x, y), y downwards
    offsets = np.arange(rays) - (rays - 1) / 2
    steep = abs(along[1]) >= abs(along[0])  # runs through the rows
    main, other, major, minor = (1, 0, height, width) if steep else (0, 1, width, height)
    steps = np.arange(major)
    distance = (steps - (major - 1) / 2 - offsets[:, None] * across[main]) / along[main]
    place = offsets[:, None] * across[other] + distance * along[other] + (minor - 1) / 2  # [rays, major]
    low = np.floor(place).astype(int)
    rows, columns, values = [], [], []
    for near, weight in ((low, low + 1 - place), (low + 1, place - low)):
        kept = (near >= 0) & (near < minor) & (weight > 0)
        ray, step = np.nonzero(kept)
        rows.append(ray)
        columns.append(steps[step] * width + near[kept] if steep else near[kept] * width + steps[step])
        values.append(weight[kept] / abs(along[main]))
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.csr_array(entries, shape=(rays, height * width))


def tomography(image: Any, angles: int = 30, span: float = 180, noise_sigma: float = 0.005, rng: Seed = 0) -> Problem:
    """y = line integrals in units of the longer side + noise, from ``angles`` directions evenly over ``span`` degrees, the first at 0."""
    x = as_tensor(image)
    whole = not isinstance(angles, bool) and isinstance(angles, int | float | np.number) and 1 <= angles <= MOST and angles == int(angles)
    if not whole:
        raise ValueError(f"angles must be a whole number from 1 to {MOST}, not {angles}; others go to problems.Tomography")
    if not 0 < span <= 180:
        raise ValueError(f"span must lie above 0 and up to 180 degrees, not {span}; opposite directions measure the same")
    directions = np.arange(int(angles)) * (span / int(angles))
    return simulated("tomography", Tomography(directions, x.shape[1:]), x, noise_sigma, streams(rng)[0])
