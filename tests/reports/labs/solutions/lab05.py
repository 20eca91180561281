from itertools import pairwise

import torch


def forward(x, sigma, rng):
    return x + sigma * torch.randn(x.shape, generator=rng)


def to_vp(x, sigma):
    abar = 1 / (1 + (2 * sigma) ** 2)
    return abar**0.5 * (2 * x - 1)


def ancestral(x, x0, sigma, after, rng):
    ratio = (after / sigma) ** 2
    noise = torch.randn(x.shape, generator=rng)
    return x0 + ratio * (x - x0) + after * (1 - ratio) ** 0.5 * noise


def ddim(x, x0, sigma, after):
    return x0 + after / sigma * (x - x0)


def generate(prior, x, levels):
    for sigma, after in pairwise([*levels, 0.0]):
        x = ddim(x, prior.denoise(x, sigma), sigma, after)
    return x


def heun(prior, x, sigma, after):
    slope = (x - prior.denoise(x, sigma)) / sigma
    ahead = x + (after - sigma) * slope
    second = (ahead - prior.denoise(ahead, after)) / after
    return x + (after - sigma) * (slope + second) / 2
