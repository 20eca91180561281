"""What is recovered when: octaves of frequency along the way from noise to image, the low ones first (Rissanen et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.figures import charts, style
from reports.figures.charts import Look
from reports.figures.small_multiples import longest, small_multiples
from reports.runs import titles
from solvers.bands import OCTAVES, octaves

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

TITLE = "Coarse things come first"
EXPLAINED = (
    "As the noise falls (left to right) the believed image fills its octaves of detail, named by the length of their waves. Height is the "
    "contrast of an octave in the believed image, as a share of the truth's: 1 is all of it, above 1 is made up. {method}, {images}."
)
NAMES = ("over 64 pixels", "32 to 64", "16 to 32", "8 to 16", "4 to 8", "under 4 pixels")
LEAST, PANEL = 1.15, 1.2  # inches: width that a panel and its labels need, its height
HIGHEST = 1.5  # share that is still shown
COLOURS = [matplotlib.colors.to_hex(colour) for colour in matplotlib.colormaps[style.MAP](np.linspace(0, 0.9, OCTAVES))]
KEPT = 1e-3  # an octave in which the truth has less contrast is left out


@matplotlib.rc_context(style.RC)
def bands(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """A row for each problem and a column for each prior, under the sampler with most steps, or the estimator where nothing samples."""
    method = traced(run)
    if method is None:
        return None
    images = f"mean over {titles.counted(run.images, 'image')}" if len(run.images) > 1 else "one image"
    words = EXPLAINED.format(method=titles.use(run, method).capitalize(), images=images)
    priors = [prior for prior in run.priors if any(paths(run, problem, method, prior) for problem in run.problems)]
    names = [titles.problem_title(problem) for problem in run.problems]

    def panel(axes: Axes, i: int, j: int) -> None:
        draw(charts.plain(axes, "noise level σ"), paths(run, run.problems[i], method, priors[j]))

    figure, heads = charts.new_figure(width, TITLE, words, titled), [priors] * len(names)
    return small_multiples(figure, names, heads, panel, legend(run, method), height=PANEL, least=LEAST, shared=True)


def legend(run: Run, method: str) -> dict[str, Look]:
    """The octaves in which some truth has something."""
    rows = [row for row in run.rows if row.cell.method == method and has_bands(row)]
    held = np.max([np.nan_to_num(content(row.arrays["truth"])) for row in rows], axis=0)
    return {name: {"linestyle": "-", "color": colour} for name, colour, most in zip(NAMES, COLOURS, held, strict=True) if most > 0}


def traced(run: Run) -> str | None:
    """The method that is shown; None where no trace holds bands."""
    for method in (longest(run, sampled=True), longest(run, sampled=False)):
        if any(row.cell.method == method and has_bands(row) for row in run.rows):
            return method
    return None


def has_bands(row: Record) -> bool:
    return row.status == "done" and bool(row.trace) and all("bands" in level for level in row.trace) and "truth" in row.arrays


def paths(run: Run, problem: str, method: str, prior: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(levels sigma [T], shares [T, OCTAVES], NaN where the truth has next to nothing), mean over images; None where it did not arrive."""
    rows = run.records(problem, method, prior)
    if not run.is_complete(rows) or not all(has_bands(row) for row in rows):
        return None
    length = min(len(row.trace) for row in rows)
    found = [np.array([level["bands"] for level in row.trace[:length]], float) / content(row.arrays["truth"]) for row in rows]
    return np.array([level["sigma"] for level in rows[0].trace[:length]]), np.mean(found, 0)


def content(truth: np.ndarray) -> np.ndarray:
    """What the octaves of a picture [H, W, C] hold; NaN for next to nothing."""
    found = np.array(octaves(torch.from_numpy(np.ascontiguousarray(truth)).movedim(-1, 0)))
    return np.where(found > KEPT, found, np.nan)


def draw(axes: Axes, path: tuple[np.ndarray, np.ndarray] | None) -> None:
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    axes.set(xscale="log", ylim=(0, HIGHEST), yticks=(0, 0.5, 1, 1.5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if path is None:
        axes.set_xticks([])
        charts.empty(axes, "not on all images")
        return
    sigmas, shares = path
    for k, colour in enumerate(COLOURS):
        axes.plot(sigmas, np.minimum(shares[:, k], HIGHEST), color=colour, linewidth=1.1)
    if max(sigmas) > 1.001 * min(sigmas):  # a prior of one level has a schedule of one, to rounding
        axes.set_xlim(max(sigmas), min(sigmas))
    axes.xaxis.set_major_locator(FixedLocator([10.0**k for k in range(-4, 3)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def told(run: Run) -> str:
    """For every prior and octave the level at which half of it has come."""
    method, sentences = traced(run), []
    for problem in run.problems if method else ():
        for prior in run.priors:
            path = paths(run, problem, method or "", prior)
            if path:
                sentences.append(f"{problem}, {prior}: {', '.join(halves(*path))}.")
    return f"Octaves recovered as the noise falls, {method}; noise level at which half has come. {' '.join(sentences)}" if sentences else ""


def halves(sigmas: Sequence[float] | np.ndarray, shares: np.ndarray) -> list[str]:
    found = []
    for name, share in zip(NAMES, shares.T, strict=True):
        if not np.isnan(share).any():
            reached = np.flatnonzero(share >= 0.5)
            found.append(f"{name} {f'at {sigmas[reached[0]]:.2g}' if len(reached) else 'never'}")
    return found
