"""The model card: what a learned prior was trained on, how well it denoises, and how far it errs. Measured, then stored."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.error import measure_own
from priors.learned import Learned, write
from priors.network import Denoiser
from priors.photographs import centre_crops, listing, pictures, split
from priors.recipe import Recipe, Spent

LITERATURE = (15, 25, 50)  # noise levels that papers report, in /255
FAMILY = {"cnn": "learned"}  # all others are trained up to pure noise


def denoising_psnr(denoise: Callable[[Tensor, float], Tensor], images: Sequence[Tensor], sigma: float) -> float:
    """Mean PSNR in dB of denoising images [1, C, H, W], clipped to [0, 1]; the noise of picture k has seed k."""
    values = []
    for k, clean in enumerate(images):
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(k)).to(clean.device)
        found = denoise(clean + sigma * noise, sigma).clamp(0, 1)
        values.append(-10 * math.log10(float((found - clean).square().mean())))
    return sum(values) / len(values)


def psnr_table(prior: Learned, images: Sequence[Tensor]) -> dict[str, float]:
    """Denoising PSNR in dB at the noise levels of the literature, in /255, as far as the prior reaches."""
    return {str(s): round(denoising_psnr(prior.denoise, images, s / 255), 3) for s in LITERATURE if s / 255 <= prior.sigma_range[1]}


def draft(recipe: Recipe, spent: Spent, licence: str, device: str) -> dict[str, Any]:
    """The model card as far as the run itself can fill it."""
    return {
        "name": recipe.name,
        "family": FAMILY.get(recipe.name, "generative"),
        "licence": licence,
        "network": recipe.network,
        "sigma_range": recipe.sigma_range,
        "seed": recipe.seed,
        "steps": spent.steps,
        "steps_skipped": spent.skipped,
        "pixels": spent.pixels,
        "core_seconds": round(spent.core_seconds),
        "wall_seconds": round(spent.wall_seconds),
        "device": device,
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
    }


def finish(network: Denoiser, card: dict[str, Any], folders: Sequence[Path], weights: Path, tests: Sequence[Path] = ()) -> dict[str, Any]:
    """Measure a trained network on held-back and on test pictures and store it with its card; returns the complete card."""
    prior, channels = Learned(network, card, card["device"], "float32"), card["network"]["channels"]
    held = split(listing(folders))[1]
    crops = centre_crops(held, channels, 96, 48).to(prior.device)
    card = card | {"data": {Path(f).name: len(listing([f])) for f in folders}, "held_back": len(held)}
    card["psnr"] = {f"{len(crops)} held-back photographs, centre 96x96": psnr_table(prior, list(crops.split(1)))}
    for folder in tests:
        images = pictures(listing([folder]), channels, card["device"])
        card["psnr"][f"{Path(folder).name}, {len(images)} pictures"] = psnr_table(prior, images)
    card["error"] = measure_own(network.conditional, crops, np.geomspace(*prior.sigma_range, 24).tolist()).to_dict()
    return write(network, card, weights)
