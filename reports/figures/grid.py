"""The grid: what all priors and methods make of several images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from reports import summary
from reports.figures import style
from reports.figures.board import Board
from reports.figures.crops import pictured
from reports.figures.panels import panels

if TYPE_CHECKING:
    from reports.comparison import Comparison

MOST_ROWS, MOST_ON_SLIDE = 8, 3  # of panels: what fits on a page, and what can be seen from afar


@matplotlib.rc_context(style.RC)
def grid(comparison: Comparison, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None) -> Figure:
    """All priors and methods on the images of a problem, as many as fit on a page, or into the ``tallest`` inches of a slide."""
    images, methods = pictured(comparison, problem), summary.methods(comparison)
    shown = images[: max((MOST_ON_SLIDE if tallest else MOST_ROWS) // len(methods), 1)]
    below = "One scale from 0 to 1. Under each panel PSNR and SSIM, the best of a row bold; "
    below += "of the samples one is shown, with the mean scores of all."
    if len(shown) < len(comparison.images):
        below += f" {len(shown)} of {len(comparison.images)} images shown."
    board = Board(comparison, len(methods), len(shown), summary.problem_title(problem), below, width=width, titled=titled,
                  tallest=tallest or math.inf)  # fmt: skip
    for i, image in enumerate(shown):
        draw(board, problem, image, methods, board.top + i * board.block)
    return board.figure


def draw(board: Board, problem: str, image: str, methods: list[str], y: float) -> None:
    """A block: what was measured of an image, and what all priors make of it with every method."""
    truth = board.scene(problem, image, y)
    for i, method in enumerate(methods):
        word, _, how = summary.use(board.comparison, method).rstrip(")").partition(" (")
        board.aside(y + i * board.step, word, how)
        row = panels(board.comparison, problem, image, method)
        board.draw_row(row, y + i * board.step, truth.shape, [found.score for found in row])
