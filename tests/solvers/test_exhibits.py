"""The posterior samplers beside the default: those that are right, and those whose known bias must show."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

import priors
import problems
import solvers
from solvers.data import Measurement
from solvers.langevin import ascending, gain
from solvers.loop import Task, drawn, fd, level, loop, zeta
from solvers.methods import METHODS
from solvers.schedules import alpha_bar_of, from_vp, geometric, sigma_of, to_vp
from solvers.spectral import Spectral
from solvers.streams import Streams

SIZE = 16
SAMPLERS = [name for name, method in METHODS.items() if method.samples]
EXHIBITS = [name for name in SAMPLERS if METHODS[name].exhibit]
MAKERS = {
    "deblur": lambda image: problems.deblur(image, kernel="gaussian:1.6", noise_sigma=0.02, rng=1),
    "super_resolution": lambda image: problems.super_resolution(image, factor=2, noise_sigma=0.01, rng=1),
    "inpaint": lambda image: problems.inpaint(image, mask="random:0.5", noise_sigma=0.02, rng=1),
}


@pytest.fixture(scope="module")
def gaussian() -> priors.Denoiser:
    return priors.load("gaussian")


@pytest.fixture(scope="module")
def posteriors(gaussian) -> dict[str, tuple]:
    """A draw from the Gaussian prior, measured in three ways: name -> (problem, exact mean, exact std)."""
    white = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    made = {name: maker(gaussian.mean + gaussian.colour(white)) for name, maker in MAKERS.items()}
    return {name: (p, *gaussian.posterior(p.operator, p.y, p.noise_sigma)) for name, p in made.items()}


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def verdict(samples: Tensor, problem: problems.Problem, mean: Tensor, std: Tensor) -> tuple[float, float, float]:
    """(mean error in posterior stds, ratio of stds, misfit: 1 where samples explain the data as well as the truth)."""
    misfit = Measurement(problem, len(samples)).misfit(samples.flatten(0, 1)).mean()
    return rms(samples.mean(0) - mean) / rms(std), rms(samples.std(0)) / rms(std), float(misfit)


def fitting(name: str, maker: str) -> bool:
    return name != "repaint" or maker == "inpaint"


class Counting:
    """The Gaussian prior that counts the images it denoises, and those that a gradient passes through."""

    def __init__(self, gaussian):
        self.gaussian, self.images = gaussian, 0

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self.images += len(x) * (1 + x.requires_grad)
        return self.gaussian.denoise(x, sigma)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_runs_keeps_its_streams_and_counts_its_calls(name: str, maker: str, posteriors, gaussian, monkeypatch) -> None:
    monkeypatch.setitem(solvers.sample.__globals__, "check_fit", lambda *_: None)  # six levels are too few to fit the data
    problem, prior = posteriors[maker][0], Counting(gaussian)
    if not fitting(name, maker):
        with pytest.raises(ValueError, match="fills missing pixels and cannot undo"):
            solvers.sample(problem, prior, n=1, rng=0, method=name, steps=6)
        return
    three = solvers.sample(problem, prior, n=3, rng=0, method=name, steps=6)
    assert prior.images == three.calls == 3 * 6 * METHODS[name].calls
    assert len(three.trace) == 6
    two = solvers.sample(problem, prior, n=2, rng=0, method=name, steps=6)
    assert torch.allclose(three.samples[:2], two.samples, atol=1e-9)
    assert rms(three.samples[0] - three.samples[1]) > 1e-3
    assert not three.samples.requires_grad
    assert three.samples.shape == (3, *gaussian.denoise(problem.operator.adjoint(problem.y), 1.0).shape)


@pytest.mark.slow
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("name", ["split-gibbs", "langevin", "ula"])
def test_chains_reach_the_exact_posterior(name: str, maker: str, posteriors, gaussian) -> None:
    """Within what they owe: samples of the last level, s / 4 or s / 2, still carry its noise; Langevin steps are finite."""
    problem, mean, std = posteriors[maker]
    n = 60
    error, ratio, misfit = verdict(solvers.sample(problem, gaussian, n=n, rng=0, method=name).samples, problem, mean, std)
    assert error < (0.2 if name == "split-gibbs" else 0.1) + 1 / math.sqrt(n)
    assert -0.02 < ratio - 1 < 0.06
    m = problem.y.numel()
    assert abs(misfit - 1) < 0.12 + 3 * math.sqrt(2 / m)  # the data's own noise, one draw


@pytest.mark.parametrize("calls", [2, 5])
def test_a_believed_draw_is_exact_for_the_gaussian_prior(calls: int, gaussian) -> None:
    """p(clean | x) has the mean D(x) and the error spectrum of the prior, however many steps lead there."""
    x = gaussian.mean + gaussian.colour(torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)) + 0.1
    believed, _ = drawn(calls)(gaussian, x.expand(2000, -1, -1, -1), 0.2, 0.1, Streams(0, 2000, 1))
    error = torch.fft.rfft2(believed - gaussian.denoise(x, 0.2), norm="ortho")
    true = gaussian.error_spectrum(0.2, (1, 8, 8)) ** 2
    assert torch.allclose((error.abs() ** 2).mean(0) / true, torch.ones_like(true), atol=6 * math.sqrt(2 / 2000))
    assert rms(error.mean(0).abs() / true.sqrt()) < 1.3 / math.sqrt(2000)


LAWS = {
    "zeta 1": (zeta(1.0), 0.5**0.5),
    "zeta 0.5": (zeta(0.5), ((1 + 0.5**0.5) / 2) ** 0.5),
    "fd 1": (fd(1.0), 1.0),
    "fd 0.3": (fd(0.3), 1.0),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("law", LAWS)
def test_minimising_needs_the_noise_of_fluctuation_and_dissipation(law: str, maker: str, posteriors, gaussian) -> None:
    """zeta: Var / Var* -> (1 + sqrt(1 - zeta)) / 2 with slow annealing, so DiffPIR's zeta = 1 gives 0.71 of the std; fd: 1."""
    problem, mean, std = posteriors[maker]
    rule, ratio = LAWS[law]
    levels, data = geometric(5.0, 0.005, 200), Measurement(problem, 100)
    start = data.flat() + levels[0] * Streams(1, 100, 1).normal(mean.shape[1:], mean)
    method = replace(METHODS["annealed"], measure="minimise", believe=level, go_on=rule)
    *_, last = loop(Task(data, gaussian, method, levels, start, 1.0, Streams(0, 100, 1)))
    _, found, _ = verdict(last.x[:, None], problem, mean, std)
    assert found == pytest.approx(ratio, abs=0.04)


