"""The uncertainty maps: where samples differ, beside where their mean is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from reports.figures import style
from reports.figures.crops import example
from reports.figures.layout import EDGE, GAP, Sheet, headroom, say, shade, shared, short, show, size_of
from reports.figures.panels import panel, put
from reports.judging import verdict
from reports.runs import titles
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run

LARGEST, WORDS, NAMES = 1.22, 1.6, 0.62  # inches: a map, the words beside it, or above the maps where there is no room beside
BETWEEN, HEAD = 0.1, 0.25  # inches: between rows, the names of the maps


class Maps(Sheet):
    """Rows of four maps, the scene above them; facts stand at their left, or above each row where the figure is narrow."""

    def __init__(self, rows: int, title: str, below: str, width: float, titled: bool):
        self.narrow = width < 4 * (0.9 + GAP) + WORDS
        self.top = headroom(below, width, titled) + 0.2
        room = width - 2 * EDGE - (0 if self.narrow else WORDS)
        self.side = min((room - 3 * GAP) / 4, LARGEST)
        self.step = self.side + (NAMES if self.narrow else BETWEEN)
        super().__init__(width, self.y(rows) + self.side + EDGE, title, below, titled)

    def y(self, row: int) -> float:
        """Upper edge of the maps: row 0 is the scene, and the names of the maps stand above row 1."""
        scene = self.side + HEAD + (NAMES if self.narrow else BETWEEN)
        return self.top + (scene + (row - 1) * self.step if row else 0)

    def x(self, column: int) -> float:
        return self.width - EDGE - (4 - column) * (self.side + GAP) + GAP

    def map_axes(self, row: int, column: int, name: str = "") -> Axes:
        if name:
            self.text(self.x(column) + self.side / 2, self.y(row) - 0.15, name, ha="center", size=6.5 if self.narrow else 7)
        return self.axes(self.x(column), self.y(row), self.side, self.side)

    def words(self, row: int, name: str, judgement: str, facts: Sequence[str]) -> None:
        """Beside the maps, or in three lines above them."""
        y = self.y(row) - (NAMES - 0.13 if self.narrow else 0) - (HEAD - 0.08 if self.narrow and row == 1 else 0)
        self.text(EDGE, y, short(name, 24), weight="bold", size=7.5)
        if self.narrow:
            self.text(self.width - EDGE, y, judgement, ha="right")
            told = textwrap.fill(", ".join(facts), int(19 * (self.width - 2 * EDGE)))
            self.text(EDGE, y + 0.15, told, color=style.MUTED, size=6.5, linespacing=1.4)
        else:
            self.text(EDGE, y + 0.19, judgement)
            self.text(EDGE, y + 0.38, "\n".join(facts), color=style.MUTED, linespacing=1.55)


@matplotlib.rc_context(style.RC)
def uncertainty(run: Run, problem: str, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """For each prior that samples: mean, one sample, standard deviation and error, the last two on one scale, and the coverage."""
    image = example(run, problem)
    rows = [
        (prior, method, run.row(prior, problem, image, method))
        for method in run.ordered_methods
        if run.is_sampled(method)
        for prior in run.priors
    ]
    below = "Standard deviation and error share one colour scale: an honest spread is as bright as the error, on average. "
    below += "Intervals are made of ranks, so their nominal share is exact for any number of samples."
    sheet = Maps(len(rows), f"{titles.problem_title(problem)}: where samples differ", below, width, titled)
    truth, _ = run.scene(problem, image)
    scale = shared_scale([record for *_, record in rows if record], truth)
    draw_scene(sheet, run, problem, image, scale)
    for i, (prior, method, record) in enumerate(rows, 1):
        judgement, facts = trusted(record)
        sheet.words(i, prior, judgement, [*facts.splitlines(), f"sampled ({method})"])
        draw_maps(sheet, i, record, truth, scale)
    return sheet.figure


def draw_scene(sheet: Maps, run: Run, problem: str, image: str, scale: Normalize) -> None:
    """Truth and measurement, and the scale of all maps."""
    truth, shown = run.scene(problem, image)
    for column, (name, picture) in enumerate((("truth", truth), ("measured", shown))):
        name = f"{name}, {short(titles.image_title(image), 9)}" if sheet.narrow and not column else name
        show(sheet.map_axes(0, column, name), picture, truth.shape)
    if not sheet.narrow:
        sheet.text(EDGE, sheet.y(0), titles.image_title(image), weight="bold", size=7.5)
    x, y, width = sheet.x(2) + 0.15, sheet.y(0) + sheet.side / 2, 2 * sheet.side + GAP - 0.15
    words = f"standard deviation and error\nin pixel units, 0 to {scale.vmax:g}" + " in all maps" * (not sheet.narrow)
    sheet.text(x, y - 0.1, words, va="bottom", linespacing=1.5, size=6.5 if sheet.narrow else 7)
    sheet.scale(x, y, width, scale)


def draw_maps(sheet: Maps, row: int, record: Record | None, truth: np.ndarray, scale: Normalize) -> None:
    """The four panels of one prior."""
    names = ("mean", "one sample", "std" if sheet.narrow else "standard deviation", "|mean − truth|")
    axes = [sheet.map_axes(row, i, name if row == 1 else "") for i, name in enumerate(names)]
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
            shade(each, size_of(values), scale)


def shared_scale(records: Sequence[Record], truth: np.ndarray) -> Normalize:
    """One for the deviations and the errors of all that arrived."""
    arrived = [record for record in records if record.status == "done" and record.x is not None]
    return shared([size_of(array) for record in arrived for array in (record.std, record.x - truth) if array is not None])


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
    word = verdict.judged(found["coverage"], found["coverage_nominal"])
    return f"{word} (heuristic: no posterior)" if is_heuristic(record) else word, facts
