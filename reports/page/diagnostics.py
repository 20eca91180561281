"""Cell by cell: what arrived, whether it explains the data, and the way there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reports.runs.cell import is_doubtful
from reports.runs.titles import counted

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

WIDTH, HEIGHT = 64, 18  # of a trace, in units of its drawing


class Trace(NamedTuple):
    """Misfit and change against the level, as points of polylines, and in words."""

    misfit: str
    change: str
    told: str


class Diagnosis(NamedTuple):
    """One cell: its status, the misfit of what it answers (an estimate, or one sample), and the way there."""

    status: str
    misfit: str = ""
    doubt: str = ""
    trace: Trace | None = None


class Lane(NamedTuple):
    """A prior under a method: a diagnosis for each image."""

    prior: str
    method: str
    cells: dict[str, Diagnosis]


def failures(run: Run) -> list[Record]:
    """Those without an answer, whose message says why."""
    return [row for row in run.rows if row.status != "done"]


def sentence(run: Run) -> str:
    """How many cells arrived, and how many answers are doubtful."""
    done = [row for row in run.rows if row.status == "done"]
    doubtful = [row for row in done if is_doubtful(row)]
    arrived = f"All {len(done)} cells arrived." if len(done) == len(run.rows) else f"{len(done)} of {len(run.rows)} cells arrived."
    if not doubtful:
        return f"{arrived} No answer is doubtful by its fit to the data or because it has not settled."
    return f"{arrived} Doubtful by fit to the data, or because not settled: {counted(doubtful, 'answer')}, marked below."


def lanes(run: Run, problem: str) -> list[Lane]:
    """All cells of a problem; their traces share their scales."""
    rows = {(row.cell.prior, row.cell.method, row.cell.image): row for row in run.rows if row.cell.problem == problem}
    scales = {name: scale(rows.values(), name) for name in ("misfit", "change")}
    found = []
    for method in run.ordered_methods:
        for prior in run.priors:
            cells = {image: diagnosis(rows.get((prior, method, image)), scales) for image in run.images}
            found.append(Lane(prior, method, cells))
    return found


def diagnosis(row: Record | None, scales: Mapping[str, tuple[float, float]]) -> Diagnosis:
    if row is None:
        return Diagnosis("not run")
    found = misfit(row)
    return Diagnosis(row.status, "" if found is None else f"{found:.2f}", row.message if is_doubtful(row) else "", trace(row.trace, scales))


def misfit(row: Record) -> float | None:
    """Of one sample where there are samples: their mean fits the data otherwise than any of them."""
    return row.metrics.get("misfit_sample", row.metrics.get("misfit"))


def trace(levels: Sequence[Mapping[str, Any]], scales: Mapping[str, tuple[float, float]]) -> Trace | None:
    series = {name: logarithms(levels, name) for name in scales}
    if not series["misfit"] or len(levels) < 2:
        return None
    told = [f"{name} from {10 ** values[0][1]:.2g} to {10 ** values[-1][1]:.2g}" for name, values in series.items() if values]
    lines = [points(values, len(levels), scales[name]) for name, values in series.items()]
    return Trace(lines[0], lines[1], f"{', '.join(told)} in {len(levels)} levels")


def logarithms(levels: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, float]]:
    """(level, logarithm to base 10) of those that are positive and finite."""
    values = ((i, level.get(name)) for i, level in enumerate(levels))
    return [(i, math.log10(value)) for i, value in values if value is not None and 0 < value < math.inf]


def scale(rows: Any, name: str) -> tuple[float, float]:
    """Lowest and highest logarithm of all traces, at least a decade apart."""
    values = [value for row in rows for _, value in logarithms(row.trace, name)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return low, max(high, low + 1)


def points(values: Sequence[tuple[int, float]], levels: int, scale: tuple[float, float]) -> str:
    low, high = scale
    return " ".join(f"{WIDTH * i / (levels - 1):.1f},{1 + (HEIGHT - 2) * (high - value) / (high - low):.1f}" for i, value in values)
