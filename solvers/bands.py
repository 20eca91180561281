"""How much of an image stands at each scale: its energy in octaves of radial frequency."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

LOWEST = 1 / 64  # cycles per pixel: all below is one band
OCTAVES = 6  # below 1/64, 1/64 to 1/32, ..., 1/8 to 1/4, all above 1/4


def octaves(x: Tensor) -> list[float]:
    """Root mean square of an image [C, H, W] in OCTAVES bands, coarse to fine; its mean brightness is in none of them.

    A Hann window keeps the jump at the border out of the fine bands; bands that an image is too small for hold 0.
    """
    window, band, share = plan(*x.shape[-2:])
    centred = (x - x.mean((-2, -1), keepdim=True)).detach().cpu().float()
    power = torch.fft.rfft2(centred * window).abs().square().mean(0) * share
    return [float(root) for root in torch.bincount(band, power.flatten(), OCTAVES + 1)[1:].sqrt()]


@functools.lru_cache(maxsize=8)
def plan(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Window [H, W]; of every coefficient of rfft2, flat, its band (0: the mean); its share [H, W // 2 + 1] in a mean square."""
    window = torch.hann_window(height, dtype=torch.float32)[:, None] * torch.hann_window(width, dtype=torch.float32)
    frequency = torch.hypot(torch.fft.fftfreq(height, dtype=torch.float32)[:, None], torch.fft.rfftfreq(width, dtype=torch.float32))
    edges = torch.tensor([LOWEST * 2**k for k in range(OCTAVES - 1)], dtype=torch.float32)
    band = torch.where(frequency > 0, 1 + torch.bucketize(frequency, edges, right=True), 0)
    twice = torch.full((width // 2 + 1,), 2.0, dtype=torch.float32)  # rfft2 leaves out the conjugates
    twice[0] = 1
    if width % 2 == 0:
        twice[-1] = 1
    return window, band.flatten(), (twice / (height * width * window.square().sum())).expand(height, -1)
