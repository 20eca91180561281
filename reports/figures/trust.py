"""The figure of trust: how well the spreads hold, problem by problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from reports.figures import charts, style
from reports.figures.resolution import conjured
from reports.figures.small_multiples import small_multiples
from reports.judging.classes import CLASSES
from reports.judging.trust import Row, Trust
from reports.runs import titles
from reports.scores.ensemble import coverage_curve

PANEL, LEAST = 0.92, 1.3  # inches: height of a panel, width that it and its labels need
COLUMNS = ("coverage", "ranks", "spread and error", "spread / error by class")
WIDTHS = (1, 1, 1, 1.75)  # of the columns
Looks = Mapping[tuple[str, str], dict[str, Any]]  # by prior and method


@matplotlib.rc_context(style.RC)
def calibration(trust: Trust, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """A row for each problem: coverage, ranks, spread against error, and spread / error class by class."""
    first = trust.rows[0]
    below = (
        f"{first.samples} samples of each image, {len(first.scores)} in all; bands and bars are 95 % intervals over images. An honest "
        "sampler stays on the dotted lines; one that is too sure of itself covers less than it says, and its ranks form a bowl."
    )
    looks = looks_of(trust)

    def draw(axes: Axes, i: int, j: int) -> None:
        rows = trust.of(trust.problems[i], "all") if j < 3 else trust.of(trust.problems[i])
        (coverage, ranks, reliability, classes)[j](axes, rows, looks)

    figure = charts.new_figure(width, "Can the spread of the samples be trusted?", below, titled)
    names, notes = [titles.problem_title(each) for each in trust.problems], [mushy(trust.of(each, "all")) for each in trust.problems]
    entries = {named(trust, row): looks[row.prior, row.method] for row in legend_rows(trust)}
    return small_multiples(figure, names, [COLUMNS] * len(names), draw, entries, height=PANEL, least=LEAST, notes=notes, widths=WIDTHS)


def mushy(rows: Sequence[Row]) -> str:
    """The law of the mushy mean in words; of many rows the table tells."""
    if len({row.method for row in rows}) > 1 or len(rows) > 4:
        return ""
    told = [f"{row.prior} {row.numbers['mse_ratio'].value:.2f}" for row in rows]
    return f"Squared error of one sample / of the mean, 2 if exact: {titles.listed(told)}"


def legend_rows(trust: Trust) -> list[Row]:
    return list({(row.prior, row.method): row for row in trust.rows if row.kind == "all"}.values())


def named(trust: Trust, row: Row) -> str:
    return trust.label(row.prior, row.method) + " (heuristic)" * row.heuristic


def looks_of(trust: Trust) -> Looks:
    """Line and marker of each prior and method: those of its family, the second of a family darker, and so on."""
    families = {(row.prior, row.method): row.family for row in legend_rows(trust)}
    shapes = {key: {"marker": style.look(family).marker, "markersize": 3, "linewidth": 1.2} for key, family in families.items()}
    return {key: {**look, **shapes[key]} for key, look in charts.family_looks(families).items()}


def coverage(axes: Axes, rows: Sequence[Row], looks: Looks) -> None:
    for row in rows:
        nominal, _ = coverage_curve(row.scores[0].histogram)
        banded(axes, nominal, row.over_images(lambda found: coverage_curve(found.histogram)[1]), looks[row.prior, row.method])
    axes.plot((0, 1), (0, 1), ":", color=style.INK, linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    charts.plain(axes, "an interval promises", "and holds of the truth")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")


def ranks(axes: Axes, rows: Sequence[Row], looks: Looks) -> None:
    """Shares of 1 / (n + 1) each would be flat."""
    n = rows[0].samples
    for row in rows:
        found, how = row.over_images(lambda found: found.histogram * (n + 1)), looks[row.prior, row.method] | {"marker": ""}
        axes.step(range(n + 1), found[:, 0], where="mid", **how)
        axes.fill_between(range(n + 1), found[:, 1], found[:, 2], step="mid", color=how["color"], alpha=0.15, linewidth=0)
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    axes.set(ylim=(0, 3), xlim=(-0.5, n + 0.5), xticks=(0, n // 2, n), yticks=(0, 1, 2, 3))
    charts.plain(axes, f"samples below the truth, of {n}", f"share × {n + 1}")


def reliability(axes: Axes, rows: Sequence[Row], looks: Looks) -> None:
    """Where the samples differ by so much, so much should the mean be off: pixels of all images in bins of their spread."""
    for row in rows:
        spread, error, counts = np.sum([found.curve for found in row.scores], 0)
        kept = counts > 0.005 * counts.sum()  # fewer tell nothing
        axes.plot(255 * np.sqrt(spread[kept] / counts[kept]), 255 * np.sqrt(error[kept] / counts[kept]), **looks[row.prior, row.method])
    limits = (1, 128)
    axes.plot(limits, limits, ":", color=style.INK, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks((1, 5, 25, 125), ("1", "5", "25", "125"))
        axis.set_minor_locator(NullLocator())
    charts.plain(axes, "samples differ by, /255", "their mean is off by, /255")


def classes(axes: Axes, rows: Sequence[Row], looks: Looks) -> None:
    names = [kind for kind in CLASSES if any(row.kind == kind for row in rows)]
    groups = list(dict.fromkeys((row.prior, row.method) for row in rows))
    for row in rows:
        x = names.index(row.kind) + 0.22 * (groups.index((row.prior, row.method)) - (len(groups) - 1) / 2) / max(1, len(groups) / 3)
        found, how = row.numbers["spread_skill"], looks[row.prior, row.method] | {"linestyle": "none"}
        error = [[found.value - found.low], [found.high - found.value]]
        axes.errorbar([x], [found.value], error, elinewidth=0.8, **how)
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    axes.set(yscale="log", ylim=(0.25, 4), xlim=(-0.5, len(names) - 0.5))
    axes.set_yticks((0.25, 0.5, 1, 2, 4), ("0.25", "0.5", "1", "2", "4"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    charts.plain(axes, "", "")
    axes.tick_params(axis="x", labelsize=5.5)


def banded(axes: Axes, x: np.ndarray, found: np.ndarray, how: dict[str, Any]) -> None:
    axes.plot(x, found[:, 0], **how)
    axes.fill_between(x, found[:, 1], found[:, 2], color=how["color"], alpha=0.15, linewidth=0)


def save(trust: Trust) -> list[Path]:
    """Write the figures as PNG and PDF into ``folder``/figures of the run.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = trust.run.folder / "figures"
    return [*charts.save(calibration(trust), folder / "trust"), *charts.save(conjured(trust), folder / "measured")]
