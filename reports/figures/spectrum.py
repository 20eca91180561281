"""The spectrum figure: what each family makes of one measurement, evaluated and sampled, and what its samples conjure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports.figures import style
from reports.figures.crops import Window, disagreement, example, pictured, window_of
from reports.figures.layout import EDGE, locate, say, shade, shared, short, size_of
from reports.figures.panels import panel, panels
from reports.figures.prior_grid import Board
from reports.runs import stored, titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

CURVES, LEGEND, CALLS, MAPPED = 1.15, 0.32, 0.13, 0.24  # inches: the curves, their legend, a line of calls, the scale of the maps
BESIDE, TALLEST = 2.2, 1.9  # inches: the curves where they stand beside the panels: width with their ticks, height
LONGEST = 2.0  # inches: the scale of the maps
WIDE, FEW = 6.0, 3  # inches, priors: a figure with room beside the panels
PAGE = 7.6  # inches: height that leaves room for a caption


@dataclass(frozen=True)
class Scene:
    """What is shown: one image of a problem, the window in it, the first method that evaluates and the first that samples."""

    run: Run
    problem: str
    image: str
    window: Window
    methods: Sequence[str]

    @staticmethod
    def of(run: Run, problem: str) -> Scene:
        image, ordered = example(run, problem), run.ordered_methods
        methods = sorted({run.is_sampled(method): method for method in ordered[::-1]}.values(), key=ordered.index)
        return Scene(run, problem, image, window_of(disagreement(run, problem, image)), methods)

    @property
    def sampler(self) -> str | None:
        """The method whose samples have a spread."""
        return next((method for method in self.methods if self.run.draws(method) > 1), None)

    def records(self, method: str) -> list[Record | None]:
        return [self.run.row(prior, self.problem, self.image, method) for prior in self.run.priors]

    def complete(self, method: str, prior: str) -> list[Record]:
        """The records of all images; empty where one is missing."""
        rows = self.run.records(self.problem, method, prior)
        return rows if self.run.is_complete(rows) else []


@matplotlib.rc_context(style.RC)
def spectrum(
    run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None
) -> Figure:
    """The priors in order of family where they disagree most (``example``, ``window_of``): estimate, one sample, spread; PSNR, calls.

    The curves stand below the panels; beside them where there is room, or where ``tallest`` (inches, as on a slide) bounds the height.
    """
    scene = Scene.of(run, problem)
    rows, title = len(scene.methods) + bool(scene.sampler), f"{titles.problem_title(problem)}, from smoother to generative"
    if tallest or (width > WIDE and len(run.priors) <= FEW):
        board = Board(run, rows, 1, title, told(scene, bool(tallest)), width=width, titled=titled, beside=BESIDE,
                      below=MAPPED, tallest=tallest or PAGE)  # fmt: skip
    else:
        below = 0.26 + MAPPED * bool(scene.sampler) + CURVES + 0.05 + CALLS * len(scene.methods) + LEGEND
        board = Board(run, rows, 1, title, told(scene), width=width, titled=titled, below=below, tallest=PAGE)
    draw(board, scene)
    return board.figure


def told(scene: Scene, briefly: bool = False) -> str:
    """The caption."""
    name, side = titles.image_title(scene.image), scene.window.side
    words = f"The {side} × {side} pixels of {name} where the priors disagree most; under each PSNR in dB and {perceptual(scene)} of the "
    words += "whole picture."
    if briefly:
        return words
    if scene.sampler:
        n = scene.run.draws(scene.sampler)
        words += f" What differs between the {n} samples ({scene.sampler}) is conjured, not measured."
    images = len(pictured(scene.run, scene.problem))
    return f"{words} The curves are {'means of ' + str(images) + ' images' if images > 1 else 'of this image alone'}."


def perceptual(scene: Scene) -> str:
    found = [panel(record) for method in scene.methods for record in scene.records(method)]
    return "HaarPSI" if any(each.haarpsi is not None for each in found) else "SSIM"


def draw(board: Board, scene: Scene) -> None:
    y = board.top
    truth = board.scene(scene.problem, scene.image, y, scene.window)
    for i, method in enumerate(scene.methods):
        n = scene.run.draws(method)
        board.aside(y + i * board.step, "sampled" if n else "evaluated", f"one of {n}" if n else method)
        row = panels(scene.run, scene.problem, scene.image, method)
        board.draw_row(row, y + i * board.step, truth.shape, [found.perceived for found in row], scene.window)
    if scene.sampler:
        conjured(board, scene, y + (board.rows - 1) * board.step)
    if board.rows > 2:
        locate(board.panel_axes(-1, y + 2 * board.step), truth, scene.window)
        board.under(-1, y + 2 * board.step, "where")
    if board.width - board.right > BESIDE - 0.01:
        beside(board, scene)
    else:
        beneath(board, scene, truth)


def conjured(board: Board, scene: Scene, y: float) -> None:
    """The standard deviation of the samples, on one scale for all priors that is printed below."""
    assert scene.sampler
    board.aside(y, "conjured", f"std of {scene.run.draws(scene.sampler)}")
    found = [record if record and record.std is not None else None for record in scene.records(scene.sampler)]
    maps = [None if record is None or record.std is None else size_of(record.std) for record in found]
    scale = shared([values for values in maps if values is not None])
    for i, (record, values) in enumerate(zip(found, maps, strict=True)):
        axes = board.panel_axes(i, y)
        if record is None or values is None:
            say(axes, "no spread")
        else:
            shade(axes, values, scale, scene.window)
            board.under(i, y, f"± {record.metrics['spread']:.3f}")
    printed(board, scale)


def printed(board: Board, scale: Normalize) -> None:
    """The scale of the maps in one line, its range in numbers."""
    y, left = board.top + board.block - (0.16 if board.narrow else 0.08), board.x(0)
    words, look = "spread" if board.narrow else "spread, one scale", {"size": 6.5, "va": "center"}
    end = left + min(board.right - left - 0.3, LONGEST)
    board.text(left - 0.1, y + 0.045, words, ha="right", color=style.MUTED, **look)
    board.text(left, y + 0.045, "0", **look)
    board.text(end + 0.05, y + 0.045, f"{scale.vmax:g}", **look)
    axes = board.axes(left + 0.1, y, end - left - 0.1, 0.09)
    axes.imshow([np.linspace(0, 1, 256)], aspect="auto", cmap=style.MAP)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def beneath(board: Board, scene: Scene, truth: np.ndarray) -> None:
    """The curves below the panels, each prior in its column; calls below the curves."""
    left, right = board.x(0), board.right
    y = board.top + board.block + 0.12 + MAPPED * bool(scene.sampler)
    if board.rows < 3:
        side = min(board.side, CURVES)
        locate(board.axes(board.x(-1) + board.side - side, y, side, side), truth, scene.window)
    board.text(left, y - 0.16, head(scene), color=style.MUTED, size=6.5)
    axes = board.axes(left, y, right - left, CURVES)
    curves(axes, scene)
    margin = board.side / (board.side + board.gap) / 2
    axes.set(xlim=(-margin, len(scene.run.priors) - 1 + margin), xticklabels=[])
    for k, method in enumerate(scene.methods):
        level = y + CURVES + 0.05 + k * CALLS
        word = "sampled" if scene.run.is_sampled(method) else "evaluated"
        board.text(left - 0.1, level, f"calls, {word}", size=6.5, ha="right", color=style.MUTED)
        for i, number in enumerate(calls(scene, method)):
            board.text(board.x(i) + board.side / 2, level, number, size=6.5, ha="center")
    legend(board, axes, (left + right) / 2, board.height - EDGE, 4 if right - left > 3.5 else 2, "lower center")


def legend(board: Board, axes: Axes, x: float, y: float, columns: int, place: Literal["upper left", "lower center"]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    corner = (x / board.width, 1 - y / board.height)
    board.figure.legend(handles, labels, loc=place, bbox_to_anchor=corner, borderaxespad=0, borderpad=0,
                        ncols=columns, columnspacing=1.2, handlelength=2.4, labelspacing=0.3, frameon=False, fontsize=6.5)  # fmt: skip


def beside(board: Board, scene: Scene) -> None:
    """The curves at the right of the panels, and under them the calls in words."""
    left, y, n = board.right + 0.5, board.top + 0.1, len(scene.run.priors)
    height = max(min(TALLEST, board.height - y - 1.45), 0.5)
    axes = board.axes(left, y, board.width - EDGE - left, height)
    board.text(left, y - 0.22, head(scene), color=style.MUTED, size=6.5)
    curves(axes, scene)
    axes.set(xlim=(-0.4, n - 0.6))
    axes.set_xticks(range(n), [short(name, 12) for name in scene.run.priors], rotation=35, ha="right", rotation_mode="anchor")
    y += height + 0.52
    legend(board, axes, left, y, 1 if board.width - left < 2 else 2, "upper left")
    y += 0.15 * (4 if board.width - left < 2 else 2) + 0.08
    for k, method in enumerate(scene.methods):
        word, numbers = titles.use(scene.run, method).partition(" ")[0], dict.fromkeys(filter(None, calls(scene, method)))
        board.text(left, y + CALLS * k, f"{word}: {' or '.join(numbers)} calls", size=6.5)


def head(scene: Scene) -> str:
    images = len(pictured(scene.run, scene.problem))
    return "PSNR in dB" + f", mean of {images} images" * (images > 1)


def calls(scene: Scene, method: str) -> list[str]:
    """Denoiser calls of each prior to one answer, times the answers drawn."""
    n, found = scene.run.draws(method), []
    for prior in scene.run.priors:
        rows = scene.run.records(scene.problem, method, prior)
        mean = statistics.mean(row.calls for row in rows) / max(n, 1) if rows else None
        found.append("" if mean is None else f"{n} × {mean:,.0f}" if n > 1 else f"{mean:,.0f}")
    return found


def curves(axes: Axes, scene: Scene) -> None:
    """PSNR against the priors in the colour of their family, hollow where sampling is a heuristic; means over all images only."""
    for method in scene.methods:
        if scene.run.is_sampled(method):
            curve(axes, scene, method, "psnr", "mean of samples", "s--")
            curve(axes, scene, method, "psnr_sample", "one sample", "^:")
        else:
            curve(axes, scene, method, "psnr", "evaluated", "o-")
    for i, prior in enumerate(scene.run.priors):
        if not all(scene.complete(method, prior) for method in scene.methods):
            axes.text(i, 0.02, "not on\nall images", transform=axes.get_xaxis_transform(), ha="center", size=5.5, color=style.MUTED)
    if any(is_heuristic(row) for row in scene.run.rows if row.cell.method in scene.methods):
        axes.plot([], [], "s", color=style.MUTED, markerfacecolor="none", label="heuristic")
    axes.set_xticks(range(len(scene.run.priors)))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(length=0)
    axes.margins(y=0.09)
    axes.grid()
    axes.spines[:].set_visible(False)


def curve(axes: Axes, scene: Scene, method: str, metric: str, label: str, form: str) -> None:
    rows = [scene.complete(method, prior) for prior in scene.run.priors]
    y = [np.nan if (value := stored.mean(found, metric)) is None else value for found in rows]
    axes.plot(range(len(y)), y, form, color=style.MUTED, label=label)
    for i, found in enumerate(rows):
        if found:
            colour = style.look(found[0].prior.get("family")).colour
            face = style.PAPER if is_heuristic(found[0]) else colour
            axes.plot(i, y[i], form[0], color=colour, markerfacecolor=face, markeredgewidth=1.1)