# What the papers' own settings give: (std ratio at most, misfit at most) or None where nothing is claimed; 1 and 1 are right.
BIASES = {
    ("diffpir", "inpaint"): (0.77, 0.5),
    ("ks", "deblur"): (0.80, None),
    ("ks", "super_resolution"): (0.80, 0.75),
    ("ks", "inpaint"): (0.80, 0.75),
    ("ddrm", "deblur"): (0.75, None),
    ("ddnm", "super_resolution"): (0.9, 1e-6),
    ("ddnm", "inpaint"): (None, 1e-6),
    ("dps", "super_resolution"): (None, 0.3),
    ("dps", "inpaint"): (0.95, 0.6),
    ("pigdm", "deblur"): (0.85, None),
    ("pigdm", "super_resolution"): (0.9, 0.6),
    ("pigdm", "inpaint"): (0.9, 0.8),
    ("repaint", "inpaint"): (0.85, 1e-6),
}


@pytest.mark.parametrize(("name", "maker"), BIASES)
def test_the_known_bias_of_an_exhibit_shows(name: str, maker: str, posteriors, gaussian) -> None:
    """Too sure of itself, or of the data: as published, on a posterior known in closed form."""
    problem, mean, std = posteriors[maker]
    steps = {"repaint": 50, "dps": 500}.get(name)
    result = solvers.sample(problem, gaussian, n=40, rng=0, method=name, steps=steps)
    _, ratio, misfit = verdict(result.samples, problem, mean, std)
    at_most = BIASES[name, maker]
    assert at_most[0] is None or 0.4 < ratio < at_most[0]
    assert at_most[1] is None or misfit < at_most[1]


def test_every_exhibit_has_a_bias_that_is_tested() -> None:
    assert {name for name, _ in BIASES} == set(EXHIBITS)


def dense(operator) -> Tensor:
    size = math.prod(operator.image_shape)
    return operator.forward(torch.eye(size, dtype=torch.float64).view(size, *operator.image_shape)).flatten(1).T


