# ruff: noqa: F821
# The template has squares.
from itertools import pairwise

import torch


def log_probability(x, means, labels, label, spread, sigma):
    logs = -squares(x, means) / (2 * (spread**2 + sigma**2))
    return logs.log_softmax(1)[:, labels == label].logsumexp(1)


def denoise(x, means, spread, sigma):
    weights = (-squares(x, means) / (2 * (spread**2 + sigma**2))).softmax(1)
    keep = spread**2 / (spread**2 + sigma**2)
    return weights @ means + keep * (x - weights @ means)


def guided(x, sigma, free, bound, w):
    d = free(x, sigma)
    return d + w * (bound(x, sigma) - d)


def by_classifier(x, sigma, free, log_probability, w):
    at = x.detach().requires_grad_()
    slope = torch.autograd.grad(log_probability(at, sigma).sum(), at)[0]
    return free(x, sigma) + w * sigma**2 * slope


def draw(denoise, x, levels):
    for sigma, after in pairwise([*levels, 0.0]):
        x0 = denoise(x, sigma)
        x = x0 + after / sigma * (x - x0)
    return x


def sharpened(x, means, labels, label, spread, w):
    logs = -squares(x, means) / (2 * spread**2)
    return w * logs[:, labels == label].logsumexp(1) + (1 - w) * logs.logsumexp(1)
