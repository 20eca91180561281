"""Flows from a picture against their exact laws, what a network is shown, and what an arm answers."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import problems
import solvers
from solvers.refinement import WHITE, refine, shown

LAW = SimpleNamespace(mean=0.6, std=0.2, error=0.15, jitter=0.1)  # of x; of a regressor's error, and of the noise that is added to it


class Straight:
    """E[x | point] where x is Gaussian and the start is x + independent Gaussian error: the exact answer on a straight path."""

    name, family, mmse = "straight", "generative", False

    def __init__(self, reach: float, error: float):
        self.reach, self.error, self.sigma_range = reach, error, (0.0, reach)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        noise = (sigma / self.reach * self.error) ** 2
        return x + noise / (noise + LAW.std**2) * (LAW.mean - x)


def test_a_flow_carries_the_law_of_its_starts_to_the_law_of_images() -> None:
    """Starts x + e are wider than x; at the end of the path mean and standard deviation are those of x."""
    generator, n = torch.Generator().manual_seed(0), 20_000
    x = LAW.mean + LAW.std * torch.randn(n, 1, 1, 1, generator=generator)
    start = x + 0.3 * torch.randn(n, 1, 1, 1, generator=generator)
    assert float(start.std()) > 0.34
    levels = np.linspace(0.5, 0, 24, endpoint=False).tolist()
    found = solvers.generate(Straight(0.5, 0.3), (1, 1, 1), n, 0, "heun", levels=levels, start=start).samples
    assert float(found.mean()) == pytest.approx(float(x.mean()), abs=4 * LAW.std / math.sqrt(n))
    assert float(found.std()) == pytest.approx(LAW.std, rel=0.02)


def test_one_euler_step_of_a_flow_is_the_regression() -> None:
    start = torch.rand(5, 1, 4, 4)
    prior = Straight(0.5, 0.3)
    found = solvers.generate(prior, (1, 4, 4), 5, 0, "ddim", levels=[0.5], start=start).samples
    torch.testing.assert_close(found, prior.denoise(start, 0.5))


@pytest.mark.parametrize(("start", "error", "words"), [
    ([[0.5]], TypeError, "a start is a float tensor"),
    (torch.zeros(1, 1, 4, 4, dtype=torch.int64), TypeError, "a start is a float tensor"),
    (torch.full((1, 1, 4, 4), math.nan), ValueError, "the start holds NaN"),
])  # fmt: skip
def test_a_start_is_pictures(start: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        solvers.generate(Straight(0.5, 0.3), (1, 4, 4), 1, 0, levels=[0.5], start=start)


@pytest.mark.parametrize("wrong", [{"start": torch.rand(2, 1, 4, 4)}, {"start": torch.rand(1, 1, 4, 5), "levels": [0.5]}])
def test_a_start_comes_with_its_levels_and_in_the_shape_of_the_samples(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="comes with its levels"):
        solvers.generate(Straight(0.5, 0.3), (1, 4, 4), 2, 0, **wrong)


def test_what_is_shown_is_the_least_squares_picture_where_data_are_and_flat_where_none_are() -> None:
    problem = problems.inpaint(torch.rand(1, 1, 8, 8), mask=np.arange(64).reshape(8, 8) % 2 == 0, noise_sigma=0.01)
    picture, data = shown(problem), problem.operator.as_image(problem.y)
    seen = ~data.isnan()
    level = float(data[seen].mean())
    torch.testing.assert_close(picture[~seen], torch.full_like(picture[~seen], level))
    torch.testing.assert_close(picture[seen], level + (data[seen] - level) / (1 + (0.01 / WHITE) ** 2), atol=1e-6, rtol=0)


class Network:
    """Five arms that need no network: the regression shrinks to the mean, diffusion is white and Gaussian, flows are exact."""

    arms = ("regression", "diffusion", "diffusion-regression", "flow", "flow-regression")

    def __init__(self) -> None:
        kinds = dict(zip(self.arms, ("regression", "diffusion", "diffusion", "flow", "flow"), strict=True))
        told = {arm: {"kind": kind, "from_regression": arm.endswith("-regression")} for arm, kind in kinds.items()}
        self.card = {"reach": 0.2, "jitter": LAW.jitter, "arms": told}
        self.seen: list[tuple[str, Tensor]] = []

    def given(self, picture: Tensor, arm: str) -> Any:
        self.seen.append((arm, picture))
        if arm == "regression":
            return Straight(0.2, LAW.error)
        return Straight(20.0, 20.0) if arm.startswith("diffusion") else Straight(0.2, LAW.error)


@pytest.fixture
def problem() -> problems.Problem:
    return problems.super_resolution(torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)), factor=2, rng=0)


def test_arms_are_shown_what_they_were_trained_on_and_only_some_draw(problem) -> None:
    y = shown(problem)
    answer = Straight(0.2, LAW.error).denoise(y, 0.2)
    for arm, count, calls in zip(Network.arms, (1, 4, 4, 1, 4), (1, 5, 6, 5, 6), strict=True):
        network = Network()
        found = refine(problem, network, arm, n=4, rng=0, steps=3)
        assert (len(found.samples), found.calls) == (count, calls), arm
        torch.testing.assert_close(network.seen[-1][1], answer if arm.endswith("-regression") else y)
        torch.testing.assert_close(found.shown, answer if "regression" in arm else y)


def test_sample_i_does_not_depend_on_how_many_are_drawn(problem) -> None:
    few, many = (refine(problem, Network(), "flow-regression", n=n, rng=3).samples for n in (2, 5))
    assert torch.equal(few, many[:2])
    assert float((many[0] - many[1]).abs().max()) > 0.01


def test_unknown_arms_and_batches_are_refused(problem) -> None:
    with pytest.raises(ValueError, match="no arm 'tea'; give one of regression"):
        refine(problem, Network(), "tea")
    with pytest.raises(ValueError, match="2 measurements cannot be refined at once"):
        refine(problems.denoise(torch.rand(2, 1, 8, 8)), Network(), "flow")
    with pytest.raises(TypeError, match="Straight has no arms"):
        refine(problem, Straight(0.2, 0.1), "flow")  # type: ignore[arg-type]


@pytest.mark.parametrize("arm", Network.arms)
@pytest.mark.parametrize("number", [{"n": 0}, {"n": -1}, {"n": 2.5}, {"steps": 0}, {"steps": -1}, {"steps": 2.5}])
def test_numbers_of_samples_and_steps_are_checked_for_every_arm(problem, arm, number) -> None:
    with pytest.raises((ValueError, TypeError), match=r"at least 1|whole number"):
        refine(problem, Network(), arm, **number)
