"""The figure of what priors believe: their samples side by side, and their spectra against photographs."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.experiments import unconditional
from reports.experiments.unconditional import Belief, Statistics
from reports.figures import style
from reports.figures.layout import DPI, EDGE, GAP, LINE, Sheet, headroom, short, show
from reports.runs import files

if TYPE_CHECKING:
    from reports.runs.stored import Run

FOLDER = "beliefs"  # in the folder of a run: what ``priorbench sample -o RUN/beliefs`` drew
STROKES = ("-", "--", ":", "-.")  # of the lines of one family
PANEL, SMALLEST, SIDE, SPECTRUM = 0.95, 0.6, 0.95, 2.0  # inches: a sample at most and at least, left of them, the spectra below
TITLE = "What each prior believes"
logger = logging.getLogger("priorbench")


@matplotlib.rc_context(style.RC)
def figure(beliefs: Sequence[Belief], real: Statistics, source: str, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """Samples in rows, one for each prior and method, on the grey scale of images; below, their spectra against photographs."""
    room = width - 2 * EDGE - SIDE
    n = min(len(beliefs[0].samples), max(1, int(room / (SMALLEST + GAP))))
    side, words = min(PANEL, room / n - GAP), explained(beliefs, n)
    top = headroom(words, width, titled) + 0.12
    below = top + len(beliefs) * (side + GAP) + 0.25
    columns = max(1, int(width / 2.4))
    sheet = Sheet(width, below + SPECTRUM + 0.5 + LINE * -(-(1 + len(beliefs)) // columns), TITLE, words, titled)
    for i, drawn in enumerate(beliefs):
        strip(sheet, drawn, n, side, top + i * (side + GAP))
    axes = sheet.axes(EDGE + 0.5, below, width - 2 * EDGE - 0.5, SPECTRUM)
    spectra(axes, beliefs, real, source)
    sheet.figure.legend(*axes.get_legend_handles_labels(), ncols=columns, frameon=False, fontsize=6.5, loc="lower left", borderpad=0,
                        bbox_to_anchor=(EDGE / width, EDGE / sheet.height), borderaxespad=0, labelspacing=0.25)  # fmt: skip
    return sheet.figure


def explained(beliefs: Sequence[Belief], n: int) -> str:
    drawn, pixels = len(beliefs[0].samples), beliefs[0].samples.shape[-1]
    many = f"{n} of {drawn} samples" if n < drawn else f"{n} samples" if n > 1 else "One sample"
    return (
        f"{many} of {pixels} × {pixels} pixels from pure noise, nothing measured; the same noise in each column. Contrast is the rms "
        "distance of a pixel from the mean of its image."
    )


def strip(sheet: Sheet, drawn: Belief, n: int, side: float, y: float) -> None:
    sheet.text(EDGE, y + side / 2 - 0.23, short(drawn.prior, 15), size=7.5, weight="bold")
    words = (drawn.method + ", heuristic" * drawn.heuristic, f"contrast {drawn.statistics.contrast:.2f}")
    for k, line in enumerate(words):
        sheet.text(EDGE, y + side / 2 - 0.07 + 0.14 * k, line, size=6, color=style.MUTED)
    for k, sample in enumerate(drawn.samples[:n]):
        image = sample.permute(1, 2, 0).numpy()
        show(sheet.axes(EDGE + SIDE + k * (side + GAP), y, side, side), image, image.shape)


def spectra(axes: Axes, beliefs: Sequence[Belief], real: Statistics, source: str) -> None:
    axes.loglog(real.f, real.power, color=style.INK, linewidth=2.2, alpha=0.35, label=f"{source}, contrast {real.contrast:.2f}")
    seen: list[str | None] = []
    for drawn in beliefs:
        look, stroke = style.look(drawn.family), STROKES[seen.count(drawn.family) % len(STROKES)]
        seen.append(drawn.family)
        found, every = drawn.statistics, max(1, len(drawn.statistics.f) // 8)
        axes.loglog(found.f, found.power, color=look.colour, marker=look.marker, markevery=every, markersize=3.5, linewidth=1.1,
                    linestyle=stroke, label=short(f"{drawn.prior}, {drawn.method}", 40))  # fmt: skip
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
    drawn, paths = figure(beliefs, real, source), [folder / f"sample.{suffix}" for suffix in ("png", "pdf")]
    for path in paths:
        with matplotlib.rc_context(style.RC):
            files.write(path, functools.partial(drawn.savefig, format=path.suffix[1:], dpi=DPI))
    return paths


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
        + ", ".join(f"{name} {row[f'{name}_dB']:+.1f} dB" for name in unconditional.NAMES)
        for row in unconditional.rows(drawn, real)
    ]
    return f"Samples of every prior with nothing measured. {source}: contrast {real.contrast:.2f}. Power against it: {'; '.join(lines)}."
