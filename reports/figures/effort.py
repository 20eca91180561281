"""Quality against effort: what a denoiser call buys, for every prior and method, at every number of steps of a run."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from reports.figures import charts, style
from reports.figures.charts import Look
from reports.figures.perception_distortion import REALISM, realism
from reports.figures.small_multiples import small_multiples, strokes, without_options
from reports.runs import stored, titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

TITLE = "What a denoiser call buys"
EXPLAINED = (
    "Each point is one run, means over {images}; more steps lie to the right, joined by a line. The mean of samples pays for all of them, "
    "one answer for itself: an estimate is one answer (and its own mean), and so is one sample. {words}: lower is better."
)
LEAST, PANEL = 1.4, 1.25  # inches: width that a panel and its labels need, its height
MARKS = "osD^vP*X"  # of the methods, in their order


@dataclass(frozen=True)
class Series:
    """A prior under a method at every number of steps: (calls, value), by calls."""

    prior: str
    method: str
    points: tuple[tuple[float, float], ...]
    heuristic: bool


@matplotlib.rc_context(style.RC)
def effort(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """A row for each problem: PSNR of the estimate or mean, PSNR of one answer, and how unlike the truth its patches are."""
    if not any(row.status == "done" for row in run.rows):
        return None
    looks, marks = strokes(run), methods(run)
    keys: dict[str, Look] = {**looks, **{method: {"marker": mark, "color": style.MUTED} for method, mark in marks.items()}}
    words = EXPLAINED.format(images=titles.counted(run.images, "image"), words=REALISM[realism(run)].words)
    if any(is_heuristic(row) for row in run.rows):
        keys["heuristic, no posterior"] = {"marker": "s", "color": style.MUTED, "markerfacecolor": "none"}
    rows, quantities = run.problems, columns(run)
    names = [titles.problem_title(problem) for problem in rows]

    def panel(axes: Axes, i: int, j: int) -> None:
        draw(charts.plain(axes, "denoiser calls"), list(quantities.values())[j].series(run, rows[i]), looks, marks)

    figure = charts.new_figure(width, TITLE, words, titled)
    return small_multiples(figure, names, [list(quantities)] * len(rows), panel, keys, height=PANEL, least=LEAST)


def methods(run: Run) -> dict[str, str]:
    """Each method, whatever its steps, with its mark."""
    names = dict.fromkeys(without_options(method) for method in run.ordered_methods)
    return {name: MARKS[i % len(MARKS)] for i, name in enumerate(names)}


@dataclass(frozen=True)
class Column:
    """A quantity: the metric of an answer or of the mean of samples (``whole``), or of one answer alone."""

    metric: str
    whole: bool = False

    def series(self, run: Run, problem: str) -> list[Series]:
        """Those of the priors that arrived on every image."""
        found: dict[tuple[str, str, bool], list[tuple[float, float]]] = {}
        for prior, method in itertools.product(run.priors, run.ordered_methods):
            rows = run.records(problem, method, prior)
            if run.is_complete(rows) and (point := self.point(rows)):
                found.setdefault((prior, without_options(method), is_heuristic(rows[0])), []).append(point)
        return [Series(prior, method, tuple(sorted(points)), heuristic) for (prior, method, heuristic), points in found.items()]

    def point(self, rows: Sequence[Record]) -> tuple[float, float] | None:
        n = 0 if self.whole else rows[0].cell.samples
        value = stored.mean(rows, f"{self.metric}_sample" if n else self.metric)
        if value is None:
            return None
        calls = sum(row.calls for row in rows) / len(rows) / max(n, 1)
        return calls, REALISM[self.metric].unlike(value) if self.metric in REALISM else value


def columns(run: Run) -> dict[str, Column]:
    metric, sampled = realism(run), any(row.cell.samples for row in run.rows)
    found = {"PSNR of mean, dB" if sampled else "PSNR, dB": Column("psnr", whole=True)}
    if sampled:
        found["PSNR of one, dB"] = Column("psnr")
    return found | {REALISM[metric].of_one: Column(metric)}


def draw(axes: Axes, series: Sequence[Series], looks: Mapping[str, Look], marks: Mapping[str, str]) -> None:
    for each in series:
        calls, values = zip(*each.points, strict=True)
        face = style.PAPER if each.heuristic else looks[each.prior]["color"]
        axes.plot(calls, values, marker=marks[each.method], markersize=4, markerfacecolor=face, **looks[each.prior])
    axes.set_xscale("log", base=2)
    found = sorted({calls for each in series for calls, _ in each.points})
    axes.set(xlim=(found[0] / 1.3, found[-1] * 1.3) if found else None)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(4))


def told(run: Run) -> str:
    """Every point in words."""
    sentences = []
    for problem in run.problems:
        for head, column in columns(run).items():
            for each in column.series(run, problem):
                points = ", ".join(f"{value:.3g} for {calls:,.0f} calls" for calls, value in each.points)
                sentences.append(f"{problem}, {each.prior}, {each.method}, {head}: {points}.")
    return f"Quality against denoiser calls. {' '.join(sentences)}" if sentences else ""
