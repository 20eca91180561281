"""The table of a stored run for a paper: priors down, problems, methods and metrics across, each number with its interval over images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.runs import stored, titles
from reports.runs.cell import Record, is_doubtful, is_heuristic
from reports.runs.selectors import known
from reports.runs.stored import Run
from reports.runs.titles import with_bias_named
from reports.scores.catalogue import METRICS
from reports.scores.intervals import over_images

USUAL = (("psnr",), ("haarpsi", "ssim"), ("psnr_sample",), ("coverage",))  # of each the first that the run has


@dataclass(frozen=True)
class Column:
    """A metric of a method on a problem; ``draws`` samples, 0 where it evaluates."""

    problem: str
    method: str
    metric: str
    draws: int

    @property
    def use(self) -> str:
        return f"sampled ({self.method}, n = {self.draws})" if self.draws else f"evaluated ({self.method})"


@dataclass(frozen=True)
class Entry:
    """Mean over ``images``, half the width of its 95 % interval (None for one image); ``rank`` 1 is best, 2 second, 0 neither.

    ``words`` say why there is no mean. Not ``complete``: on some images there was no result, so it is not ranked.
    """

    mean: float | None
    half: float | None = None
    images: int = 0
    complete: bool = True
    heuristic: bool = False
    doubtful: bool = False
    words: str = ""
    rank: int = 0


@dataclass(frozen=True)
class Table:
    """``entries`` by (prior, column); ``families`` by prior, in order of the spectrum."""

    families: dict[str, str]
    columns: tuple[Column, ...]
    entries: dict[tuple[str, Column], Entry]
    caption: str

    @property
    def problems(self) -> list[str]:
        return list(dict.fromkeys(column.problem for column in self.columns))

    def of(self, problem: str) -> list[Column]:
        return [column for column in self.columns if column.problem == problem]


def table(run: Run, metrics: Sequence[str] = ()) -> Table:
    """All finished cells; ``metrics`` default to PSNR and what the run has of a perceptual score and of samples.

    Raises:
        ValueError: an unknown metric, or one that no cell of the run has.
    """
    run = with_bias_named(run)
    stored = {name for row in run.rows for name, value in row.metrics.items() if value is not None} | {"calls", "seconds"}
    chosen = [known("metric", name, METRICS) for name in metrics] or usual(stored)
    if missing := [name for name in chosen if name not in stored]:
        raise ValueError(f"no cell in {run.folder} has the metric {missing[0]!r}; it has {', '.join(sorted(stored & set(METRICS)))}")
    columns = tuple(
        Column(problem, method, metric, run.draws(method))
        for problem in run.problems
        for method in run.ordered_methods
        for metric in chosen
        if any(value_of(row, metric) is not None for row in rows_of(run, problem, method))
    )
    entries: dict[tuple[str, Column], Entry] = {}
    for column in columns:
        entries |= {(prior, column): entry for prior, entry in ranked(column, found_in(run, column)).items()}
    families = {row.cell.prior: str(row.prior.get("family") or "own") for row in run.rows}
    return Table({prior: families[prior] for prior in run.priors}, columns, entries, caption(run, columns, entries))


def usual(stored: set[str]) -> list[str]:
    return [next(name for name in names if name in stored) for names in USUAL if stored & set(names)]


def rows_of(run: Run, problem: str, method: str) -> list[Record]:
    return [row for row in run.rows if (row.cell.problem, row.cell.method) == (problem, method)]


def value_of(row: Record, metric: str) -> float | None:
    if row.status != "done":
        return None
    return float(getattr(row, metric)) if metric in ("calls", "seconds") else row.metrics.get(metric)


def found_in(run: Run, column: Column) -> dict[str, Entry]:
    """The entries of a column, not yet ranked."""
    return {
        prior: entry(run, run.records(column.problem, column.method, prior), column.metric)
        for prior in run.priors
    }


def entry(run: Run, rows: Sequence[Record], metric: str) -> Entry:
    values = [value for row in rows if (value := value_of(row, metric)) is not None]
    if not values:
        return Entry(None, words=", ".join(sorted({row.status for row in rows} - {"done"})) or "none")
    found = over_images(values)
    half = None if math.isnan(found.high) else found.high - found.value
    complete = run.is_complete(rows) and len(values) == len(rows)
    return Entry(found.value, half, len(values), complete, is_heuristic(rows[0]), any(map(is_doubtful, rows)))


def ranked(column: Column, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Best and second as they are told: what rounds to the same shares its rank. Only priors with all images compete."""
    metric = METRICS[column.metric]
    told = {prior: round(each.mean, metric.digits) for prior, each in entries.items() if each.mean is not None and each.complete}
    order = sorted(set(told.values()), reverse=metric.better > 0)[:2] if metric.better and len(told) > 1 else []
    return {
        prior: replace(each, rank=order.index(told[prior]) + 1) if told.get(prior) in order else each for prior, each in entries.items()
    }


def caption(run: Run, columns: Sequence[Column], entries: dict[tuple[str, Column], Entry]) -> str:
    """What a reader must know: how many images, how large, which seed, what the numbers and the marks mean."""
    first, images = run.rows[0].cell, run.images
    kind = "grey" if first.channels == 1 else "colour"
    words = [f"{titles.counted(images, f'{kind} image')} of {first.size} × {first.size} pixels, seed {first.seed}."]
    if len(images) > 1:
        words.append("Mean ± half the 95 % interval (Student) over images.")
    words.append("Best bold, second underlined, ties shared; misfit, spread, coverage and cost are not ranked.")
    if any(column.draws for column in columns):
        words.append("Of samples the mean is scored, unless it says one.")
    nominal = stored.mean(run.rows, "coverage_nominal")
    if nominal is not None and any(column.metric == "coverage" for column in columns):
        words.append(f"An exact sampler has coverage {nominal:.3f}.")
    if any(each.heuristic for each in entries.values()):
        words.append("h: heuristic, no posterior stands behind these samples.")
    if any(each.doubtful for each in entries.values()):
        words.append("?: doubtful, an answer does not fit its data as it should or has not settled.")
    if any(each.mean is not None and not each.complete for each in entries.values()):
        words.append("*: not on all images, not ranked.")
    return " ".join(words)
