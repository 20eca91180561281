"""The ruler must be straight: every closed form of the Gaussian prior against dense linear algebra or plain sampling."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import priors
import problems
from priors.gaussian import OPPONENT, Gaussian, PowerLaw, fit
from problems import operator
from problems.operator import circulant

SHAPES = [(1, 9, 12), (1, 8, 7), (3, 6, 5)]
TINY = {
    "denoise": lambda x: problems.denoise(x, noise_sigma=0.1, rng=0),
    "deblur": lambda x: problems.deblur(x, kernel="gaussian:1.2", noise_sigma=0.05, rng=0),
    "super_resolution": lambda x: problems.super_resolution(x, factor=2, noise_sigma=0.02, rng=0),
    "inpaint": lambda x: problems.inpaint(x, mask="random:0.6", noise_sigma=0.03, rng=0),
}


def covariance(prior: Gaussian, shape: tuple[int, int, int]) -> Tensor:
    """C entry by entry from its definition: a sum of cosines over all frequencies, mixed by the opponent colours."""
    channels, height, width = shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    law = prior.laws[channels]
    full = [torch.fft.fftfreq(n, dtype=torch.float64) for n in (height, width)]
    f = full[0][:, None] ** 2 + full[1] ** 2
    di, dj = (g.flatten()[:, None] - g.flatten() for g in (rows, columns))
    phase = torch.cos(2 * math.pi * (di[..., None, None] * full[0][:, None] + dj[..., None, None] * full[1]))
    blocks = [(phase * one.power * (f + one.knee**2) ** (-one.slope / 2)).mean((-2, -1)) for one in law]
    if channels == 1:
        return blocks[0]
    mix = torch.tensor(OPPONENT, dtype=torch.float64)
    return sum(torch.kron(torch.outer(mix[k], mix[k]), blocks[k]) for k in range(3))


def picture(shape: tuple[int, int, int], seed: int = 0) -> Tensor:
    return torch.rand(1, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_denoising_is_the_conditional_mean(shape, sigma) -> None:
    prior, x = Gaussian(), picture(shape)
    c = covariance(prior, shape)
    expected = prior.mean + c @ torch.linalg.solve(c + sigma**2 * torch.eye(len(c)), (x - prior.mean).flatten())
    assert torch.allclose(prior.denoise(x, sigma).flatten(), expected, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_energy_and_draws_belong_to_the_same_density(shape) -> None:
    prior, x = Gaussian(), picture(shape)
    c = covariance(prior, shape)
    residual = (x - prior.mean).flatten()
    assert float(prior.energy(x)) == pytest.approx(float(residual @ torch.linalg.solve(c, residual)) / 2, rel=1e-9)
    root = prior.colour(torch.eye(len(c), dtype=torch.float64).view(-1, *shape)).flatten(1)
    assert torch.allclose(root @ root.T, c, atol=1e-12)
    assert torch.allclose(prior.whiten(prior.colour(x)), x, atol=1e-10)


@pytest.mark.parametrize("sigma", [0.05, 0.5])
def test_tweedie_denoiser_is_score(sigma) -> None:
    """(D(x, s) - x) / s^2 is the gradient of log N(mean, C + s^2), here by automatic differentiation of a dense density."""
    prior, x = Gaussian(), picture((1, 6, 7)).requires_grad_()
    c = covariance(prior, (1, 6, 7)) + sigma**2 * torch.eye(42, dtype=torch.float64)
    density = torch.distributions.MultivariateNormal(torch.full((42,), prior.mean, dtype=torch.float64), c)
    (score,) = torch.autograd.grad(density.log_prob(x.flatten()), x)
    assert torch.allclose((prior.denoise(x.detach(), sigma) - x.detach()) / sigma**2, score, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_own_error_is_the_trace_of_the_conditional_covariance(shape) -> None:
    prior, sigma = Gaussian(), 0.1
    c = covariance(prior, shape)
    conditional = torch.linalg.inv(torch.linalg.inv(c) + torch.eye(len(c)) / sigma**2)
    assert prior.rmse(sigma, shape) == pytest.approx(math.sqrt(float(conditional.trace()) / len(c)), rel=1e-9)
    spectrum = prior.error_spectrum(sigma, shape)
    white = torch.eye(len(c), dtype=torch.float64).view(-1, *shape)
    root = circulant(white, spectrum).flatten(1)
    assert torch.allclose(root @ root.T, conditional, atol=1e-12)


def test_both_sides_of_the_slot_mean_the_same_colours() -> None:
    """Priors write their error spectra in opponent components, operators read them; neither imports the other."""
    assert operator.OPPONENT == OPPONENT


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", TINY)
def test_posteriors_against_dense_algebra(name, shape) -> None:
    """In information form, (A^T A / s^2 + C^-1)^-1, where the code works with gains in data space or per frequency."""
    prior, problem = Gaussian(), TINY[name](picture(shape))
    c, operator = covariance(prior, shape), problem.operator
    a = operator.forward(torch.eye(len(c), dtype=torch.float64).view(-1, *shape)).flatten(1).T
    conditional = torch.linalg.inv(a.T @ a / problem.noise_sigma**2 + torch.linalg.inv(c))
    flat = torch.full((len(c),), prior.mean, dtype=torch.float64)
    expected = flat + conditional @ a.T @ (problem.y.flatten() - a @ flat) / problem.noise_sigma**2
    mean, std = prior.posterior(operator, problem.y, problem.noise_sigma)
    assert torch.allclose(mean.flatten(), expected, atol=1e-9)
    assert torch.allclose(std.flatten(), conditional.diagonal().sqrt(), atol=1e-9)
    assert torch.allclose(prior.posterior_mean(operator, problem.y, problem.noise_sigma), mean, atol=1e-8)


def test_posteriors_of_large_images() -> None:
    prior, camera = priors.load("gaussian"), problems.load_image("camera", size=96)
    blurred = problems.deblur(camera, rng=0)
    mean, std = prior.posterior(blurred.operator, blurred.y, blurred.noise_sigma)
    assert torch.allclose(prior.posterior_mean(blurred.operator, blurred.y, blurred.noise_sigma), mean, atol=1e-7)
    assert float(std.std()) < 1e-12 < float(std.mean())
    holes = problems.inpaint(camera, rng=0)
    with pytest.raises(ValueError, match="at most 4096 values"):
        prior.posterior(holes.operator, holes.y, holes.noise_sigma)


def test_a_power_law_is_found_again() -> None:
    law = PowerLaw(power=3e-4, slope=2.2, knee=0.02)
    prior = Gaussian(mean=0.4, grey=(law,))
    white = torch.randn(24, 1, 256, 256, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (found,) = fit([image[None] for image in 0.4 + prior.colour(white)], mean=0.4)
    assert found.slope == pytest.approx(law.slope, rel=0.05)
    assert found.power == pytest.approx(law.power, rel=0.1)
