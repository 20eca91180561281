"""The mixtures must be straight rulers too: every closed form against dense algebra, finite differences or plain chains."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from torch import Tensor

import priors
import problems
from priors import mixture
from priors.gaussian import Gaussian
from problems.operators import Blur, Identity, Inpainting, SuperResolution
from tests.chains import metropolis

SHAPE = (1, 6, 5)
MASK = np.random.default_rng(0).random(SHAPE[1:]) < 0.6
OPERATORS = {
    "identity": Identity(SHAPE),
    "blur": Blur("gaussian:1.2", SHAPE),
    "super_resolution": SuperResolution(None, 2, SHAPE),
    "inpaint": Inpainting(MASK, SHAPE),
}
MIXTURES = {"gaussian": lambda: mixture.of(Gaussian()), "mixture": mixture.mixture, "digits": lambda: mixture.digits(spread=0.3)}


def covariance(law, height: int, width: int) -> np.ndarray:
    """Entry by entry from its definition: a sum of cosines over all frequencies."""
    rows, columns = (g.ravel() for g in np.meshgrid(range(height), range(width), indexing="ij"))
    f, g = (frequency[..., None, None] for frequency in np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij"))
    density = law.power * (f**2 + g**2 + law.knee**2) ** (-law.slope / 2)
    phase = np.cos(2 * np.pi * (f * np.subtract.outer(rows, rows) + g * np.subtract.outer(columns, columns)))
    return (density * phase).mean((0, 1))


def components(prior: mixture.Mixture) -> list[tuple[np.ndarray, np.ndarray]]:
    """(mean [d], covariance [d, d]) of every component."""
    found = []
    for kind in prior.kinds:
        c = covariance(kind.texture.laws[1][0], *SHAPE[1:])
        found += [(template.numpy().ravel(), c) for template in kind.templates(SHAPE)]
    return found


def log_density(prior: mixture.Mixture, sigma: float):
    """The function x [d] -> log p(x + sigma noise), by scipy."""
    parts = [multivariate_normal(mean, c + sigma**2 * np.eye(len(c))) for mean, c in components(prior)]
    return lambda x: float(logsumexp([part.logpdf(x) for part in parts]))


def slope(density, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Its gradient by central differences."""
    return np.array([(density(x + step * unit) - density(x - step * unit)) / (2 * step) for unit in np.eye(len(x))])


