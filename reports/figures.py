"""Figures of a comparison, drawn from stored records: nothing is solved, and what is compared shares its scale."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

import solvers
from reports import store, style, summary

if TYPE_CHECKING:
    from reports.cell import Record
    from reports.comparison import Comparison

EDGE, GAP, ASIDE, TOP = 0.1, 0.07, 0.42, 1.14  # inches: margin, between panels, left of the priors, above the first panel
BELOW = 0.22  # inches: under a panel, for its score
LARGEST, NARROWEST = 1.45, 5.0  # inches: panel, figure
MAP = 1.22  # inches: a map of the uncertainty figure
MAP_STEP = MAP + 0.1
MOST_ROWS = 8  # of panels in a grid: what fits on a page
DPI = 200
BIASED = "as published, biased"  # what exhibits are


class Window(NamedTuple):
    """A square of pixels, by its upper left corner."""

    row: int
    column: int
    side: int


def disagreement(comparison: Comparison, problem: str, image: str) -> np.ndarray:
    """Per pixel [H, W]: variance between the priors, mean over channels, sum over methods; of a single prior, against the truth."""
    truth, _ = comparison.scene(problem, image)
    found = np.zeros(truth.shape[:2])
    for method in comparison.methods:
        rows = [comparison.row(prior, problem, image, method) for prior in comparison.priors]
        opinions = [row.x for row in rows if row and row.status == "done" and row.x is not None]
        if opinions:
            found += np.var(opinions if len(opinions) > 1 else [*opinions, truth], axis=0).mean(-1)
    return found


def window_of(disagreed: np.ndarray) -> Window:
    """The window, a third of the shorter side and at least 16 pixels, in which the priors disagree most.

    A frame of a sixteenth is left out, where circular priors and kernels see the opposite side of the image.
    """
    shortest = min(disagreed.shape)
    frame = shortest // 16
    side = min(max(shortest // 3, 16), shortest - 2 * frame)
    inner = disagreed[frame : disagreed.shape[0] - frame, frame : disagreed.shape[1] - frame]
    sums = np.pad(inner.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    totals = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, column = np.unravel_index(totals.argmax(), totals.shape)
    return Window(frame + int(row), frame + int(column), side)


def example(comparison: Comparison, problem: str) -> str:
    """The image to show where there is room for one: most results, then most disagreement in its window."""

    def key(image: str) -> tuple[int, float]:
        arrived = sum(row.status == "done" for row in comparison.rows if (row.cell.problem, row.cell.image) == (problem, image))
        disagreed = disagreement(comparison, problem, image)
        row, column, side = window_of(disagreed)
        return arrived, float(disagreed[row : row + side, column : column + side].mean())

    return max(pictured(comparison, problem), key=key)


def pictured(comparison: Comparison, problem: str) -> list[str]:
    """Images of which at least one record came as far as measuring."""
    found = {row.cell.image for row in comparison.rows if row.cell.problem == problem and row.arrays}
    return [image for image in comparison.images if image in found]


@dataclass(frozen=True)
class Panel:
    """What stands for one record: its estimate or its first sample, or in words why there is none."""

    picture: np.ndarray | None
    words: str = ""
    psnr: float | None = None
    ssim: float | None = None
    heuristic: bool = False

    @property
    def score(self) -> str:
        return "" if self.psnr is None or self.ssim is None else f"{self.psnr:.1f} dB · {self.ssim:.2f}"


def panel(record: Record | None) -> Panel:
    if record is None or record.status != "done":
        return Panel(None, record.status if record else "not run")
    if record.samples is None:
        return Panel(record.x, "", record.metrics["psnr"], record.metrics["ssim"])
    scores = record.metrics["psnr_sample"], record.metrics["ssim_sample"]
    return Panel(record.samples[0].astype(np.float32), "", *scores, summary.is_heuristic(record))


def panels(comparison: Comparison, problem: str, image: str, method: str) -> list[Panel]:
    """One for each prior."""
    return [panel(comparison.row(prior, problem, image, method)) for prior in comparison.priors]


def best(row: Sequence[Panel]) -> Panel | None:
    return max((found for found in row if found.psnr is not None), key=lambda found: found.psnr or 0, default=None)


class Sheet:
    """A figure with a title, laid out in inches from its upper left corner."""

    def __init__(self, width: float, height: float, title: str, below: str):
        self.figure = Figure(figsize=(width, height))
        self.width, self.height = width, height
        self.text(EDGE, EDGE, title, size=9.5, weight="bold")
        self.text(EDGE, EDGE + 0.22, textwrap.fill(below, int(17.5 * (width - 2 * EDGE))), color=style.MUTED, linespacing=1.4)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height))

    def text(self, x: float, y: float, words: str, **look: Any) -> None:
        self.figure.text(x / self.width, 1 - y / self.height, words, **{"ha": "left", "va": "top", **look})

    def bar(self, left: float, right: float, y: float, colour: str) -> None:
        x = left / self.width, right / self.width
        self.figure.add_artist(Line2D(x, [1 - y / self.height] * 2, color=colour, linewidth=2.4, solid_capstyle="butt"))


class Board(Sheet):
    """A sheet whose columns are truth and measurement, then the priors in order of family; ``methods`` are rows of a block."""

    def __init__(self, comparison: Comparison, problem: str, methods: Sequence[str], blocks: int, extra: float, title: str, below: str):
        self.comparison, self.problem, self.methods = comparison, problem, methods
        self.scene_columns = 2 if len(methods) == 1 else 1
        n = self.scene_columns + len(comparison.priors)
        self.side = min((style.WIDTH - 2 * EDGE - ASIDE - GAP * (n - 2)) / n, LARGEST)
        self.step = self.side + BELOW
        width = max(self.x(len(comparison.priors)) - GAP + EDGE, NARROWEST)
        super().__init__(width, TOP + blocks * self.block + extra, title, below)
        self.heads()

    @property
    def block(self) -> float:
        return len(self.methods) * self.step + 0.2

    def x(self, prior: int) -> float:
        """Left edge of a prior; below zero, of a scene column, counted from the right."""
        return EDGE + (self.scene_columns + prior) * (self.side + GAP) + (ASIDE - GAP if prior >= 0 else 0)

    def panel_axes(self, column: int, y: float) -> Axes:
        return self.axes(self.x(column), y, self.side, self.side)

    def under(self, column: int, y: float, words: str, weight: str = "normal") -> None:
        self.text(self.x(column) + self.side / 2, y + self.side + 0.045, words, size=6.5, ha="center", weight=weight)

    def heads(self) -> None:
        """Families in their colour over their priors."""
        names = self.comparison.priors
        family = {row.cell.prior: row.prior.get("family") for row in self.comparison.rows}
        for name, group in groupby(range(len(names)), key=lambda i: family[names[i]]):
            places = list(group)
            left, right = self.x(places[0]), self.x(places[-1]) + self.side
            self.text((left + right) / 2, TOP - 0.42, name or "own", size=6, color=style.MUTED, ha="center")
            self.bar(left, right, TOP - 0.26, style.look(name).colour)
        for i, name in enumerate(names):
            self.text(self.x(i) + self.side / 2, TOP - 0.21, short(name, int(self.side * 14)), size=7.5, weight="bold", ha="center")

    def draw(self, image: str, y: float, window: Window | None = None) -> None:
        """A block: what was measured of an image, and what all priors make of it with every method."""
        truth, shown = self.comparison.scene(self.problem, image)
        self.text(EDGE, y - 0.21, short(summary.image_title(image), int(self.side * 14)), size=7.5, weight="bold")
        for i, (words, picture) in enumerate((("truth", truth), ("measured", shown))):
            column, top = i // len(self.methods) - self.scene_columns, y + i % len(self.methods) * self.step
            show(self.panel_axes(column, top), picture, truth.shape, window)
            self.under(column, top, words)
        for i, method in enumerate(self.methods):
            self.draw_row(image, method, y + i * self.step, truth.shape, window)

    def draw_row(self, image: str, method: str, y: float, shape: Sequence[int], window: Window | None) -> None:
        word, _, how = summary.use(self.comparison, method).rstrip(")").partition(" (")
        for x, words, size, weight in ((0.22, word, 7.5, "bold"), (0.09, how, 6, "normal")):
            self.text(self.x(0) - x, y + self.side / 2, words, size=size, weight=weight, rotation=90, ha="right", va="center")
        row = panels(self.comparison, self.problem, image, method)
        for i, found in enumerate(row):
            put(self.panel_axes(i, y), found, shape, window)
            score = found.score if self.side > 0.8 else found.score.replace(" dB", "")
            self.under(i, y, score, "bold" if found is best(row) else "normal")


def short(label: str, letters: int) -> str:
    """A label for a narrow column: without the module it is from, and cut."""
    label = label.rpartition(":")[2]
    return label if len(label) <= letters else label[: letters - 1] + "…"


def show(axes: Axes, picture: np.ndarray, shape: Sequence[int], window: Window | None = None) -> None:
    """A picture [h, w, C] laid over an image of ``shape`` (H, W), so its pixels may be larger; ``window`` cuts a part out."""
    height, width = (round(full / own) * own for full, own in zip(shape[:2], picture.shape[:2], strict=True))
    axes.imshow(style.display(picture), extent=(0, width, height, 0))
    top, left, rows, columns = (window.row, window.column, window.side, window.side) if window else (0, 0, *shape[:2])
    axes.set(xlim=(left, left + columns), ylim=(top + rows, top), xticks=[], yticks=[])


def put(axes: Axes, found: Panel, shape: Sequence[int], window: Window | None = None) -> None:
    """A panel's picture, or its words."""
    if found.picture is None:
        say(axes, found.words)
    else:
        show(axes, found.picture, shape, window)
    if found.heuristic:
        box = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
        axes.text(0.04, 0.955, "heuristic", transform=axes.transAxes, ha="left", va="top", size=5.5, bbox=box)


