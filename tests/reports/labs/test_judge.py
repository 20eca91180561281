"""Verdicts from answers as they arrive from a process: damaged, wrong, late, or right once another function is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reports.labs import judge
from reports.labs.answers import Answer, Failure, changed, encoded
from reports.labs.drawn import moments, moments_stray
from reports.labs.lab import Lab, Mistake, Task, generator, instance

TASK = Task(
    "double", "twice", lambda rng: (torch.from_numpy(rng.standard_normal((1, 1, 4, 4))),), lambda x: 2 * x, 1e-6, "rounding",
    mistakes=(Mistake("that is the square", lambda x: x**2), Mistake("never told", lambda x: 1 / 0)), uses=("one",),
)  # fmt: skip
ONE = Task("one", "as it is", TASK.make, lambda x: x, 1e-6, "rounding")
LAB = Lab(1, "test", lambda rng: None, (ONE, TASK), "Why?")


def answers(made: object, helped: bool = False) -> list[Answer]:
    """What a function gives on both instances."""
    given = [instance(LAB, TASK, "ana", number)[0] for number in (0, 1)]
    return [Answer("double", number, helped, 0.1, encoded(made(x))) for number, x in enumerate(given)]  # type: ignore[operator]


def verdict(*found: Answer) -> judge.Verdict:
    return judge.verdict(LAB, TASK, "ana", found)


def test_right_wrong_and_the_cause() -> None:
    assert verdict(*answers(lambda x: 2 * x)).passed
    assert verdict(*answers(lambda x: x**2)).cause == "that is the square"
    assert verdict(*answers(lambda x: 2 * x + 3)).cause == "every value is too large by 3"
    assert verdict(*answers(lambda x: torch.sin(x))).cause == ""


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda x: -2 * x, "the sign is wrong"),
        (lambda x: 510 * x, "it is in 0..255"),
        (lambda x: 2 * x / 255, "divided by 255 once too often"),
        (lambda x: 4 * x, "a factor 2 too large"),
        (lambda x: 6.2 * x, "it is 3.1 times the right answer"),
        (lambda x: (2 * x).clamp(0, 1), "clipped"),
        (lambda x: (2 * x).flip(-1, -2), "mirrored"),
        (lambda x: 2 * x.mT, "rows and columns"),
        (lambda x: 1 * x, "a factor 2 too small"),
        (lambda x: (2 * x)[0, 0], "the shape [4, 4], where [1, 1, 4, 4]"),
        (lambda x: 2 * x / 0, "NaN or infinity"),
        (lambda x: 2j * x, "complex"),
        (lambda x: (x, x), "2 values, where one is"),
    ],
)
def test_common_mistakes(wrong: object, hint: str) -> None:
    found = verdict(*answers(wrong))
    assert not found.passed
    assert hint in f"{found.said}; {found.cause}"


def test_right_once_an_earlier_function_is() -> None:
    found = verdict(*answers(lambda x: 3 * x), *answers(lambda x: 2 * x, helped=True))
    assert found.passed
    assert found.said == "right, once one is: mend that first"
    assert not verdict(*answers(lambda x: 3 * x), *answers(lambda x: x**2, helped=True)).passed


def test_help_that_fails_hides_no_answer() -> None:
    failed = Answer("double", 0, True, 0.1, failure=Failure("ValueError", "odd"))
    assert verdict(*answers(lambda x: x**2), failed).cause == "that is the square"


def test_what_is_no_answer() -> None:
    assert verdict().said == "not reached"
    damaged = [Answer("double", 0, False, 0.1, ["AAAA"])]
    assert "could not be read" in verdict(*damaged).said
    kinds = {"TooLong": "a loop that never ends", "MemoryError": "memory", "Died": "memory", "ZeroDivisionError": "line 7"}
    for kind, words in kinds.items():
        found = verdict(Answer("double", 0, False, 0.1, failure=Failure(kind, "message", 7)))
        assert words in f"{found.said}; {found.cause}"


def test_an_answer_that_holds_python_objects_is_not_loaded() -> None:
    import base64
    import io

    file = io.BytesIO()
    np.save(file, np.array([object()]), allow_pickle=True)
    assert "could not be read" in verdict(Answer("double", 0, False, 0.1, [base64.b64encode(file.getvalue()).decode()])).said


def test_arguments_that_were_written_into() -> None:
    before, after = (torch.zeros(2), 1.0), (torch.ones(2), 1.0)
    assert changed(lambda x, sigma: x, before, after) == ["x"]
    assert changed(len, before, before) == []
    spoilt = [Answer(a.function, a.number, False, 0.1, a.parts, changed=["x"]) for a in answers(lambda x: 2 * x)]
    assert "writes into its argument x" in verdict(*spoilt).said


def test_moments_tell_shared_noise_from_own() -> None:
    white = torch.randn(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    right, allowed = torch.tensor([0.0, 1.0, 1.0]), moments_stray((16, 1, 32, 32))
    assert bool(((moments(white) - right).abs() < allowed).all())
    assert float((moments(white[:1].expand(16, -1, -1, -1)) - right).abs()[2]) > 10 * float(allowed[2])


def test_random_numbers_belong_to_the_id() -> None:
    first, again, other = (generator(*key).standard_normal(3) for key in (("ana", 3), ("ana", 3), ("ana", 4)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
