"""The figure of guidance: what a label is worth, fidelity against diversity, what guided samples really follow, and the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from reports.experiments import guidance
from reports.experiments.guidance import Guidance, Guided
from reports.figures import charts, style

TITLE = "Guidance: fidelity against diversity"
LOOKS = {"label": style.FAMILIES["generative"], "classifier": style.FAMILIES["variational"]}
PANEL, SIDE = 1.45, 0.62  # inches: height of the charts, words left of the samples
MOST = 7  # rows of samples


@matplotlib.rc_context(style.RC)
def figure(found: Guidance, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """Charts above; below one sample of every class, a row for each guidance, the same noise in each column."""
    shown = rows(found.found)
    drawn = charts.new_figure(width, f"{TITLE}, {found.prior}", explained(found), titled)
    side = (width - SIDE - 2 * charts.MARGIN) / len(found.labels) - 0.1
    above = drawn.add_gridspec(2, 1, height_ratios=[2 * (PANEL + 0.45), len(shown) * (side + 0.1)])
    top, bottom = above[0].subgridspec(2, 2), above[1].subgridspec(len(shown), len(found.labels))
    axes = [drawn.add_subplot(top[i, j]) for i in range(2) for j in range(2)]
    for panel, draw in zip(axes, (worth, fidelity, diversity, exact), strict=True):
        draw(panel, found)
    for i, one in enumerate(shown):
        strip([drawn.add_subplot(bottom[i, k]) for k in range(len(found.labels))], one, found.labels if i == 0 else ())
    return charts.fit_height(drawn, axes[0], 2 + len(shown) * (side + 0.1) / (PANEL + 0.45), PANEL)


def explained(found: Guidance) -> str:
    n = found.found[0].samples.shape[1]
    return (
        f"Top left: denoising with the right label over denoising without one. Top right and bottom left: {n} samples of every class at "
        "each guidance, told apart by a classifier trained on the same pictures; spread is the rms distance from the mean of a class, "
        "saturated are pixels outside [0, 1]. Bottom right: two labels on a line, where all is known: guided samples are no draws of the "
        "tilted density."
    )


def rows(found: Sequence[Guided]) -> list[Guided]:
    """At most MOST, evenly picked."""
    picked = np.unique(np.linspace(0, len(found) - 1, min(MOST, len(found))).round().astype(int))
    return [found[i] for i in picked]


def ways(found: Guidance) -> dict[str, list[Guided]]:
    return {way: each for way in guidance.WAYS if (each := [one for one in found.found if one.way == way])}


def worth(axes: Axes, found: Guidance) -> None:
    for (part, curve), line in zip(found.curves.items(), (":", "--", "-"), strict=False):
        gain = np.subtract(curve["labelled"], curve["unlabelled"])
        axes.semilogx(curve["sigma"], gain, line, color=style.FAMILIES["generative"].colour, linewidth=1.2, label=part)
    axes.axhline(0, color=style.MUTED, linewidth=0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    charts.plain(axes, "noise σ", "a label is worth, dB")
    if found.curves:
        axes.legend(frameon=False, fontsize=5.5)
    else:
        charts.empty(axes, "the card has no curve")


def fidelity(axes: Axes, found: Guidance) -> None:
    for way, each in ways(found).items():
        look = LOOKS[way]
        x = [one.guidance for one in each]
        axes.plot(x, [100 * one.accuracy for one in each], marker=look.marker, markersize=3, color=look.colour, linewidth=1.2,
                  label=f"of their label, by {way}")  # fmt: skip
        axes.plot(x, [100 * one.saturated for one in each], ":", color=look.colour, linewidth=1.2, label=f"pixels saturated, by {way}")
    charts.plain(axes, "guidance w", "%")
    axes.set_ylim(-3, 103)
    axes.legend(frameon=False, fontsize=5.5)


def diversity(axes: Axes, found: Guidance) -> None:
    real = float(np.mean(list(found.pictures.values()))) if found.pictures else None
    for way, each in ways(found).items():
        look = LOOKS[way]
        axes.plot([100 * one.accuracy for one in each], [one.spread for one in each], marker=look.marker, markersize=3, color=look.colour,
                  linewidth=1.0, label=f"by {way}")  # fmt: skip
        last = -math.inf
        for one in each:
            if 100 * abs(one.accuracy - last) > 2 or one is each[-1]:  # where many crowd, the first and the last are named
                last = one.accuracy
                axes.annotate(f"{one.guidance:g}", (100 * one.accuracy, one.spread), (4, -2), textcoords="offset points", size=5.5,
                              color=look.colour)  # fmt: skip
    if real:
        axes.axhline(real, color=style.INK, linewidth=0.8, linestyle="--", label="held-back pictures")
    charts.plain(axes, "% of their label (fidelity); numbers are w", "spread within a class")
    axes.margins(0.08, 0.18)
    axes.legend(frameon=False, fontsize=5.5)


def exact(axes: Axes, found: Guidance) -> None:
    """Densities on a line: of the label, tilted, and of guided samples, whose quantiles the flow carries."""
    weight, fine = guidance.EXACT, guidance.FINE.numpy()
    step = fine[1] - fine[0]
    x = guidance.flown(guidance.pair().given("told", weight)).numpy()
    density = np.gradient((np.arange(len(x)) + 0.5) / len(x), x)
    axes.plot(fine, guidance.tilted(1.0).numpy() / step, ":", color=style.MUTED, linewidth=1.2, label="p(x | c)")
    axes.plot(fine, guidance.tilted(weight).numpy() / step, "--", color=style.INK, linewidth=1.2, label="p(x | c)ʷ p(x)¹⁻ʷ")
    axes.plot(x, density, color=style.FAMILIES["generative"].colour, linewidth=1.4, label="guided samples")
    charts.plain(axes, f"pixel, exact case at w = {weight:g}", "density")
    axes.set_xlim(0, 1.2)
    axes.legend(frameon=False, fontsize=5.5)


def strip(row: Sequence[Axes], one: Guided, titles: Sequence[str]) -> None:
    for k, axes in enumerate(row):
        charts.picture(axes, style.display(one.samples[k, 0].astype(np.float32).transpose(1, 2, 0)))
        if titles:
            axes.set_title(charts.short(titles[k], 10), size=6, pad=2)
    words = f"w = {one.guidance:g}" + ("\nclassifier" if one.way == "classifier" else "")
    row[0].set_ylabel(words, rotation=0, ha="right", va="center", size=6, labelpad=4)


def save(found: Guidance, folder: Path) -> list[Path]:
    """Write guidance.png and guidance.pdf; returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(figure(found), folder / "guidance")