def say(axes: Axes, words: str) -> None:
    """Why a panel is empty."""
    axes.set(xticks=[], yticks=[])
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=style.MUTED, style="italic")


@matplotlib.rc_context(style.RC)
def spectrum(comparison: Comparison, problem: str) -> Figure:
    """The priors in order of family, evaluated and sampled, where they disagree most (``example``, ``window_of``), with PSNR below."""
    image = example(comparison, problem)
    truth, _ = comparison.scene(problem, image)
    window = window_of(disagreement(comparison, problem, image))
    ordered = summary.methods(comparison)  # the first that evaluates and the first that samples
    methods = sorted({summary.is_sampled(comparison, method): method for method in ordered[::-1]}.values(), key=ordered.index)
    below = f"The {window.side} × {window.side} pixels of {summary.image_title(image)} where the priors disagree most, "
    below += "on one scale from 0 to 1. Under each, PSNR and SSIM of the whole image; a sample is one draw."
    board = Board(comparison, problem, methods, 1, 1.85, f"{summary.problem_title(problem)}, from smoother to generative", below)
    board.draw(image, TOP, window)
    left, right, top = board.x(0), board.x(len(comparison.priors) - 1) + board.side, TOP + board.block + 0.1
    locate(board.panel_axes(-1, top), truth, window)
    images = len(pictured(comparison, problem))
    board.text(left, top - 0.16, "PSNR in dB" + f", mean of {images} images" * (images > 1), color=style.MUTED)
    quality(board.axes(left, top, right - left, 1.3), comparison, problem, methods, board.side / (board.side + GAP))
    corner = (1 - EDGE / board.width, EDGE / board.height)
    board.figure.legend(loc="lower right", bbox_to_anchor=corner, borderaxespad=0, borderpad=0, ncols=4, frameon=False, fontsize=6.5)
    return board.figure


