"""Figures of a stored run for a paper or a slide: laid out for the width of the venue, with fonts embedded; nothing is solved."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text

from reports.figures import catalogue, resolution, style
from reports.figures import trust as trust_figure
from reports.figures.whole_run import COMPANIONS
from reports.judging import spread
from reports.runs import files, titles
from reports.runs.selectors import known

if TYPE_CHECKING:
    from reports.runs.stored import Run

INCH = 25.4  # mm
VENUES = {"ieee1": 3.5, "ieee2": 7.16, "cvpr1": 3.25, "cvpr2": 6.875, "neurips": 5.5, "slide": 40 / 3}  # inches
SLIDE = (40 / 3, 7.5)  # inches, 16:9
FORMATS = ("pdf", "svg", "png")
TRUSTED = ("trust", "measured")  # about the samples of a whole run
NARROWEST, WIDEST = 60.0, 400.0  # mm
DPI = 300


class Size(NamedTuple):
    """Width in inches of the layout, and how many times larger all of it is then drawn; ``tallest`` where the height is bounded."""

    width: float
    enlarged: float = 1.0
    tallest: float | None = None


def size(width: str) -> Size:
    """The name of a venue, or a number of millimetres.

    Raises:
        ValueError: neither; the sentence names the venues.
    """
    if width == "slide":
        factor = style.SLIDES["font.size"] / style.RC["font.size"]
        return Size(SLIDE[0] / factor, factor, SLIDE[1] / factor)
    if width in VENUES:
        return Size(VENUES[width])
    try:
        millimetres = float(width)
    except ValueError:
        raise ValueError(f"unknown width {width!r}; known: {', '.join(VENUES)}, or a number of millimetres such as 88") from None
    if not NARROWEST <= millimetres <= WIDEST:
        raise ValueError(f"a figure is {NARROWEST:g} to {WIDEST:g} mm wide, not {width}; or name a venue: {', '.join(VENUES)}")
    return Size(millimetres / INCH)


def names() -> list[str]:
    """Of all figures of a run."""
    return [*catalogue.FIGURES, *TRUSTED, *COMPANIONS]


def figure(run: Run, name: str, problem: str | None = None, width: str = "ieee2") -> Figure:
    """One figure of a run; its caption is its label. ``problem`` defaults to the first of which there is something to draw.

    Raises:
        ValueError: an unknown name, problem or width, or nothing to draw; the sentence says which.
    """
    known("figure", name, names())
    room = size(width)
    if problem is not None:
        known("problem", problem, run.problems)
    run = titles.with_bias_named(run)
    look: dict[str, Any] = {"width": room.width, "titled": bool(room.tallest)}
    drawn: Figure | None
    if name in catalogue.FIGURES:
        drawn = catalogue.FIGURES[name](run, checked(run, name, problem), tallest=room.tallest, **look)
    else:
        drawn = trusted(run, name, **look) if name in TRUSTED else COMPANIONS[name](run, **look)
    if drawn is None:
        raise ValueError(f"the run in {run.folder} has nothing to draw for the figure {name!r}")
    return enlarged(drawn, room.enlarged) if room.enlarged != 1 else drawn


def problem_of(run: Run, name: str) -> str | None:
    """The problem that a figure is of if none is named; None for the figures of a whole run.

    Raises:
        ValueError: there is nothing to draw.
    """
    if name not in catalogue.FIGURES:
        return None
    found = [problem for each, problem, _ in catalogue.drawable(run) if each == name]
    if not found:
        raise ValueError(f"the run in {run.folder} has nothing to draw for the figure {name!r}{NEEDED.get(name, '')}")
    return found[0]


NEEDED = {"uncertainty": "; it needs a method that samples, such as annealed"}


def checked(run: Run, name: str, problem: str | None) -> str | None:
    """A problem of which there is something to draw, or the first."""
    if problem is not None and (name, problem) not in [found[:2] for found in catalogue.drawable(run)]:
        raise ValueError(f"the run in {run.folder} has nothing to draw of {problem} for the figure {name!r}{NEEDED.get(name, '')}")
    return problem or problem_of(run, name)


def trusted(run: Run, name: str, **look: Any) -> Figure:
    """Whether spreads hold (of the first method that samples), or what was measured at all."""
    found = spread.judged(run)
    if found.trust is None:
        raise ValueError(found.obstacle or f"the run in {run.folder} has no two samples of anything; {name!r} needs them")
    if name == "measured":
        return resolution.conjured(found.trust, **look)
    return trust_figure.calibration(next(iter(spread.by_method(found.trust).values())), **look)


def enlarged(drawn: Figure, factor: float) -> Figure:
    """Everything so many times larger, letters and lines too, and no larger than a slide; places are shares of the figure, and stay."""
    width, height = drawn.get_size_inches()
    factor = min(factor, SLIDE[1] / height, SLIDE[0] / width)
    drawn.set_size_inches(width * factor, height * factor)
    for axes in drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_tick_params(pad=factor * float(axis.get_tick_params().get("pad", matplotlib.rcParams["xtick.major.pad"])))
            axis.labelpad *= factor
    for part in drawn.findobj():
        enlarge(part, factor)
    return drawn


def enlarge(part: Artist, factor: float) -> None:
    """Letters, lines and markers, and how far a note is from its place."""
    if isinstance(part, Text):
        part.set_fontsize(factor * float(part.get_fontsize()))
    elif isinstance(part, Line2D):
        part.set(markersize=factor * part.get_markersize(), markeredgewidth=factor * part.get_markeredgewidth())
    if isinstance(part, Annotation) and part.anncoords == "offset points":
        part.xyann = (factor * part.xyann[0], factor * part.xyann[1])
    if isinstance(part, Line2D | Patch):
        part.set_linewidth(factor * part.get_linewidth())
    elif isinstance(part, Collection):
        part.set_linewidth((factor * np.asarray(part.get_linewidth())).tolist())


def file_of(run: Run, name: str, problem: str | None, width: str, kind: str) -> Path:
    """Where a figure goes unless told otherwise: RUN/figures/NAME_WIDTH.FORMAT, with the problem where there are several."""
    stem = f"_{catalogue.file_stems(run.problems)[problem]}" if problem and len(run.problems) > 1 else ""
    return run.folder / "figures" / f"{name}{stem}_{width}.{kind}"


def save(drawn: Figure, path: Path, kind: str) -> None:
    """Write a figure, whole or not at all: PDF with its fonts inside, SVG whose letters are outlines, PNG at 300 dpi.

    Raises:
        OSError: it cannot be written; the sentence names the file.
    """
    with matplotlib.rc_context(style.RC):
        write(path, functools.partial(drawn.savefig, format=kind, dpi=DPI))


def write(path: Path, put: Callable[[Any], Any]) -> None:
    """``files.write``, with a remedy where it fails."""
    try:
        files.write(path, put)
    except OSError as error:
        raise OSError(f"cannot write {path} ({error.strerror}); give another file with --out") from None
