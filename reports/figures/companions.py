"""The companions of a comparison: figures about a run as a whole, drawn from what it stored; nothing is solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from reports.figures import bands, belief_figure, convergence, effort, plane, sensitivity

if TYPE_CHECKING:
    from reports.comparison import Comparison


COMPANIONS: dict[str, Callable[..., Figure | None]] = {
    "plane": plane.plane,
    "effort": effort.effort,
    "bands": bands.bands,
    "convergence": convergence.convergence,
    "tuning": sensitivity.tuning,
    "beliefs": belief_figure.beliefs,
}  # each: (comparison, *, width in inches, titled) -> the figure, or None where the run has nothing to draw
TOLD: dict[str, Callable[[Comparison], str]] = {
    "plane": plane.told,
    "effort": effort.told,
    "bands": bands.told,
    "convergence": convergence.told,
    "tuning": sensitivity.told,
    "beliefs": belief_figure.told,
}


def told(name: str, comparison: Comparison) -> str:
    """What a companion shows, for those who do not see it; empty where there is nothing to draw."""
    return TOLD[name](comparison)