def locate(axes: Axes, truth: np.ndarray, window: Window) -> None:
    """Where in the whole image the crops are from."""
    show(axes, truth, truth.shape)
    corner = (window.column, window.row)
    for colour, width in ((style.PAPER, 2.2), (style.FAMILIES["generative"].colour, 1.1)):
        axes.add_patch(Rectangle(corner, window.side, window.side, fill=False, edgecolor=colour, linewidth=width))


def quality(axes: Axes, comparison: Comparison, problem: str, methods: Sequence[str], share: float) -> None:
    """PSNR against the priors in the colour of their family, hollow where sampling is a heuristic; means over all images only."""
    n = len(comparison.priors)
    for method in methods:
        if summary.is_sampled(comparison, method):
            curve(axes, comparison, (problem, method, "psnr"), "mean of samples", "s--")
            curve(axes, comparison, (problem, method, "psnr_sample"), "one sample", "^:")
        else:
            curve(axes, comparison, (problem, method, "psnr"), "evaluated", "o-")
    for i, prior in enumerate(comparison.priors):
        if not all(summary.is_complete(comparison, summary.records(comparison, problem, method, prior)) for method in methods):
            axes.text(i, 0.02, "not on\nall images", transform=axes.get_xaxis_transform(), ha="center", size=5.5, color=style.MUTED)
    if any(summary.is_heuristic(row) for row in comparison.rows if row.cell.method in methods):
        axes.plot([], [], "s", color=style.MUTED, markerfacecolor="none", markersize=5, label="heuristic")
    axes.set(xlim=(-share / 2, n - 1 + share / 2), xticks=range(n), xticklabels=[])
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(length=0)
    axes.grid(color=style.HAIR, linewidth=0.5)
    axes.spines[:].set_visible(False)


