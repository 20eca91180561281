"""A few samples of each sampled prior at one place of one picture: what moves from one to the next was conjured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reports.figures.crops import disagreement, example, pictured, window_of
from reports.runs.cell import is_heuristic
from reports.scores.pixelwise import psnr

if TYPE_CHECKING:
    from reports.figures.crops import Window
    from reports.runs.cell import Record
    from reports.runs.stored import Run

MOST = 4  # samples in a strip


@dataclass(frozen=True)
class Strip:
    """The first samples [H, W, C] that a prior drew from one measurement, and the PSNR in dB of each over the whole picture."""

    prior: str
    method: str
    samples: Sequence[np.ndarray]
    scores: Sequence[float]
    heuristic: bool


@dataclass(frozen=True)
class Strips:
    """All strips of a problem, from one image; ``window`` is where its priors disagree most."""

    image: str
    window: Window
    truth: np.ndarray
    shown: np.ndarray
    strips: Sequence[Strip]

    @property
    def flickered(self) -> Strip:
        """The one to flicker: of the first method, the last along the spectrum with a posterior behind it, if there is one."""
        first = [strip for strip in self.strips if strip.method == self.strips[0].method]
        return ([strip for strip in first if not strip.heuristic] or first)[-1]

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """The window of a picture [h, w, C], whose pixels may be larger than those of the truth."""
        row, column, side = self.window
        rows, columns = (
            (start + np.arange(side)) * own // full
            for start, own, full in zip((row, column), picture.shape[:2], self.truth.shape[:2], strict=True)
        )
        return picture[rows[:, None], columns]


def strips(run: Run, problem: str) -> Strips | None:
    """Of all priors by the first method that samples, and of the most generative one by the others; None where no two samples are.

    Image and window are those of the spectrum figure (``example``, ``window_of``).
    """
    if not pictured(run, problem):
        return None
    image = example(run, problem)
    truth, shown = run.scene(problem, image)
    found: list[Strip] = []
    for method in run.ordered_methods:
        records = [run.row(prior, problem, image, method) for prior in run.priors]
        drawn = [strip(record, truth) for record in records if record and record.status == "done" and record.cell.samples > 1]
        found += drawn[-1:] if found else drawn
    window = window_of(disagreement(run, problem, image))
    return Strips(image, window, truth, shown, found) if found else None


def strip(record: Record, truth: np.ndarray) -> Strip:
    assert record.samples is not None
    samples = list(record.samples[:MOST].astype(np.float32))
    return Strip(record.cell.prior, record.cell.method, samples, [psnr(x, truth) for x in samples], is_heuristic(record))
