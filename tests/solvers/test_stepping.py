"""A method step by step is the method: the same to the last bit, one step at a time, and errors before the first of them."""

from __future__ import annotations

from itertools import islice

import pytest
import torch

import priors
import problems
import solvers
from tests.helpers import COUNT, Counting

GAUSSIAN = priors.load("gaussian")
SHAPE = (1, 16, 16)


@pytest.fixture(scope="module")
def problem() -> problems.Problem:
    return problems.inpaint(problems.load_image("camera", 16), "random:0.5", 0.05)


def few(name: str) -> int:
    return 200 if name == "langevin" else 5  # a chain of few steps ends far from its data, which ``sample`` refuses


@pytest.mark.parametrize("name", solvers.METHODS)
def test_the_last_step_is_the_answer(name: str, problem: problems.Problem) -> None:
    method = solvers.METHODS[name]
    walked = list(solvers.steps(problem, GAUSSIAN, name, n=2 if method.samples else 1, rng=7, steps=few(name)))
    if method.samples:
        answered = solvers.sample(problem, GAUSSIAN, n=2, rng=7, method=name, steps=few(name))
        expected = answered.samples.flatten(0, 1)
    else:
        answered = solvers.solve(problem, GAUSSIAN, name, rng=7, steps=few(name))
        expected = answered.x
    assert torch.equal(getattr(walked[-1], method.answer), expected)
    assert [step.sigma for step in walked] == [record["sigma"] for record in answered.trace]
    assert all(part.isfinite().all() for step in walked for part in (step.believed, step.measured, step.x))


@pytest.mark.parametrize("name", solvers.GENERATORS)
def test_nothing_measured(name: str) -> None:
    walked = list(solvers.steps(SHAPE, GAUSSIAN, name, n=3, rng=1, steps=4))
    assert torch.equal(walked[-1].x, solvers.generate(GAUSSIAN, SHAPE, 3, 1, name, steps=4).samples)
    assert len(walked) == 4


def test_a_start_of_ones_own() -> None:
    start = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))
    *_, last = solvers.steps(SHAPE, GAUSSIAN, "heun", n=2, levels=[1.0, 0.5], start=start)
    assert torch.equal(last.x, solvers.generate(GAUSSIAN, SHAPE, 2, method="heun", levels=[1.0, 0.5], start=start).samples)


def test_levels_and_strength_are_those_of_solve(problem: problems.Problem) -> None:
    levels = [0.3, 0.2, 0.1]
    walked = list(solvers.steps(problem, GAUSSIAN, "hqs", levels=levels, strength=0.5))
    assert [step.sigma for step in walked] == levels
    assert torch.equal(walked[-1].believed, solvers.solve(problem, GAUSSIAN, "hqs", 0.5, levels=levels).x)


def test_a_step_is_computed_when_it_is_asked_for(problem: problems.Problem) -> None:
    COUNT["images"] = 0
    walked = solvers.steps(problem, Counting(), "admm", steps=30)
    assert COUNT["images"] == 0
    list(islice(walked, 2))
    assert COUNT["images"] == 2


def test_gradients_of_the_caller_are_left_alone(problem: problems.Problem) -> None:
    for step in solvers.steps(problem, GAUSSIAN, "hqs", steps=2):
        assert torch.is_grad_enabled()
        assert not step.x.requires_grad


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"method": "hsq"}, ValueError, "did you mean 'hqs'"),
        ({"method": "heun"}, ValueError, r"give the shape of the images, such as \(1, 64, 64\)"),
        ({"method": "hqs", "n": 2}, ValueError, "estimates one image"),
        ({"method": "annealed", "strength": 2.0}, ValueError, "leave strength out"),
        ({"method": "mean", "strength": 2.0}, ValueError, "leave strength out"),
        ({"n": 0}, ValueError, "at least 1"),
        ({"problem": (2, 16, 16), "method": "heun"}, ValueError, "1 or 3 channels"),
        ({"problem": SHAPE}, ValueError, "annealed"),
        ({"problem": SHAPE, "method": "heun", "strength": 2.0}, ValueError, "leave strength out"),
        ({"problem": "deblur"}, TypeError, "make one"),
        ({"prior": "tv"}, TypeError, "no prior"),
        ({"start": torch.zeros(1, *SHAPE)}, ValueError, "leave start out"),
        ({"steps": 3, "levels": [0.1]}, ValueError, "give one of the two"),
    ],
)
def test_errors_come_before_the_first_step(problem: problems.Problem, arguments: dict, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        solvers.steps(**{"problem": problem, "prior": GAUSSIAN, **arguments})
