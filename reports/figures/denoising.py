"""The figure of a denoising table: how strength grows along the spectrum, and what it costs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from reports.experiments.denoising import Published, Table, family, out_of_range
from reports.figures import charts, style
from reports.runs.titles import counted

PANEL, LOW, NARROW = 2.3, 1.6, 5.0  # inches: height of a panel, and in figures so narrow that their panels stand below each other
LETTERS = 12  # of a prior's name on an axis
SHOWN = 25  # /255: the noise level at which strength is set against cost
STROKES = (("-", "full"), ("--", "none"), (":", "left"), ("-.", "top"))  # line and filling of the priors of one family
DASHES = ((1, 1.2), (4, 1.5), (6, 1.5, 1, 1.5))  # of the published methods


@matplotlib.rc_context(style.RC)
def strength(table: Table, *, width: float = style.WIDTH) -> Figure:
    """Left: gain over the weakest family against the noise level. Right: the same gain, at one level, against seconds a picture."""
    at = level_shown(table)
    figure = charts.new_figure(width, "Denoising strength along the spectrum, from smoother to generative", caption(table))
    beside = width >= NARROW
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3.2, 2.4)) if beside else figure.subplots(2, 1, sharey=True)
    curves(left, table)
    costs(right, table, at)
    right.set_title(f"strength and price at {at:g}/255", size=6.5, color=style.MUTED, loc="left")
    charts.legend_below(figure, charts.handles(looks(table) | {str(paper): look for paper, _, look in in_print(table)}))
    return charts.fit_height(figure, left, 1, PANEL) if beside else charts.fit_height(figure, left, 2, LOW)


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


def looks(table: Table) -> dict[str, dict[str, Any]]:
    """Colour and marker of the family of every prior; priors of one family differ in line and in the filling of the marker."""
    found, seen = {}, list[str | None]()
    for prior in table.priors:
        name = family(prior)
        colour, marker, _ = style.look(name)
        line, filling = STROKES[seen.count(name) % len(STROKES)]
        found[prior] = {"color": colour, "marker": marker, "markersize": 4.5, "linestyle": line, "fillstyle": filling}
        seen.append(name)
    return found


def points(table: Table, prior: str) -> list[tuple[float, float]]:
    """(sigma, mean gain) where there is one."""
    found = [(sigma, table.gains(table.row(prior, sigma))) for sigma in table.sigmas]
    return [(sigma, statistics.mean(gains)) for sigma, gains in found if gains]


def in_print(table: Table) -> Iterator[tuple[Published, dict[float, float], Mapping[str, Any]]]:
    """Each published method with {sigma: dB over the mean of the reference} and the look of its line."""
    rows = [row for sigma in table.sigmas if (row := table.row(table.reference, sigma)).scores]
    for paper, dashes in zip(table.published, DASHES, strict=False):
        gains = {s: paper.psnr[s] - row.metrics["psnr"] for row in rows if (s := row.level.sigma) in paper.psnr}
        yield paper, gains, {"color": style.MUTED, "dashes": dashes, "linewidth": 0.9, "zorder": 1}


def curves(axes: Axes, table: Table) -> None:
    for prior, look in looks(table).items():
        x, y = np.reshape(points(table, prior), (-1, 2)).T
        axes.plot(x, y, linewidth=1.2, label=prior, **look)
    for paper, gains, dashed in in_print(table):
        axes.plot(list(gains), list(gains.values()), label=str(paper), **dashed)
    axes.set_xscale("log")
    axes.set_xticks(table.sigmas, [f"{sigma:g}" for sigma in table.sigmas])
    axes.xaxis.set_minor_locator(NullLocator())
    charts.plain(axes, "noise level sigma in /255", f"dB over {charts.short(table.reference, LETTERS)}")


def costs(axes: Axes, table: Table, at: float) -> None:
    for prior, look in looks(table).items():
        row = table.row(prior, at)
        if found := table.gains(row):
            place = statistics.mean(row.values("seconds")), statistics.mean(found)
            axes.plot(*place, label=prior, zorder=4, **{**look, "linestyle": "none", "markersize": 6})
    for paper, gains, dashed in in_print(table):
        if at in gains:
            axes.axhline(gains[at], label=str(paper), **dashed)
    axes.set_xscale("log")
    axes.margins(x=0.12)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if high > 30 * low else (1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    charts.plain(axes, "seconds a picture")


def save(table: Table) -> list[Path]:
    """Write the figure as PNG and PDF beside the table.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(strength(table), table.folder / "denoise-table")
