"""Facts about the loop, shown where the truth is known: the Gaussian prior in float64."""

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
from priors.tv import divergence, gradient
from priors.tv import weight as tv_weight
from problems.operator import circulant, conjugate_gradients
from solvers.data import Covariance, Measurement, size
from solvers.levels import within
from solvers.loop import STRIDE, Task, loop, next_level, renew
from solvers.mean import TURNS
from solvers.methods import METHODS
from solvers.streams import Streams

SIZE = 16
MAKERS = {
    "deblur": lambda image: problems.deblur(image, kernel="gaussian:1.6", noise_sigma=0.02, rng=1),
    "super_resolution": lambda image: problems.super_resolution(image, factor=2, noise_sigma=0.01, rng=1),
    "inpaint": lambda image: problems.inpaint(image, mask="random:0.5", noise_sigma=0.02, rng=1),
}
ESTIMATORS = [name for name, method in METHODS.items() if not method.samples]
SETTLED = [*ESTIMATORS, "annealed"]  # the other samplers have their own page of tests


@pytest.fixture(scope="module")
def gaussian() -> priors.Denoiser:
    return priors.load("gaussian")


@pytest.fixture(scope="module", params=MAKERS)
def measured(request, gaussian):
    """A draw from the Gaussian prior, measured, with its exact posterior: (problem, mean, std)."""
    white = torch.randn(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    problem = MAKERS[request.param](gaussian.mean + gaussian.colour(white))
    return problem, *gaussian.posterior(problem.operator, problem.y, problem.noise_sigma)


def dense(operator) -> Tensor:
    size = math.prod(operator.image_shape)
    return operator.forward(torch.eye(size, dtype=torch.float64).view(size, *operator.image_shape)).flatten(1).T


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def test_admm_reaches_the_exact_mode(measured, gaussian) -> None:
    problem, mean, _ = measured
    result = solvers.solve(problem, gaussian, "admm", steps=400)
    assert rms(result.x - mean) < 1e-8


def test_strength_counts_the_prior(measured, gaussian) -> None:
    """ADMM at strength 4 finds the mode under an energy that counts four times, as a dense solve written on its own says."""
    problem, _, _ = measured
    matrix, identity = dense(problem.operator), torch.eye(SIZE**2, dtype=torch.float64)
    covariance = gaussian.filter(identity.view(-1, 1, SIZE, SIZE), gaussian.density((1, SIZE, SIZE))).flatten(1)
    flat = torch.full((SIZE**2,), gaussian.mean, dtype=torch.float64)
    precision = matrix.T @ matrix / problem.noise_sigma**2 + 4 * torch.linalg.inv(covariance)
    mode = flat + torch.linalg.solve(precision, matrix.T @ (problem.y.flatten() - matrix @ flat)) / problem.noise_sigma**2
    result = solvers.solve(problem, gaussian, "admm", strength=4.0, steps=600)
    assert rms(result.x.flatten() - mode) < 1e-8


def mode_by_primal_dual(problem: problems.Problem, weight: float, steps: int = 20000) -> Tensor:
    """argmin |A x - y|^2 / (2 s^2) + weight TV(x) (Chambolle, Pock 2011, algorithm 1), which shares no step with ADMM."""
    operator, reach = problem.operator, weight * problem.noise_sigma**2
    back = operator.adjoint(problem.y)
    x = ahead = back
    p, tau = back.new_zeros(2, *back.shape), 0.99 / math.sqrt(8)
    for _ in range(steps):
        p = p + tau * gradient(ahead)
        p = p / (p.square().sum((0, 2), keepdim=True).sqrt() / reach).clamp(min=1)
        after = operator.solve(back + (x + tau * divergence(p)) / tau, 1 / tau)
        x, ahead = after, 2 * after - x
    return x


@pytest.mark.slow
@pytest.mark.parametrize("maker", [*MAKERS, "denoise"])
def test_admm_with_total_variation_is_the_mode(maker: str) -> None:
    """At strength 1 its objective is within 0.1 % of the least and its PSNR within 0.02 dB of the minimiser's, by default within 0.2 %."""
    image = problems.load_image("camera", 32).double()
    problem = MAKERS[maker](image) if maker in MAKERS else problems.denoise(image, noise_sigma=0.1, rng=0)
    tv, result = priors.load("tv"), solvers.solve(problem, priors.load("tv"), "admm", steps=300)
    weight = tv_weight(result.config["levels"][0], 1) / result.config["levels"][0] ** 2

    def objective(x: Tensor) -> float:
        misfit = (problem.operator.forward(x) - problem.y).square().sum() / problem.noise_sigma**2
        return float(misfit / 2 + weight * tv.energy(x).sum())

    mode = mode_by_primal_dual(problem, weight)
    assert 1 - 1e-4 < objective(result.x) / objective(mode) < 1.001
    psnr = [float(-10 * (x - image).square().mean().log10()) for x in (result.x, mode)]
    assert abs(psnr[0] - psnr[1]) < 0.02
    assert objective(solvers.solve(problem, tv, "admm").x) / objective(mode) < 1.002


def test_red_reaches_its_own_fixed_point(measured, gaussian) -> None:
    """A^T (A x - y) / s^2 + lambda (x - D(x)) = 0, solved densely (Romano, Elad, Milanfar 2017, equation 30)."""
    problem, _, _ = measured
    sigma, strength = 0.1, 1.5
    matrix, identity = dense(problem.operator), torch.eye(SIZE**2, dtype=torch.float64)
    offset = gaussian.denoise(torch.zeros(1, 1, SIZE, SIZE, dtype=torch.float64), sigma).flatten()
    smoother = gaussian.denoise(identity.view(-1, 1, SIZE, SIZE), sigma).flatten(1).T - offset[:, None]
    weight = strength / sigma**2
    left = matrix.T @ matrix / problem.noise_sigma**2 + weight * (identity - smoother)
    fixed = torch.linalg.solve(left, matrix.T @ problem.y.flatten() / problem.noise_sigma**2 + weight * offset)
    result = solvers.solve(problem, gaussian, "red", strength=strength, levels=[sigma] * 6000)
    assert rms(result.x.flatten() - fixed) < 1e-6
    assert result.trace[-1]["change"] < 1e-9


def test_pgd_and_annealed_hqs_approach_the_mode(measured, gaussian) -> None:
    problem, mean, std = measured
    start = rms(solvers.solve(problem, gaussian, "pgd", steps=1).x - mean)
    assert rms(solvers.solve(problem, gaussian, "pgd", steps=400).x - mean) < 0.01 * start
    falling = [list(np.geomspace(0.5, 0.005, k)) for k in (10, 100)]
    whole = 1 / METHODS["hqs"].balance  # the prior's energy counts once in all: as the levels fall to zero this is the mode
    coarse, fine = (rms(solvers.solve(problem, gaussian, "hqs", strength=whole, levels=levels).x - mean) for levels in falling)
    assert fine < 0.3 * coarse
    assert fine < 0.2 * rms(std)


def calibration(result: solvers.Result, mean: Tensor, std: Tensor) -> tuple[float, float, float]:
    """(mean error in posterior stds, ratio of stds, share of samples inside the true central 90 %)."""
    inside = (result.samples - mean).abs() < 1.6448536 * std
    return rms(result.mean - mean) / rms(std), rms(result.std) / rms(std), float(inside.double().mean())


@pytest.mark.slow
def test_annealed_samples_the_exact_posterior(measured, gaussian) -> None:
    problem, mean, std = measured
    error, ratio, covered = calibration(solvers.sample(problem, gaussian, n=1600, rng=0, steps=100), mean, std)
    assert error < 0.05  # of which Monte Carlo: 1 / sqrt(1600) = 0.025
    assert abs(ratio - 1) < 0.03
    assert abs(covered - 0.9) < 0.015


def test_annealed_with_the_error_spectrum_is_exact_in_one_call(measured, gaussian) -> None:
    """The width is then the covariance of p(clean | x) itself, so no schedule is needed."""
    problem, mean, std = measured
    error, ratio, covered = calibration(solvers.sample(problem, gaussian, n=1600, rng=0, steps=1), mean, std)
    assert error < 0.05
    assert abs(ratio - 1) < 0.03
    assert abs(covered - 0.9) < 0.015


@pytest.mark.parametrize("maker", MAKERS)
def test_annealed_is_exact_in_colour_too(maker, gaussian) -> None:
    """The error is known for each opponent component, so that brightness and colour get the spread of their own."""
    white = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    problem = MAKERS[maker](gaussian.mean + gaussian.colour(white))
    mean, std = gaussian.posterior(problem.operator, problem.y, problem.noise_sigma)
    result = solvers.sample(problem, gaussian, n=1600, rng=0, steps=1)
    error, ratio, covered = calibration(result, mean, std)
    assert error < 0.06
    assert abs(ratio - 1) < 0.03
    assert abs(covered - 0.9) < 0.015
    chroma = (result.samples - mean)[:, 0, 0] - (result.samples - mean)[:, 0, 1]  # red minus green: far below their own spread
    assert float(chroma.std()) < 0.8 * float(std.mean())


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_data_step_heeds_an_error_known_pixel_by_pixel(maker, channels, monkeypatch) -> None:
    """K = L L^T A^T (A L L^T A^T + s^2)^-1, by dense algebra; and a draw has the covariance that is left."""
    monkeypatch.setattr("solvers.data.CLOSE", 1e-9)
    generator = torch.Generator().manual_seed(0)
    x0 = torch.rand(1, channels, 8, 8, generator=generator, dtype=torch.float64)
    pixel = 0.02 + 0.2 * torch.rand(1, 1, 8, 8, generator=generator, dtype=torch.float64)
    spectrum = 0.5 + priors.load("gaussian").density(x0.shape).sqrt()
    problem, width = MAKERS[maker](x0 + 0.1), Covariance(pixel, spectrum)
    a, basis = dense(problem.operator), torch.eye(x0.numel(), dtype=torch.float64).view(-1, *x0.shape[1:])
    root = width.root(basis).flatten(1).T
    kalman = root @ root.T @ a.T @ torch.linalg.inv(a @ root @ root.T @ a.T + problem.noise_sigma**2 * torch.eye(len(a)))
    exact = x0.flatten() + kalman @ (problem.y - problem.operator.forward(x0)).flatten()
    assert rms(Measurement(problem).minimise(x0, width).flatten() - exact) < 1e-6 * rms(pixel)
    drawn = Measurement(problem, 2000).draw(x0.expand(2000, -1, -1, -1), width, Streams(0, 2000, 1)).flatten(1)
    left = (root @ root.T - kalman @ a @ root @ root.T).diagonal()
    assert torch.allclose(drawn.var(0) / left, torch.ones_like(left), atol=6 * math.sqrt(2 / 2000))
    assert rms((drawn.mean(0) - exact) / left.sqrt()) < 1.3 / math.sqrt(2000)


@pytest.mark.parametrize("mask", ["box:0.25", "random:0.5"])
@pytest.mark.parametrize("level", [5.0, 0.4, 0.05])
def test_a_hole_is_solved_to_the_end(mask, level, monkeypatch) -> None:
    """As accurate as it says: a residual counted among the image's whitened unknowns left holes unsolved (0.7 spreads off)."""
    image = problems.load_image("camera", size=32, channels=1)
    problem = problems.inpaint(image, mask=mask, noise_sigma=0.02, rng=1)
    known = priors.load("diffusion").belief(image + level * torch.randn(image.shape, generator=seeded(0)), level)
    x0, width = known.mean, Covariance(known.pixel, known.spectrum)
    near = Measurement(problem).minimise(x0, width)
    monkeypatch.setattr("solvers.data.CLOSE", 1e-6)
    assert rms(near - Measurement(problem).minimise(x0, width)) < 0.02 * size(width)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_guess_at_the_inverse_spares_turns(maker, gaussian) -> None:
    operator = MAKERS[maker](torch.rand(1, 1, 32, 32, generator=seeded(0), dtype=torch.float64)).operator
    spectrum, c = gaussian.density((1, 32, 32)), 1e-4
    data = operator.forward(torch.rand(1, 1, 32, 32, generator=seeded(1), dtype=torch.float64))

    def turns(*guide) -> int:
        taken = []

        def matvec(v: Tensor) -> Tensor:
            taken.append(v)
            return operator.forward(circulant(operator.adjoint(v), spectrum)) + c * v

        solved = conjugate_gradients(matvec, data, *guide, tolerance=1e-6)
        assert rms(matvec(solved) - data) < 2e-6 * rms(data)
        return len(taken)

    assert turns(operator.gram_inverse(spectrum, c)) < 0.7 * turns()


class Conditional:
    """The Gaussian prior that tells its error pixel by pixel: data steps are then left to conjugate gradients."""

    def __init__(self, gaussian: priors.Denoiser):
        self.gaussian, self.denoise, self.asked = gaussian, gaussian.denoise, []

    def belief(self, x: Tensor, sigma: float) -> priors.Belief:
        self.asked.append(sigma)
        return priors.Belief(self.denoise(x, sigma), torch.ones_like(x), self.gaussian.error_spectrum(sigma, x.shape).to(x))


def test_a_prior_that_knows_its_error_pixel_by_pixel_is_asked_once_a_level(measured, gaussian, monkeypatch) -> None:
    """With the Gaussian prior's own error behind ``belief`` the samples are those of its error spectrum."""
    problem, prior = measured[0], Conditional(gaussian)
    monkeypatch.setattr("solvers.data.CLOSE", 1e-9)
    monkeypatch.setattr("solvers.data.HIDDEN", 0.0)
    found, expected = (solvers.sample(problem, each, n=2, rng=0, steps=4) for each in (prior, gaussian))
    assert len(prior.asked) == 4
    assert rms(found.samples - expected.samples) < 1e-6 * rms(expected.std)


def test_a_data_step_that_ends_early_moves_no_sample(measured, gaussian) -> None:
    """What it misses the data by is hidden by the noise that comes next: at the end by 2 % of the spread."""
    found, exact = (solvers.sample(measured[0], prior, n=8, rng=0, steps=20) for prior in (Conditional(gaussian), gaussian))
    assert 0 < rms(found.samples - exact.samples) < 0.02 * rms(exact.std)


class ScalarError:
    """The Gaussian prior that knows its error only on average: the way of a prior without an error spectrum."""

    name, family, mmse = "scalar", "smoother", True

    def __init__(self, gaussian):
        self.denoise, self.shape = gaussian.denoise, (1, SIZE, SIZE)
        self.rmse = lambda sigma: gaussian.rmse(sigma, self.shape)


@pytest.mark.slow
def test_a_scalar_width_is_right_on_average(measured, gaussian) -> None:
    problem, mean, std = measured
    error, ratio, covered = calibration(solvers.sample(problem, ScalarError(gaussian), n=800, rng=0, steps=100), mean, std)
    assert error < 0.15
    assert abs(ratio - 1) < 0.03
    assert abs(covered - 0.9) < 0.015


def test_samples_explain_the_data_as_well_as_the_truth(measured, gaussian) -> None:
    """Given y, sample and truth are exchangeable: the misfit of both is 1 on average over measurements."""
    problem, _, _ = measured
    m = problem.y.numel()
    white = torch.randn(200, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    truth = gaussian.mean + gaussian.colour(white)
    noise = torch.randn(200, *problem.y.shape[1:], generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    batch = problems.Problem("batch", problem.operator, problem.operator.forward(truth) + problem.noise_sigma * noise, problem.noise_sigma)
    result = solvers.sample(batch, gaussian, n=1, rng=0, steps=10)
    residual = (problem.operator.forward(result.samples[0]) - batch.y) / problem.noise_sigma
    assert abs(float(residual.square().mean()) - 1) < 4 * math.sqrt(2 / (200 * m))


class Oracle:
    """Knows the truth, and remembers what it was shown: the noise in its input can then be measured."""

    def __init__(self, truth: Tensor):
        self.truth, self.told, self.seen = truth, [], []

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self.told.append(sigma)
        self.seen.append(float((x - self.truth).std()))
        return self.truth.expand_as(x).clone()

    def rmse(self, sigma: float) -> float:
        return 0.0


@pytest.mark.parametrize("name", SETTLED)
def test_the_noise_fed_to_a_prior_is_the_sigma_it_is_told(name: str) -> None:
    """At every level of every method: samplers put noise of exactly this size on what was measured, estimators none."""
    truth = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    problem, oracle, method = problems.denoise(truth, noise_sigma=0.05, rng=0), Oracle(truth), METHODS[name]
    levels, data = [0.3, 0.2, 0.1, 0.05], Measurement(problem, 4)
    noise = Streams(0, 4, 1) if method.samples else None
    start = truth + levels[0] * Streams(1, 4, 1).normal(truth.shape[1:], truth)
    steps = list(loop(Task(data, oracle, method, levels, start, 1.0, noise)))
    assert oracle.told == levels
    if method.samples:
        assert oracle.seen == pytest.approx(levels, rel=0.02)
    else:
        assert all(torch.equal(step.x, step.measured) for step in steps)


PIXELS = Covariance(torch.ones(1, 1, 4, 4), torch.ones(1, 4, 3))


@pytest.mark.parametrize("steps", [10, 40, 200])
def test_noise_is_renewed_as_often_with_any_number_of_levels(steps: int) -> None:
    """Its level is the next one's; of the first noise as little is left after a fall of five STRIDE with 200 levels as with few."""
    levels = [math.exp(-5 * STRIDE * k / steps) for k in range(steps + 1)]
    left = 1.0
    for sigma, after in pairwise(levels):
        b, q = renew(sigma, after, PIXELS)
        assert (b * sigma) ** 2 + q**2 == pytest.approx(after**2)
        assert renew(sigma, after, 0.1) == (0.0, after)  # draws of a width that is right on average only become right by being renewed
        left *= b * sigma / after
    assert left < math.exp(-5 / 2) + 1e-9  # each share of the variance that is forgotten takes half of it from the amplitude
    assert renew(1.0, math.exp(-STRIDE) * 0.999, PIXELS)[0] == 0.0
    assert renew(1.0, 0.0, PIXELS) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["cnn", "diffusion"])
def test_by_default_noise_is_renewed_in_full(name: str) -> None:
    """The first image is no draw, and what it lacks would be carried along as if it were noise."""
    problem = problems.deblur(problems.load_image("camera", size=32), noise_sigma=0.03)
    levels = METHODS["annealed"].levels(Measurement(problem), priors.load(name), 1.0, METHODS["annealed"].steps)
    assert {renew(sigma, after, PIXELS)[0] for sigma, after in pairwise(levels)} == {0.0}


@pytest.mark.slow
def test_many_levels_do_not_narrow_the_spread() -> None:
    """A learned denoiser errs a little; renewed at each of 60 levels, the spread would be 0.76 of that with 20."""
    problem = problems.deblur(problems.load_image("camera", size=64), kernel="motion:15:30", rng=0)
    prior = priors.load("diffusion")
    few, many = (rms(solvers.sample(problem, prior, n=8, rng=0, steps=steps).std) for steps in (20, 60))
    assert 0.93 < many / few < 1.07


def test_streams_are_standard_normal_and_independent() -> None:
    draws = Streams(0, 400, 2).normal((50,), torch.zeros(1, dtype=torch.float64)).view(400, 2, 50)
    assert abs(float(draws.mean())) < 4 / math.sqrt(draws.numel())
    assert abs(float(draws.var()) - 1) < 4 * math.sqrt(2 / draws.numel())
    assert abs(float((draws[:, 0] * draws[:, 1]).mean())) < 4 / math.sqrt(400 * 50)


@pytest.mark.parametrize("name", ["gaussian", "tv", "cnn", "diffusion"])
def test_same_seed_same_sample_whatever_is_drawn_beside(name: str) -> None:
    problem = problems.inpaint(problems.load_image("camera", size=24), rng=0)
    prior = priors.load(name)
    four = solvers.sample(problem, prior, n=4, rng=0, steps=4)
    two = solvers.sample(problem, prior, n=2, rng=0, steps=4)
    assert torch.equal(four.samples, solvers.sample(problem, prior, n=4, rng=0, steps=4).samples)
    assert torch.equal(four.samples[:2], two.samples)
    assert not torch.allclose(four.samples[0], four.samples[1], atol=1e-3)
    assert not torch.allclose(two.samples, solvers.sample(problem, prior, n=2, rng=1, steps=4).samples, atol=1e-3)


def test_seeds_follow_spec_7(gaussian) -> None:
    problem = problems.denoise(problems.load_image("camera", size=16), rng=0)
    generator = np.random.default_rng(5)
    first, second = (solvers.sample(problem, gaussian, n=1, rng=generator, steps=2).samples for _ in range(2))
    again = solvers.sample(problem, gaussian, n=1, rng=np.random.default_rng(5), steps=2).samples
    free = [solvers.sample(problem, gaussian, n=1, rng=None, steps=2).samples for _ in range(2)]
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(*free)


def test_precision_changes_rounding_only(measured, gaussian) -> None:
    problem, _, _ = measured
    single = problems.Problem(problem.name, problem.operator, problem.y.float(), problem.noise_sigma)
    for run in (lambda p: solvers.solve(p, gaussian, "admm"), lambda p: solvers.sample(p, gaussian, n=2, rng=0, steps=10)):
        double, rounded = run(problem), run(single)
        assert rounded.x.dtype == torch.float32
        assert torch.allclose(rounded.x.double(), double.x, atol=1e-3)


class Counting:
    def __init__(self):
        self.images = 0

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        self.images += len(x)
        return x


@pytest.mark.parametrize("name", SETTLED)
def test_calls_are_counted_and_every_level_leaves_a_trace(name: str) -> None:
    problem, prior = problems.denoise(problems.load_image("camera", size=16), rng=0), Counting()
    run = solvers.sample if METHODS[name].samples else solvers.solve
    result = run(problem, prior, method=name, steps=5)
    assert prior.images == result.calls
    assert len(result.config["levels"]) == 5
    assert len(result.trace) == 5 + (TURNS if METHODS[name].pairs else 0)
    assert {"sigma", "width", "misfit", "change", "bands"} == set(result.trace[0])


@pytest.mark.parametrize("name", SETTLED)
@pytest.mark.parametrize("prior", ["gaussian", "tv", "nlm", "cnn", "diffusion", pytest.param("bm3d", marks=pytest.mark.slow)])
def test_every_prior_can_be_estimated_and_sampled(name: str, prior: str) -> None:
    """One call for all; the answer is closer to the truth than the measurement is."""
    truth = problems.load_image("camera", size=32)
    problem = problems.denoise(truth, noise_sigma=0.1, rng=0)
    slot = priors.load(prior)
    options = {"n": 2, "rng": 0, "steps": 6} if METHODS[name].samples else {"steps": 6}
    result = (solvers.sample if METHODS[name].samples else solvers.solve)(problem, slot, method=name, **options)
    assert result.x.shape == truth.shape
    assert rms(result.x - truth) < 0.9 * rms(problem.y - truth)


class Growing:
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return 4 * x - 2


class Stubborn:
    """Answers with noise of its own, whatever it is shown."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        return torch.rand(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype) * 2 - 0.5


def test_divergence_is_reported_with_its_trace() -> None:
    problem = problems.inpaint(problems.load_image("camera", size=16), rng=0)
    with pytest.raises(solvers.Diverged, match=r"hqs with prior 'Growing' diverged at level \d+") as caught:
        solvers.solve(problem, Growing(), "hqs", steps=30)
    assert 1 <= len(caught.value.trace) < 30
    with pytest.raises(solvers.Diverged, match="worse than a flat one"):
        solvers.solve(problem, Stubborn(), "hqs")


def test_a_students_prior_needs_one_method_and_no_registration() -> None:
    class Box:
        def denoise(self, x: Tensor, sigma: float) -> Tensor:
            smooth = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            return x + min(1.0, 5 * sigma) * (smooth - x)

    problem = problems.deblur(problems.load_image("camera", size=32), rng=0)
    assert solvers.solve(problem, priors.load(Box())).x.shape == problem.truth.shape
    assert solvers.sample(problem, Box(), n=2, rng=0, steps=5).samples.shape == (2, *problem.truth.shape)


def test_intervals_are_order_statistics() -> None:
    """A perfect sampler with n = 19: the extremes hold the truth with probability 18/20, whatever the distribution."""
    draws = torch.randn(20, 4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64).exp()
    shape = (1, 1, 1, 4000)
    problem = problems.denoise(torch.full((1, 1, 2, 2), 0.5))
    result = solvers.Result(problem, Growing(), "annealed", draws[:19].mean(0).view(shape), draws[:19].view(19, *shape), (), {}, 0.0, 19)
    low, high = result.interval(0.9)
    inside = ((draws[19].view(shape) > low) & (draws[19].view(shape) < high)).double().mean()
    assert abs(float(inside) - 0.9) < 4 * math.sqrt(0.09 / 4000)
    with pytest.raises(ValueError, match="draw at least 39"):
        result.interval(0.95)


def test_schedules_stay_in_the_range_a_prior_was_made_for() -> None:
    class Narrow(Counting):
        sigma_range = (0.05, 0.4)

    assert within(Narrow(), 2.5) == 0.4
    problem = problems.denoise(problems.load_image("camera", size=16), noise_sigma=0.02, rng=0)
    levels = solvers.sample(problem, Narrow(), n=1, rng=0).config["levels"]
    assert (levels[0], levels[-1]) == pytest.approx((0.4, 0.05))


def test_the_last_word_of_hqs_is_the_priors() -> None:
    assert next_level(Growing(), torch.zeros(1), 0.1, 0.0)[1] == 0.0


BAD = [
    (lambda p, g: solvers.solve(p, g, "hsq"), "did you mean 'hqs'"),
    (lambda p, g: solvers.solve(p, g, None), "unknown method None; known: "),
    (lambda p, g: solvers.sample(p, g, method=["annealed"]), r"unknown method \['annealed'\]; "),
    (lambda p, g: solvers.generate(g, (1, 8, 8), 1, method=3), "unknown method 3; known: "),
    (lambda p, g: solvers.solve(p, g, "annealed"), "belongs to solvers.sample"),
    (lambda p, g: solvers.sample(p, g, method="hqs"), "belongs to solvers.solve"),
    (lambda p, g: solvers.sample(p, g, n=0), "at least 1"),
    (lambda p, g: solvers.solve(p, g, strength=0), "strength must be a positive number"),
    (lambda p, g: solvers.solve(p, g, strength=float("nan")), "strength must be a positive number"),
    (lambda p, g: solvers.solve(p, g, steps=0), "steps must be a positive number"),
    (lambda p, g: solvers.solve(p, g, levels=[0.1, -0.1]), "every level must be a positive number"),
    (lambda p, g: solvers.solve(p, g, levels=[]), "levels"),
    (lambda p, g: solvers.solve(p, g).std, "use solvers.sample"),
    (lambda p, g: solvers.sample(p, g, n=1, steps=1).std, "at least two samples"),
]


@pytest.mark.parametrize(("call", "sentence"), BAD)
def test_bad_input_gets_one_clear_sentence(call, sentence: str, gaussian) -> None:
    problem = problems.denoise(problems.load_image("camera", size=8), rng=0)
    with pytest.raises(ValueError, match=sentence):
        call(problem, gaussian)


def test_what_callers_mix_up_is_told_in_one_sentence(gaussian) -> None:
    problem = problems.denoise(problems.load_image("camera", size=16), rng=0)
    for wrong in ("tv", type(gaussian), object()):
        with pytest.raises(TypeError, match="is no prior; give an object with denoise"):
            solvers.solve(problem, wrong)
    with pytest.raises(TypeError, match="is no problem; make one"):
        solvers.solve(problem.y, gaussian)
    for shape in ((8, 8), (1, 1, 8, 8), (2, 8, 8)):
        with pytest.raises(ValueError, match="shape is \\(channels, height, width\\)"):
            solvers.generate(gaussian, shape, n=1)
    with pytest.raises(ValueError, match="levels must fall"):
        solvers.generate(gaussian, (1, 8, 8), n=1, levels=[0.1, 1.0])
    with pytest.raises(ValueError, match="probability between 0 and 1"):
        solvers.sample(problem, gaussian, n=2, rng=0, steps=1).interval(1.0)
