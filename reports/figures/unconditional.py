"""The figure of what priors believe: their samples side by side, and their spectra against photographs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.experiments import unconditional
from reports.experiments.unconditional import Belief, Statistics
from reports.figures import charts, style
from reports.runs.selectors import Selector

if TYPE_CHECKING:
    from reports.runs.stored import Run

FOLDER = "beliefs"  # in the folder of a run: what ``priorbench sample -o RUN/beliefs`` drew
PANEL, SMALLEST, SIDE = 0.95, 0.67, 0.95  # inches: a sample at most and at least, the words left of them
COLUMNS = 6  # at least, so that a few samples stand beside each other
SPECTRUM = 2  # height of the spectra, in samples
TITLE = "What each prior believes"
logger = logging.getLogger("priorbench")


@matplotlib.rc_context(style.RC)
def figure(beliefs: Sequence[Belief], real: Statistics, source: str, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """Samples in rows, one for each prior and method, on the grey scale of images; below, their spectra against photographs.

    Where every row is of a label there are no spectra: what a class looks like is no photograph in general.
    """
    spectrum = 0 if all(belief.label is not None for belief in beliefs) else SPECTRUM
    n = min(len(beliefs[0].samples), max(1, int((width - SIDE - 2 * charts.MARGIN) / SMALLEST)))
    columns = max(n, COLUMNS)
    drawn = charts.new_figure(width, TITLE, explained(beliefs, n), titled)
    grid = drawn.add_gridspec(len(beliefs) + bool(spectrum), columns, height_ratios=[*[1] * len(beliefs), *[spectrum] * bool(spectrum)])
    strips = [[drawn.add_subplot(grid[i, k]) for k in range(n)] for i in range(len(beliefs))]
    for row, belief, name in zip(strips, beliefs, names(beliefs), strict=True):
        strip(row, belief, name)
    if spectrum:
        axes = drawn.add_subplot(grid[-1, :])
        spectra(axes, beliefs, real, source)
        charts.legend_below(drawn, axes.get_legend_handles_labels()[0])
    side = min(PANEL, (width - SIDE - 2 * charts.MARGIN) / columns - 0.1)
    return charts.fit_height(drawn, strips[0][0], len(beliefs) + spectrum, side)


def explained(beliefs: Sequence[Belief], n: int) -> str:
    drawn, (height, width) = len(beliefs[0].samples), beliefs[0].samples.shape[-2:]
    many = f"{n} of {drawn} samples" if n < drawn else f"{n} samples" if n > 1 else "One sample"
    return (
        f"{many} of {height} × {width} pixels from pure noise, nothing measured; the same noise in each column. Contrast is the rms "
        "distance of a pixel from the mean of its image." + labelled(beliefs)
    )


def labelled(beliefs: Sequence[Belief]) -> str:
    """Which rows are named by a label or by what is made of a picture, and of which priors these are."""
    free, shown = unlabelled(beliefs), ["picture" in Selector.parse(belief.prior).values for belief in beliefs if belief.label]
    kinds = " or ".join(["a label"] * (not all(shown)) + ["a task"] * any(shown))
    return f" Rows named by {kinds}: {', '.join(free)}." if free else ""


def unlabelled(beliefs: Sequence[Belief]) -> list[str]:
    """The priors to which labels are bound, without these."""
    told = [Selector.parse(belief.prior) for belief in beliefs if belief.label is not None]
    return list(dict.fromkeys(str(Selector(each.name, tuple(pair for pair in each.options if pair[0] != "label"))) for each in told))


def names(beliefs: Sequence[Belief]) -> list[str]:
    """Of the rows: what is bound to the prior, if anything is, with its guidance where several are compared; otherwise the prior."""
    weights = [Selector.parse(belief.prior).values.get("guidance", 1) for belief in beliefs]
    weighed = len({weight for weight, belief in zip(weights, beliefs, strict=True) if belief.label}) > 1
    return [
        f"{belief.label}, w = {weight}" if belief.label and weighed else belief.label or belief.prior
        for weight, belief in zip(weights, beliefs, strict=True)
    ]


def strip(row: Sequence[Axes], drawn: Belief, name: str) -> None:
    for axes, sample in zip(row, drawn.samples, strict=False):
        charts.picture(axes, style.display(sample.permute(1, 2, 0).numpy()))
    words = (drawn.method + ", heuristic" * drawn.heuristic, f"contrast {drawn.statistics.contrast:.2f}")
    look: dict[str, Any] = {"rotation": 0, "ha": "left", "labelpad": 72 * SIDE - 12}
    row[0].set_ylabel(charts.short(name, 12), weight="bold", size=7.5, va="bottom", color=style.INK, **look)
    row[0].annotate("\n".join(words), (0, 0.5), (12 - 72 * SIDE, -2), xycoords="axes fraction", textcoords="offset points", va="top",
                    size=6, color=style.MUTED)  # fmt: skip


def spectra(axes: Axes, beliefs: Sequence[Belief], real: Statistics, source: str) -> None:
    axes.loglog(real.f, real.power, color=style.INK, linewidth=2.2, alpha=0.35, label=f"{source}, contrast {real.contrast:.2f}")
    looks = charts.family_looks({i: drawn.family for i, drawn in enumerate(beliefs)})
    for i, drawn in enumerate(beliefs):
        found, every = drawn.statistics, max(1, len(drawn.statistics.f) // 8)
        axes.loglog(found.f, found.power, marker=style.look(drawn.family).marker, markevery=every, markersize=3.5, linewidth=1.1,
                    label=charts.short(f"{drawn.prior}, {drawn.method}", 40), **looks[i])  # fmt: skip
    axes.set(xlabel="frequency in cycles per pixel", ylabel="power of a Fourier coefficient")
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]))
    axes.xaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(color=style.HAIR, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def save(beliefs: Sequence[Belief], real: Statistics, source: str, folder: Path) -> list[Path]:
    """Write sample.png and sample.pdf; returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(figure(beliefs, real, source), folder / "sample")


def beliefs(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """The figure of the samples in the folder FOLDER of a run; None where nothing was drawn into it."""
    found = stored(run)
    return figure(*found, width=width, titled=titled) if found else None


def stored(run: Run) -> tuple[list[Belief], Statistics, str] | None:
    folder = run.folder / FOLDER
    if not (folder / "sample.npz").is_file():
        return None
    try:
        return unconditional.load(folder)
    except (OSError, ValueError) as error:
        logger.warning("priorbench: %s", error)
        return None


def told(run: Run) -> str:
    """Contrast and spectrum of every prior in words."""
    found = stored(run)
    if not found:
        return ""
    drawn, real, source = found
    lines = [
        f"{row['prior']} by {row['method']}: contrast {row['contrast']}, "
        + ", ".join(f"{name} {row[f'{name}_dB']:+.1f} dB" for name in unconditional.NAMES if row[f"{name}_dB"] is not None)
        for row in unconditional.rows(drawn, real)
    ]
    return f"Samples of every prior with nothing measured. {source}: contrast {real.contrast:.2f}. Power against it: {'; '.join(lines)}."
