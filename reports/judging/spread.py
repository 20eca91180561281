"""What can be said of the samples of a run, for figures and page alike: judged, or too few images, or nothing to judge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from reports.judging import verdict
from reports.judging.trust import Row, Trust, judge
from reports.runs.cell import has_spread
from reports.scores.ensemble import Scores
from reports.scores.intervals import Estimate

if TYPE_CHECKING:
    from reports.runs.stored import Run


@dataclass(frozen=True)
class Anecdote(Row):
    """A row over too few images for intervals: its numbers, without a judgement."""

    @property
    def verdict(self) -> str:
        return "too few images"

    def over_images(self, what: Callable[[Scores], np.ndarray]) -> np.ndarray:
        found = super().over_images(what)
        found[..., 1:] = math.nan
        return found


@dataclass(frozen=True)
class Spread:
    """What was found about the samples of a run; without ``trust`` there is nothing to judge, or ``obstacle`` says why it could not be."""

    trust: Trust | None
    obstacle: str = ""


def judged(run: Run) -> Spread:
    """Judge all samples of a run once, for figures and page alike; nothing is solved."""
    if not any(map(has_spread, run.rows)):
        return Spread(None)
    try:
        trust = judge(run)
    except (ValueError, TypeError, OSError, ImportError) as error:  # an image that moved, a measurement of older code
        return Spread(None, str(error))
    return Spread(replace(trust, rows=tuple(anecdote(row) if is_few(row) else row for row in trust.rows)))


def is_few(row: Row) -> bool:
    return len(row.scores) < verdict.FEW


def anecdote(row: Row) -> Anecdote:
    kept = {field.name: getattr(row, field.name) for field in fields(Row)}
    return Anecdote(**kept | {"numbers": {name: Estimate(found.value) for name, found in row.numbers.items()}})


def by_method(trust: Trust) -> dict[str, Trust]:
    """The part of each method: what is drawn together can be told apart."""
    methods = list(dict.fromkeys(row.method for row in trust.rows))
    return {method: replace(trust, rows=tuple(row for row in trust.rows if row.method == method)) for method in methods}
