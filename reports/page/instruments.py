"""What each problem of a run measures: a sentence, and a picture of the kernel or the mask. Nothing is solved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reports.page.pictures import data_uri
from reports.runs import loading

if TYPE_CHECKING:
    from problems.problem import Problem
    from reports.runs.stored import Run


class Instrument(NamedTuple):
    """``summary`` says what is measured and how noisy it is; ``source`` is the kernel or mask as a data URI, empty where there is none."""

    summary: str
    source: str = ""
    alt: str = ""


def instruments(run: Run) -> dict[str, Instrument]:
    """By problem, as measured on its first image; a problem whose files are no longer there is left out."""
    found = {}
    for problem in run.problems:
        cell = next(row.cell for row in run.rows if row.cell.problem == problem)
        try:
            found[problem] = instrument(loading.load_problem(cell))
        except (ValueError, TypeError, OSError, ImportError):  # the picture, the kernel or the mask was moved or changed
            continue
    return found


def instrument(problem: Problem) -> Instrument:
    noise = f"noise with standard deviation {problem.noise_sigma:.3g} ({255 * problem.noise_sigma:.3g} of 255)"
    sentence = f"{problem.operator.summary[:1].upper()}{problem.operator.summary[1:]}; {noise}."
    picture = problem.operator.picture
    if picture is None:
        return Instrument(sentence)
    kind = "mask" if picture.shape == tuple(problem.operator.image_shape[1:]) else "kernel"
    source = data_uri(picture[..., None])
    return Instrument(sentence, source, f"{kind} of {picture.shape[0]} x {picture.shape[1]} pixels")