@pytest.mark.parametrize("maker", MAKERS)
def test_singular_values_are_those_of_the_dense_matrix(maker: str, posteriors) -> None:
    problem = posteriors[maker][0]
    spectral, matrix = Spectral(problem.operator), dense(problem.operator)
    exact = torch.linalg.svdvals(matrix)
    if spectral.values.ndim:
        height = problem.y.shape[-1]
        columns = [spectral.values, spectral.values[..., 1 : (height + 1) // 2]]  # the second half of the spectrum mirrors the first
        found = torch.cat([c.flatten() for c in columns]).sort(descending=True).values
    else:
        found = spectral.values.expand(len(exact))
    assert torch.allclose(found, exact, atol=1e-7)
    x = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inverse = torch.linalg.pinv(matrix, rtol=0.03)
    assert torch.allclose(spectral.null(x).flatten(), x.flatten() - inverse @ (matrix @ x.flatten()), atol=1e-6)


class Mute(Streams):
    """No noise at all: what is left of a step is its mean."""

    def normal(self, shape, like: Tensor) -> Tensor:
        return super().normal(shape, like) * 0


def step(name: str, problem, prior, sigma: float, after: float, x: Tensor, noise: Streams) -> Tensor:
    data, method = Measurement(problem, len(x)), METHODS[name]
    return next(iter(method.own(Task(data, prior, method, [sigma, after], x, 1.0, noise)))).x


@pytest.fixture
def noisy(posteriors) -> Tensor:
    truth = posteriors["deblur"][1]
    return truth + 0.3 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(("sigma", "after"), [(0.3, 0.15), (0.3, 0.005)])
def test_a_step_of_ddrm_follows_its_three_rules(sigma: float, after: float, maker: str, posteriors, gaussian, noisy) -> None:
    """Mean and variance coefficient by coefficient, from a dense singular value decomposition (Kawar et al. 2022)."""
    problem, eta = posteriors[maker][0], 0.85
    u, s, vt = torch.linalg.svd(dense(problem.operator))
    s = torch.cat([s, s.new_zeros(len(vt) - len(s))])
    s = torch.where(s > 0.03 * s.max(), s, 0.0)
    y = u.T @ problem.y.flatten()
    x0 = gaussian.denoise(noisy, sigma)
    c, c0 = vt @ noisy.flatten(), vt @ x0.flatten()
    mean, variance = torch.empty_like(c), torch.full_like(c, (eta * after) ** 2)
    for i, value in enumerate(s):
        if value == 0:
            mean[i] = c0[i] + math.sqrt(1 - eta**2) * after / sigma * (c[i] - c0[i])
        elif after < problem.noise_sigma / value:
            mean[i] = c0[i] + math.sqrt(1 - eta**2) * after * (y[i] - value * c0[i]) / problem.noise_sigma
        else:
            mean[i], variance[i] = y[i] / value, after**2 - (problem.noise_sigma / value) ** 2
    found = step("ddrm", problem, gaussian, sigma, after, noisy, Mute(0, 1, 1))
    assert torch.allclose(found.flatten(), vt.T @ mean, atol=1e-9)
    drawn = step("ddrm", problem, gaussian, sigma, after, noisy.expand(1000, -1, -1, -1), Streams(0, 1000, 1)).flatten(1)
    assert float((drawn @ vt.T - mean).square().mean() / variance.mean()) == pytest.approx(1, abs=0.02)
    assert torch.allclose((drawn - vt.T @ mean).square().mean(0), (vt.T.square() @ variance), rtol=0.4)


def vp_gradient(problem, prior, sigma: float, x: Tensor, weight=None) -> tuple[Tensor, Tensor]:
    """In the papers' variables: their clean image, and the gradient that they take with respect to their x."""
    theirs = to_vp(x, sigma).requires_grad_()
    x0 = 2 * prior.denoise(from_vp(theirs, alpha_bar_of(sigma)), sigma) - 1
    y = 2 * problem.y - problem.operator.forward(torch.ones_like(x))  # A of an image in [-1, 1]
    if weight is None:
        return x0, torch.autograd.grad((y - problem.operator.forward(x0)).norm(), theirs)[0]
    return x0, torch.autograd.grad((weight(x0.detach(), y) * x0).sum(), theirs)[0]


def ddpm_mean(x: Tensor, x0: Tensor, alpha_bar: float, alpha_bar_after: float) -> Tensor:
    alpha = alpha_bar / alpha_bar_after
    return (alpha_bar_after**0.5 * (1 - alpha) * x0 + alpha**0.5 * (1 - alpha_bar_after) * x) / (1 - alpha_bar)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_step_of_dps_in_its_own_variables_is_our_step(maker: str, posteriors, gaussian, noisy) -> None:
    problem, sigma, after = posteriors[maker][0], 0.3, 0.2
    zeta = 0.5 if maker == "inpaint" else 0.3
    x0, slope = vp_gradient(problem, gaussian, sigma, noisy)
    theirs = ddpm_mean(to_vp(noisy, sigma), x0, alpha_bar_of(sigma), alpha_bar_of(after)) - zeta * slope
    ours = step("dps", problem, gaussian, sigma, after, noisy, Mute(0, 1, 1))
    assert torch.allclose(from_vp(theirs, alpha_bar_of(after)), ours, atol=1e-10)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_step_of_pigdm_in_its_own_variables_is_our_step(maker: str, posteriors, gaussian, noisy) -> None:
    problem, sigma, after = posteriors[maker][0], 0.3, 0.2
    matrix, level = dense(problem.operator), 2 * sigma
    r2 = level**2 / (1 + level**2)
    inverse = torch.linalg.inv(matrix @ matrix.T + (2 * problem.noise_sigma) ** 2 / r2 * torch.eye(len(matrix)))

    def pull(x0: Tensor, y: Tensor) -> Tensor:
        return (matrix.T @ inverse @ (y - problem.operator.forward(x0)).flatten()).view(x0.shape)

    x0, slope = vp_gradient(problem, gaussian, sigma, noisy, pull)
    guided = math.sqrt(alpha_bar_of(sigma) * alpha_bar_of(after)) * slope
    theirs = ddpm_mean(to_vp(noisy, sigma), x0, alpha_bar_of(sigma), alpha_bar_of(after)) + guided
    ours = step("pigdm", problem, gaussian, sigma, after, noisy, Mute(0, 1, 1))
    assert torch.allclose(from_vp(theirs, alpha_bar_of(after)), ours, atol=1e-8)


def test_repaint_ends_on_the_data_and_ddnm_on_all_they_determine(posteriors, gaussian) -> None:
    problem = posteriors["inpaint"][0]
    for name in ("repaint", "ddnm"):
        result = solvers.sample(problem, gaussian, n=1, rng=0, method=name, steps=4)
        assert torch.allclose(problem.operator.forward(result.samples[0]), problem.y, atol=1e-12)


def test_stochastic_ascent_visits_the_levels_of_its_paper() -> None:
    """sigma_t+1 = (1 - beta h_t) sigma_t with beta = 0.01, from 1 to 0.01 (Kadkhodaie, Simoncelli 2021)."""
    problem = problems.denoise(torch.full((1, 1, 8, 8), 0.5), noise_sigma=0.05, rng=0)
    levels = ascending(Measurement(problem), priors.load("gaussian"), 1.0, METHODS["ks"].steps)
    assert (levels[0], levels[-1]) == pytest.approx((1.0, 0.01))
    beta = [(1 - after / sigma) / gain(t) for t, (sigma, after) in enumerate(pairwise(levels), start=1)]
    assert beta == pytest.approx([0.01] * len(beta), rel=0.01)


def test_published_levels_are_those_of_the_thousand_steps(posteriors, gaussian) -> None:
    levels = solvers.sample(posteriors["deblur"][0], gaussian, n=1, rng=0, method="ddrm", steps=20).config["levels"]
    product = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    assert (levels[0], levels[-1]) == pytest.approx((sigma_of(float(product[-1])), sigma_of(float(product[0]))), rel=0.01)


@pytest.mark.parametrize("prior", ["tv", "nlm"])
def test_guidance_needs_a_gradient_and_says_so(prior: str, posteriors) -> None:
    with pytest.raises(ValueError, match=f"no gradient passes through prior '{prior}'"):
        solvers.sample(posteriors["deblur"][0], priors.load(prior), n=1, rng=0, method="dps", steps=2)


@pytest.mark.parametrize("name", ["dps", "pigdm"])
def test_a_gradient_passes_through_the_network(name: str) -> None:
    problem = problems.inpaint(problems.load_image("camera", size=16), rng=0)
    result = solvers.sample(problem, priors.load("diffusion"), n=1, rng=0, method=name, steps=3)
    assert bool(torch.isfinite(result.samples).all())
    assert not result.heuristic


def test_an_operator_without_reachable_singular_values_is_refused(gaussian) -> None:
    image = torch.full((1, 1, 15, 15), 0.5)
    problem = problems.super_resolution(image, factor=2, rng=0)
    for name in ("ddrm", "ddnm"):
        with pytest.raises(ValueError, match=r"singular values of SuperResolution.* are out of reach"):
            solvers.sample(problem, gaussian, n=1, rng=0, method=name)


def test_samples_of_a_prior_that_is_no_conditional_mean_are_called_heuristic(posteriors) -> None:
    problem = posteriors["deblur"][0]
    assert solvers.sample(problem, priors.load("tv"), n=1, rng=0, steps=2).heuristic
    assert not solvers.solve(problem, priors.load("tv")).heuristic
