"""Guidance where everything is known: both kinds are one answer, w = 1 is the conditional prior, and beyond 1 is no tilted density."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

import priors
import problems
import solvers
from priors.gaussian import Gaussian, PowerLaw
from priors.mixture import Kind, Mixture
from problems.operators import Blur, Identity

LEVELS = np.geomspace(30.0, 1e-3, 400).tolist()
FINE = torch.linspace(-1.5, 3.0, 9001, dtype=torch.float64)


def line(means: dict[str, tuple[float, ...]], spread: float) -> Mixture:
    """Pictures of one pixel: labelled modes on a line, all equally likely and equally wide."""
    labels = tuple(label for label, places in means.items() for _ in places)
    places = torch.tensor([place for each in means.values() for place in each], dtype=torch.float64).view(-1, 1, 1, 1)
    return Mixture([Kind(labels, lambda shape: places.expand(-1, *shape), Gaussian(0.0, (PowerLaw(spread**2, 0.0, 1.0),)))])


PAIR = line({"told": (0.6,), "other": (0.4,)}, 0.15)
THREE = line({"told": (0.2, 1.0), "other": (0.5,)}, 0.15)  # the other label lies between the two modes of the told one


def flown(prior: priors.Denoiser, n: int = 1000) -> Tensor:
    """Where the probability flow carries n equally likely starts, in order: on a line it keeps the order, so this is the law itself."""
    quantiles = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    mean = prior.denoise(torch.zeros(1, 1, 1, 1, dtype=torch.float64), 1e4)  # where everything drowns in noise, the answer is the mean
    x = (mean.flatten() + LEVELS[0] * torch.special.ndtri(quantiles)).view(-1, 1, 1, 1)
    for sigma, after in pairwise(LEVELS):
        slope = (x - prior.denoise(x, sigma)) / sigma
        ahead = x + (after - sigma) * slope
        x = x + (after - sigma) * (slope + (ahead - prior.denoise(ahead, after)) / after) / 2
    return x.flatten()


def tilted(prior: Mixture, weight: float) -> Tensor:
    """p(x | told)^w p(x)^(1 - w), normalised on FINE."""
    x = FINE.view(-1, 1, 1, 1)
    return (-weight * prior.given("told").energy(x) - (1 - weight) * prior.energy(x)).softmax(0)


def moments(x: Tensor, shares: Tensor | None = None) -> tuple[float, float, float]:
    """Mean, standard deviation, and the share in the right mode."""
    shares = torch.full_like(x, 1 / len(x)) if shares is None else shares
    mean = float((shares * x).sum())
    return mean, math.sqrt(float((shares * (x - mean) ** 2).sum())), float(shares[x > 0.6].sum())


@pytest.mark.parametrize("name", ["mixture", "digits"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("weight", [-1.0, 0.0, 0.5, 1.0, 3.0])
def test_the_two_guidances_are_one_answer(name: str, channels: int, weight: float) -> None:
    """One from two Wiener mixtures, one from the gradient of p(label | x, sigma) by automatic differentiation."""
    prior = priors.load(name)
    x = torch.rand(3, channels, 7, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for sigma in (0.0, 0.05, 0.4, 3.0):
        free, bound = prior.denoise(x, sigma), prior.given(1).denoise(x, sigma)
        by_label, by_classifier = prior.given(1, weight).denoise(x, sigma), prior.given(1, weight, classifier=True).denoise(x, sigma)
        expected = free + weight * (bound - free)
        assert torch.allclose(by_label, expected, atol=1e-12)
        assert torch.allclose(by_classifier, expected, atol=1e-9, rtol=1e-9)
        s = weight - 1  # of Dhariwal and Nichol, who add s sigma^2 grad log p(label | x, sigma) to D_c
        assert torch.allclose(bound + s * prior.pulled(x, sigma, prior.given(1).labels[0]), expected, atol=1e-9)


def test_the_classifier_of_a_mixture_is_bayes_rule() -> None:
    prior = priors.load("digits")
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    each = torch.stack([prior.log_probability(x, 1.0, str(digit)) for digit in range(10)], 1).exp()
    parts = prior.responsibilities(x, 1.0).view(4, 10, 9).sum(2)
    assert torch.allclose(each, parts, atol=1e-12)
    assert torch.allclose(each.sum(1), torch.ones(4, dtype=torch.float64))


@pytest.mark.parametrize("classifier", [False, True])
def test_at_one_the_samples_are_the_conditional_prior(classifier: bool) -> None:
    """Two modes at 0.2 and 1.0, half of the samples in each, each 0.15 wide; the label between them leaves no trace."""
    mean, std, right = moments(flown(THREE.given("told", 1.0, classifier)))
    assert mean == pytest.approx(0.6, abs=2e-3)
    assert std == pytest.approx(math.hypot(0.4, 0.15), rel=5e-3)
    assert right == pytest.approx(0.5, abs=3e-3)
    assert moments(FINE, tilted(THREE, 1.0)) == pytest.approx((0.6, math.hypot(0.4, 0.15), 0.5), abs=2e-3)


@pytest.mark.parametrize(("prior", "weight", "guided", "density"), [
    (PAIR, 2.0, (0.678, 0.126, 0.729), (0.651, 0.133, 0.646)),
    (PAIR, 3.0, (0.739, 0.110, 0.904), (0.684, 0.123, 0.748)),
    (THREE, 2.0, (0.631, 0.474, 0.542), (0.627, 0.449, 0.545)),
    (THREE, 5.0, (0.712, 0.558, 0.616), (0.677, 0.469, 0.613)),
])  # fmt: skip
def test_beyond_one_the_samples_are_no_tilted_density(prior: Mixture, weight: float, guided: tuple, density: tuple) -> None:
    """Mean, spread and share beyond 0.6: modes move further from the other label, and are narrower, than in p(x | c)^w p(x)^(1 - w)."""
    assert moments(flown(prior.given("told", weight))) == pytest.approx(guided, abs=2e-3)
    assert moments(FINE, tilted(prior, weight)) == pytest.approx(density, abs=2e-3)


def test_beyond_one_the_samples_cover_neither_the_tilted_density_nor_the_conditional_prior() -> None:
    """The middle 90 % of the samples hold so much of p(x | c)^w p(x)^(1 - w) and of p(x | c)."""
    for weight, of_tilted, of_label in ((1.0, 0.90, 0.90), (2.0, 0.87, 0.77), (3.0, 0.80, 0.57), (5.0, 0.58, 0.26)):
        low, high = torch.quantile(flown(PAIR.given("told", weight)), torch.tensor([0.05, 0.95], dtype=torch.float64))
        inside = (low < FINE) & (high > FINE)
        assert float(tilted(PAIR, weight)[inside].sum()) == pytest.approx(of_tilted, abs=0.01)
        assert float(tilted(PAIR, 1.0)[inside].sum()) == pytest.approx(of_label, abs=0.01)


@pytest.mark.parametrize("name", ["digits", "digits28"])
def test_at_zero_the_label_counts_for_nothing(name: str) -> None:
    """Neither for the answer nor for how far off that may be: the density behind it is that of the prior without a label."""
    prior, x = priors.load(name), torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    told, free = prior.given(3, 0).belief(x, 0.7), prior.belief(x, 0.7)  # type: ignore[attr-defined]
    assert float((told.mean - free.mean).abs().max()) < 1e-6
    assert [str(getattr(told, part)) for part in ("pixel", "spectrum", "rmse")] == [
        str(getattr(free, part)) for part in ("pixel", "spectrum", "rmse")
    ]


def test_a_restricted_mixture_keeps_its_exact_posterior() -> None:
    prior, y = priors.load("digits", label=3), torch.rand(1, 1, 16, 16, dtype=torch.float64)
    assert set(prior.labels) == {"3"}
    whole = priors.load("digits").posterior(Identity((1, 16, 16)), y, 0.5)
    three = [label == "3" for label in priors.load("digits").labels]
    part = prior.posterior(Identity((1, 16, 16)), y, 0.5)
    assert torch.allclose(part.weights, whole.weights[:, three] / whole.weights[:, three].sum())
    assert torch.allclose(part.means, whole.means[:, three])


def test_what_is_said_of_the_label_behind_a_measurement_is_calibrated() -> None:
    """Digits under blur and noise: the likeliest label is right as often as p(label | y) says, and each label as often as it is given."""
    prior, operator, n, noise = priors.load("digits"), Blur("gaussian:2", (1, 12, 12)), 1500, torch.Generator().manual_seed(0)
    which = torch.randint(90, (n,), generator=noise)
    clean = operator.forward(prior.draw(which, (1, 12, 12), noise))
    y = clean + 0.2 * torch.randn(clean.shape, generator=noise, dtype=torch.float64)
    shares = torch.stack(list(prior.posterior(operator, y, 0.2).labels.values()), 1)
    assert torch.allclose(shares.sum(1), torch.ones(n, dtype=torch.float64))
    right, sure = shares.argmax(1) == which // 9, shares.max(1).values
    assert 0.4 < float(sure.mean()) < 0.95, "the data leave doubt, or else nothing is tested"
    for low, high in ((0.0, 0.6), (0.6, 0.9), (0.9, 1.01)):
        some = (sure >= low) & (sure < high)
        told, error = float(sure[some].mean()), 4 * math.sqrt(0.25 / int(some.sum()))
        assert float(right[some].double().mean()) == pytest.approx(told, abs=min(error, 0.1))


def test_a_guided_mixture_is_in_the_slot_and_no_score_of_a_density() -> None:
    clean = problems.load_image("camera", size=16)
    problem = problems.inpaint(clean, rng=0)
    for classifier in (False, True):
        prior = priors.load("mixture", label="rough", guidance=2, classifier=classifier)
        assert (prior.name.startswith("mixture[label=rough,guidance=2"), prior.mmse) == (True, False)
        assert torch.isfinite(solvers.sample(problem, prior, n=2, rng=0, steps=4).samples).all()
        x = clean.clone().requires_grad_()
        prior.denoise(x, 0.2).sum().backward()
        assert x.grad is not None
        assert float(x.grad.abs().max()) > 0
    assert priors.load("mixture", label="rough").mmse


@pytest.mark.parametrize(("given", "sentence"), [
    ({"label": "soft"}, "knows no label 'soft'; give one of smooth, natural, rough"),
    ({"label": "rough", "guidance": math.nan}, "guidance must be finite"),
    ({"guidance": 3}, "has no effect without a label"),
])  # fmt: skip
def test_what_is_no_condition_is_refused(given: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        priors.load("mixture", **given)
