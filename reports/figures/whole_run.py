"""The companions of a comparison: figures about a run as a whole, drawn from what it stored; nothing is solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from reports.figures import bands, convergence, effort, perception_distortion, sensitivity
from reports.figures import unconditional as belief_figure

if TYPE_CHECKING:
    from reports.runs.stored import Run


COMPANIONS: dict[str, Callable[..., Figure | None]] = {
    "plane": perception_distortion.plane,
    "effort": effort.effort,
    "bands": bands.bands,
    "convergence": convergence.convergence,
    "tuning": sensitivity.tuning,
    "beliefs": belief_figure.beliefs,
}  # each: (comparison, *, width in inches, titled) -> the figure, or None where the run has nothing to draw
TOLD: dict[str, Callable[[Run], str]] = {
    "plane": perception_distortion.told,
    "effort": effort.told,
    "bands": bands.told,
    "convergence": convergence.told,
    "tuning": sensitivity.told,
    "beliefs": belief_figure.told,
}


def told(name: str, run: Run) -> str:
    """What a companion shows, for those who do not see it; empty where there is nothing to draw."""
    return TOLD[name](run)