def curve(axes: Axes, comparison: Comparison, series: tuple[str, str, str], label: str, form: str) -> None:
    problem, method, metric = series
    rows = [summary.records(comparison, problem, method, prior) for prior in comparison.priors]
    values = [summary.mean(found, metric) if summary.is_complete(comparison, found) else None for found in rows]
    y = [np.nan if value is None else value for value in values]
    axes.plot(range(len(y)), y, form, color=style.MUTED, markersize=5, linewidth=0.9, label=label, markeredgewidth=0.9)
    for i, found in enumerate(rows):
        if found:
            colour = style.look(found[0].prior.get("family")).colour
            face = style.PAPER if summary.is_heuristic(found[0]) else colour
            axes.plot(i, y[i], form[0], color=colour, markerfacecolor=face, markersize=5, markeredgewidth=1.1)


@matplotlib.rc_context(style.RC)
def grid(comparison: Comparison, problem: str) -> Figure:
    """All priors and methods on the images of a problem, as many as fit on a page."""
    images, methods = pictured(comparison, problem), summary.methods(comparison)
    shown = images[: max(MOST_ROWS // len(methods), 1)]
    below = "One scale from 0 to 1. Under each panel PSNR and SSIM, the best of a row bold; "
    below += "of the samples one is shown, with the mean scores of all."
    if len(shown) < len(comparison.images):
        below += f" {len(shown)} of {len(comparison.images)} images shown."
    board = Board(comparison, problem, methods, len(shown), 0, summary.problem_title(problem), below)
    for i, image in enumerate(shown):
        board.draw(image, TOP + i * board.block)
    return board.figure


@matplotlib.rc_context(style.RC)
def uncertainty(comparison: Comparison, problem: str) -> Figure:
    """For each prior that samples: mean, one sample, standard deviation and error, the last two on one scale, and the coverage."""
    image = example(comparison, problem)
    rows = [
        (prior, method, comparison.row(prior, problem, image, method))
        for method in summary.methods(comparison)
        if summary.is_sampled(comparison, method)
        for prior in comparison.priors
    ]
    below = "Standard deviation and error share one colour scale: an honest spread is as bright as the error, on average. "
    below += "Intervals are made of ranks, so their nominal share is exact for any number of samples."
    sheet = Sheet(style.WIDTH, map_top(len(rows) + 1), f"{summary.problem_title(problem)}: where samples differ", below)
    truth, shown = comparison.scene(problem, image)
    scale = shared_scale([record for *_, record in rows if record], truth)
    sheet.text(EDGE, map_top(0), summary.image_title(image), weight="bold", size=7.5)
    for column, (name, picture) in enumerate((("truth", truth), ("measured", shown))):
        show(map_axes(sheet, 0, column, name), picture, truth.shape)
    colour_bar(sheet, scale)
    for i, (prior, method, record) in enumerate(rows):
        judgement, facts = trusted(record)
        sheet.text(EDGE, map_top(i + 1), short(prior, 24), weight="bold", size=7.5)
        sheet.text(EDGE, map_top(i + 1) + 0.19, judgement)
        sheet.text(EDGE, map_top(i + 1) + 0.38, f"{facts}sampled ({method})", color=style.MUTED, linespacing=1.55)
        maps(sheet, i + 1, record, truth, scale)
    return sheet.figure


def map_top(row: int) -> float:
    """Row 0 is the scene; the names of the maps stand above row 1."""
    return TOP - 0.2 + row * MAP_STEP + (0.25 if row else 0)


def map_axes(sheet: Sheet, row: int, column: int, name: str = "") -> Axes:
    x, y = style.WIDTH - EDGE - (4 - column) * (MAP + GAP) + GAP, map_top(row)
    if name:
        sheet.text(x + MAP / 2, y - 0.15, name, ha="center")
    return sheet.axes(x, y, MAP, MAP)


def maps(sheet: Sheet, row: int, record: Record | None, truth: np.ndarray, scale: Normalize) -> None:
    """The four panels of one prior."""
    names = ("mean", "one sample", "standard deviation", "|mean − truth|")
    axes = [map_axes(sheet, row, i, name if row == 1 else "") for i, name in enumerate(names)]
    if record is None or record.status != "done" or record.x is None or record.samples is None:
        for each in axes:
            say(each, panel(record).words)
        return
    show(axes[0], record.x, truth.shape)
    put(axes[1], panel(record), truth.shape)
    for each, values in zip(axes[2:], (record.std, record.x - truth), strict=True):
        if values is None:
            say(each, "needs two samples")
        else:
            each.imshow(size_of(values), norm=scale, cmap=style.MAP)
            each.set(xticks=[], yticks=[])


def size_of(values: np.ndarray) -> np.ndarray:
    """Root mean square over the channels, [H, W, C] to [H, W]."""
    return np.sqrt(np.square(values.astype(np.float64)).mean(-1))


def shared_scale(records: Sequence[Record], truth: np.ndarray) -> Normalize:
    """From 0 to what 99 % of all pixels of all maps stay below, rounded up to a hundredth."""
    arrived = [record for record in records if record.status == "done" and record.x is not None]
    values = [size_of(array) for record in arrived for array in (record.std, record.x - truth) if array is not None]
    return Normalize(0, np.ceil(np.percentile(values, 99) * 100) / 100 if values else 1)


def colour_bar(sheet: Sheet, scale: Normalize) -> None:
    x, y = style.WIDTH - EDGE - 2 * MAP - GAP + 0.15, map_top(0) + MAP / 2
    sheet.text(x, y - 0.1, f"standard deviation and error\nin pixel units, 0 to {scale.vmax:g} in all maps", va="bottom", linespacing=1.5)
    axes = sheet.axes(x, y, 2 * MAP + GAP - 0.15, 0.09)
    bar = sheet.figure.colorbar(ScalarMappable(scale, style.MAP), axes, orientation="horizontal", extend="max", extendfrac=0.03)
    bar.outline.set_visible(False)
    axes.tick_params(length=2, labelsize=6.5)


def trusted(record: Record | None) -> tuple[str, str]:
    """Whether the spread can be trusted, and the numbers behind it, line by line."""
    if record is None or record.status != "done":
        return "", ""
    found = record.metrics
    facts = f"mean {found['psnr']:.1f} dB, one sample {found['psnr_sample']:.1f} dB\n"
    if found.get("coverage") is None or found.get("coverage_nominal") is None:
        return "", facts
    facts = f"coverage {found['coverage']:.0%}, nominal {found['coverage_nominal']:.0%}, n = {record.cell.samples}\n{facts}"
    facts += f"spread {found['spread']:.3f}, error {found['rms_error']:.3f}\n"
    word = summary.judged(found["coverage"], found["coverage_nominal"])
    return f"{word} (heuristic: no posterior)" if summary.is_heuristic(record) else word, facts


FIGURES: dict[str, Callable[[Comparison, str], Figure]] = {"spectrum": spectrum, "grid": grid, "uncertainty": uncertainty}


def drawable(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """(figure, problem, file name without suffix) of all that there is something to draw for."""
    stems = file_stems(comparison.problems)
    for name in FIGURES:
        for problem in comparison.problems:
            samples = any(row.cell.samples for row in comparison.rows if row.cell.problem == problem)
            if pictured(comparison, problem) and (samples or name != "uncertainty"):
                yield name, problem, f"{name}_{stems[problem]}"


def file_stems(labels: Sequence[str]) -> dict[str, str]:
    """A name for each label that every file system takes; a number tells apart those that became the same."""
    stems: dict[str, str] = {}
    for label in labels:
        stem = re.sub(r"[^\w.-]+", "-", label).strip("-.") or "problem"
        stems[label] = stem if stem not in stems.values() else f"{stem}-{len(stems) + 1}"
    return stems


def with_bias_named(comparison: Comparison) -> Comparison:
    """With the label of exhibits in the name of their method, so that it stands wherever the name does."""
    titles = {method: f"{method}, {BIASED}" for method in comparison.methods if is_exhibit(method)}
    rows = [replace(row, cell=replace(row.cell, method=titles.get(row.cell.method, row.cell.method))) for row in comparison.rows]
    return replace(comparison, rows=tuple(rows))


def is_exhibit(method: str) -> bool:
    return method in solvers.METHODS and solvers.METHODS[method].exhibit


def save_all(comparison: Comparison) -> list[Path]:
    """Write every figure as PNG and PDF below ``folder``/figures.

    Raises:
        OSError: the folder cannot be written.
    """
    comparison, paths = with_bias_named(comparison), []
    for name, problem, stem in drawable(comparison):
        figure = FIGURES[name](comparison, problem)
        for suffix in ("png", "pdf"):
            paths.append(comparison.folder / "figures" / f"{stem}.{suffix}")
            with matplotlib.rc_context(style.RC):
                store.write(paths[-1], functools.partial(figure.savefig, format=suffix, dpi=DPI))
    return paths
