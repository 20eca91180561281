"""The second training: what the network does not know, pixel by pixel, learned when the denoiser is done and stays as it is."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from priors.network import Denoiser
from priors.photographs import Bank
from priors.recipe import Recipe

BATCH, RATE = 8, 2e-3


def teach(network: Denoiser, bank: Bank, recipe: Recipe, generator: torch.Generator) -> None:
    """Fit the variance head of ``network`` by Gaussian likelihood (Nix, Weigend 1994; Kendall, Gal 2017), all else frozen."""
    head = network.requires_grad_(False).net.variance.requires_grad_(True)
    optimiser = torch.optim.AdamW(head.parameters(), RATE, weight_decay=0, fused=True)
    for step in range(recipe.variance_steps):
        clean = bank.crops(BATCH, recipe.patch, generator)
        loss = likelihood(network, clean, levels(recipe, clean, generator), generator)
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / recipe.variance_steps)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
    network.requires_grad_(False)


def levels(recipe: Recipe, clean: Tensor, generator: torch.Generator) -> Tensor:
    """Log-uniform over the range, [B]."""
    u = torch.rand(len(clean), device=clean.device, generator=generator)
    return (math.log(recipe.sigma_min) + u * math.log(recipe.sigma_max / recipe.sigma_min)).exp()


def likelihood(network: Denoiser, clean: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Mean of e^2 / (2 v) + log(v) / 2 over pixels and channels, v in units of the network's output scale."""
    noise = torch.randn(clean.shape, device=clean.device, generator=generator)
    mean, std = network.conditional(clean + sigma[:, None, None, None] * noise, sigma)
    scaled = (std / network.coefficients(sigma)[1][:, None, None, None]).log()
    return (0.5 * ((clean - mean) / std).square() + scaled).mean()
