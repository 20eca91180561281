"""Small panels side by side, on which a prior looks the same everywhere: what the companions are drawn on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.colors
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from reports.figures import style
from reports.figures.layout import EDGE, LINE, Sheet, headroom, short

if TYPE_CHECKING:
    from reports.runs.stored import Run

LEFT, GAP, FOOT = 0.42, 0.42, 0.24  # inches: scale of the first panel, between panels, scale below a row
NAMED, UNNAMED = 0.42, 0.22  # inches: above the panels of a row with and without a name
ENTRY = 1.55  # inches: an entry of the legend
DARKER = 0.6  # the next prior of the same family, and the next

Look = Mapping[str, Any]


class Multiples(Sheet):
    """Rows of ``columns`` panels under their names (empty: none), and below them the ``legend``: words and how they are drawn.

    A panel is ``panel`` inches high and at least ``least`` wide: where a row has no room for all of its panels, it takes several lines.
    """

    def __init__(
        self, title: str, explained: str, rows: Sequence[str], columns: int, legend: Mapping[str, Look],
        *, width: float, titled: bool, panel: float, least: float,
    ):  # fmt: skip
        fitting = max(1, int((width - 2 * EDGE - LEFT + GAP) / (least + GAP)))
        self.lines = -(-columns // fitting)
        self.across, self.columns, self.panel, self.rows = -(-columns // self.lines), columns, panel, len(rows)
        names = [name if line == 0 else "" for name in rows for line in range(self.lines)]
        top = headroom(explained, width, titled) + 0.12
        heights = [(NAMED if name else UNNAMED) + panel + FOOT for name in names]
        self.starts = [top + sum(heights[: i + 1]) - panel - FOOT for i in range(len(names))]  # upper edges of the panels
        entries = max(2, int((width - 2 * EDGE) / ENTRY))
        super().__init__(width, top + sum(heights) + 0.22 + LINE * -(-len(legend) // entries) + EDGE, title, explained, titled)
        for name, y in zip(names, self.starts, strict=True):
            self.text(EDGE, y - NAMED, short(name, int(14 * width)), weight="bold", size=7.5)
        handles = [Line2D([], [], label=short(words, 26), **{"linestyle": "none", **look}) for words, look in legend.items()]
        corner = (EDGE / self.width, EDGE / self.height)
        self.figure.legend(handles=handles, ncols=entries, loc="lower left", bbox_to_anchor=corner, borderaxespad=0, borderpad=0,
                           handlelength=2.4, columnspacing=1.2, labelspacing=0.25, frameon=False, fontsize=6.5)  # fmt: skip

    @property
    def side(self) -> float:
        """Width of a panel."""
        return (self.width - 2 * EDGE - LEFT - (self.across - 1) * GAP) / self.across

    def put(self, row: int, column: int, head: str = "", **look: Any) -> Axes:
        """A panel, and the words above it, cut to its width."""
        x, y = EDGE + LEFT + column % self.across * (self.side + GAP), self.starts[row * self.lines + column // self.across]
        self.text(x, y - 0.17, short(head, int(self.side * 17)), **{"size": 6.5, "color": style.MUTED, **look})
        return plain(self.axes(x, y, self.side, self.panel))

    def label(self, axes: Axes, row: int, column: int, across: str, up: str = "") -> None:
        """Words at the scales: below the lowest panels, left of the first ones."""
        lowest = row == self.rows - 1 and column + self.across >= self.columns
        axes.set_xlabel(across if lowest else "", size=6, labelpad=1)
        axes.set_ylabel(up if self.is_first(column) else "", size=6, labelpad=1)

    def is_first(self, column: int) -> bool:
        """Whether a panel begins a line."""
        return column % self.across == 0


def plain(axes: Axes) -> Axes:
    """With a fine grid and no frame."""
    axes.tick_params(length=0, which="both", labelsize=6)
    axes.grid(color=style.HAIR, linewidth=0.4)
    axes.spines[:].set_visible(False)
    return axes


def strokes(run: Run) -> dict[str, dict[str, Any]]:
    """Colour and line of every prior: those of its family, the second of a family darker, and so on."""
    found, seen = {}, list[str | None]()
    families = {row.cell.prior: row.prior.get("family") for row in run.rows}
    for prior in run.priors:
        look = style.look(families[prior])
        red, green, blue = (channel * DARKER ** seen.count(families[prior]) for channel in matplotlib.colors.to_rgb(look.colour))
        seen.append(families[prior])
        found[prior] = {"color": matplotlib.colors.to_hex((red, green, blue)), "linestyle": look.line}
    return found


def without_options(method: str) -> str:
    """The label of a method less its number of steps: what is one method at several costs."""
    return re.sub(r"\[[^\]]*\]", "", method)


def longest(run: Run, sampled: bool) -> str | None:
    """The first method that samples, or that estimates, where it was given most steps; None where there is none."""
    return next((method for method in at_most_steps(run) if run.is_sampled(method) == sampled), None)


def at_most_steps(run: Run) -> list[str]:
    """Each method once: where it was given most steps."""
    calls = {method: max(row.calls for row in run.rows if row.cell.method == method) for method in run.methods}
    groups: dict[str, list[str]] = {}
    for method in run.ordered_methods:
        groups.setdefault(without_options(method), []).append(method)
    return [max(same, key=lambda method: calls[method]) for same in groups.values()]
