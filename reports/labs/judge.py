"""From answers to verdicts: right or off by how much, and which mistake would give just that."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reports.labs.answers import Answer, Failure, encoded, plain
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
            names = " and ".join(task.uses)
            return Verdict(task.function, task.asks, True, f"right, once {names} is: mend that first", "", seconds)
        if any(each.failure for each in alone) or not any(each.failure for each in helped):
            found = again
    return Verdict(task.function, task.asks, *found, seconds)


def told(lab: Lab, task: Task, student: str, answers: Sequence[Answer]) -> tuple[bool, str, str]:
    """(passed, what is said, likely cause) of the answers to all instances."""
    if not answers:
        return False, "not reached", ""
    for each in answers:
        if each.failure:
            return False, *failed(each.failure)
    compared = [compare(task, instance(lab, task, student, each.number), each) for each in answers]
    wrong = [each for each in compared if not each.right]
    changed = sorted({name for each in answers for name in each.changed})
    if not wrong and changed:
        return False, f"it writes into its argument {changed[0]}", "make a new tensor, such as x = x + d in place of x += d"
    if not wrong:
        return True, "right", ""
    worst = max(wrong, key=lambda each: math.inf if each.said else each.times)
    shared = (cause for cause in worst.causes if all(cause in each.causes for each in wrong))
    return False, worst.said or size(worst, task), next(shared, "")


def size(found: Comparison, task: Task) -> str:
    allowed = f"{found.allowed:.2g} is allowed ({task.because})"
    one = found.off == found.rms  # a single number
    return f"off by {found.off:.2g}, where {allowed}" if one else f"off by up to {found.off:.2g} (rms {found.rms:.2g}), where {allowed}"


def failed(failure: Failure) -> tuple[str, str]:
    """(what is said, likely cause) where a function gave no answer, or a cell did not end."""
    where = f" in line {failure.line}" if failure.line else ""
    if failure.kind == "NotImplementedError":
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
    return f"{failure.kind}{where}: {failure.message}", ""


def compare(task: Task, given: tuple[Any, ...], answer: Answer) -> Comparison:
    """An answer to one instance beside the truth."""
    try:
        parts = answer.arrays()
    except ValueError:
        return Comparison("its answer could not be read")
    truth = arrays(task.expected(*given))
    if task.measure is not None:
        try:
            parts = arrays(task.measure(plain_parts(parts), *given))
        except Complaint as complaint:
            return Comparison(complaint.said, causes=[complaint.cause] if complaint.cause else [])
        except Exception as error:  # a student's answer of another shape fails in its own way
            return Comparison(f"its answer is not of the form that was asked for: {error}")
    parts = grouped(parts, truth)
    if said := mismatch(parts, truth):
        return Comparison(said)
    tolerances = spread(task.tolerance(*given) if callable(task.tolerance) else task.tolerance, truth)
    found = distances(parts, truth, tolerances)
    return found if found.right else replace(found, causes=causes(task, given, parts, truth, tolerances))


def plain_parts(parts: Parts) -> Any:
    """An answer as ``measure`` takes it: a tensor, or a tuple of them."""
    import torch

    tensors = tuple(torch.from_numpy(np.array(part)) for part in parts)
    return tensors[0] if len(tensors) == 1 else tensors


def arrays(found: Any) -> Parts:
    """What a lab computes, in the form of an answer."""
    return Answer("", 0, False, 0.0, encoded(found)).arrays()


def grouped(parts: Parts, truth: Parts) -> Parts:
    """Numbers that were returned one by one where a list is asked for, or the other way round."""
    if len(truth) == 1 and len(parts) == truth[0].size > 1 and all(part.size == 1 for part in parts):
        return [np.array([part.item() for part in parts]).reshape(truth[0].shape)]
    if len(parts) == 1 and parts[0].size == len(truth) > 1 and all(true.size == 1 for true in truth):
        return list(parts[0].reshape(-1, 1))
    return parts


def mismatch(parts: Parts, truth: Parts) -> str:
    """Why an answer cannot be compared with the truth."""
    if len(parts) != len(truth):
        return f"it returns {len(parts)} value{'s' * (len(parts) > 1)}, where {len(truth)} are asked for"
    for part, true in zip(parts, truth, strict=True):
        if part.shape != true.shape and not part.size == true.size == 1:
            return f"its answer has the shape {list(part.shape)}, where {list(true.shape)} is asked for"
        if part.dtype.kind == "c" and true.dtype.kind != "c":
            return "its answer is complex: a picture is real; end with irfft2, or take the real part"
        if not np.isfinite(part).all():
            return "its answer holds NaN or infinity: something is divided by zero, or grows without bounds"
    return ""


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


def causes(task: Task, given: tuple[Any, ...], parts: Parts, truth: Parts, tolerances: Parts) -> list[str]:
    """The hints of all mistakes that would give this answer, the likeliest first."""
    answer, true, allowed = (joined(each) for each in (parts, truth, tolerances))
    own = ((mistake.hint, attempt(mistake.gives, given)) for mistake in task.mistakes)
    made = [(hint, joined(wrong)) for hint, wrong in own if wrong and not mismatch(wrong, truth)]
    made += common(answer, truth, true, given if task.measure is None else ())
    return [hint for hint, wrong in made if taken_for(answer, wrong, true, allowed)]


def attempt(gives: Callable[..., Any], given: tuple[Any, ...]) -> Parts | None:
    """What a mistake gives, or nothing where it cannot be made on this instance."""
    try:
        return arrays(gives(*given))
    except (ArithmeticError, ValueError, RuntimeError, IndexError):
        return None


def taken_for(answer: np.ndarray, wrong: np.ndarray, true: np.ndarray, allowed: np.ndarray) -> bool:
    """Whether an answer is what a mistake gives: far nearer to it than the truth is, or as near as the tolerance."""
    gap = np.abs(wrong - true)
    bound = np.maximum(allowed * np.maximum(1, np.abs(wrong) / np.maximum(np.abs(true), 1e-30)), CLOSE * gap.max())
    return bool((gap > 2 * allowed).any()) and bool((np.abs(answer - wrong) <= bound).all())


FACTORS = {
    -1.0: "the sign is wrong",
    255.0: "it is in 0..255, where all is in 0..1",
    1 / 255: "it is divided by 255 once too often: all is in 0..1 already",
    255.0**2: "a sigma in 0..255 was squared, where all is in 0..1",
    1 / 255**2: "something is divided by 255 squared: all is in 0..1 already",
    2.0: "a factor 2 too large",
    0.5: "a factor 2 too small",
}


def common(answer: np.ndarray, truth: Parts, true: np.ndarray, given: Sequence[Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Mistakes that can be made in any task."""
    for factor, hint in FACTORS.items():
        yield hint, factor * true
    if true.size > 1 and float(np.abs(true).max()) > 0:
        factor = float((answer * true).sum().real / (true * true).sum().real)
        yield f"it is {factor:.3g} times the right answer: a factor is missing or too much", factor * true
        offset = float(np.mean(answer - true).real)
        yield f"every value is too {'large' if offset > 0 else 'small'} by {abs(offset):.3g}", true + offset
        yield "it is clipped to [0, 1]; leave it as it is", np.clip(true.real, 0, 1)
    if true.dtype.kind != "c" and (true >= 0).all():
        yield "it is the square root of the right answer: a square is missing, or a variance is asked for", np.sqrt(true)
        yield "it is the square of the right answer: a square root is missing, or a standard deviation is asked for", true**2
        if true.size == 1:
            yield "it is one over the right answer", 1 / np.maximum(true, 1e-30)
    if len(truth) == 1 and truth[0].ndim >= 2:
        yield "it is mirrored left to right and upside down", np.flip(truth[0], (-2, -1)).ravel()
        yield "rows and columns are exchanged", np.swapaxes(truth[0], -2, -1).ravel()
    for i, argument in enumerate(given):
        values = attempt(lambda x: x, (argument,)) if hasattr(argument, "detach") else None
        if values and values[0].size == true.size:
            yield f"it is argument number {i + 1}, just as it was given", values[0].ravel().astype(true.dtype)
