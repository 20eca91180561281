"""Answers that are drawn at random: the numbers that are compared of them, and how far these may stray."""

from __future__ import annotations

import torch
from torch import Tensor

ERRORS = 5  # standard errors that are allowed: a right answer strays farther once in two million times
BECAUSE = "five standard errors"


def moments(white: Tensor) -> Tensor:
    """Of what should be white noise [B, ...]: its mean, its standard deviation, and that of the mean over the batch, times sqrt(B).

    The last is 1 too where every image has noise of its own, and sqrt(B) where all share one.
    """
    shared = white.mean(0).std() * len(white) ** 0.5
    return torch.stack([white.mean(), white.std(), shared])


def moments_stray(shape: tuple[int, ...]) -> Tensor:
    """How far ``moments`` of noise of that shape may be from 0, 1 and 1."""
    values = torch.Size(shape).numel()
    pixels = values // shape[0]
    return ERRORS * torch.tensor([values**-0.5, (2 * values) ** -0.5, (2 * pixels) ** -0.5])


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
