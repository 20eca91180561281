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

from priors.mixture import Mixture
from reports.experiments import guidance
from reports.experiments.guidance import Guidance, Guided, Law
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
    for panel, draw in zip(axes, CHARTS.values(), strict=True):
        draw(panel, found)
    for i, one in enumerate(shown):
        strip([drawn.add_subplot(bottom[i, k]) for k in range(len(found.labels))], one, found.labels if i == 0 else ())
    return charts.fit_height(drawn, axes[0], 2 + len(shown) * (side + 0.1) / (PANEL + 0.45), PANEL)


@matplotlib.rc_context(style.RC)
def chart(found: Guidance, *names: str) -> Figure:
    """Some of the CHARTS beside each other, for a page that has words and samples of its own."""
    drawn = charts.new_figure(style.WIDTH, TITLE, "", titled=False)
    axes = drawn.subplots(1, len(names), squeeze=False)[0]
    for panel, name in zip(axes, names, strict=True):
        CHARTS[name](panel, found)
    return charts.fit_height(drawn, axes[0], 1, PANEL)


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
    densities(axes, guidance.EXACT, guidance.pair())
    charts.plain(axes, f"pixel, exact case at w = {guidance.EXACT:g}", "density")
    axes.set_xlim(0, 1.2)
    axes.legend(frameon=False, fontsize=5.5)


def densities(axes: Axes, weight: float, prior: Mixture) -> None:
    fine = guidance.FINE.numpy()
    step = fine[1] - fine[0]
    x = guidance.flown(prior.given("told", weight)).numpy()
    density = np.gradient((np.arange(len(x)) + 0.5) / len(x), x)
    axes.plot(fine, guidance.tilted(1.0, prior).numpy() / step, ":", color=style.MUTED, linewidth=1.2, label="p(x | c)")
    axes.plot(fine, guidance.tilted(weight, prior).numpy() / step, "--", color=style.INK, linewidth=1.2, label="p(x | c)ʷ p(x)¹⁻ʷ")
    axes.plot(x, density, color=style.FAMILIES["generative"].colour, linewidth=1.4, label="guided samples")


CHARTS = {"worth": worth, "fidelity": fidelity, "diversity": diversity, "exact": exact}


@matplotlib.rc_context(style.RC)
def laws(found: Sequence[Law], *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """A panel for each guidance: the law of guided samples beside p(x | c) and the tilted density, two labels on a line."""
    words = (
        "Two labels on a line; the one asked for has two modes, the other lies between them. At w = 1 guided samples follow p(x | c); at "
        "others they do not follow p(x | c)ʷ p(x)¹⁻ʷ. Numbers: mean ± spread, share of the right mode."
    ).replace(" | ", "\N{NO-BREAK SPACE}|\N{NO-BREAK SPACE}")
    drawn = charts.new_figure(width, "What guided samples follow where all is known", words, titled)
    axes = drawn.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for panel, law in zip(axes, found, strict=True):
        densities(panel, law.guidance, guidance.modes())
        mean, std, right = law.samples
        panel.set_title(f"w = {law.guidance:g}\n{mean:.2f} ± {std:.2f}, {right:.0%}", size=6.5)
        charts.plain(panel, "pixel", "density" if panel is axes[0] else "")
        panel.set(xlim=(-0.4, 1.6), ylim=(0, 2.6))
    charts.legend_below(drawn, axes[0].get_legend_handles_labels()[0])
    return charts.fit_height(drawn, axes[0], 1, PANEL)


def save_laws(found: Sequence[Law], folder: Path) -> list[Path]:
    """Write proof-guidance.png and .pdf.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(laws(found), folder / "proof-guidance")


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
