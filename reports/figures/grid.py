"""The grid: what all priors and methods make of several images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.crops import pictured
from reports.figures.panels import panels
from reports.figures.prior_grid import Board
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

MOST_ROWS, MOST_ON_SLIDE = 8, 3  # of panels: what fits on a page, and what can be seen from afar


@matplotlib.rc_context(style.RC)
def grid(run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None) -> Figure:
    """All priors and methods on the images of a problem, as many as fit on a page, or into the ``tallest`` inches of a slide."""
    images, methods = pictured(run, problem), run.ordered_methods
    shown = images[: max((MOST_ON_SLIDE if tallest else MOST_ROWS) // len(methods), 1)]
    below = "One scale from 0 to 1. Under each panel PSNR and SSIM, the best of a row bold; "
    below += "of the samples one is shown, with the mean scores of all."
    if len(shown) < len(run.images):
        below += f" {len(shown)} of {len(run.images)} images shown."
    board = Board(run, len(methods), len(shown), titles.problem_title(problem), below, width=width, titled=titled,
                  tallest=tallest or math.inf)  # fmt: skip
    for i, image in enumerate(shown):
        draw(board, problem, image, methods, board.top + i * board.block)
    return board.figure


def draw(board: Board, problem: str, image: str, methods: list[str], y: float) -> None:
    """A block: what was measured of an image, and what all priors make of it with every method."""
    truth = board.scene(problem, image, y)
    for i, method in enumerate(methods):
        word, _, how = titles.use(board.run, method).rstrip(")").partition(" (")
        board.aside(y + i * board.step, word, how)
        row = panels(board.run, problem, image, method)
        board.draw_row(row, y + i * board.step, truth.shape, [found.score for found in row])