def picture(seed: int = 0, shape=SHAPE, batch: int = 1) -> Tensor:
    return torch.rand(batch, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_tweedie_denoiser_is_finite_difference_score(name: str, sigma: float) -> None:
    prior, x = MIXTURES[name](), picture(1)
    expected = slope(log_density(prior, sigma), x.numpy().ravel())
    assert np.allclose(((prior.denoise(x, sigma) - x) / sigma**2).numpy().ravel(), expected, rtol=1e-6, atol=1e-5)
    if name == "gaussian":
        assert np.allclose(((Gaussian().denoise(x, sigma) - x) / sigma**2).numpy().ravel(), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", MIXTURES)
def test_energy_is_minus_log_density(name: str) -> None:
    prior, pair = MIXTURES[name](), picture(2, batch=2)
    first, second = map(log_density(prior, 0.0), pair.flatten(1).numpy())
    energy = prior.energy(pair)
    assert float(energy[1] - energy[0]) == pytest.approx(first - second, rel=1e-8)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_posteriors_against_dense_algebra(name: str, operator) -> None:
    """In information form, with the evidence from scipy, where the code works with gains in data space."""
    prior, noise_sigma = MIXTURES[name](), 0.15
    a = operator.forward(torch.eye(30, dtype=torch.float64).view(30, *SHAPE)).flatten(1).T.numpy()
    y = operator.forward(picture(3, batch=2)) + 0.1
    posterior = prior.posterior(operator, y, noise_sigma)
    for b, data in enumerate(y.flatten(1).numpy()):
        evidence = []
        for k, (mean, c) in enumerate(components(prior)):
            inner = np.linalg.inv(a.T @ a / noise_sigma**2 + np.linalg.inv(c))
            expected = inner @ (a.T @ data / noise_sigma**2 + np.linalg.solve(c, mean))
            evidence.append(multivariate_normal(a @ mean, a @ c @ a.T + noise_sigma**2 * np.eye(len(a))).logpdf(data))
            assert np.allclose(posterior.means[b, k], expected, atol=1e-7)
            assert np.allclose(posterior.variances[k], inner.diagonal(), atol=1e-9)
        assert np.allclose(posterior.weights[b], np.exp(evidence - logsumexp(evidence)), atol=1e-8)


@pytest.mark.parametrize("name", MIXTURES)
def test_denoising_is_the_posterior_mean_given_the_pixels(name: str) -> None:
    prior, y = MIXTURES[name](), picture(4, batch=3)
    posterior = prior.posterior(Identity(SHAPE), y, 0.2)
    assert torch.allclose(prior.denoise(y, 0.2).flatten(1), posterior.mean, atol=1e-9)
    assert torch.allclose(prior.responsibilities(y, 0.2), posterior.weights, atol=1e-9)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("shape", [SHAPE, (3, 6, 5)], ids=str)
def test_what_is_known_of_each_pixel_is_its_posterior(name: str, shape) -> None:
    """Mean and deviation given a noisy image, against the dense posterior of the same image."""
    prior, y = MIXTURES[name](), picture(7, shape, batch=3)
    posterior = prior.posterior(Identity(shape), y, 0.3)
    known = prior.belief(y, 0.3)
    assert torch.allclose(known.mean.flatten(1), posterior.mean, atol=1e-9)
    assert torch.allclose(known.pixel.flatten(1), posterior.std, atol=1e-9)


def test_one_component_knows_the_spectrum_of_its_errors() -> None:
    prior, y = mixture.of(Gaussian()), picture(8, (1, 8, 7))
    known = prior.belief(y, 0.3)
    assert torch.allclose(known.pixel[0, 0, 0, 0] * known.spectrum[0], Gaussian().error_spectrum(0.3, (1, 8, 7)), atol=1e-9)


@pytest.mark.parametrize("name", ["mixture", "digits"])
def test_the_spectrum_of_the_errors_is_that_of_draws(name: str) -> None:
    """Of many draws of p(clean | x), the mean power of (draw - mean), for every frequency."""
    prior, shape, n = MIXTURES[name](), (1, 6, 6), 6000
    y = picture(9, shape)
    draws = prior.posterior(Identity(shape), y, 0.5).draw(n, rng=0).view(n, *shape)
    known = prior.belief(y, 0.5)
    measured = torch.fft.rfft2(draws - known.mean, norm="ortho").abs().square().mean(0)
    assert torch.allclose(measured, known.pixel.square().mean() * known.spectrum[0].square(), rtol=0.12, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8, 7), (3, 6, 5)], ids=str)
def test_a_mixture_of_one_is_the_gaussian_prior(shape) -> None:
    gaussian, x = Gaussian(), picture(5, shape)
    one = mixture.of(gaussian)
    assert torch.allclose(one.denoise(x, 0.3), gaussian.denoise(x, 0.3), atol=1e-12)
    assert torch.allclose(one.error_spectrum(0.3, shape), gaussian.error_spectrum(0.3, shape), atol=1e-12)
    operator = Blur("gaussian:1", shape)
    mean, std = gaussian.posterior(operator, x, 0.1)
    posterior = one.posterior(operator, x, 0.1)
    assert torch.allclose(posterior.mean, mean.flatten(1), atol=1e-9)
    assert torch.allclose(posterior.std, std.flatten(1), atol=1e-9)


@pytest.mark.parametrize("name", MIXTURES)
def test_draws_follow_the_posterior(name: str) -> None:
    """Weights of the components, moments within each, and pixels through the distribution function, which makes them uniform."""
    prior, n = MIXTURES[name](), 4000
    posterior = prior.posterior(OPERATORS["inpaint"], OPERATORS["inpaint"].forward(picture(6)), 0.3)
    x = posterior.draw(n, rng=0)
    assert float(((x.mean(0) - posterior.mean) / posterior.std).abs().max()) < 5 / math.sqrt(n)
    assert float((x.std(0) / posterior.std - 1).abs().max()) < 5 / math.sqrt(n)
    uniform = torch.stack([posterior.cdf(draw) for draw in x[:500]])
    assert float((uniform.mean(0) - 0.5).abs().max()) < 5 * math.sqrt(1 / 12 / 500)
    shares = prior.responsibilities(x.view(n, *SHAPE)).mean(0)
    assert float((shares - posterior.weights[0]).abs().max()) < 5 * 0.5 / math.sqrt(n)
    assert not torch.equal(x, posterior.draw(n, rng=1))
    assert torch.equal(x, posterior.draw(n, rng=0))


