"""What a student's functions answer: called on the instances of an id, and sent as plain numbers to whoever judges."""

from __future__ import annotations

import base64
import inspect
import io
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from reports.labs.lab import INSTANCES, Lab, Task, instance

LARGEST = 8_000_000  # numbers in one answer
FULL = 500  # letters of a message that are kept
NOTHING: Mapping[str, str] = MappingProxyType({})
TASK = re.compile(r"task \d+")  # what the functions of a template raise
Limited = Callable[[], AbstractContextManager[None]]  # ends what takes too long
UNWRITTEN, WAITS = "NotImplementedError", "Waits"  # kinds of failures: not written yet, and what rests upon another that failed


@dataclass(frozen=True)
class Failure:
    """Why there is no answer: the kind of exception, its message, and the line of the student's file that it came from.

    Of the kind ``WAITS`` the message tells what must be mended first, such as "task 3".
    """

    kind: str
    message: str
    line: int | None = None


@dataclass(frozen=True)
class Answer:
    """What one call gave: ``parts``, its arrays in base64 of ``numpy.save``, or a failure; and which arguments were written into.

    ``helped`` says whether the functions of earlier tasks were exchanged for what they should give.
    """

    function: str
    number: int
    helped: bool
    seconds: float
    parts: list[str] = field(default_factory=list)
    failure: Failure | None = None
    changed: list[str] = field(default_factory=list)

    @classmethod
    def parse(cls, told: Mapping[str, Any]) -> Answer:
        failure = told.get("failure")
        return cls(**{**told, "failure": Failure(**failure) if failure else None})

    def plain(self) -> dict[str, Any]:
        return asdict(self)

    def arrays(self) -> list[np.ndarray]:
        """The numbers themselves.

        Raises:
            ValueError: they cannot be read.
        """
        return [np.load(io.BytesIO(base64.b64decode(part)), allow_pickle=False) for part in self.parts]


def answers(
    space: MutableMapping[str, Any], lab: Lab, student: str, file: str, limited: Limited, begun: Callable[[str], None],
    skip: Sequence[int | str] = (), missing: Mapping[str, str] = NOTHING,
) -> Iterator[Answer]:  # fmt: skip
    """Every function in the namespace ``space`` is called on its instances, but for those in ``skip``; ``begun`` hears of each before.

    Names in ``missing`` have no value, since what would have given them one failed: what each waits for.

    One that takes too long is not called again: it would take as long.
    """
    for task in lab.tasks:
        for helped in (False, True) if task.uses else (False,):
            for number in range(INSTANCES if task.function not in skip else 0):
                begun(task.function)
                found = answer(space, lab, task, student, number, helped, file, limited, missing)
                yield found
                if found.failure and found.failure.kind == "TooLong":
                    break


def answer(
    space: MutableMapping[str, Any], lab: Lab, task: Task, student: str, number: int, helped: bool, file: str, limited: Limited,
    missing: Mapping[str, str] = NOTHING,
) -> Answer:  # fmt: skip
    given, before = instance(lab, task, student, number), instance(lab, task, student, number)
    own = {name: space[name] for name in task.uses if name in space}
    if helped:
        space.update({name: lab.task(name).expected for name in task.uses})
    began, parts, failure = time.perf_counter(), [], None
    try:
        with limited():
            parts = encoded(call(space.get(task.function), task.function, given))
    except BaseException as error:  # a student's code may raise anything, and may try to exit
        failure = failure_of(error, file, missing, f"task {lab.tasks.index(task) + 1}")
    finally:
        for name in task.uses if helped else ():
            space.pop(name, None)
        space.update(own)
    seconds = time.perf_counter() - began
    return Answer(task.function, number, helped, seconds, parts, failure, changed(space.get(task.function), before, given))


def call(function: Any, name: str, given: tuple[Any, ...]) -> Any:
    """
    Raises:
        NameError, TypeError: no such function, or one that takes other arguments.
    """
    if not callable(function):
        raise NameError(f"there is no function {name} in the file", name=name)
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        raise TypeError(f"{name}{inspect.signature(function)} cannot be called with the {len(given)} arguments of the template") from None
    return function(*given)


def encoded(found: Any) -> list[str]:
    """An answer as arrays: of a tensor, an array, a number or a list of numbers one, of a tuple or list of such several.

    Raises:
        TypeError: anything else.
        ValueError: too many numbers.
    """
    several = isinstance(found, tuple) or (isinstance(found, list) and not all(isinstance(each, int | float) for each in found))
    arrays = [plain(each) for each in (found if several else [found])]
    if sum(array.size for array in arrays) > LARGEST:
        raise ValueError(f"the answer holds {sum(array.size for array in arrays)} numbers, more than any task asks for")
    return [base64.b64encode(saved(array)).decode() for array in arrays]


def plain(found: Any) -> np.ndarray:
    if found is None:
        raise TypeError("it returns nothing; end the function with return")
    array = found.detach().cpu().resolve_conj().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"it returns {type(found).__name__}, which is neither a tensor nor a number")
    return np.ascontiguousarray(array).reshape(array.shape)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def changed(function: Any, before: tuple[Any, ...], after: tuple[Any, ...]) -> list[str]:
    """Names of the arguments that hold other numbers than before."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    names += [f"number {i + 1}" for i in range(len(names), len(before))]
    pairs = zip(names, before, after, strict=False)
    return [name for name, old, new in pairs if isinstance(old, torch.Tensor) and not same(old, new)]


def same(old: torch.Tensor, new: torch.Tensor) -> bool:
    return old.shape == new.shape and bool(torch.equal(old.nan_to_num(), new.nan_to_num()))


def failure_of(error: BaseException, file: str, missing: Mapping[str, str] = NOTHING, own: str = "") -> Failure:
    """An exception as plain words; the line is the last one in the student's ``file`` that led to it.

    It waits where a name is ``missing``, or where another task than the ``own`` one is not written.
    """
    if isinstance(error, SyntaxError):
        return Failure("SyntaxError", str(error.msg)[:FULL], error.lineno)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line, message = lines[-1] if lines else None, str(error)[:FULL]
    if isinstance(error, NameError) and (awaits := missing.get(str(error.name))):
        return Failure(WAITS, awaits, line)
    if isinstance(error, NotImplementedError) and own and own != message and TASK.fullmatch(message):
        return Failure(WAITS, message, line)
    return Failure(type(error).__name__, message, line)


def awaited(failure: Failure, line: int) -> str:
    """What those wait for who need what the cell at that line would have made."""
    if failure.kind == WAITS or (failure.kind == UNWRITTEN and TASK.fullmatch(failure.message)):
        return failure.message
    return f"the cell at line {line}, which fails"
