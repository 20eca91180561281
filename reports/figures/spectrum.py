"""The spectrum figure: what each family makes of one measurement, evaluated and sampled, and what its samples conjure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from reports.figures import charts, style
from reports.figures.crops import Window, disagreement, example, pictured, window_of
from reports.figures.panels import best, panel, panels, put, scale_below, shared, show, size_of
from reports.figures.prior_grid import PAD, Board
from reports.runs import stored, titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

CURVES, BESIDE = 1.15, 2.2  # inches: height of the curves below the pictures, their width where they stand beside them
WIDE, FEW = 6.0, 3  # inches, priors: a figure with room beside the pictures


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

    @property
    def averaging(self) -> str | None:
        """The method that estimates the posterior mean, where it is not shown already; for the curves alone."""
        found = (row.cell.method for row in self.run.rows if row.cell.pairs and row.cell.method not in self.methods)
        return next(found, None)

    @property
    def over(self) -> str:
        """What the curves are means of."""
        n = len(pictured(self.run, self.problem))
        return f"mean of {n} images" if n > 1 else "this image alone"

    def records(self, method: str) -> list[Record | None]:
        return [self.run.row(prior, self.problem, self.image, method) for prior in self.run.priors]

    def complete(self, method: str, prior: str) -> list[Record]:
        """The records of all images; empty where one is missing."""
        rows = self.run.records(self.problem, method, prior)
        return rows if self.run.is_complete(rows) else []


@matplotlib.rc_context(style.RC)
def spectrum(run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True, tallest: float | None = None) -> Figure:
    """The priors in order of family where they disagree most (``example``, ``window_of``): estimate, one sample, spread; PSNR, calls.

    The curves stand below the panels; beside them where there is room, or where ``tallest`` (inches, as on a slide) bounds the height.
    """
    scene = Scene.of(run, problem)
    rows, beside = len(scene.methods) + bool(scene.sampler), bool(tallest) or (width > WIDE and len(run.priors) <= FEW)
    title = f"{titles.problem_title(problem)}, from smoother to generative"
    figure = charts.new_figure(width, title, told(scene, bool(tallest)), titled, PAD)
    room = {"beside": BESIDE} if beside else {"below": CURVES}
    board = Board(figure, run, rows, -(-3 // rows), tallest=tallest, **room)
    draw(board, scene)
    # Not over the words left of the priors: layout would make all gaps under it as wide as these.
    place = board.grid[1 : max(rows, 2), -1] if beside else board.grid[-1, board.aside : board.aside + board.across]
    axes = figure.add_subplot(place)
    curves(charts.plain(axes), scene, named=beside or board.lines > 1)
    comma = ", " if beside or board.across * board.pitch > 1.6 else ",\n"
    axes.set_title(f"PSNR in dB{comma}{scene.over}", size=6.5, color=style.MUTED, loc="left")
    charts.legend_below(figure, axes.get_legend_handles_labels()[0])
    return board.fitted()


def told(scene: Scene, briefly: bool = False) -> str:
    """The caption."""
    name, side = titles.image_title(scene.image), scene.window.side
    words = f"The {side} × {side} pixels of {name} where the priors disagree most; under each PSNR in dB and {perceptual(scene)} of the "
    words += "whole picture."
    if scene.sampler and not briefly:
        n = scene.run.draws(scene.sampler)
        words += f" What differs between the {n} samples ({scene.sampler}) is conjured, not measured."
    return words if briefly else f"{words} The curves: {scene.over}."


def perceptual(scene: Scene) -> str:
    found = [panel(record) for method in scene.methods for record in scene.records(method)]
    return "HaarPSI" if any(each.haarpsi is not None for each in found) else "SSIM"


def draw(board: Board, scene: Scene) -> None:
    """Where, truth and measurement; a row for each method, and one for the spread of the samples."""
    truth, measured = scene.run.scene(scene.problem, scene.image)
    crop = partial(show, shape=truth.shape, window=scene.window)
    pictures = {"truth": partial(crop, values=truth), "measured": partial(crop, values=measured)}
    pictures["where"] = partial(locate, truth=truth, window=scene.window)
    board.scene(0, board.rows, titles.image_title(scene.image), pictures)
    for i, method in enumerate(scene.methods):
        n, row = scene.run.draws(method), panels(scene.run, scene.problem, scene.image, method)
        for axes, found in zip(board.row(i, f"sampled\none of {n}" if n else f"evaluated\n{method}"), row, strict=True):
            put(axes, found, truth.shape, scene.window)
            board.under(axes, found.perceived, found is best(row))
    if scene.sampler:
        conjured(board, scene, truth.shape)


def locate(axes: Axes, truth: np.ndarray, window: Window) -> None:
    """Where in the whole image the crops are from."""
    show(axes, truth, truth.shape)
    for colour, width in ((style.PAPER, 2.2), (style.FAMILIES["generative"].colour, 1.1)):
        corner = (window.column, window.row)
        axes.add_patch(Rectangle(corner, window.side, window.side, fill=False, edgecolor=colour, linewidth=width))


def conjured(board: Board, scene: Scene, shape: Sequence[int]) -> None:
    """The standard deviation of the samples, on one scale for all priors that is printed below."""
    assert scene.sampler
    records, row = scene.records(scene.sampler), board.row(board.rows - 1, f"conjured\nstd of {scene.run.draws(scene.sampler)}")
    maps = [None if record is None or record.std is None else size_of(record.std) for record in records]
    scale = shared([values for values in maps if values is not None])
    for axes, record, values in zip(row, records, maps, strict=True):
        show(axes, values, shape, scene.window, scale, missing="no spread")
        board.under(axes, "" if record is None or values is None else f"± {record.metrics['spread']:.3f}")
    scale_below(row[-board.across :], scale, "spread, one scale")


def curves(axes: Axes, scene: Scene, named: bool) -> None:
    """PSNR against the priors in the colour of their family, hollow where sampling is a heuristic; means over all images only.

    Their names stand below, unless each point is below its prior.
    """
    for method in scene.methods:
        if scene.run.is_sampled(method):
            curve(axes, scene, method, "psnr", f"mean of samples, {calls(scene, method)}", "s--")
            curve(axes, scene, method, "psnr_sample", "one sample", "^:")
        else:
            curve(axes, scene, method, "psnr", f"evaluated, {calls(scene, method)}", "o-")
    if scene.averaging:
        curve(axes, scene, scene.averaging, "psnr", f"posterior mean, {calls(scene, scene.averaging)}", "D-.")
    priors = scene.run.priors
    for i, prior in enumerate(priors):
        if not all(scene.complete(method, prior) for method in scene.methods):
            axes.text(i, 0.02, "not on\nall images", transform=axes.get_xaxis_transform(), ha="center", size=5.5, color=style.MUTED)
    if any(is_heuristic(row) for row in scene.run.rows if row.cell.method in scene.methods):
        axes.plot([], [], "s", color=style.MUTED, markerfacecolor="none", label="heuristic")
    names = [charts.short(name, 12) if named else "" for name in priors]
    axes.set_xticks(range(len(priors)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlim(-0.5, len(priors) - 0.5)
    axes.margins(y=0.09)


def calls(scene: Scene, method: str) -> str:
    """Denoiser calls to one answer, of the prior with the fewest to that with the most, times the answers drawn."""
    n = max(scene.run.draws(method), 1)
    found = sorted(row.calls / n for row in scene.run.rows if (row.cell.problem, row.cell.method) == (scene.problem, method))
    numbers = " to ".join(dict.fromkeys(f"{each:,.0f}" for each in (found[0], found[-1])))
    return f"{n} × {numbers} calls" if n > 1 else f"{numbers} calls"


def curve(axes: Axes, scene: Scene, method: str, metric: str, label: str, form: str) -> None:
    rows = [scene.complete(method, prior) for prior in scene.run.priors]
    y = [np.nan if (value := stored.mean(found, metric)) is None else value for found in rows]
    axes.plot(range(len(y)), y, form, color=style.MUTED, label=label)
    for i, found in enumerate(rows):
        if found:
            colour = style.look(found[0].prior.get("family")).colour
            face = style.PAPER if is_heuristic(found[0]) else colour
            axes.plot(i, y[i], form[0], color=colour, markerfacecolor=face, markeredgewidth=1.1)
