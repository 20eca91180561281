"""What a prior believes: reverse diffusion against exact flows, exact variances and the other form of the same process."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

import priors
import solvers
from solvers.loop import ancestral, ddim
from solvers.schedules import alpha_bar_of, cosine, from_vp, geometric, karras, linear, sigma_of, to_vp
from solvers.streams import Streams
from solvers.unconditional import GENERATORS, Nothing

SPREADS = torch.logspace(-1, 0.5, 16, dtype=torch.float64).view(1, 1, 1, -1)  # standard deviations


class Independent:
    """Pixels ~ N(0.3, SPREADS^2), each on its own: the flow of every pixel is known."""

    mean, mmse = 0.3, True

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return self.mean + SPREADS**2 / (SPREADS**2 + sigma**2) * (x - self.mean)


def run(name: str, levels: list[float], x: Tensor, noise: Streams | None = None) -> list[solvers.Iterate]:
    method = GENERATORS[name]
    return list(solvers.Task(Nothing(), Independent(), method, levels, x, 1.0, noise).iterates())


def flow_error(name: str, steps: int) -> float:
    """Of the probability flow from 5 to 0.05, against sqrt((c + last^2) / (c + first^2)): the last step, to 0, left out."""
    first, last = 5.0, 0.05
    x = run(name, geometric(first, last, steps), torch.full_like(SPREADS, Independent.mean + first))[-2].x
    exact = ((SPREADS**2 + last**2) / (SPREADS**2 + first**2)).sqrt() * first
    return float((x - Independent.mean - exact).abs().max())


@pytest.mark.parametrize(("name", "order"), [("ddim", 1), ("heun", 2), ("dpm++", 2)])
def test_the_order_of_the_flow(name: str, order: int) -> None:
    """Twice the steps divide the error by 2^order, as the theory of each method says; the mean stays where it was."""
    errors = [flow_error(name, steps) for steps in (81, 161, 321)]  # 80, 160, 320 steps before the last
    assert [math.log2(a / b) for a, b in pairwise(errors)] == pytest.approx([order, order], abs=0.15)
    assert errors[-1] < {1: 0.02, 2: 2e-4}[order]
    assert torch.allclose(run(name, [5.0, 1.0, 0.1], torch.full_like(SPREADS, 0.3))[-1].x, torch.tensor(0.3, dtype=torch.float64))


def test_multistep_equals_the_published_recursion() -> None:
    """DPM-Solver++(2M) in the variables of its paper, lambda = -log sigma and alpha = 1 (Lu et al. 2022, equation 18)."""
    levels, prior = [3.0, 1.2, 0.7, 0.2, 0.1], Independent()
    x = torch.linspace(-3, 3, 16, dtype=torch.float64).view(1, 1, 1, -1)
    ours = run("dpm++", levels, x)[-2].x
    before, lam = None, [-math.log(s) for s in levels]
    for i in range(1, len(levels)):
        h, x0 = lam[i] - lam[i - 1], prior.denoise(x, levels[i - 1])
        r = (lam[i - 1] - lam[i - 2]) / h if before is not None else math.inf
        d = x0 if before is None else (1 + 1 / (2 * r)) * x0 - before / (2 * r)
        x, before = levels[i] / levels[i - 1] * x - math.expm1(-h) * d, x0
    assert torch.allclose(ours, x, atol=1e-12)


def variance_ratio(rule, steps: int) -> Tensor:
    """Final over true variance when every step is affine: v <- (b + (1 - b) w)^2 v + q^2, exactly."""
    c, levels = SPREADS.flatten() ** 2, geometric(200.0, 0.005, steps)
    v = torch.full_like(c, levels[0] ** 2)
    for sigma, after in pairwise([*levels, 0.0]):
        b, q = rule(sigma, after)
        v = (b + (1 - b) * c / (c + sigma**2)) ** 2 * v + q**2
    return v / c


@pytest.mark.parametrize(("rule", "lost"), [(ancestral, 1.0), (ddim, 0.5)])
def test_the_variance_that_steps_lose(rule, lost: float) -> None:
    """One part in K per unit of log sigma for DDPM, which leaves out the variance of p(clean | x) at every step; half for DDIM."""
    rate = lost * math.log(200 / 0.005)
    for steps in (200, 400, 800):
        expected = torch.full((16,), rate / steps, dtype=torch.float64)
        torch.testing.assert_close(1 - variance_ratio(rule, steps), expected, rtol=0.05, atol=3e-3)  # 3e-3: where the levels end


@pytest.fixture(scope="module")
def gaussian() -> priors.Denoiser:
    return priors.load("gaussian")


@pytest.mark.parametrize("name", GENERATORS)
def test_samples_of_the_gaussian_prior_have_its_mean_and_spectrum(name: str, gaussian) -> None:
    """4 Fourier bands, 400 images: variance within what steps and Monte Carlo leave."""
    shape, n = (1, 16, 16), 400
    drawn = solvers.generate(gaussian, shape, n, rng=0, method=name)
    power = (torch.fft.rfft2(drawn.samples.double() - gaussian.mean, norm="ortho").abs() ** 2).mean(0)
    truth = gaussian.density(shape)
    radius = (torch.fft.fftfreq(16)[:, None] ** 2 + torch.fft.rfftfreq(16) ** 2).sqrt()
    for low, high in ((0.01, 0.1), (0.1, 0.25), (0.25, 0.4), (0.4, 0.8)):
        band = (radius > low) & (radius < high)
        tolerance = 0.06 + 4 / math.sqrt(n * int(band.sum()))  # first order methods are 3 % short of std
        assert abs(float(power[0][band].sum() / truth[0][band].sum()) - 1) < tolerance
    error = math.sqrt(float(truth[0, 0, 0])) / 16 / math.sqrt(n)  # of the mean brightness
    assert abs(float(drawn.samples.mean()) - gaussian.mean) < 4 * error
    assert not drawn.heuristic


@pytest.mark.parametrize("schedule", [geometric, karras, linear, cosine])
def test_schedules_fall_between_the_levels_asked_for(schedule) -> None:
    levels = schedule(20.0, 0.004, 30)
    assert len(levels) == 30
    assert (levels[0], levels[-1]) == pytest.approx((20.0, 0.004))
    assert all(a > b for a, b in pairwise(levels))
    assert schedule(20.0, 0.004, 1) == pytest.approx([20.0])


def test_vp_schedules_equal_the_thousand_steps_of_their_papers() -> None:
    """linear: abar is the product of 1 - beta (Ho 2020); cosine: the ratio of squared cosines (Nichol, Dhariwal 2021)."""
    product = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    first, last = sigma_of(product[-1]), sigma_of(product[99])
    levels = linear(first, last, 901)  # one level a step, step 1000 first
    assert [alpha_bar_of(s) for s in levels] == pytest.approx(list(product[99:][::-1]), rel=0.03, abs=1e-5)

    def f(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    steps = [f(t / 100) / f(0) for t in range(90, 9, -1)]
    levels = cosine(sigma_of(steps[0]), sigma_of(steps[-1]), 81)
    assert [alpha_bar_of(s) for s in levels] == pytest.approx(steps, rel=1e-9)


def test_karras_equals_the_formula() -> None:
    rho, n = 7, 18
    exact = [(80 ** (1 / rho) + i / (n - 1) * (0.002 ** (1 / rho) - 80 ** (1 / rho))) ** rho for i in range(n)]
    assert karras(80, 0.002, n) == pytest.approx(exact)


def ddpm_step(x: Tensor, x0: Tensor, alpha_bar: float, alpha_bar_after: float, noise: Tensor) -> Tensor:
    """Mean and variance of q(x_{t-1} | x_t, x_0) in the words of the paper (Ho et al. 2020, equations 6 and 7)."""
    alpha = alpha_bar / alpha_bar_after
    beta = 1 - alpha
    mean = (alpha_bar_after**0.5 * beta * x0 + alpha**0.5 * (1 - alpha_bar_after) * x) / (1 - alpha_bar)
    return mean + ((1 - alpha_bar_after) / (1 - alpha_bar) * beta) ** 0.5 * noise


def test_a_step_of_ddpm_in_its_own_variables_is_our_step() -> None:
    sigma, after = 0.8, 0.5
    x = torch.rand(1, 1, 4, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ours = run("ddpm", [sigma, after], x, Streams(3, 1, 1))[0].x
    noise = Streams(3, 1, 1).normal(x.shape[1:], x)
    x0 = 2 * Independent().denoise(x, sigma) - 1
    theirs = ddpm_step(to_vp(x, sigma), x0, alpha_bar_of(sigma), alpha_bar_of(after), noise)
    assert torch.allclose(from_vp(theirs, alpha_bar_of(after)), ours, atol=1e-12)


def test_the_two_forms_are_inverse_and_the_preserved_one_preserves() -> None:
    assert sigma_of(alpha_bar_of(0.37)) == pytest.approx(0.37)
    white = torch.randn(2, 20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noisy = 0.5 + 0.5 * white[0] + 0.37 * white[1]  # images in [-1, 1] with unit variance
    assert float(to_vp(noisy, 0.37).var()) == pytest.approx(1, abs=0.03)
    assert torch.allclose(from_vp(to_vp(noisy, 0.37), alpha_bar_of(0.37)), noisy)


class Counting(Independent):
    def __init__(self) -> None:
        self.images = 0

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self.images += len(x)
        return x.mean((-2, -1), keepdim=True).expand_as(x)


@pytest.mark.parametrize("name", GENERATORS)
def test_streams_calls_and_traces(name: str) -> None:
    prior = Counting()
    three = solvers.generate(prior, (3, 8, 8), n=3, rng=0, method=name, steps=5)
    assert prior.images == three.calls == 3 * (9 if name == "heun" else 5)
    assert [t["sigma"] for t in three.trace] == three.config["levels"]
    two = solvers.generate(prior, (3, 8, 8), n=2, rng=0, method=name, steps=5)
    assert three.samples.shape == (3, 3, 8, 8)
    assert torch.equal(three.samples[:2], two.samples)
    assert not torch.equal(three.samples, solvers.generate(prior, (3, 8, 8), n=3, rng=1, method=name, steps=5).samples)


@pytest.mark.parametrize("name", ["tv", "bm3d", "diffusion"])
def test_every_prior_that_knows_noise_is_asked_within_its_range(name: str) -> None:
    prior = priors.load(name)
    drawn = solvers.generate(prior, (1, 16, 16), n=1, rng=0, method="ddpm", steps=4)
    low, high = prior.sigma_range
    assert all(low <= s <= high for s in drawn.config["levels"])
    assert drawn.heuristic == (name != "diffusion")
    assert bool(torch.isfinite(drawn.samples).all())


def test_what_cannot_be_is_said(gaussian) -> None:
    cnn = priors.load("cnn")
    with pytest.raises(ValueError, match=r"'cnn' was made for sigma up to 0.4, but sampling starts from pure noise"):
        solvers.generate(cnn, (1, 16, 16), n=1)
    assert solvers.generate(cnn, (1, 16, 16), n=1, levels=[0.4, 0.1]).samples.shape == (1, 1, 16, 16)
    with pytest.raises(ValueError, match=r"did you mean 'ddim'"):
        solvers.generate(gaussian, method="dim")
    with pytest.raises(ValueError, match="at least 1"):
        solvers.generate(gaussian, n=0)
