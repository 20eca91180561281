"""The figure of a denoising table: how strength grows along the spectrum, and what it costs."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from reports.experiments.denoising import Published, Table, family, out_of_range
from reports.figures import style
from reports.figures.layout import DPI, EDGE, Sheet, short
from reports.runs import files
from reports.runs.titles import counted

HEIGHT, TOP, BOTTOM = 3.9, 1.1, 0.42  # inches: figure, above the panels, below them
PANEL = HEIGHT - TOP - BOTTOM
LEFT, RIGHT = (EDGE + 0.35, 3.2), (style.WIDTH - EDGE - 2.15, 2.15)  # inches: where a panel begins, how wide it is
LINE = 0.13  # inches between two lines of text
MARK = 0.05  # inches: half a marker
LETTERS = 12  # of a prior's name
SHOWN = 25  # /255: the noise level at which strength is set against cost
STROKES = ("-", "--", ":", "-.")  # of the priors of one family
DASHES = ((1, 1.2), (4, 1.5), (6, 1.5, 1, 1.5))  # of the published methods


@matplotlib.rc_context(style.RC)
def strength(table: Table) -> Figure:
    """Left: gain over the weakest family against the noise level. Right: the same gain, at one level, against seconds a picture."""
    at = level_shown(table)
    sheet = Sheet(style.WIDTH, HEIGHT, "Denoising strength along the spectrum, from smoother to generative", caption(table))
    left, right = (sheet.axes(x, TOP, width, PANEL) for x, width in (LEFT, RIGHT))
    right.sharey(left)
    curves(left, table)
    costs(right, table, at)
    label_curves(left, table)
    label_costs(right, table, at)
    families(sheet, table)
    sheet.text(RIGHT[0], TOP - 0.27, f"strength and price at {at:g}/255", color=style.MUTED)
    return sheet.figure


def level_shown(table: Table) -> float:
    """The level nearest to ``SHOWN``, among those with published values if there are any."""
    in_papers = {sigma for paper in table.published for sigma in paper.psnr}
    return min(table.sigmas, key=lambda sigma: (bool(in_papers) and sigma not in in_papers, abs(sigma - SHOWN)))


def caption(table: Table) -> str:
    scene, gone = table.scene, out_of_range(row.level for row in table.rows)
    kind, size = "grey" if scene.channels == 1 else "colour", f" of {scene.size} × {scene.size}" if scene.size else ""
    told = f"Mean PSNR of {counted(scene.pictures, f'{kind} picture')}{size}, less that of {table.reference}. "
    told += "The same noise for every prior; each is called once and told sigma; nothing is tuned."
    dashes = [f"Dashes in grey: means in print for {scene.anchors}."] if table.published else []
    return " ".join([told, *dashes, *gone])


def families(sheet: Sheet, table: Table) -> None:
    """The spectrum as a strip of colours over the left panel."""
    found = list(dict.fromkeys(family(prior) for prior in table.priors))
    step = LEFT[1] / len(found)
    for i, name in enumerate(found):
        x = LEFT[0] + i * step
        sheet.text(x + step / 2, TOP - 0.27, name or "own", size=6, color=style.MUTED, ha="center")
        sheet.bar(x, x + step - 0.03, TOP - 0.12, style.look(name).colour)


def strokes(priors: Sequence[str]) -> list[str]:
    """A line style for each prior, another for each of one family."""
    found = [family(prior) for prior in priors]
    return [STROKES[found[:i].count(name) % len(STROKES)] for i, name in enumerate(found)]


def points(table: Table, prior: str) -> list[tuple[float, float]]:
    """(sigma, mean gain) where there is one."""
    found = [(sigma, table.gains(table.row(prior, sigma))) for sigma in table.sigmas]
    return [(sigma, statistics.mean(gains)) for sigma, gains in found if gains]


def in_print(table: Table) -> Iterator[tuple[Published, dict[float, float], Mapping[str, Any]]]:
    """Each published method with {sigma: dB over the mean of the reference} and the look of its line."""
    rows = [row for sigma in table.sigmas if (row := table.row(table.reference, sigma)).scores]
    for paper, dashes in zip(table.published, DASHES, strict=False):
        gains = {s: paper.psnr[s] - row.metrics["psnr"] for row in rows if (s := row.level.sigma) in paper.psnr}
        yield paper, gains, {"color": style.MUTED, "dashes": dashes, "linewidth": 0.9, "zorder": 1, "label": str(paper)}


def curves(axes: Axes, table: Table) -> None:
    for prior, stroke in zip(table.priors, strokes(table.priors), strict=True):
        colour, marker, _ = style.look(family(prior))
        x, y = np.reshape(points(table, prior), (-1, 2)).T
        axes.plot(x, y, color=colour, marker=marker, linestyle=stroke, markersize=4.5, linewidth=1.2, label=prior)
    for _, gains, look in in_print(table):
        axes.plot(list(gains), list(gains.values()), **look)
    axes.set_xscale("log")
    axes.set(xlabel="noise level sigma in /255", ylabel=f"dB over {short(table.reference, LETTERS)}")
    axes.set_xticks(table.sigmas, [f"{sigma:g}" for sigma in table.sigmas])
    finish(axes)


def costs(axes: Axes, table: Table, at: float) -> None:
    for prior in table.priors:
        row = table.row(prior, at)
        if found := table.gains(row):
            colour, marker, _ = style.look(family(prior))
            place = statistics.mean(row.values("seconds")), statistics.mean(found)
            axes.plot(*place, marker, color=colour, markersize=6, zorder=4, label=prior)
    for _, gains, look in in_print(table):
        if at in gains:
            axes.axhline(gains[at], **look)
    axes.set_xscale("log")
    axes.set_xlabel("seconds a picture")
    axes.margins(x=0.12)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.2)  # room for names
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high > 30 * low else (1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    finish(axes)


def finish(axes: Axes) -> None:
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(length=0)
    axes.grid(color=style.HAIR, linewidth=0.5)
    axes.spines[:].set_visible(False)


def label_curves(axes: Axes, table: Table) -> None:
    """The priors beside the ends of their curves, moved apart where those are close."""
    ends = {prior: found[-1] for prior in table.priors if (found := points(table, prior))}
    for (prior, end), y in zip(ends.items(), apart(axes, [y for _, y in ends.values()]), strict=True):
        arrow = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.4, "shrinkA": 1, "shrinkB": 4}
        place = (1 + 0.15 / LEFT[1], y)
        axes.annotate(short(prior, LETTERS), end, place, textcoords=axes.get_yaxis_transform(), va="center", arrowprops=arrow)


def label_costs(axes: Axes, table: Table, at: float) -> None:
    """The published methods at the left end of their lines, and each prior on that side of its point where most room is left."""
    taken = [Box(-1, -1, 0, PANEL + 1), Box(RIGHT[1], -1, RIGHT[1] + 1, PANEL + 1)]  # outside the panel
    for paper, gains, _ in in_print(table):
        if at in gains:
            axes.text(0.01, gains[at], str(paper), transform=axes.get_yaxis_transform(), va="bottom", size=6, color=style.MUTED)
            x, y = inches(axes, axes.get_xlim()[0], gains[at])
            taken.append(Box.of_text(str(paper), x, y))
    found = [row for prior in table.priors if table.gains(row := table.row(prior, at))]
    points = [inches(axes, statistics.mean(row.values("seconds")), statistics.mean(table.gains(row))) for row in found]
    taken += [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in points]
    for row, (x, y) in zip(found, points, strict=True):
        name = short(row.level.prior, LETTERS)
        text = Box.of_text(name, 0, 0)
        right, left, middle, level = x + 1.5 * MARK, x - 1.5 * MARK - text.right, x - text.right / 2, y - text.top / 2
        sides = [(right, level), (left, level), (middle, y + MARK), (middle, y - MARK - text.top), (right, y), (right, y - text.top)]
        box = min((Box.of_text(name, *side) for side in sides), key=lambda box: sum(box.shared(other) for other in taken))
        taken.append(box)
        place = box.x / RIGHT[1], (box.y + box.top) / 2 / PANEL
        axes.text(*place, name, transform=axes.transAxes, va="center", zorder=3)


def inches(axes: Axes, x: float, y: float) -> tuple[float, float]:
    """A point of the right panel, from its lower left corner."""
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    return across * RIGHT[1], up * PANEL


class Box(NamedTuple):
    """Lower left and upper right corner of what a label covers, in inches."""

    x: float
    y: float
    right: float
    top: float

    @staticmethod
    def of_text(words: str, x: float, y: float) -> Box:
        return Box(x, y, x + 0.06 * len(words), y + LINE)

    def shared(self, other: Box) -> float:
        """Area in common."""
        width, height = min(self.right, other.right) - max(self.x, other.x), min(self.top, other.top) - max(self.y, other.y)
        return max(width, 0) * max(height, 0)


def apart(axes: Axes, values: Sequence[float]) -> np.ndarray:
    """Heights at least a line of text apart, in the order of ``values`` and as close to them as can be (least squares)."""
    from scipy.optimize import isotonic_regression

    low, high = axes.get_ylim()
    order, steps = np.argsort(values, kind="stable"), np.arange(len(values)) * LINE * (high - low) / PANEL
    places = np.empty(len(values))
    places[order] = isotonic_regression(np.asarray(values)[order] - steps).x + steps
    return places


def save(table: Table) -> list[Path]:
    """Write the figure as PNG and PDF beside the table.

    Raises:
        OSError: the folder cannot be written.
    """
    figure, paths = strength(table), [table.folder / f"denoise-table.{suffix}" for suffix in ("png", "pdf")]
    for path in paths:
        with matplotlib.rc_context(style.RC):
            files.write(path, functools.partial(figure.savefig, format=path.suffix[1:], dpi=DPI))
    return paths
