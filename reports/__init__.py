"""What came out: cells run and stored, scored, judged, and shown as tables, figures and one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from reports.report import Report


def load(folder: str | Path) -> Report:
    """A stored run: ``reports.load("out/compare").figure("spectrum")``; nothing is solved.

    Raises:
        FileNotFoundError, ValueError: no finished run there, or a damaged one.
        TypeError: ``folder`` is no path.
    """
    if not isinstance(folder, str | Path):
        raise TypeError(f"a run is a folder, such as 'out/compare', not {folder!r}")
    from reports.report import Report  # heavy: only where a run is read

    return Report.load(folder)


def show(
    *images: Any, titles: Sequence[str] = (), path: str | Path | None = None, limits: tuple[float, float] | None = (0.0, 1.0)
) -> Figure:
    """Images in a row on one scale, as a matplotlib figure: ``reports.show(y, x, titles=["measured", "restored"], path="x.png")``.

    Arguments and errors are those of ``reports.figures.show.show``.
    """
    from reports.figures.show import show as drawn  # heavy: matplotlib

    return drawn(*images, titles=titles, path=path, limits=limits)
