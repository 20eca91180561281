"""Simulated problems: an image is measured by an operator, and white Gaussian noise is added.

``image`` is anything that ``as_tensor`` takes and becomes the truth. ``noise_sigma`` is a standard deviation in pixel units
of [0, 1]. ``rng`` is an int, a numpy or torch Generator, or None; noise and mask have independent streams.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from problems import masks
from problems.images import as_tensor
from problems.operator import Operator
from problems.operators import Blur, Identity, Inpainting, SuperResolution
from problems.problem import Problem, check_noise
from problems.seeds import Seed, generator


def denoise(image: Any, noise_sigma: float = 25 / 255, rng: Seed = 0) -> Problem:
    """y = x + noise."""
    x = as_tensor(image)
    return simulated("denoise", Identity(x.shape[1:]), x, noise_sigma, streams(rng)[0])


def deblur(
    image: Any, kernel: Any = "gaussian:1.6", noise_sigma: float = 0.02, rng: Seed = 0, boundary: str = "circular"
) -> Problem:
    """y = k * x + noise; ``kernel`` is a text for ``kernels.named``, an array or a tensor [h, w].

    With the boundary "unknown" the data lack a rim as wide as the kernel reaches, so that no pixel of them is made of what lies
    beyond the image; with "reflect" the image goes on as its mirror.
    """
    x = as_tensor(image)
    operator = Blur(kernel, x.shape[1:]) if boundary == "circular" else bordered(Blur(kernel, boundary=boundary), x)
    return simulated("deblur", operator, x, noise_sigma, streams(rng)[0])


def super_resolution(
    image: Any, factor: int = 2, kernel: Any = None, noise_sigma: float = 0.01, rng: Seed = 0, boundary: str = "circular"
) -> Problem:
    """y = x blurred and decimated + noise; without a kernel each pixel of y is the mean of factor x factor pixels of x.

    ``boundary`` as in ``deblur``; other ones than the circular one take a factor that divides both sides of the image.
    """
    x = as_tensor(image)
    circular = boundary == "circular"
    operator = SuperResolution(kernel, factor, x.shape[1:]) if circular else bordered(SuperResolution(kernel, factor, boundary=boundary), x)
    return simulated("super_resolution", operator, x, noise_sigma, streams(rng)[0])


def inpaint(image: Any, mask: Any = "random:0.5", noise_sigma: float = 0.02, rng: Seed = 0) -> Problem:
    """y = the pixels where the mask is true + noise; ``mask`` is a text for ``masks.named`` or bools [H, W]."""
    x = as_tensor(image)
    noise, holes = streams(rng)
    mask = masks.named(str(mask), x.shape[-2:], holes) if isinstance(mask, str | Path) else mask
    return simulated("inpaint", Inpainting(mask, x.shape[1:]), x, noise_sigma, noise)


def bordered(unfitted: Blur | SuperResolution, x: Tensor) -> Operator:
    """The operator on images of the shape of x whose data have its border."""
    factor, (channels, height, width) = unfitted.factor, x.shape[1:]
    if height % factor or width % factor:
        raise ValueError(f"factor {factor} does not divide {height}x{width}, as the boundary {unfitted.boundary!r} needs; crop the image")
    top, bottom, left, right = unfitted.margin if unfitted.boundary == "unknown" else (0, 0, 0, 0)
    rows, columns = height // factor - top - bottom, width // factor - left - right
    if min(rows, columns) < 1:
        raise ValueError(f"the kernel reaches across the image, {height}x{width}, and leaves no data; give a smaller kernel")
    return unfitted.fitted((channels, rows, columns))


def streams(rng: Seed) -> list[np.random.Generator]:
    """One stream for the noise, one for the mask; both differ from the streams that samplers make from the same seed."""
    return generator(rng).spawn(2)


def simulated(name: str, operator: Operator, truth: Tensor, noise_sigma: float, noise: np.random.Generator) -> Problem:
    check_noise(noise_sigma)
    clean = operator.forward(truth)
    white = torch.from_numpy(noise.standard_normal(tuple(clean.shape))).to(clean)
    return Problem(name, operator, clean + noise_sigma * white, noise_sigma, truth)
