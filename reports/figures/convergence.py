"""The way there: how well each turn explains the data, and how far it still moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from reports.figures import charts, style
from reports.figures.charts import Look
from reports.figures.small_multiples import at_most_steps, small_multiples, strokes
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

TITLE = "The way there"
EXPLAINED = (
    "The misfit, χ² over the number of data, ends near the dotted 1 where an answer explains the data up to their noise: below it "
    "follows the noise, above it ignores data. The change is the distance from turn to turn. Geometric means over {images}.{left_out}"
)
MOST = 4  # methods
LEAST, PANEL = 1.4, 0.95  # inches: width that a panel and its labels need, its height
CURVES = {"misfit": "misfit", "change": "change, /255"}


@matplotlib.rc_context(style.RC)
def convergence(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """Two rows for each problem, misfit and change, and a column for each method; a line for each prior."""
    methods = [method for method in at_most_steps(run) if any(row.trace for row in run.rows if row.cell.method == method)]
    shown = methods[:MOST]
    if not shown:
        return None
    left_out = f" {len(shown)} of {len(methods)} methods shown." if len(shown) < len(methods) else ""
    words = EXPLAINED.format(images=titles.counted(run.images, "image"), left_out=left_out)
    looks, kinds = strokes(run), list(CURVES)
    rows = [(problem, kind) for problem in run.problems for kind in kinds]
    names = [titles.problem_title(problem) if kind == kinds[0] else "" for problem, kind in rows]

    def panel(axes: Axes, i: int, j: int) -> None:
        problem, kind = rows[i]
        draw(
            charts.plain(axes, "turn", CURVES[kind]),
            {prior: path(run, problem, shown[j], prior, kind) for prior in run.priors},
            looks,
            kind,
        )

    figure, heads = charts.new_figure(width, TITLE, words, titled), [shown if name else [""] * len(shown) for name in names]
    return small_multiples(figure, names, heads, panel, looks, height=PANEL, least=LEAST, shared=True)


def path(run: Run, problem: str, method: str, prior: str, kind: str) -> np.ndarray:
    """Values by turn, geometric mean over the images that arrived; empty where none did."""
    traces = [row.trace for row in run.records(problem, method, prior) if row.status == "done" and row.trace]
    length = min((len(trace) for trace in traces), default=0)
    values = np.array([[float(level[kind] or 0) for level in trace[:length]] for trace in traces])
    return np.exp(np.log(np.maximum(values, 1e-12)).mean(0)) if length else np.array([])


def draw(axes: Axes, paths: Mapping[str, np.ndarray], looks: Mapping[str, Look], kind: str) -> None:
    if kind == "misfit":
        axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    for prior, values in paths.items():
        if len(values):
            axes.plot(range(1, len(values) + 1), values * (255 if kind == "change" else 1), linewidth=1, **looks[prior])
    axes.set_yscale("log")
    low, high = axes.get_ylim()  # of the panels so far, which share this scale
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 50 * low else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def told(run: Run) -> str:
    """Where every path ends."""
    sentences = []
    for problem in run.problems:
        for method in run.ordered_methods:
            found = []
            for prior in run.priors:
                misfit, change = (path(run, problem, method, prior, kind) for kind in ("misfit", "change"))
                found += [f"{prior} {misfit[-1]:.2f} and {255 * change[-1]:.2g}/255"] if len(misfit) else []
            if found:
                sentences.append(f"{problem}, {method}: {', '.join(found)}.")
    return f"Misfit and change at the last turn. {' '.join(sentences)}" if sentences else ""
