"""What figures are drawn on: a sheet laid out in inches, and pictures, words and maps put on it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from reports.figures import style
from reports.figures.crops import Window

EDGE, GAP = 0.1, 0.07  # inches: margin, between panels
TITLE, LINE = 0.22, 0.136  # inches: a title, a line of the explanation below it
DPI = 200


class Sheet:
    """A figure with a title, laid out in inches from its upper left corner.

    Title and explanation are the label of the figure too: its caption, where a paper leaves the title out (``titled``).
    """

    def __init__(self, width: float, height: float, title: str, below: str, titled: bool = True):
        self.figure = Figure(figsize=(width, height))
        self.width, self.height = width, height
        self.figure.set_label(f"{title}. {below}")
        if titled:
            self.text(EDGE, EDGE, title, size=9.5, weight="bold")
            self.text(EDGE, EDGE + TITLE, wrapped(below, width), color=style.MUTED, linespacing=1.4)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height))

    def text(self, x: float, y: float, words: str, **look: Any) -> None:
        self.figure.text(x / self.width, 1 - y / self.height, words, **{"ha": "left", "va": "top", **look})

    def bar(self, left: float, right: float, y: float, colour: str) -> None:
        self.line(left, right, y, color=colour, linewidth=2.4, solid_capstyle="butt")

    def line(self, left: float, right: float, y: float, **look: Any) -> None:
        self.figure.add_artist(Line2D((left / self.width, right / self.width), [1 - y / self.height] * 2, **look))

    def scale(self, x: float, y: float, width: float, scale: Normalize) -> None:
        """A colour bar of the maps, with the numbers at its ends."""
        axes = self.axes(x, y, width, 0.09)
        bar = self.figure.colorbar(ScalarMappable(scale, style.MAP), axes, orientation="horizontal", extend="max", extendfrac=0.03)
        bar.outline.set_visible(False)
        ticks = (0, (scale.vmax or 0) / 2, scale.vmax or 0)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        first, _, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")  # within the bar: the margin beside it may be cut off
        axes.tick_params(length=2, labelsize=6.5)


def wrapped(below: str, width: float) -> str:
    return textwrap.fill(below, int(17.5 * (width - 2 * EDGE)))


def headroom(below: str, width: float, titled: bool) -> float:
    """Inches that title and explanation take from the upper edge on."""
    return EDGE + TITLE + LINE * len(wrapped(below, width).splitlines()) if titled else 0.02


def short(label: str, letters: int) -> str:
    """A label for a narrow column: without the module it is from, and cut."""
    label = label.rpartition(":")[2]
    return label if len(label) <= letters else label[: letters - 1] + "…"


def show(axes: Axes, picture: np.ndarray, shape: Sequence[int], window: Window | None = None) -> None:
    """A picture [h, w, C] laid over an image of ``shape`` (H, W), so its pixels may be larger; ``window`` cuts a part out."""
    height, width = (round(full / own) * own for full, own in zip(shape[:2], picture.shape[:2], strict=True))
    axes.imshow(style.display(picture), extent=(0, width, height, 0))
    cut(axes, shape, window)


def shade(axes: Axes, values: np.ndarray, scale: Normalize, window: Window | None = None) -> None:
    """A map [H, W] in the colours of ``scale``."""
    axes.imshow(values, norm=scale, cmap=style.MAP, extent=(0, values.shape[1], values.shape[0], 0))
    cut(axes, values.shape, window)


def cut(axes: Axes, shape: Sequence[int], window: Window | None) -> None:
    top, left, rows, columns = (window.row, window.column, window.side, window.side) if window else (0, 0, *shape[:2])
    axes.set(xlim=(left, left + columns), ylim=(top + rows, top), xticks=[], yticks=[])


def locate(axes: Axes, truth: np.ndarray, window: Window) -> None:
    """Where in the whole image the crops are from."""
    show(axes, truth, truth.shape)
    corner = (window.column, window.row)
    for colour, width in ((style.PAPER, 2.2), (style.FAMILIES["generative"].colour, 1.1)):
        axes.add_patch(Rectangle(corner, window.side, window.side, fill=False, edgecolor=colour, linewidth=width))


def say(axes: Axes, words: str) -> None:
    """Why a panel is empty."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=style.MUTED, style="italic")


def size_of(values: np.ndarray) -> np.ndarray:
    """Root mean square over the channels, [H, W, C] to [H, W]."""
    return np.sqrt(np.square(values.astype(np.float64)).mean(-1))


def shared(values: Sequence[np.ndarray]) -> Normalize:
    """From 0 to what 99 % of all pixels of all maps stay below, rounded up to a hundredth."""
    return Normalize(0, max(np.ceil(np.percentile(values, 99) * 100) / 100, 0.01) if len(values) else 1)
