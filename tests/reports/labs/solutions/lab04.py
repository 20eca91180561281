# ruff: noqa: F821  (coarse stands in the template)
import torch


def adjoint(y, factor):
    return y.repeat_interleave(factor, dim=-1).repeat_interleave(factor, dim=-2) / factor**2


def data_step(x0, y, factor, noise_sigma, width):
    c = (y - coarse(x0, factor)) / (1 / factor**2 + (noise_sigma / width) ** 2)
    return x0 + adjoint(c, factor)


def red(y, factor, noise_sigma, prior, sigma, turns):
    x = torch.full_like(adjoint(y, factor), float(y.mean()))
    for _ in range(turns):
        x = data_step(prior.denoise(x, sigma), y, factor, noise_sigma, sigma)
    return x


def pgd(y, factor, noise_sigma, prior, sigma, turns):
    x = torch.full_like(adjoint(y, factor), float(y.mean()))
    for _ in range(turns):
        gradient = adjoint(coarse(x, factor) - y, factor) / noise_sigma**2
        x = prior.denoise(x - sigma**2 * gradient, sigma)
    return x


def made_up(x, factor):
    return x - factor**2 * adjoint(coarse(x, factor), factor)
