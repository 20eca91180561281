"""What stands for a record in a figure: a picture and its scores, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from reports.figures import style
from reports.figures.crops import Window
from reports.figures.layout import say, show
from reports.runs.cell import is_heuristic

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run


@dataclass(frozen=True)
class Panel:
    """What stands for one record: its estimate or its first sample, or in words why there is none."""

    picture: np.ndarray | None
    words: str = ""
    psnr: float | None = None
    ssim: float | None = None
    heuristic: bool = False
    haarpsi: float | None = None

    @property
    def score(self) -> str:
        return "" if self.psnr is None or self.ssim is None else f"{self.psnr:.1f} dB · {self.ssim:.2f}"

    @property
    def perceived(self) -> str:
        """As ``score``, by HaarPSI where the run has it."""
        likeness = self.ssim if self.haarpsi is None else self.haarpsi
        return "" if self.psnr is None or likeness is None else f"{self.psnr:.1f} dB · {likeness:.2f}"


def panel(record: Record | None) -> Panel:
    if record is None or record.status != "done":
        return Panel(None, record.status if record else "not run")
    found, of = record.metrics, "" if record.samples is None else "_sample"
    picture = record.x if record.samples is None else record.samples[0].astype(np.float32)
    return Panel(picture, "", found[f"psnr{of}"], found[f"ssim{of}"], is_heuristic(record), found.get(f"haarpsi{of}"))


def panels(run: Run, problem: str, image: str, method: str) -> list[Panel]:
    """One for each prior."""
    return [panel(run.row(prior, problem, image, method)) for prior in run.priors]


def best(row: Sequence[Panel]) -> Panel | None:
    return max((found for found in row if found.psnr is not None), key=lambda found: found.psnr or 0, default=None)


def put(axes: Axes, found: Panel, shape: Sequence[int], window: Window | None = None) -> None:
    """A panel's picture, or its words."""
    if found.picture is None:
        say(axes, found.words)
    else:
        show(axes, found.picture, shape, window)
    if found.heuristic:
        box = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
        axes.text(0.04, 0.955, "heuristic", transform=axes.transAxes, ha="left", va="top", size=5.5, bbox=box)
