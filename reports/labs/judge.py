"""From answers to verdicts: right or off by how much, and which mistake would give just that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from reports.labs import hints
from reports.labs.answers import UNWRITTEN, WAITS, Answer, Failure, encoded, plain
from reports.labs.lab import Complaint, Lab, Task, instance

CLOSE = 0.02  # of the distance between a mistake and the truth: as near an answer must be to a mistake to be taken for it

Parts = list[np.ndarray]


@dataclass(frozen=True)
class Verdict:
    """Of one task: whether it is right, how far off, and the likely cause."""

    function: str
    asks: str
    passed: bool
    said: str
    cause: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """Of one answer: what speaks against it at once, or how far it is off, in the units of the answer and of the tolerance."""

    said: str = ""
    off: float = 0.0
    rms: float = 0.0
    allowed: float = 0.0
    times: float = 0.0
    causes: Sequence[str] = ()

    @property
    def right(self) -> bool:
        return not self.said and self.times <= 1


@dataclass(frozen=True)
class Asked:
    """One instance of a task: its arguments, and what they should and should not give, computed once and when it is needed."""

    task: Task
    given: tuple[Any, ...]

    @cached_property
    def truth(self) -> Parts:
        return arrays(self.task.expected(*self.given))

    @cached_property
    def tolerances(self) -> Parts:
        return spread(self.task.tolerance(*self.given) if callable(self.task.tolerance) else self.task.tolerance, self.truth)

    @cached_property
    def mistakes(self) -> list[tuple[str, Parts]]:
        """What each mistake that can be made here would give, after its hint."""
        made = [(mistake.hint, attempt(mistake.gives, self.given)) for mistake in self.task.mistakes]
        return [(hint, wrong) for hint, wrong in made if wrong]


@lru_cache(maxsize=32)
def asked(lab: Lab, task: Task, student: str, number: int) -> Asked:
    return Asked(task, instance(lab, task, student, number))


def verdicts(lab: Lab, student: str, answers: Sequence[Answer]) -> list[Verdict]:
    """One for each task."""
    return [verdict(lab, task, student, [each for each in answers if each.function == task.function]) for task in lab.tasks]


def verdict(lab: Lab, task: Task, student: str, answers: Sequence[Answer]) -> Verdict:
    seconds = sum(each.seconds for each in answers)
    alone, helped = ([each for each in answers if each.helped is h] for h in (False, True))
    found = told(lab, task, student, alone)
    if not found[0] and helped:
        again = told(lab, task, student, helped)
        if again[0]:
            return Verdict(task.function, task.asks, True, right_once(task, alone), "", seconds)
        if any(each.failure for each in alone) or not any(each.failure for each in helped):
            found = again
    return Verdict(task.function, task.asks, *found, seconds)


def right_once(task: Task, alone: Sequence[Answer]) -> str:
    """What is said of a function that is right when those that it uses are."""
    awaited = [each.failure.message for each in alone if each.failure and each.failure.kind == WAITS]
    names, are = " and ".join(task.uses), "are: mend those" if len(task.uses) > 1 else "is: mend that"
    return f"right, but waits for {awaited[0]}" if awaited else f"right, once {names} {are} first"


def told(lab: Lab, task: Task, student: str, answers: Sequence[Answer]) -> tuple[bool, str, str]:
    """(passed, what is said, likely cause) of the answers to all instances."""
    if not answers:
        return False, "not reached", ""
    for each in answers:
        if each.failure:
            return False, *failed(each.failure)
    compared = [compare(asked(lab, task, student, each.number), each) for each in answers]
    wrong = [each for each in compared if not each.right]
    changed = sorted({name for each in answers for name in each.changed})
    if not wrong and changed:
        return False, f"it writes into its argument {changed[0]}", hints.KEEP
    if not wrong:
        return True, "right", ""
    worst = max(wrong, key=lambda each: math.inf if each.said else each.times)
    shared = (cause for cause in worst.causes if all(cause in each.causes for each in wrong))
    otherwise = f"it writes into its argument {changed[0]}: {hints.KEEP}" if changed else ""
    return False, worst.said or size(worst, task), next(shared, otherwise)


def size(found: Comparison, task: Task) -> str:
    allowed = f"{found.allowed:.2g} is allowed ({task.because})"
    one = found.off == found.rms  # a single number
    return f"off by {found.off:.2g}, where {allowed}" if one else f"off by up to {found.off:.2g} (rms {found.rms:.2g}), where {allowed}"


def failed(failure: Failure) -> tuple[str, str]:
    """(what is said, likely cause) where a function gave no answer, or a cell did not end."""
    where = f" in line {failure.line}" if failure.line else ""
    if failure.kind == WAITS:
        return f"waits for {failure.message}", ""
    if failure.kind == UNWRITTEN:
        return f"not written yet: put your lines in place of raise NotImplementedError{where}", ""
    if failure.kind == "TooLong":
        return f"{failure.message}{where}", "a loop that never ends, or pixels visited one by one"
    if failure.kind == "Died":
        return failure.message, "C code that was given what it cannot bear, or memory that was not there"
    if failure.kind == "MemoryError" or "allocate memory" in failure.message:
        return f"it wants more memory than there is{where}", "an array of pixels times pixels, or a list that grows without end"
    if failure.kind == "NameError" and failure.message.startswith("there is no function"):
        return f"{failure.message}; does its cell run, and has the function its name still?", ""
    if failure.kind == "TypeError" and failure.message.startswith("it returns"):
        return failure.message, ""
    told = f"{failure.kind}: {' '.join(failure.message.split())}"
    return told.replace(":", f"{where}:", 1), hints.remedy(told)


def compare(it: Asked, answer: Answer) -> Comparison:
    """An answer to one instance beside the truth."""
    task, given = it.task, it.given
    try:
        parts = answer.arrays()
    except ValueError:
        return Comparison("its answer could not be read")
    if task.form is not None:
        form = [np.zeros(task.form(*given))]
        parts = grouped(parts, form)
        if odd := mismatch(parts, form):
            return odd
    if task.measure is not None:
        try:
            parts = arrays(task.measure(plain_parts(parts), *given))
        except Complaint as complaint:
            return Comparison(complaint.said, causes=[complaint.cause] * bool(complaint.cause))
        except Exception as error:  # a student's answer of another shape fails in its own way
            return Comparison(f"its answer is not of the form that was asked for: {error}")
    parts = grouped(parts, it.truth)
    if odd := mismatch(parts, it.truth):
        return replace(odd, causes=[*infinite(it, parts), *odd.causes])
    found = distances(parts, it.truth, it.tolerances)
    return found if found.right else replace(found, causes=causes(it, parts))


def plain_parts(parts: Parts) -> Any:
    """An answer as ``measure`` takes it: a tensor, or a tuple of them."""
    import torch

    tensors = tuple(torch.from_numpy(np.array(part)) for part in parts)
    return tensors[0] if len(tensors) == 1 else tensors


def arrays(found: Any) -> Parts:
    """What a lab computes, in the form of an answer."""
    return Answer("", 0, False, 0.0, encoded(found)).arrays()


def grouped(parts: Parts, truth: Parts) -> Parts:
    """Numbers or pictures that were returned one by one where one tensor is asked for, or the other way round."""
    if len(truth) == 1 and len(parts) == truth[0].size > 1 and all(part.size == 1 for part in parts):
        return [np.array([part.item() for part in parts]).reshape(truth[0].shape)]
    if len(truth) == 1 and 1 < len(parts) == len(np.atleast_1d(truth[0])) and all(part.shape == truth[0].shape[1:] for part in parts):
        return [np.stack(parts)]
    if len(parts) == 1 and parts[0].size == len(truth) > 1 and all(true.size == 1 for true in truth):
        return list(parts[0].reshape(-1, 1))
    return parts


def mismatch(parts: Parts, truth: Parts) -> Comparison | None:
    """Why an answer cannot be compared with the truth, if it cannot."""
    if len(parts) != len(truth):
        asked = "one is" if len(truth) == 1 else f"{len(truth)} are"
        cause = "join them into one tensor, by torch.cat or torch.stack" if len(truth) == 1 else "return all of them, with commas between"
        return Comparison(f"it returns {len(parts)} value{'s' * (len(parts) != 1)}, where {asked} asked for", causes=[cause])
    for i, (part, true) in enumerate(zip(parts, truth, strict=True), start=1):
        name = "its answer" if len(truth) == 1 else f"value {i} of its answer"
        if part.shape != true.shape and not part.size == true.size == 1:
            asked = str(list(true.shape)) if true.shape else "one number"
            return Comparison(f"{name} {shaped(part)}, where {asked} is asked for", causes=hints.reshaped(part, true.shape))
        if part.dtype.kind == "c" and true.dtype.kind != "c":
            squared = "a complex coefficient c is squared as c.abs() ** 2, not as c**2"
            real = "end with irfft2, or take the real part; a root of a negative number is complex, too"
            return Comparison(f"{name} is complex, where real numbers are asked for", causes=[real if true.shape else squared])
        if not np.isfinite(part).all():
            return Comparison(f"{name} holds NaN or infinity", causes=["something is divided by zero, or grows without bounds"])
    return None


def shaped(part: np.ndarray) -> str:
    return f"has the shape {list(part.shape)}" if part.shape else "is one number"


def infinite(it: Asked, parts: Parts) -> list[str]:
    """The hints of all mistakes that give NaN or infinity just where this answer has them."""
    if all(np.isfinite(part).all() for part in parts):
        return []
    holes = [np.isfinite(part) for part in parts]
    return [hint for hint, wrong in it.mistakes if alike([np.isfinite(each) for each in wrong], holes)]


def alike(some: Parts, others: Parts) -> bool:
    return len(some) == len(others) and all(np.array_equal(*pair) for pair in zip(some, others, strict=True))


def spread(tolerance: Any, truth: Parts) -> Parts:
    """A tolerance for every value of the truth."""
    given = [plain(each) for each in tolerance] if isinstance(tolerance, tuple | list) else [plain(tolerance)] * len(truth)
    return [np.broadcast_to(each.astype(float), true.shape) for each, true in zip(given, truth, strict=True)]


def distances(parts: Parts, truth: Parts, tolerances: Parts) -> Comparison:
    off, allowed = joined([a.reshape(t.shape) - t for a, t in zip(parts, truth, strict=True)]), joined(tolerances)
    worst = int(np.argmax(np.abs(off) / allowed))
    rms = math.sqrt(float(np.mean(np.abs(off) ** 2)))
    return Comparison("", float(np.abs(off[worst])), rms, float(allowed[worst]), float(np.abs(off[worst]) / allowed[worst]))


def joined(parts: Parts) -> np.ndarray:
    return np.concatenate([np.asarray(part, complex if part.dtype.kind == "c" else float).ravel() for part in parts])


def causes(it: Asked, parts: Parts) -> list[str]:
    """The hints of all mistakes that would give this answer, the nearest first, and of those as near as rounding the likeliest."""
    truth = it.truth
    answer, true, allowed = (joined(each) for each in (parts, truth, it.tolerances))
    made = [(hint, joined(wrong)) for hint, wrong in it.mistakes if not mismatch(wrong, truth)]
    made += hints.common(truth, true)
    made += [one for i in single(parts, truth, it.tolerances) for one in of_part(i, truth)]
    found = [(nearness(answer, wrong, allowed), hint) for hint, wrong in made if taken_for(answer, wrong, true, allowed)]
    likely = [hint for _, hint in sorted(found, key=lambda each: each[0])]
    likely += hints.returned(answer, it.given) if it.task.measure is None else []
    likely += [hint for hint, wrong in hints.fitted(answer, true) if taken_for(answer, wrong, true, allowed)]
    return likely + hints.digits(parts, truth)


def nearness(answer: np.ndarray, wrong: np.ndarray, allowed: np.ndarray) -> float:
    """How far an answer is from a mistake, in tolerances; 1 for all that is as near as rounding."""
    return max(1.0, float((np.abs(answer - wrong) / allowed).max()))


def single(parts: Parts, truth: Parts, tolerances: Parts) -> list[int]:
    """The number of the value that is wrong, where all others of a tuple are right."""
    wrong = [i for i, (a, t, e) in enumerate(zip(parts, truth, tolerances, strict=True)) if (np.abs(a.reshape(t.shape) - t) > e).any()]
    return wrong if len(wrong) == 1 < len(truth) else []


def of_part(i: int, truth: Parts) -> Iterator[tuple[str, np.ndarray]]:
    """Common mistakes in one value of a tuple."""
    for hint, wrong in hints.common([truth[i]], joined([truth[i]])):
        yield f"of value {i + 1}: {hint}", joined([*truth[:i], wrong, *truth[i + 1 :]])


def attempt(gives: Callable[..., Any], given: tuple[Any, ...]) -> Parts | None:
    """What a mistake gives, or nothing where it cannot be made on this instance."""
    try:
        return arrays(gives(*given))
    except (ArithmeticError, ValueError, RuntimeError, IndexError):
        return None


def taken_for(answer: np.ndarray, wrong: np.ndarray, true: np.ndarray, allowed: np.ndarray) -> bool:
    """Whether an answer is what a mistake gives: far nearer to it than the truth is, or as near as the tolerance.

    Nearness counts in the mistake's own size too: any answer near zero is near to the truth divided by 255.
    """
    gap = np.abs(wrong - true)
    bound = np.maximum(allowed * np.maximum(1, np.abs(wrong) / np.maximum(np.abs(true), 1e-30)), CLOSE * gap.max())
    bound = np.minimum(bound, max(np.abs(wrong).max() / 2, 1e-30))
    return bool((gap > 2 * allowed).any()) and bool((np.abs(answer - wrong) <= bound).all())
