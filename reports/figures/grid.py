"""The grid: what all priors and methods make of several images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.figures.crops import pictured
from reports.figures.panels import best, panels, put, show
from reports.figures.prior_grid import PAD, Board
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

MOST_ROWS, MOST_ON_SLIDE = 8, 3  # of panels: what fits on a page, and what can be seen from afar


@matplotlib.rc_context(style.RC)
def grid(run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None) -> Figure:
    """All priors and methods on the images of a problem, as many as fit on a page, or into the ``tallest`` inches of a slide."""
    images, methods = pictured(run, problem), run.ordered_methods
    shown = images[: max((MOST_ON_SLIDE if tallest else MOST_ROWS) // len(methods), 1)]
    words = "One scale from 0 to 1. Under each panel PSNR and SSIM, the best of a row bold; "
    words += "of the samples one is shown, with the mean scores of all."
    if len(shown) < len(run.images):
        words += f" {len(shown)} of {len(run.images)} images shown."
    figure = charts.new_figure(width, titles.problem_title(problem), words, titled, PAD)
    board = Board(figure, run, len(shown) * len(methods), 1 if len(methods) > 1 else 2, tallest=tallest)
    for i, image in enumerate(shown):
        top, (truth, measured) = i * len(methods), run.scene(problem, image)
        pictures = {"truth": partial(show, values=truth, shape=truth.shape), "measured": partial(show, values=measured, shape=truth.shape)}
        board.scene(top, len(methods), titles.image_title(image), pictures)
        for k, method in enumerate(methods):
            row = panels(run, problem, image, method)
            for axes, found in zip(board.row(top + k, titles.use(run, method).rstrip(")").replace(" (", "\n")), row, strict=True):
                put(axes, found, truth.shape)
                board.under(axes, found.score, found is best(row))
    return board.fitted()
