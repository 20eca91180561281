"""The posterior mean: exact where the posterior is Gaussian, closer than the draws' own mean where it has several modes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

import priors
import problems
import solvers
from solvers.mean import matched, weight
from solvers.streams import Streams

SIZE = 16
OPERATORS = {
    "deblur": lambda image: problems.deblur(image, kernel="gaussian:1.6", noise_sigma=0.02, rng=1),
    "super_resolution": lambda image: problems.super_resolution(image, factor=2, noise_sigma=0.01, rng=1),
    "inpaint": lambda image: problems.inpaint(image, mask="random:0.5", noise_sigma=0.02, rng=1),
}


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def drawn_from(prior: priors.Denoiser, size: int = SIZE) -> Tensor:
    white = torch.randn(1, 1, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return prior.mean + prior.colour(white)


@pytest.mark.parametrize("operator", OPERATORS)
def test_one_pair_is_the_exact_mean_of_a_gaussian_posterior(operator: str) -> None:
    """Every step is then affine in the noise, so that what is odd in it cancels; blur and factor leave the residual of no iteration."""
    prior = priors.load("gaussian")
    problem = OPERATORS[operator](drawn_from(prior))
    mean, std = prior.posterior(problem.operator, problem.y, problem.noise_sigma)
    result = solvers.solve(problem, prior, "mean")
    one = solvers.sample(problem, prior, 1)
    tolerance = 1e-9 if operator != "inpaint" else 0.02 * rms(std)  # conjugate gradients end at a hundredth of the residual
    assert rms(result.x - mean) < tolerance
    assert rms(one.x - mean) > 0.5 * rms(std)
    assert result.calls == 2 * 20 + 8
    assert result.samples is None


def test_pairs_of_a_posterior_with_several_modes() -> None:
    """The mean over measurements of the error of eight pairs: beside the sampler's own error little is left."""
    prior = priors.load("mixture")
    errors, singles = [], []
    for seed in range(4):
        truth = prior.draw(torch.tensor([seed % 3]), (1, 24, 24), torch.Generator().manual_seed(seed))
        problem = problems.deblur(truth, noise_sigma=0.05, rng=seed)
        posterior = prior.posterior(problem.operator, problem.y, problem.noise_sigma)
        scale = rms(posterior.std)
        errors.append(rms(solvers.solve(problem, prior, "mean", pairs=8, rng=seed).x.flatten(1) - posterior.mean) / scale)
        singles.append(rms(solvers.sample(problem, prior, 1, rng=seed).x.flatten(1) - posterior.mean) / scale)
    assert np.mean(errors) < 0.15
    assert np.mean(singles) > 0.8


def test_the_weight_is_best_for_errors_that_are_independent() -> None:
    """Errors 0.1 and 0.3 about one image: 0.1 of the second gives the error 0.3 / sqrt(10); what errs less than the draws counts half."""
    noise = torch.Generator().manual_seed(0)
    first, second, truth = (scale * torch.randn(1, 1, 200, 200, generator=noise) for scale in (0.1, 0.3, 0.0))
    share = weight(torch.tensor([0.1**2]), second - first)
    assert share.item() == pytest.approx(0.1, rel=0.02)
    assert rms(first + share * (second - first) - truth) == pytest.approx(0.3 * 0.1 / math.hypot(0.3, 0.1), rel=0.01)
    assert weight(torch.tensor([0.1**2]), 0.3 * (second - first)).item() == 0.5
    assert weight(torch.tensor([0.1**2]), torch.zeros(1, 1, 2, 2)).item() == 0.5


