"""The small worlds of labs 6 to 8 are what the library takes them for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import problems
from priors.gaussian import MEAN, Gaussian
from priors.mixture import digits
from problems import kernels
from reports.labs import catalogue, stationary
from reports.labs.checkers import lab06, lab07, lab08
from reports.labs.lab import instance
from reports.scores import ensemble
from solvers.data import Measurement


def test_the_stationary_prior_is_the_librarys_gaussian() -> None:
    rng = np.random.default_rng(0)
    prior, library = stationary.stationary(24), Gaussian(MEAN, grey=(stationary.LAW,))
    problem = problems.deblur(torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0)), kernels.shake(7, rng), 0.05, rng)
    y, h = problem.y.double(), stationary.response(problem)
    assert torch.allclose(prior.denoise(y, 0.2), library.denoise(y, 0.2))
    mean, std = stationary.exact_posterior(y, h, 0.05, prior.grey, prior.power)
    exact_mean, exact_std = library.posterior(problem.operator, problem.y, 0.05)
    assert torch.allclose(mean, exact_mean, atol=1e-6)
    assert std == pytest.approx(float(exact_std.flatten()[0]), rel=1e-6)
    x0 = torch.full_like(problem.y, 0.3)
    assert torch.allclose(stationary.minimise(x0.double(), y, h, 0.05, 0.1).float(), Measurement(problem).minimise(x0, 0.1), atol=1e-6)


def test_the_law_of_the_annealed_sampler_ends_at_the_posterior() -> None:
    y, h, noise_sigma, prior, _, _, _ = instance(lab06.LAB, lab06.ANNEALED, "ana", 0)
    law = lab06.annealed_law(y, h, noise_sigma, prior, [100.0, 1.0, 0.1])
    assert torch.allclose(law.variance, stationary.variances(h, noise_sigma, prior.power), rtol=2e-3)
    mean, _ = stationary.exact_posterior(y, h, noise_sigma, prior.grey, prior.power)
    assert torch.allclose(torch.fft.ifft2(law.mean, norm="ortho").real, mean[0, 0], atol=1e-3)


@pytest.mark.parametrize("student", ["ana", "ben"])
def test_one_sampler_of_lab_7_is_too_sure_and_the_score_finds_the_one_that_does_not_look(student: str) -> None:
    world = catalogue.scene(7, student)
    judged = {}
    for sampler in world.samplers.values():
        rounds = [(sampler(world.measure(world.draw(i), i), 19, i).numpy(), world.draw(i)[0].numpy()) for i in range(12)]
        tails = [float(np.isin(ensemble.ranks(samples, truth), (0, 19)).mean()) for samples, truth in rounds]
        judged[sampler.__name__] = np.mean(tails), float(np.mean([ensemble.crps(*each).mean() for each in rounds]))
    assert judged["exact"][0] == pytest.approx(0.1, abs=0.01)
    assert judged["overconfident"][0] > 0.15
    assert judged["unheeding"][0] == pytest.approx(0.1, abs=0.07)
    assert judged["exact"][1] < judged["overconfident"][1] < judged["unheeding"][1]


def test_letters_of_lab_7_belong_to_the_id() -> None:
    orders = {tuple(each.__name__ for each in catalogue.scene(7, str(i)).samplers.values()) for i in range(12)}
    assert len(orders) > 3


def test_guidance_of_lab_8_is_the_librarys() -> None:
    """The same formulas, on the digits of the library, for whom guidance by a classifier is known in closed form."""
    prior, x = digits(), torch.rand(2, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bound = prior.given(3)
    free = lab08.guided(x, 0.4, prior.denoise, bound.denoise, 2.5)
    assert torch.allclose(free, prior.given(3, 2.5).denoise(x, 0.4))
    pulled = lab08.by_classifier(x, 0.4, prior.denoise, lambda at, sigma: prior.log_probability(at, sigma, "3"), 2.5)
    assert torch.allclose(pulled, free, atol=1e-8)


def test_the_six_points_of_lab_8_belong_to_the_id() -> None:
    worlds = [catalogue.scene(8, student) for student in ("ana", "ana", "ben")]
    assert torch.equal(worlds[0].means, worlds[1].means)
    assert not torch.equal(worlds[0].means, worlds[2].means)
    assert worlds[0].labels.bincount().tolist() == [lab08.EACH] * lab08.LABELS
    assert catalogue.scene(7, "ana").draw(0).shape[-1] == lab07.SIZE