@pytest.mark.parametrize("name", ["mixture", "digits"])
@pytest.mark.parametrize("shape", [(1, 12, 10), (3, 9, 10)], ids=str)
def test_its_own_error_is_what_denoising_leaves(name: str, shape) -> None:
    """On fresh draws of the prior, in bands of frequency, where single coefficients would be too noisy."""
    prior, sigma, n = MIXTURES[name](), 0.4, 900
    noise = torch.Generator().manual_seed(1)
    clean = prior.draw(torch.arange(n) % len(prior.labels), shape, noise)
    error = prior.denoise(clean + sigma * torch.randn(clean.shape, generator=noise, dtype=torch.float64), sigma) - clean
    turned = priors.gaussian.turn(error) if shape[0] == 3 else error
    measured = torch.fft.rfft2(turned, norm="ortho").abs().square().mean(0)
    claimed = prior.error_spectrum(sigma, shape).square()
    assert float(measured.sum() / claimed.sum()) == pytest.approx(1, abs=0.06)
    low = (slice(None), slice(0, 2), slice(0, 2))
    assert float(measured[low].sum() / claimed[low].sum()) == pytest.approx(1, abs=0.2)


def test_the_posterior_against_a_long_langevin_chain() -> None:
    """Blurred digits of which a third is hidden: weights, mean and spread, from a start that knows nothing."""
    shape, noise_sigma = (1, 6, 6), 0.3
    prior, operator = mixture.digits(spread=0.4), Inpainting(np.random.default_rng(1).random((6, 6)) < 0.7, shape)
    y = operator.forward(mixture.glyphs(shape)[prior.labels.index("3")][None])
    posterior = prior.posterior(operator, y, noise_sigma)
    x = metropolis(prior.energy, operator, y, noise_sigma, chains=300, steps=800, step=0.012)
    named = torch.tensor([label in "380" for label in prior.labels])
    share = float(posterior.weights[0, named].sum())
    assert 0.1 < share < 0.9
    assert float(prior.responsibilities(x)[:, named].sum(1).mean()) == pytest.approx(share, abs=0.03)
    assert float(((x.flatten(1).mean(0) - posterior.mean[0]) / posterior.std[0]).abs().max()) < 0.08
    assert float((x.flatten(1).std(0) / posterior.std[0] - 1).abs().max()) < 0.06


def test_digits_fill_any_image_and_are_recognised() -> None:
    prior = priors.load("digits")
    for shape in ((1, 16, 16), (3, 40, 24)):
        clean = mixture.glyphs(shape)
        assert clean.shape == (90, *shape)
        named = prior.responsibilities(clean).argmax(1)
        assert torch.equal(named, torch.arange(90))
    camera = problems.load_image("camera", size=32)
    assert prior.denoise(camera, 0.1).dtype == camera.dtype


def test_half_a_three_is_half_an_eight() -> None:
    """The answer is discrete, and the data leave it open."""
    prior = mixture.digits()
    operator = Inpainting(np.broadcast_to(np.arange(16) >= 9, (16, 16)), (1, 16, 16))
    three = prior.labels.index("3") + 4  # in the middle of its nine places
    posterior = prior.posterior(operator, operator.forward(mixture.glyphs((1, 16, 16))[three][None]), 0.05)
    share = {digit: float(posterior.weights[0, [label == digit for label in prior.labels]].sum()) for digit in "0123456789"}
    assert share["3"] == pytest.approx(0.5, abs=0.05)
    assert share["8"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: mixture.Mixture([]), "at least one kind"),
    (lambda: priors.load("digits", spread=0.0), "must be positive"),
    (lambda: mixture.mixture().posterior(Identity((1, 65, 64)), torch.zeros(1, 1, 65, 64), 0.1), "at most 4096 values"),
])  # fmt: skip
def test_bad_input_gets_one_clear_sentence(call, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