@pytest.mark.parametrize("mask", ["random:0.5", "box:0.5"])
def test_a_prior_that_knows_few_pictures_still_meets_its_data(mask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zero of which half is missing: the fixed point of a network of digits lies 5 to 10 dB behind its draws, and off the data."""
    rows, columns = np.mgrid[:28, :28] - 13.5
    ring = torch.from_numpy(abs(np.hypot(rows, columns) - 8) < 1.6).float()[None, None]
    problem, prior = problems.inpaint(ring, mask=mask, rng=1), priors.load("digits28")
    found = solvers.solve(problem, prior, "mean", rng=1)
    assert found.warnings == ()
    with monkeypatch.context() as patch:
        patch.setattr("solvers.mean.weight", lambda error, difference: 0.0)
        draws = solvers.solve(problem, prior, "mean", rng=1).x
        patch.setattr("solvers.mean.weight", lambda error, difference: 0.5)
        half = solvers.solve(problem, prior, "mean", rng=1).x
    assert rms(found.x - ring) < 1.02 * rms(draws - ring) < 0.8 * rms(half - ring)


@pytest.mark.parametrize("operator", ["inpaint", "denoise"])
def test_the_fixed_point_mends_what_the_draws_miss(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The posterior over digits has separate modes, whose weights no sampler here gets right."""
    prior, alone, together = priors.load("digits"), [], []
    for seed in range(4):
        truth = prior.draw(torch.tensor([seed]), (1, 16, 16), torch.Generator().manual_seed(seed))
        options = {"inpaint": {"mask": "random:0.2", "noise_sigma": 0.3}, "denoise": {"noise_sigma": 0.8}}[operator]
        problem = problems.load(operator, truth, rng=seed, **options)
        exact = prior.posterior(problem.operator, problem.y, problem.noise_sigma).mean
        together.append(rms(solvers.solve(problem, prior, "mean", pairs=4, rng=seed).x.flatten(1) - exact))
        with monkeypatch.context() as patch:
            patch.setattr("solvers.mean.TURNS", 0)
            alone.append(rms(solvers.solve(problem, prior, "mean", pairs=4, rng=seed).x.flatten(1) - exact))
    assert np.mean(together) < 0.7 * np.mean(alone)


def test_the_level_is_matched_to_the_spread() -> None:
    known = [(1.0, 0.3), (0.1, 0.03), (0.01, 0.004)]
    assert matched(known, 0.03) == pytest.approx(0.1)
    assert matched(known, 0.0949) == pytest.approx(10**-0.5, rel=1e-3)  # halfway in the logarithm
    assert matched(known, 7.0) == pytest.approx(1.0)
    assert matched(known, 0.0) == pytest.approx(0.01)
    assert matched([(1.0, 0.0), (0.1, 0.0)], 0.0) > 0


def test_the_standard_error_is_that_of_the_mean() -> None:
    """Means of 4 pairs from many seeds differ as much as the standard error of each says; the posterior has two modes here."""
    prior = priors.load("digits")
    truth = prior.draw(torch.tensor([3]), (1, 16, 16), torch.Generator().manual_seed(0))
    problem = problems.inpaint(truth, mask="random:0.2", noise_sigma=0.3, rng=0)
    results = [solvers.solve(problem, prior, "mean", pairs=4, rng=seed, steps=8) for seed in range(24)]
    observed = torch.stack([result.x for result in results]).var(0).mean().sqrt()
    told = torch.stack([result.standard_error.square() for result in results]).mean().sqrt()
    assert 0.8 < float(told / observed) < 1.25


def test_mirrored_streams_are_antithetic_and_independent_between_pairs() -> None:
    noise = Streams(0, 6, 2, mirrored=True).normal((1, 8, 8), torch.zeros(1)).view(6, 2, 64)
    assert torch.equal(noise[:3], -noise[3:])
    first = noise[:3].reshape(6, 64)
    assert (torch.corrcoef(first) - torch.eye(6)).abs().max() < 0.5
    assert torch.equal(noise[0], Streams(0, 1, 2).normal((1, 8, 8), torch.zeros(1)).view(1, 2, 64)[0])


def test_a_batch_is_solved_as_its_images() -> None:
    """The first image has the same stream whatever is solved beside it."""
    prior, images = priors.load("gaussian"), torch.rand(2, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    both = problems.denoise(images, noise_sigma=0.1, rng=0)
    alone = dataclasses.replace(both, y=both.y[:1], truth=images[:1])
    assert torch.allclose(solvers.solve(both, prior, "mean").x[:1], solvers.solve(alone, prior, "mean").x)


def test_the_same_seed_gives_the_same_mean() -> None:
    problem = problems.deblur(problems.load_image("camera", size=16, channels=1), rng=0)
    prior = priors.load("tv")
    means = [solvers.solve(problem, prior, "mean", steps=4, rng=rng).x for rng in (0, 0, 1)]
    assert torch.equal(means[0], means[1])
    assert not torch.equal(means[0], means[2])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p, g: solvers.solve(p, g, "hqs", pairs=2), "pairs belongs to the method 'mean', not to 'hqs'"),
        (lambda p, g: solvers.solve(p, g, "mean", pairs=0), "pairs must be at least 1"),
        (lambda p, g: solvers.solve(p, g, "mean", strength=2.0), "has no strength"),
        (lambda p, g: solvers.sample(p, g, 4, method="mean"), "belongs to solvers.solve"),
        (lambda p, g: solvers.solve(p, g, "mean").interval(), "gives one estimate and no spread"),
        (lambda p, g: solvers.solve(p, g, "mean").standard_error, "needs two antithetic pairs"),
        (lambda p, g: solvers.solve(p, g, "hqs").standard_error, "needs two antithetic pairs"),
    ],
)
def test_what_a_mean_is_not_asked_for(call, sentence: str) -> None:
    prior = priors.load("gaussian")
    problem = OPERATORS["deblur"](drawn_from(prior))
    with pytest.raises(ValueError, match=sentence):
        call(problem, prior)
