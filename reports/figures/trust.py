"""The figure of trust: how well the spreads hold, problem by problem."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from reports.figures import style
from reports.figures.layout import DPI, EDGE, Sheet
from reports.figures.resolution import conjured
from reports.judging.classes import CLASSES
from reports.judging.trust import Row, Trust
from reports.runs import files, titles
from reports.scores.ensemble import coverage_curve

LEFT, GAP, PANEL, TOP, STEP = 0.45, 0.38, 0.92, 1.22, 1.86  # inches: left of the panels, between, their side, above and from row to row
COLUMNS = ("coverage", "ranks", "spread and error", "spread / error, class by class")
STYLES = ("-", "--", ":", "-.")


@matplotlib.rc_context(style.RC)
def calibration(trust: Trust) -> Figure:
    """A row for each problem: coverage, ranks, spread against error, and spread / error class by class."""
    first = trust.rows[0]
    below = (
        f"{first.samples} samples of each image, {len(first.scores)} in all; bands and bars are 95 % intervals over images. An honest "
        "sampler stays on the dotted lines; one that is too sure of itself covers less than it says, and its ranks form a bowl."
    )
    sheet = Sheet(style.WIDTH, TOP + len(trust.problems) * STEP - 0.12, "Can the spread of the samples be trusted?", below)
    for i, problem in enumerate(trust.problems):
        y = TOP + i * STEP
        rows, places = trust.of(problem, "all"), [LEFT + j * (PANEL + GAP) for j in range(4)]
        sheet.text(EDGE, y - 0.42, titles.problem_title(problem), weight="bold", size=7.5)
        sheet.text(style.WIDTH - EDGE, y - 0.41, mushy(rows), color=style.MUTED, size=6.5, ha="right")
        for name, x in zip(COLUMNS, places, strict=True):
            sheet.text(x, y - 0.18, name, size=6.5)
        coverage(sheet.axes(places[0], y, PANEL, PANEL), rows)
        ranks(sheet.axes(places[1], y, PANEL, PANEL), rows)
        reliability(sheet.axes(places[2], y, PANEL, PANEL), rows)
        classes(sheet.axes(places[3], y, style.WIDTH - EDGE - places[3], PANEL), trust.of(problem))
    handles = [Line2D([], [], label=named(trust, row), **look(row, trust.of(row.problem, "all"))) for row in legend_rows(trust)]
    corner = (EDGE / sheet.width, EDGE / sheet.height)
    sheet.figure.legend(handles=handles, ncols=5, frameon=False, fontsize=6.5, loc="lower left", bbox_to_anchor=corner, borderaxespad=0,
                        borderpad=0)  # fmt: skip
    return sheet.figure


def mushy(rows: Sequence[Row]) -> str:
    """The law of the mushy mean in words; of many rows the table tells."""
    if len({row.method for row in rows}) > 1 or len(rows) > 4:
        return ""
    told = [f"{row.prior} {row.numbers['mse_ratio'].value:.2f}" for row in rows]
    return f"squared error of one sample / of the mean, 2 if exact: {titles.listed(told)}"


def legend_rows(trust: Trust) -> list[Row]:
    return list({(row.prior, row.method): row for row in trust.rows if row.kind == "all"}.values())


def named(trust: Trust, row: Row) -> str:
    return trust.label(row.prior, row.method) + " (heuristic: no posterior)" * row.heuristic


def look(row: Row, rows: Sequence[Row]) -> dict[str, Any]:
    """Colour of the family; priors or methods that share it differ in the line."""
    same = [(other.prior, other.method) for other in rows if other.family == row.family]
    colour, marker, _ = style.look(row.family)
    return {"color": colour, "linewidth": 1.2, "linestyle": STYLES[same.index((row.prior, row.method)) % len(STYLES)], "marker": marker,
            "markersize": 3}  # fmt: skip


def coverage(axes: Axes, rows: Sequence[Row]) -> None:
    for row in rows:
        nominal, _ = coverage_curve(row.scores[0].histogram)
        banded(axes, nominal, row.over_images(lambda found: coverage_curve(found.histogram)[1]), look(row, rows))
    axes.plot((0, 1), (0, 1), ":", color=style.INK, linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    plain(axes, "an interval promises", "and holds of the truth")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def ranks(axes: Axes, rows: Sequence[Row]) -> None:
    """Shares of 1 / (n + 1) each would be flat."""
    n = rows[0].samples
    for row in rows:
        found, how = row.over_images(lambda found: found.histogram * (n + 1)), look(row, rows) | {"marker": ""}
        axes.step(range(n + 1), found[:, 0], where="mid", **how)
        axes.fill_between(range(n + 1), found[:, 1], found[:, 2], step="mid", color=how["color"], alpha=0.15, linewidth=0)
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    axes.set(ylim=(0, 3), xlim=(-0.5, n + 0.5), xticks=(0, n // 2, n), yticks=(0, 1, 2, 3))
    plain(axes, f"samples below the truth, of {n}", f"share × {n + 1}")


def reliability(axes: Axes, rows: Sequence[Row]) -> None:
    """Where the samples differ by so much, so much should the mean be off: pixels of all images in bins of their spread."""
    for row in rows:
        spread, error, counts = np.sum([found.curve for found in row.scores], 0)
        kept = counts > 0.005 * counts.sum()  # fewer tell nothing
        axes.plot(255 * np.sqrt(spread[kept] / counts[kept]), 255 * np.sqrt(error[kept] / counts[kept]), **look(row, rows))
    limits = (1, 128)
    axes.plot(limits, limits, ":", color=style.INK, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks((1, 5, 25, 125), ("1", "5", "25", "125"))
        axis.set_minor_locator(NullLocator())
    plain(axes, "samples differ by, /255", "their mean is off by, /255")


def classes(axes: Axes, rows: Sequence[Row]) -> None:
    names = [kind for kind in CLASSES if any(row.kind == kind for row in rows)]
    groups = list(dict.fromkeys((row.prior, row.method) for row in rows))
    for row in rows:
        x = names.index(row.kind) + 0.22 * (groups.index((row.prior, row.method)) - (len(groups) - 1) / 2) / max(1, len(groups) / 3)
        found, how = row.numbers["spread_skill"], look(row, [each for each in rows if each.kind == "all"]) | {"linestyle": "none"}
        error = [[found.value - found.low], [found.high - found.value]]
        axes.errorbar([x], [found.value], error, elinewidth=0.8, **how)
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    axes.set(yscale="log", ylim=(0.25, 4), xlim=(-0.5, len(names) - 0.5))
    axes.set_yticks((0.25, 0.5, 1, 2, 4), ("0.25", "0.5", "1", "2", "4"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    plain(axes, "", "")
    axes.tick_params(axis="x", labelsize=5.5)


def banded(axes: Axes, x: np.ndarray, found: np.ndarray, how: dict[str, Any]) -> None:
    axes.plot(x, found[:, 0], **how)
    axes.fill_between(x, found[:, 1], found[:, 2], color=how["color"], alpha=0.15, linewidth=0)


def plain(axes: Axes, across: str, up: str) -> None:
    axes.tick_params(length=0, labelsize=6)
    axes.grid(color=style.HAIR, linewidth=0.4)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(across, size=6, labelpad=1)
    axes.set_ylabel(up, size=6, labelpad=1)


def save(trust: Trust) -> list[Path]:
    """Write the figures as PNG and PDF into ``folder``/figures of the run.

    Raises:
        OSError: the folder cannot be written.
    """
    paths = []
    for name, draw in (("trust", calibration), ("measured", conjured)):
        figure = draw(trust)
        for suffix in ("png", "pdf"):
            paths.append(trust.run.folder / "figures" / f"{name}.{suffix}")
            with matplotlib.rc_context(style.RC):
                files.write(paths[-1], functools.partial(figure.savefig, format=suffix, dpi=DPI))
    return paths
