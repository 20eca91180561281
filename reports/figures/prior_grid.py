"""The board on which the priors stand in order of family, each above its panels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from reports.figures import style
from reports.figures.crops import Window
from reports.figures.layout import EDGE, GAP, Sheet, headroom, short, show
from reports.figures.panels import Panel, best, put
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

ASIDE, HEADS, BELOW, LOWER = 0.42, 0.6, 0.22, 0.32  # inches: left of the priors, families and names, a score in one line, in two
LARGEST, NARROW, NARROWEST = 1.45, 0.54, 5.0  # inches: panel, one that takes small letters, figure with room for its title
WIDEST, LEAST, LOW = 0.3, 0.34, 2.9  # inches: gap between priors, smallest panel, height of the panels where something stands beside them
ROOMY = 3.5  # inches: a row of panels with room for a sentence above it


class Board(Sheet):
    """A sheet whose columns are what was measured, then the priors in order of family; each block has ``rows`` rows of panels.

    ``below`` and ``beside`` are inches left free for something else, ``tallest`` bounds the height. With a title the sheet is no wider
    than it need be; without one, for a paper, it is as wide as the paper wants it.

    Raises:
        ValueError: so many priors do not fit into the width of the paper.
    """

    def __init__(
        self, run: Run, rows: int, blocks: int, title: str, explained: str, *, width: float, titled: bool,
        below: float = 0, beside: float = 0, tallest: float = math.inf,
    ):  # fmt: skip
        self.run, self.rows = run, rows
        self.scene_columns, priors = 2 if rows == 1 else 1, len(run.priors)
        self.top = headroom(explained, width, titled) + HEADS + 0.1 * titled
        self.gap = GAP if width > NARROWEST else 0.05
        n, room = self.scene_columns + priors, width - 2 * EDGE - ASIDE - beside
        pitch = (tallest - self.top - below - 0.3) / (rows * blocks)
        self.side = min((room - self.gap * (n - 2)) / n, LARGEST, pitch - BELOW)
        self.side = min(self.side, pitch - LOWER) if self.narrow else self.side
        if not titled and self.side < LEAST:
            raise ValueError(f"{priors} priors do not fit into {25.4 * width:.0f} mm; give a wider figure")
        self.step = self.side + (LOWER if self.narrow else BELOW)
        if n > 2 and not titled and not beside:
            self.gap = min((room - n * self.side) / (n - 2), WIDEST)
        needed = max(self.right + EDGE, min(width, NARROWEST))
        height = max(self.top + blocks * self.block + below, self.top + LOW if beside else 0)
        super().__init__(needed if titled and not beside else width, height, title, explained, titled)
        self.heads()

    @property
    def narrow(self) -> bool:
        return self.side < NARROW

    @property
    def block(self) -> float:
        return self.rows * self.step + 0.2

    @property
    def right(self) -> float:
        return self.x(len(self.run.priors)) - self.gap

    def x(self, prior: int) -> float:
        """Left edge of a prior; below zero, of a scene column, counted from the right."""
        return EDGE + (self.scene_columns + prior) * (self.side + self.gap) + (ASIDE - self.gap if prior >= 0 else 0)

    def panel_axes(self, column: int, y: float) -> Axes:
        return self.axes(self.x(column), y, self.side, self.side)

    def under(self, column: int, y: float, words: str, weight: str = "normal") -> None:
        words = words.replace(" dB · ", "\n") if self.narrow else words if self.side > 0.8 else words.replace(" dB", "")
        centre = self.x(column) + self.side / 2
        self.text(centre, y + self.side + 0.045, words, size=6.5, ha="center", weight=weight, linespacing=1.25)

    def heads(self) -> None:
        """Families in their colour over their priors; to the right more is assumed."""
        names = self.run.priors
        family = {row.cell.prior: row.prior.get("family") for row in self.run.rows}
        for name, group in groupby(range(len(names)), key=lambda i: family[names[i]]):
            places = list(group)
            left, right = self.x(places[0]), self.x(places[-1]) + self.side
            told = short(name or "own", int((right - left + self.gap) * 23))
            self.text((left + right) / 2, self.top - 0.42, told, size=6, color=style.MUTED, ha="center")
            self.bar(left, right, self.top - 0.26, style.look(name).colour)
        letters, look = (22, {"size": 6.2}) if self.narrow else (14, {"size": 7.5, "weight": "bold"})
        for i, name in enumerate(names):
            told = short(name, int((self.side + self.gap) * letters))
            self.text(self.x(i) + self.side / 2, self.top - 0.21, told, ha="center", **look)
        if self.right - self.x(0) > 1.8:
            self.arrow()

    def arrow(self) -> None:
        """Which way more is assumed about pictures."""
        left, right, y, look = self.x(0), self.right, self.top - 0.52, {"va": "center", "color": style.MUTED, "size": 6.5}
        self.text(right, y, "assumes more about pictures" if right - left > ROOMY else "assumes more", ha="right", **look)
        self.text(left, y, "assumes less", **look)
        ends = [(x / self.width, 1 - y / self.height) for x in (left + 0.68, right - (1.48 if right - left > ROOMY else 0.75))]
        arrow = FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=5, color=style.MUTED, linewidth=0.6, shrinkA=0, shrinkB=0)
        self.figure.add_artist(arrow)

    def scene(self, problem: str, image: str, y: float, window: Window | None = None) -> np.ndarray:
        """Truth and measurement of an image, one above the other where there are rows enough; the truth is returned."""
        truth, shown = self.run.scene(problem, image)
        look = {"size": 6.5} if self.narrow else {"size": 7.5, "weight": "bold"}
        self.text(EDGE, y - 0.21, short(titles.image_title(image), int(self.side * 14) + 3), **look)
        for i, (words, picture) in enumerate((("truth", truth), ("measured", shown))):
            column, top = i // self.rows - self.scene_columns, y + i % self.rows * self.step
            show(self.panel_axes(column, top), picture, truth.shape, window)
            self.under(column, top, words)
        return truth

    def aside(self, y: float, word: str, how: str) -> None:
        """What a row of panels shows, turned by 90 degrees at its left."""
        for x, words, size, weight in ((0.22, word, 6.5 if self.narrow else 7.5, "bold"), (0.09, how, 6, "normal")):
            self.text(self.x(0) - x, y + self.side / 2, words, size=size, weight=weight, rotation=90, ha="right", va="center")

    def draw_row(self, row: Sequence[Panel], y: float, shape: Sequence[int], scores: Sequence[str], window: Window | None = None) -> None:
        for i, (found, score) in enumerate(zip(row, scores, strict=True)):
            put(self.panel_axes(i, y), found, shape, window)
            self.under(i, y, score, "bold" if found is best(row) else "normal")
