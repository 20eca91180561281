"""The uncertainty maps: where samples differ, beside where their mean is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.figures.crops import example
from reports.figures.panels import panel, put, scale_below, shared, show, size_of
from reports.figures.prior_grid import PAD, Board
from reports.judging import verdict
from reports.runs import titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

LEAST = 0.5  # inches: side of a map, which has the coverage in words below
EXPLAINED = (
    "Standard deviation and error share one colour scale: an honest spread is as bright as the error, on average. Intervals are made of "
    "ranks, so their nominal share is exact for any number of samples."
)


@matplotlib.rc_context(style.RC)
def uncertainty(run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None) -> Figure:
    """For each prior that samples: mean, one sample, standard deviation and error, the last two on one scale, and the coverage.

    On a slide, whose height is bounded, of the first method that samples.
    """
    image, methods = example(run, problem), [method for method in run.ordered_methods if run.is_sampled(method)]
    methods = methods[:1] if tallest else methods
    truth, measured = run.scene(problem, image)
    figure = charts.new_figure(width, f"{titles.problem_title(problem)}: where samples differ", EXPLAINED, titled, PAD)
    board = Board(figure, run, 4 * len(methods), 1, least=LEAST, tallest=tallest)
    pictures = {"truth": partial(show, values=truth, shape=truth.shape), "measured": partial(show, values=measured, shape=truth.shape)}
    board.scene(0, board.rows, titles.image_title(image), pictures)
    records = [[run.row(prior, problem, image, method) for prior in run.priors] for method in methods]
    scale = shared_scale([record for row in records for record in row if record], truth)
    for i, (method, row) in enumerate(zip(methods, records, strict=True)):
        n = run.draws(method)
        words = (f"mean of {n}\n{method}", f"one of {n}", "standard\ndeviation", "|mean −\ntruth|")
        maps = [board.row(4 * i + k, each) for k, each in enumerate(words)]
        for axes, record in zip(zip(*maps, strict=True), row, strict=True):
            draw(board, axes, record, truth, scale)
    scale_below(maps[-1][-board.across :], scale, "deviation and error, one scale")
    return board.fitted()


def draw(board: Board, axes: Sequence[Axes], record: Record | None, truth: np.ndarray, scale: Normalize) -> None:
    """The four panels of one prior, and their numbers."""
    if record is None or record.status != "done" or record.x is None or record.samples is None:
        for each in axes:
            charts.empty(each, panel(record).words)
        return
    show(axes[0], record.x, truth.shape)
    put(axes[1], panel(record), truth.shape)
    for each, values in zip(axes[2:], (record.std, record.x - truth), strict=True):
        show(each, None if values is None else size_of(values), truth.shape, scale=scale, missing="needs two\nsamples")
    numbers = [("psnr", "{:.1f} dB"), ("psnr_sample", "{:.1f} dB"), ("spread", "± {:.3f}"), ("rms_error", "{:.3f}")]
    for each, (name, form) in zip(axes, numbers, strict=True):
        value = record.metrics.get(name)
        board.under(each, "" if value is None else form.format(value))
    if judgement := trusted(record)[0]:
        covered, nominal = (record.metrics[name] for name in ("coverage", "coverage_nominal"))
        words = (axes[3].get_xlabel(), f"coverage {covered:.0%}", f"nominal {nominal:.0%}", judgement.partition(" (")[0])
        board.under(axes[3], "\n".join(words))
        axes[3].xaxis.label.set_fontsize(5.5 if board.side < 0.65 else 6.5)


def shared_scale(records: Sequence[Record], truth: np.ndarray) -> Normalize:
    """One for the deviations and the errors of all that arrived."""
    arrived = [record for record in records if record.status == "done" and record.x is not None]
    return shared([size_of(array) for record in arrived for array in (record.std, record.x - truth) if array is not None])


def trusted(record: Record | None) -> tuple[str, str]:
    """Whether the spread can be trusted, and the numbers behind it, line by line."""
    if record is None or record.status != "done":
        return "", ""
    found = record.metrics
    facts = f"mean {found['psnr']:.1f} dB, one sample {found['psnr_sample']:.1f} dB\n"
    if found.get("coverage") is None or found.get("coverage_nominal") is None:
        return "", facts
    facts = f"coverage {found['coverage']:.0%}, nominal {found['coverage_nominal']:.0%}, n = {record.cell.samples}\n{facts}"
    facts += f"spread {found['spread']:.3f}, error {found['rms_error']:.3f}\n"
    word = verdict.judged(found["coverage"], found["coverage_nominal"])
    return f"{word} (heuristic: no posterior)" if is_heuristic(record) else word, facts
