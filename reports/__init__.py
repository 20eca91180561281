"""What came out: cells run and stored, scored, judged, and shown as tables, figures and one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
