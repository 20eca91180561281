"""The table of a stored run for a paper: priors down, problems, methods and metrics across, each number with its interval over images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from reports import summary
from reports.calibration import over_images
from reports.selectors import known
from reports.summary import with_bias_named

if TYPE_CHECKING:
    from reports.cell import Record
    from reports.comparison import Comparison


class Metric(NamedTuple):
    """How a metric is called, with how many digits it is told, and what is better: 1 more, -1 less, 0 neither (it has a right value)."""

    name: str
    digits: int
    better: int


METRICS = {
    "psnr": Metric("PSNR", 2, 1),
    "ssim": Metric("SSIM", 3, 1),
    "haarpsi": Metric("HaarPSI", 3, 1),
    "gmsd": Metric("GMSD", 3, -1),
    "lpips": Metric("LPIPS", 3, -1),
    "swd": Metric("SWD", 3, -1),
    "spectrum_db": Metric("spectrum, dB", 2, -1),
    "mae": Metric("MAE", 4, -1),
    "misfit": Metric("misfit", 2, 0),
    "psnr_sample": Metric("PSNR of one", 2, 1),
    "ssim_sample": Metric("SSIM of one", 3, 1),
    "haarpsi_sample": Metric("HaarPSI of one", 3, 1),
    "gmsd_sample": Metric("GMSD of one", 3, -1),
    "lpips_sample": Metric("LPIPS of one", 3, -1),
    "swd_sample": Metric("SWD of one", 3, -1),
    "spectrum_db_sample": Metric("spectrum of one, dB", 2, -1),
    "misfit_sample": Metric("misfit of one", 2, 0),
    "crps": Metric("CRPS", 4, -1),
    "rms_error": Metric("RMSE", 4, -1),
    "spread": Metric("spread", 4, 0),
    "coverage": Metric("coverage", 3, 0),
    "calls": Metric("calls", 0, 0),
    "seconds": Metric("seconds", 1, 0),
}
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


def table(comparison: Comparison, metrics: Sequence[str] = ()) -> Table:
    """All finished cells; ``metrics`` default to PSNR and what the run has of a perceptual score and of samples.

    Raises:
        ValueError: an unknown metric, or one that no cell of the run has.
    """
    comparison = with_bias_named(comparison)
    stored = {name for row in comparison.rows for name, value in row.metrics.items() if value is not None} | {"calls", "seconds"}
    chosen = [known("metric", name, METRICS) for name in metrics] or usual(stored)
    if missing := [name for name in chosen if name not in stored]:
        raise ValueError(f"no cell in {comparison.folder} has the metric {missing[0]!r}; it has {', '.join(sorted(stored & set(METRICS)))}")
    columns = tuple(
        Column(problem, method, metric, summary.draws(comparison, method))
        for problem in comparison.problems
        for method in summary.methods(comparison)
        for metric in chosen
        if any(value_of(row, metric) is not None for row in rows_of(comparison, problem, method))
    )
    entries: dict[tuple[str, Column], Entry] = {}
    for column in columns:
        entries |= {(prior, column): entry for prior, entry in ranked(column, found_in(comparison, column)).items()}
    families = {row.cell.prior: str(row.prior.get("family") or "own") for row in comparison.rows}
    return Table({prior: families[prior] for prior in comparison.priors}, columns, entries, caption(comparison, columns, entries))


def usual(stored: set[str]) -> list[str]:
    return [next(name for name in names if name in stored) for names in USUAL if stored & set(names)]


def rows_of(comparison: Comparison, problem: str, method: str) -> list[Record]:
    return [row for row in comparison.rows if (row.cell.problem, row.cell.method) == (problem, method)]


def value_of(row: Record, metric: str) -> float | None:
    if row.status != "done":
        return None
    return float(getattr(row, metric)) if metric in ("calls", "seconds") else row.metrics.get(metric)


def found_in(comparison: Comparison, column: Column) -> dict[str, Entry]:
    """The entries of a column, not yet ranked."""
    return {
        prior: entry(comparison, summary.records(comparison, column.problem, column.method, prior), column.metric)
        for prior in comparison.priors
    }


def entry(comparison: Comparison, rows: Sequence[Record], metric: str) -> Entry:
    values = [value for row in rows if (value := value_of(row, metric)) is not None]
    if not values:
        return Entry(None, words=", ".join(sorted({row.status for row in rows} - {"done"})) or "none")
    found = over_images(values)
    half = None if math.isnan(found.high) else found.high - found.value
    complete = summary.is_complete(comparison, rows) and len(values) == len(rows)
    return Entry(found.value, half, len(values), complete, summary.is_heuristic(rows[0]))


def ranked(column: Column, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Best and second as they are told: what rounds to the same shares its rank. Only priors with all images compete."""
    metric = METRICS[column.metric]
    told = {prior: round(each.mean, metric.digits) for prior, each in entries.items() if each.mean is not None and each.complete}
    order = sorted(set(told.values()), reverse=metric.better > 0)[:2] if metric.better and len(told) > 1 else []
    return {
        prior: replace(each, rank=order.index(told[prior]) + 1) if told.get(prior) in order else each for prior, each in entries.items()
    }


def caption(comparison: Comparison, columns: Sequence[Column], entries: dict[tuple[str, Column], Entry]) -> str:
    """What a reader must know: how many images, how large, which seed, what the numbers and the marks mean."""
    first, images = comparison.rows[0].cell, comparison.images
    kind = "grey" if first.channels == 1 else "colour"
    words = [f"{summary.counted(images, f'{kind} image')} of {first.size} × {first.size} pixels, seed {first.seed}."]
    if len(images) > 1:
        words.append("Mean ± half the 95 % interval (Student) over images.")
    words.append("Best bold, second underlined, ties shared; misfit, spread, coverage and cost are not ranked.")
    if any(column.draws for column in columns):
        words.append("Of samples the mean is scored, unless it says one.")
    nominal = summary.mean(comparison.rows, "coverage_nominal")
    if nominal is not None and any(column.metric == "coverage" for column in columns):
        words.append(f"An exact sampler has coverage {nominal:.3f}.")
    if any(each.heuristic for each in entries.values()):
        words.append("h: heuristic, no posterior stands behind these samples.")
    if any(each.mean is not None and not each.complete for each in entries.values()):
        words.append("*: not on all images, not ranked.")
    return " ".join(words)
