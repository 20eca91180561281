# ruff: noqa: F821
# The template has filtered and minimise.
from itertools import pairwise

import torch


def exact_posterior(y, h, noise_sigma, grey, power):
    variance = 1 / (h.abs() ** 2 / noise_sigma**2 + 1 / power)
    missed = y - filtered(torch.full_like(y, grey), h)
    return grey + filtered(missed, variance * h.conj() / noise_sigma**2), variance.mean().sqrt()


def data_draw(x0, y, h, noise_sigma, width, white_x, white_y):
    return minimise(x0 + filtered(white_x, width), y + noise_sigma * white_y, h, noise_sigma, width)


def annealed(y, h, noise_sigma, prior, levels, n, rng):
    def white():
        return torch.randn(n, *y.shape[1:], generator=rng, dtype=y.dtype)

    x = prior.grey + levels[0] * white()
    for sigma, after in pairwise([*levels, 0.0]):
        z = data_draw(prior.denoise(x, sigma), y, h, noise_sigma, prior.error(sigma), white(), white())
        x = z + after * white()
    return z


def dps_step(x, y, h, prior, sigma, after, step, white):
    x = x.detach().requires_grad_()
    x0 = prior.denoise(x, sigma)
    distance = (y - filtered(x0, h)).flatten(1).norm(dim=1).sum()
    slope = torch.autograd.grad(distance, x)[0]
    ratio = (after / sigma) ** 2
    return (x0 + ratio * (x - x0) + after * (1 - ratio) ** 0.5 * white - step * slope).detach()


def bias_and_spread(samples, mean, std):
    lean = samples.mean(0, keepdim=True) - mean
    return (lean**2).mean().sqrt() / std, samples.var(0).mean().sqrt() / std
