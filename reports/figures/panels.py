"""What stands for a record in a figure: a picture and its scores, or why there is none; and maps on one scale of colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from reports.figures import charts, style
from reports.figures.crops import Window
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
    show(axes, found.picture, shape, window, missing=found.words)
    if found.heuristic:
        box = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
        axes.text(0.04, 0.955, "heuristic", transform=axes.transAxes, ha="left", va="top", size=5.5, bbox=box)


def show(
    axes: Axes, values: np.ndarray | None, shape: Sequence[int], window: Window | None = None, scale: Normalize | None = None,
    missing: str = "",
) -> None:  # fmt: skip
    """A picture [h, w, C], or on a ``scale`` a map [h, w], laid over an image of ``shape`` (H, W); ``window`` cuts a part out.

    Its pixels may be larger than those of the image. Where there is none, the panel says what is ``missing``.
    """
    if values is None:
        return charts.empty(axes, missing)
    height, width = (round(full / own) * own for full, own in zip(shape[:2], values.shape[:2], strict=True))
    look = {"norm": scale, "cmap": style.MAP} if scale else {}
    charts.picture(axes, values if scale else style.display(values), extent=(0, width, height, 0), **look)
    row, column, rows, columns = (window.row, window.column, window.side, window.side) if window else (0, 0, *shape[:2])
    axes.set(xlim=(column, column + columns), ylim=(row + rows, row))


def size_of(values: np.ndarray) -> np.ndarray:
    """Root mean square over the channels, [H, W, C] to [H, W]."""
    return np.sqrt(np.square(values.astype(np.float64)).mean(-1))


def shared(values: Sequence[np.ndarray]) -> Normalize:
    """From 0 to what 99 % of all pixels of all maps stay below, rounded up to a hundredth."""
    return Normalize(0, max(np.ceil(np.percentile(values, 99) * 100) / 100, 0.01) if len(values) else 1)


def scale_below(axes: Sequence[Axes], scale: Normalize, words: str = "", ends: tuple[str, str] = ("", "")) -> None:
    """The colours of maps below ``axes``: ``words`` at the left, and more at the numbers of both ``ends``; without, some are higher."""
    high = scale.vmax or 0
    bar = axes[0].figure.colorbar(ScalarMappable(scale, style.MAP), ax=axes, location="bottom", pad=0.02, aspect=30, shrink=0.6,
                                  extend="neither" if any(ends) else "max", extendfrac=0.03)  # fmt: skip
    bar.outline.set_visible(False)
    if bar.solids:
        bar.solids.set_rasterized(True)  # one picture in PDF and SVG, not 256 areas
    bar.set_ticks([0, high / 2, high], labels=[f"0{ends[0]}", f"{high / 2:g}", f"{high:g}{ends[1]}"])
    bar.ax.tick_params(length=2, labelsize=6.5)
    note = bar.ax.text(-0.02, 0.5, words, transform=bar.ax.transAxes, size=6.5, color=style.MUTED, ha="right", va="center")
    note.set_in_layout(False)  # it would push the maps to the right
