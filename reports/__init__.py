"""What came out: cells run and stored, scored, calibrated, and shown as tables, figures and one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reports.comparison import Comparison


def load(folder: str | Path) -> Comparison:
    """A stored run: ``reports.load("out/compare").figure("spectrum")``; nothing is solved.

    Raises:
        FileNotFoundError, ValueError: no finished run there, or a damaged one.
    """
    from reports.comparison import Comparison  # heavy: only where a run is read

    return Comparison.load(folder)
