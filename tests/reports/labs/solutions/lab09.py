# ruff: noqa: F821, RUF007  (weights stands in the template)
import torch


def on_path(picture, start, t):
    return (1 - t) * picture + t * start, start - picture


def answer(x, t, pictures, ends, chances, width):
    centres = (1 - t) * pictures + t * ends
    found = weights(x, centres, chances, t * width)
    return torch.einsum("bk,kchw->bchw", found, pictures)


def euler(x, times, believe):
    for t, u in zip(times[:-1], times[1:], strict=True):
        x = x + (u - t) * (x - believe(x, t)) / t
    return x


def from_slot(prior, x, t):
    return prior.denoise(x / (1 - t), t / (1 - t))


def heun(x, times, believe):
    for t, u in zip(times[:-1], times[1:], strict=True):
        v = (x - believe(x, t)) / t
        ahead = x + (u - t) * v
        if u > 0:
            w = (ahead - believe(ahead, u)) / u
            ahead = x + (u - t) * (v + w) / 2
        x = ahead
    return x


def refine(y, pictures, blurred, chances, noise_sigma, jitter, times, n, rng):
    p = weights(y, blurred, chances, noise_sigma)[0]
    r = (p[:, None, None, None] * pictures).sum(0, keepdim=True)
    starts = r + jitter * torch.randn((n, *y.shape[1:]), generator=rng, dtype=y.dtype)
    return heun(starts, times, lambda x, t: answer(x, t, pictures, r.expand_as(pictures), p, jitter))
