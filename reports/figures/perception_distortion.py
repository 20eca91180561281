"""The plane of perception and distortion (Blau, Michaeli 2018): how far an answer is from the truth, and how real it looks.

The mean of a posterior is the nearest answer there is and looks too smooth; a draw looks real and pays for it with exactly
twice the squared error (Ohayon et al. 2023). A mean of n draws errs by 1 + 1/n, so that one draw errs by 2 n / (n + 1) of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import charts, style
from reports.figures.charts import Look
from reports.figures.small_multiples import longest, small_multiples, strokes
from reports.runs import stored, titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

TITLE = "Near the truth, or true to life"
EXPLAINED = (
    "Left is nearer to the truth, down is {down}; means over {images}, {methods}. The mean of many samples is near and too smooth, "
    "one sample looks more real and is farther off. {law}"
)
LAW = (
    "For an exact sampler the squared error of one sample is twice that of the mean, {factor:.2f} times that of a mean of {n} samples: "
    "the tick is where it should be."
)
LEAST, PANEL = 2.1, 1.75  # inches: width that a panel and its labels need, its height
MARKS = {"evaluated": "o", "mean of samples": "s", "one sample": "^"}


class Realism(NamedTuple):
    """A metric as a distance ``best`` + ``times`` x its value: what it is, the same of one answer, and what is meant by less of it."""

    words: str
    of_one: str
    down: str = "more true to life"
    best: float = 0
    times: float = 1

    def unlike(self, value: float) -> float:
        return self.best + self.times * value


REALISM = {  # the first that a run has
    "swd": Realism("SWD of patches, /255", "SWD of one, /255", times=255),
    "spectrum_db": Realism("spectra apart, dB", "spectrum of one, dB"),
    "haarpsi": Realism("1 − HaarPSI", "1 − HaarPSI of one", "more alike in structure", 1, -1),
    "ssim": Realism("1 − SSIM", "1 − SSIM of one", "more alike in structure", 1, -1),
}


@dataclass(frozen=True)
class Point:
    """What a prior answers in one way: root mean square error, 0..1, and how unlike a photograph it is."""

    prior: str
    use: str
    error: float
    unlike: float
    exact: float | None = None  # of one sample: the error that an exact sampler would have beside the same mean
    heuristic: bool = False


@matplotlib.rc_context(style.RC)
def plane(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """A panel for each problem: estimate, mean and one sample of every prior, joined by a line."""
    shown = {problem: placed for problem in run.problems if (placed := points(run, problem))}
    if not shown:
        return None
    looks = strokes(run)
    keys = legend(looks, [point for placed in shown.values() for point in placed])
    figure, labels = (
        charts.new_figure(width, TITLE, explained(run), titled),
        ("distance from the truth, RMSE /255", REALISM[realism(run)].words),
    )

    def panel(axes: Axes, _: int, j: int) -> None:
        draw(charts.plain(axes, *labels), list(shown.values())[j], looks)

    heads = [[titles.problem_title(problem) for problem in shown]]
    return small_multiples(figure, [""], heads, panel, keys, height=PANEL, least=LEAST, head={"weight": "bold", "color": style.INK})


def explained(run: Run) -> str:
    methods = [method for sampled in (False, True) if (method := longest(run, sampled))]
    n = max(run.draws(method) for method in methods)
    law = LAW.format(n=n, factor=growth(n)) if n > 1 else ""
    images, used = titles.counted(run.images, "image"), titles.listed([titles.use(run, method) for method in methods])
    return EXPLAINED.format(down=REALISM[realism(run)].down, images=images, methods=used, law=law).strip()


def growth(n: int) -> float:
    """Squared error of one exact draw over that of the mean of ``n``, which itself errs 1 + 1/n times as much as its limit."""
    return 2 * n / (n + 1)


def legend(looks: Mapping[str, Look], placed: Sequence[Point]) -> dict[str, Look]:
    keys: dict[str, Look] = {prior: look for prior, look in looks.items() if any(point.prior == prior for point in placed)}
    uses = [use for use in MARKS if any(point.use == use for point in placed)]
    keys |= {use: {"marker": MARKS[use], "color": style.MUTED} for use in uses}
    if any(point.exact for point in placed):
        keys["one sample, were it exact"] = {"marker": "|", "color": style.MUTED, "markersize": 8, "markeredgewidth": 1.2}
    if any(point.heuristic for point in placed):
        keys["heuristic, no posterior"] = {"marker": "s", "color": style.MUTED, "markerfacecolor": "none"}
    return keys


def realism(run: Run) -> str:
    """The first metric of REALISM that every answer has."""
    done = [row for row in run.rows if row.status == "done"]

    def known(metric: str) -> bool:
        names = [(row, name) for row in done for name in ((metric, f"{metric}_sample") if row.cell.samples else (metric,))]
        return all(row.metrics.get(name) is not None for row, name in names)

    return next((metric for metric in REALISM if known(metric)), "ssim")


def points(run: Run, problem: str) -> list[Point]:
    """Those of the priors that arrived on every image."""
    found, metric = [], realism(run)
    for prior, sampled in itertools.product(run.priors, (False, True)):
        method = longest(run, sampled)
        rows = run.records(problem, method, prior) if method else []
        if run.is_complete(rows) and all("x" in row.arrays for row in rows):
            found += placed(prior, rows, metric)
    return found


def placed(prior: str, rows: Sequence[Record], metric: str) -> list[Point]:
    unlike = REALISM[metric].unlike
    error, heuristic = missed(rows, "x"), is_heuristic(rows[0])
    n = rows[0].cell.samples
    use = "mean of samples" if n else "evaluated"
    found = [Point(prior, use, error, unlike(stored.mean(rows, metric) or 0), heuristic=heuristic)] if n != 1 else []
    if n:
        value = unlike(stored.mean(rows, f"{metric}_sample") or 0)
        exact = error * math.sqrt(growth(n)) if n > 1 else None
        found.append(Point(prior, "one sample", missed(rows, "samples"), value, exact, heuristic))
    return found


def missed(rows: Sequence[Record], name: str) -> float:
    """Root mean square error of what is stored, not clipped, over all images."""
    return math.sqrt(np.mean([np.mean(np.square(row.arrays[name].astype(np.float64) - row.arrays["truth"])) for row in rows]))


def draw(axes: Axes, placed: Sequence[Point], looks: Mapping[str, Look]) -> None:
    for prior in dict.fromkeys(point.prior for point in placed):
        own = [point for point in placed if point.prior == prior]
        axes.plot([255 * point.error for point in own], [point.unlike for point in own], linewidth=0.8, **looks[prior])
        for point in own:
            colour = looks[prior]["color"]
            face = style.PAPER if point.heuristic else colour
            axes.plot(255 * point.error, point.unlike, MARKS[point.use], color=colour, markerfacecolor=face)
            if point.exact is not None:
                axes.plot(255 * point.exact, point.unlike, "|", color=colour, markersize=9, markeredgewidth=1.2)
    axes.margins(0.12)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def told(run: Run) -> str:
    """Every point in words."""
    sentences = []
    for problem in run.problems:
        for point in points(run, problem):
            exact = f" (exact: {255 * point.exact:.1f})" if point.exact is not None else ""
            sentences.append(f"{problem}, {point.prior}, {point.use}: RMSE {255 * point.error:.1f}/255{exact}, unlike {point.unlike:.3g}.")
    return f"Perception against distortion, {REALISM[realism(run)].words}. {' '.join(sentences)}" if sentences else ""
