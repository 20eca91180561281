"""The self-check: what an answer should leave of its data, and what is said of one that does not, without the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import priors
import problems
import solvers
from solvers.fit import expected_misfit, overdriven

PROBLEMS = [
    ("denoise", {"noise_sigma": 0.1}), ("deblur", {}), ("deblur", {"kernel": "motion:9:30", "noise_sigma": 0.01}),
    ("super_resolution", {"noise_sigma": 0.05}), ("inpaint", {"mask": "random:0.5", "noise_sigma": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), PROBLEMS)
def test_the_exact_posterior_mean_of_a_gaussian_scene_leaves_what_is_expected(name: str, options: dict) -> None:
    """Averaged over scenes and noises: within four standard errors, and within the accuracy of one probe."""
    gaussian, found = priors.load("gaussian"), []
    problem = problems.load(name, problems.load_image("camera", 48).double(), rng=0, **options)
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        scene = gaussian.mean + gaussian.colour(torch.randn(1, 1, 48, 48, generator=generator, dtype=torch.float64))
        noise = problem.noise_sigma * torch.randn(problem.y.shape, generator=generator, dtype=torch.float64)
        y = problem.operator.forward(scene) + noise  # of a Gaussian scene, not all in [0, 1]: no problem would take it
        left = y - problem.operator.forward(gaussian.posterior(problem.operator, y, problem.noise_sigma)[0])
        found.append(float((left / problem.noise_sigma).square().mean()))
    assert sum(found) / len(found) == pytest.approx(expected_misfit(problem), abs=0.04)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "options"), PROBLEMS)
@pytest.mark.parametrize("method", ["admm", "mean"])
def test_nothing_speaks_against_a_right_answer(name: str, options: dict, method: str, channels: int) -> None:
    problem = problems.load(name, problems.load_image("chelsea", 48, channels), rng=0, **options)
    assert solvers.solve(problem, priors.load("gaussian"), method).warnings == ()


def test_samples_of_an_exact_sampler_are_not_doubted() -> None:
    problem = problems.deblur(problems.load_image("chelsea", 48), rng=0)
    assert solvers.sample(problem, priors.load("gaussian"), n=4, rng=0).warnings == ()


def test_a_strength_that_is_too_small_fits_the_noise() -> None:
    problem = problems.deblur(problems.load_image("camera", 64), kernel="motion:15:30", noise_sigma=0.01, rng=0)
    (told,) = solvers.solve(problem, priors.load("tv"), "hqs", strength=0.02).warnings
    assert "it fits the noise; give a larger strength or check noise_sigma" in told
    assert solvers.solve(problem, priors.load("tv"), "hqs").warnings == ()


def test_a_strength_that_is_too_large_does_not_explain_the_data() -> None:
    problem = problems.deblur(problems.load_image("camera", 64), kernel="motion:15:30", noise_sigma=0.01, rng=0)
    told = solvers.solve(problem, priors.load("tv"), "hqs", strength=100).warnings
    assert any("it does not explain the data; give a smaller strength or check noise_sigma and operator" in each for each in told)


@pytest.mark.parametrize(
    ("factor", "word"),
    [
        (0.4, "does not explain the data; check noise_sigma and operator; if both are right, the prior errs by more than it tells"),
        (3, "fits the noise; check noise_sigma"),
    ],
)
def test_a_wrong_noise_is_told_of_methods_without_strength(factor: float, word: str) -> None:
    problem = problems.deblur(problems.load_image("camera", 64), kernel="motion:15:30", noise_sigma=0.03, rng=0)
    wrong = replace(problem, noise_sigma=factor * problem.noise_sigma)
    assert any(word in each for each in solvers.solve(wrong, priors.load("tv"), "mean").warnings)


def test_an_iteration_that_was_stopped_early_has_not_settled() -> None:
    problem = problems.inpaint(problems.load_image("camera", 64), mask="random:0.1", rng=0)
    assert any("has not settled; give more steps" in each for each in solvers.solve(problem, priors.load("tv"), "admm", steps=3).warnings)
    problem = problems.denoise(problems.load_image("camera", 64), noise_sigma=0.1, rng=0)
    assert solvers.solve(problem, priors.load("tv"), "admm", steps=60).warnings == ()


def test_of_several_problems_the_worst_counts() -> None:
    one = problems.denoise(problems.load_image("camera", 48), noise_sigma=0.1, rng=0)
    noisier = one.y + 0.5 * torch.randn(one.y.shape, generator=torch.Generator().manual_seed(0))
    two = replace(one, y=torch.cat([one.y, noisier]), truth=None)
    assert solvers.solve(one, priors.load("tv"), "admm").warnings == ()
    assert any("does not explain" in each for each in solvers.solve(two, priors.load("tv"), "admm").warnings)


class Guided:
    """White by what a label asks of it."""

    def __init__(self, guidance: float):
        self.guidance = guidance

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        return self.guidance * torch.ones_like(x)


def test_guidance_that_saturates_is_told_and_other_priors_may_leave_the_range() -> None:
    images = torch.full((4, 1, 1, 8, 10), 0.5)
    images[..., 0] = 1.05
    (sentence,) = overdriven(Guided(3.0), images)
    assert sentence.startswith("10% of the pixels lie outside [0, 1]: guidance 3 asks more of the label than the prior bears")
    assert list(overdriven(Guided(3.0), images.clamp(max=1.01))) == []
    assert list(overdriven(Guided(1.0), images)) == []
    assert list(overdriven(priors.load("gaussian"), images)) == []


@pytest.mark.parametrize(("weight", "advice"), [
    (60.0, "give less, such as 2"), (-40.0, "give less, such as -2"), (1.0, "give a larger strength"),
])  # fmt: skip
def test_what_diverges_is_told_what_may_help(weight: float, advice: str) -> None:
    class Doubling(Guided):
        def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
            return 1e4 * x

    problem = problems.denoise(torch.full((1, 1, 8, 8), 0.9), noise_sigma=0.1, rng=0)
    with pytest.raises(solvers.Diverged, match=advice):
        solvers.solve(problem, Doubling(weight), "hqs")
    with pytest.raises(solvers.Diverged, match=advice.replace("a larger strength", "more steps")):
        solvers.sample(problem, Doubling(weight), 2, 0)


@pytest.mark.parametrize("guidance", [1, 2])
def test_a_prior_that_was_told_a_wrong_label_is_asked_about_it(guidance: float) -> None:
    """An 8 under little noise, and a prior that knows ones only."""
    eight = priors.load("digits").draw(torch.tensor([8 * 9 + 4]), (1, 16, 16), torch.Generator().manual_seed(0))
    problem = problems.denoise(eight, noise_sigma=0.05, rng=0)
    told = solvers.sample(problem, priors.load("digits", spread=0.02, label=1, guidance=guidance), 4, 0).warnings
    assert any("check the label that the prior was told, noise_sigma and operator" in each for each in told)
    free = solvers.sample(problem, priors.load("tv"), 4, 0, steps=2).warnings
    assert not any("label" in each for each in free)
