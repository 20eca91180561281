"""Pictures that have lost something, to train on: without colours, of fewer pixels, compressed."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from priors.pictured import FACTOR, enlarged, luma

QUALITIES = (5, 60)  # of JPEG, as libjpeg counts them


def colorize(clean: Tensor, random: np.random.Generator) -> Tensor:
    """The luminance of colour pictures [B, 3, H, W], three times over."""
    return luma(clean).expand_as(clean)


def super_resolution(clean: Tensor, random: np.random.Generator) -> Tensor:
    """Means of FACTOR x FACTOR pixels in 8 bits, enlarged again by repeating them."""
    return enlarged((255 * functional.avg_pool2d(clean, FACTOR)).round() / 255, FACTOR)


def jpeg(clean: Tensor, random: np.random.Generator) -> Tensor:
    """Through JPEG at a quality that is drawn for each picture; libjpeg keeps half as many samples of colour a side."""
    return torch.stack([compressed(each, int(random.integers(*QUALITIES, endpoint=True))) for each in clean])


def compressed(clean: Tensor, quality: int) -> Tensor:
    """One picture [3, H, W] at one quality, from 1 to 95."""
    pixels, file = (255 * clean).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy(), io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1).to(clean) / 255


TASKS = {"colorize": colorize, "super_resolution": super_resolution, "jpeg": jpeg}
