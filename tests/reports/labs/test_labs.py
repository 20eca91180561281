"""Every lab: its solution passes, its template fails with a helpful sentence, wrong answers are told what is wrong with them."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
from typing import Any

import numpy as np
import pytest
import torch

from reports.labs import LABS, catalogue, cells, judge
from reports.labs.answers import answer, encoded
from reports.labs.lab import INSTANCES, Task, instance
from tests.reports.labs.filled import filled, functions, solutions

KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
WRONG = [
    (number, name)
    for number in LABS
    for name in importlib.import_module(f"tests.reports.labs.wrong.lab{number:02}").WRONG
]  # fmt: skip


def space_of(text: str) -> dict[str, Any]:
    """What a script imports and the functions in it; its pictures are not drawn."""
    tree = ast.parse(text)
    tree.body = [node for node in tree.body if isinstance(node, KEPT)]
    space: dict[str, Any] = {"__name__": "submission"}
    exec(compile(tree, "submission.py", "exec"), space)
    return space


@functools.cache
def solved(number: int) -> dict[str, Any]:
    return space_of(filled(number, "ana"))


def judged(space: dict[str, Any], number: int, task: Task, student: str = "ana") -> judge.Verdict:
    lab = catalogue.load(number)
    helps = (False, True) if task.uses else (False,)
    found = [answer(space, lab, task, student, n, h, "submission.py", contextlib.nullcontext) for h in helps for n in range(INSTANCES)]
    return judge.verdict(lab, task, student, found)


@pytest.mark.parametrize("student", ["ana", "7", "Zoë-λ"])
@pytest.mark.parametrize("number", LABS)
def test_the_solution_passes_for_any_id(number: int, student: str) -> None:
    for task in catalogue.load(number).tasks:
        found = judged(solved(number), number, task, student)
        assert (found.passed, found.said) == (True, "right"), found


@pytest.mark.parametrize("number", LABS)
def test_the_empty_template_fails_each_task_with_a_helpful_sentence(number: int) -> None:
    space = space_of(cells.of_student(catalogue.template(number), "ana"))
    for task in catalogue.load(number).tasks:
        found = judged(space, number, task)
        assert not found.passed
        assert "not written yet: put your lines in place of raise NotImplementedError" in found.said


@pytest.mark.parametrize(("number", "name"), WRONG)
def test_a_wrong_answer_gets_the_right_hint(number: int, name: str) -> None:
    body, words = importlib.import_module(f"tests.reports.labs.wrong.lab{number:02}").WRONG[name]
    space = dict(solved(number))
    exec(body, space)
    task = catalogue.load(number).task(next(iter(functions(body))))
    found = judged(space, number, task)
    assert not found.passed, found
    assert words in f"{found.said}; {found.cause}", found


@pytest.mark.parametrize("number", LABS)
def test_about_ten_wrong_answers_a_lab(number: int) -> None:
    assert len([name for lab, name in WRONG if lab == number]) >= 10
    named = {name.split(":")[0] for lab, name in WRONG if lab == number}
    assert named == {task.function for task in catalogue.load(number).tasks}


@pytest.mark.parametrize("number", LABS)
def test_an_id_has_its_own_truth_and_keeps_it(number: int) -> None:
    lab = catalogue.load(number)
    for task in lab.tasks:
        instances = [instance(lab, task, *of) for of in (("ana", 0), ("ana", 0), ("ben", 0), ("ana", 1))]
        truths = [joined(pictures(given) if task.measure else task.expected(*given)) for given in instances]  # noise has the same for all
        assert np.array_equal(truths[0], truths[1])
        for other in truths[2:]:
            assert truths[0].shape != other.shape or not np.allclose(truths[0], other, rtol=1e-3, atol=1e-6), task.function


def pictures(given: Any) -> list[torch.Tensor]:
    """The images and measurements among the arguments of a task."""
    if isinstance(given, tuple | list):
        return [found for each in given for found in pictures(each)]
    given = getattr(given, "y", given)
    return [given] if isinstance(given, torch.Tensor) else []


def joined(found: Any) -> np.ndarray:
    return judge.joined(judge.arrays(found))


@pytest.mark.parametrize("number", LABS)
def test_answers_for_another_id_do_not_pass(number: int) -> None:
    """Truths that were computed for one id, typed in and handed in under another."""
    lab = catalogue.load(number)
    for task in lab.tasks:
        if task.measure is None:
            typed = task.expected(*instance(lab, task, "ben", 0))
            space = {**solved(number), task.function: eval(f"lambda {arguments(number, task)}: typed", {"typed": typed})}
            assert not judged(space, number, task).passed


def arguments(number: int, task: Task) -> str:
    return ast.unparse(ast.parse(functions(catalogue.template(number))[task.function]).body[0].args)  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", LABS)
def test_template_solution_and_checker_agree(number: int) -> None:
    lab, text = catalogue.load(number), catalogue.template(number)
    script = cells.parse(cells.of_student(text, "ana"))
    assert (script.lab, script.student, script.words) == (number, "ana", "")
    assert lab.title == LABS[number]
    assert lab.title in text
    assert all(f"priorbench lab {command} lab{number:02}_YOUR_ID.py" in text for command in ("check", "report"))
    assert lab.question.split("?")[0] in " ".join(text.replace("# ", "").split())
    theirs, ours = functions(text), solutions(number)
    for task in lab.tasks:
        assert ast.get_docstring(ast.parse(theirs[task.function]).body[0])  # type: ignore[arg-type]
        assert arguments(number, task) == ast.unparse(ast.parse(ours[task.function]).body[0].args)  # type: ignore[attr-defined]
        assert set(task.uses) <= {each.function for each in lab.tasks}
    order = [text.index(f"def {task.function}(") for task in lab.tasks]
    assert order == sorted(order)


@pytest.mark.parametrize("number", LABS)
def test_no_two_hints_of_a_task_are_given_for_the_truth(number: int) -> None:
    """No mistake is so near the truth that it would pass."""
    lab = catalogue.load(number)
    for task in lab.tasks:
        given = instance(lab, task, "ana", 0)
        truth = judge.arrays(task.expected(*given))
        allowed = judge.joined(judge.spread(task.tolerance(*given) if callable(task.tolerance) else task.tolerance, truth))
        for mistake in task.mistakes:
            wrong = judge.attempt(mistake.gives, given)
            if wrong and not judge.mismatch(wrong, truth):
                assert (np.abs(judge.joined(wrong) - judge.joined(truth)) > 2 * allowed).any(), (task.function, mistake.hint)


def test_scenes_differ_by_id() -> None:
    scenes = [catalogue.scene(3, student) for student in ("ana", "ana", "ben")]
    assert torch.equal(scenes[0].y, scenes[1].y)
    assert not torch.equal(scenes[0].y, scenes[2].y)


def test_what_cannot_be_an_answer() -> None:
    assert len(encoded([1.0, 2, 3])) == 1
    assert len(encoded((1.0, 2.0))) == len(encoded([torch.zeros(2), 1.0])) == 2
    for found, words in ((None, "end the function with return"), ({"a": 1}, "dict"), ("text", "str")):
        with pytest.raises(TypeError, match=words):
            encoded(found)
