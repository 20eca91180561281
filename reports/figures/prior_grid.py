"""The grid in which the priors stand in order of family, each above its pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.figures.charts import MARGIN, short

if TYPE_CHECKING:
    from reports.runs.stored import Run

LEAST, LARGEST, NARROW = 0.4, 1.25, 0.56  # inches: side of a picture, of one whose score takes two lines
ASIDE, GAP, WIDEST, BAR = 0.34, 0.07, 0.35, 0.035  # inches: the words left of the rows, between pictures at least and at most, a family
SMALLEST = 0.25  # inches: side of a picture on a slide, which is then drawn smaller as a whole
PAD = (GAP / 2, 0.03)  # inches around a picture
PAGE, AROUND, UNDER = 9.0, 1.55, 0.3  # inches: height of a page, what stands there around the pictures, under each of them


class Board:
    """Pictures of an image in the first columns, then a column for each prior in order of family, on several lines where it is narrow.

    Constrained layout fills a size; it chooses neither the side of a picture nor how many stand beside each other: done here.

    Args:
        rows: pictures below each other on a line.
        aside: how many columns stand before the priors.
        least: inches that a picture is wide at least; ``tallest``: inches of the whole figure at most (all priors are then on one line).
        beside, below: inches for charts at the right (the last column) or below (the last row).
    """

    def __init__(
        self, figure: Figure, run: Run, rows: int, aside: int, *, least: float = LEAST, beside: float = 0, below: float = 0,
        tallest: float | None = None,
    ):  # fmt: skip
        self.figure, self.run, self.rows, self.aside = figure, run, rows, aside
        n, room = len(run.priors), figure.get_figwidth() - 2 * MARGIN - ASIDE - beside
        self.lines = 1 if tallest else -(-n // max(1, int(room / (least + GAP)) - aside))
        self.across = -(-n // self.lines)
        highest = ((tallest or PAGE) - AROUND - below) / (rows * self.lines) - UNDER
        self.side = min(room / (aside + self.across) - GAP, LARGEST, max(highest, SMALLEST if tallest else least))
        heights = [*[BAR / self.side, *[1.0] * rows] * self.lines, *([below / self.side] if below else [])]
        self.pitch = min(self.side + (GAP if beside else WIDEST), room / (aside + self.across))
        rest = (room + beside) / self.pitch - aside - self.across
        widths = [*[1.0] * (aside + self.across), *([rest] if rest > 0.5 else [])]
        self.height = sum(heights)
        self.grid = figure.add_gridspec(len(heights), len(widths), height_ratios=heights, width_ratios=widths)
        self.heads()

    @property
    def narrow(self) -> bool:
        return self.side < NARROW

    def heads(self) -> None:
        """Families in their colour above their priors; to the right more is assumed."""
        families = {row.cell.prior: row.prior.get("family") for row in self.run.rows}
        for line in range(self.lines):
            start, top = self.aside, line * (1 + self.rows)
            for family, group in groupby(self.run.priors[line * self.across :][: self.across], families.get):
                end = start + len(list(group))
                bar = self.figure.add_subplot(self.grid[top, start:end], xticks=[], yticks=[], facecolor=style.look(family).colour)
                bar.spines[:].set_visible(False)
                bar.set_title(short(family or "own", int((end - start) * self.pitch * 24)), size=6, color=style.MUTED, pad=2)
                start = end
        if self.across * self.pitch > 1.7:
            whole = self.figure.add_subplot(self.grid[0, self.aside : self.aside + self.across])
            whole.set_axis_off()
            more = "assumes more about pictures →" if self.across * self.pitch > 2.4 else "assumes more →"
            look: dict[str, Any] = {"size": 6.5, "color": style.MUTED, "pad": 3}
            whole.set_title("← assumes less\n", loc="left", **look)  # families stand on the empty line
            whole.set_title(f"{more}\n", loc="right", **look)

    def cell(self, line: int, row: int, column: int) -> Axes:
        return self.figure.add_subplot(self.grid[line * (1 + self.rows) + 1 + row, column], xticks=[], yticks=[])

    def row(self, row: int, words: str) -> list[Axes]:
        """The panels of all priors; ``words`` stand at the left of them."""
        found = [self.cell(i // self.across, row, self.aside + i % self.across) for i in range(len(self.run.priors))]
        words = "\n".join(textwrap.fill(each, max(10, int(24 * self.side))) for each in words.splitlines())
        for axes in found[:: self.across]:
            axes.set_ylabel(words, size=6 if self.narrow else 6.5, color=style.INK, labelpad=3)
        if row == 0:
            self.first = found[0]
            letters, look = (20, {"size": 6.2}) if self.narrow else (14.5, {"size": 7.5, "weight": "bold"})
            for axes, name in zip(found, self.run.priors, strict=True):
                axes.set_title(short(name, int(self.pitch * letters)), pad=3, **look)
        return found

    def scene(self, row: int, rows: int, title: str, pictures: Mapping[str, Callable[[Axes], None]]) -> None:
        """Named pictures of an image, ``rows`` below each other, at the left of every line from ``row`` on."""
        for line in range(self.lines):
            for k, (name, draw) in enumerate(pictures.items()):
                axes = self.cell(line, row + k % rows, k // rows)
                draw(axes)
                self.under(axes, name)
                if k == 0:
                    size, letters = 6.5 if self.narrow else 7.5, int(self.side * 14) + 4
                    axes.set_title(short(title, letters), loc="left", pad=3, weight="bold", size=size)

    def under(self, axes: Axes, words: str, best: bool = False) -> None:
        """A score below its panel, in as many lines as the panel needs; the best is bold."""
        words = words.replace(" dB · ", "\n") if self.narrow else words if self.side > 0.8 else words.replace(" dB", "")
        axes.set_xlabel(words, size=6.5, labelpad=2, color=style.INK, weight="bold" if best else "normal")

    def fitted(self) -> Figure:
        """The figure, as high as its pictures need."""
        return charts.fit_height(self.figure, self.first, self.height, self.side)
