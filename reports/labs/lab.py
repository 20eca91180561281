"""What a lab is: tasks whose truth is recomputed from a student's id, and the classic mistakes in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

INSTANCES = 2  # of each task: the answer to one of them could be a number that was typed in


class Complaint(Exception):
    """What speaks against an answer, in a sentence, and the likely cause: raised by a ``measure`` that holds promises, not one truth."""

    def __init__(self, said: str, cause: str = ""):
        super().__init__(said)
        self.said, self.cause = said, cause


@dataclass(frozen=True)
class Mistake:
    """What a classic mistake gives in place of the truth, from the same arguments, and the hint for whoever made it."""

    hint: str
    gives: Callable[..., Any]


@dataclass(frozen=True)
class Task:
    """One function that a student writes.

    Args:
        function: its name in the template.
        asks: what it shall do, in a few words.
        make: from a numpy Generator to the arguments of one instance. It is called in the student's process and again in the one
            that judges, so it must draw the same from the same generator.
        expected: from these arguments to the truth: a tensor, a number, or a tuple of them.
        tolerance: the largest error allowed, in the units of the answer: a number, or a function of the arguments that gives one, or
            one for each value of the answer.
        because: where the tolerance comes from: rounding, or so many standard errors.
        mistakes: the classic ones, the likeliest first.
        measure: of an answer that is drawn at random, or that has many right forms: from (answer, *arguments) to the numbers that are
            compared. ``expected`` and the mistakes then give such numbers. It may raise a ``Complaint`` instead.
        form: from the arguments to the shape of the one tensor that is measured; an answer of another shape is not measured.
        uses: functions of earlier tasks that this one is meant to call. Where the answer is wrong, the task is judged once more
            with what they should give, so that a mistake counts once.
    """

    function: str
    asks: str
    make: Callable[[np.random.Generator], tuple[Any, ...]]
    expected: Callable[..., Any]
    tolerance: float | Callable[..., Any]
    because: str
    mistakes: Sequence[Mistake] = ()
    measure: Callable[..., Any] | None = None
    form: Callable[..., Sequence[int]] | None = None
    uses: Sequence[str] = ()


@dataclass(frozen=True)
class Lab:
    """A lab: its ``scene`` draws, from a numpy Generator, what the template plays with under the student's id."""

    number: int
    title: str
    scene: Callable[[np.random.Generator], Any]
    tasks: Sequence[Task]
    question: str

    def task(self, function: str) -> Task:
        return next(task for task in self.tasks if task.function == function)


def generator(student: str, *key: object) -> np.random.Generator:
    """The random numbers that belong to an id and to a key, such as the number of a lab and the name of a task."""
    told = "\n".join([student, *map(str, key)])
    return np.random.default_rng(np.frombuffer(hashlib.sha256(told.encode()).digest(), np.uint32))


def instance(lab: Lab, task: Task, student: str, number: int) -> tuple[Any, ...]:
    """The arguments of one instance of a task."""
    return task.make(generator(student, lab.number, task.function, number))
