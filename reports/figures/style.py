"""How figures and page look. Sizes and colours are those of the style files ``paper.mplstyle`` and ``slides.mplstyle``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

from problems.shown import UNMEASURED, display

__all__ = ["FAMILIES", "HAIR", "INK", "MAP", "MUTED", "OTHER", "PAPER", "RC", "SLIDES", "UNMEASURED", "WIDTH", "Look", "display", "look"]

STYLES = Path(__file__).parent.parent  # there, plt.style.use("reports.paper") finds them
PRINT: dict[Any, Any] = dict(matplotlib.rc_params_from_file(STYLES / "paper.mplstyle", use_default_template=False))
SLIDES: dict[Any, Any] = dict(matplotlib.rc_params_from_file(STYLES / "slides.mplstyle", use_default_template=False))
CYCLE = "axes.prop_cycle"
SESSION = ("backend", "interactive", "toolbar", "timezone", "webagg", "docstring")  # settings that draw nothing
DEFAULTS = {name: value for name, value in matplotlib.rcParamsDefault.items() if not name.startswith(SESSION)}
# What figures are made and saved under: matplotlib's defaults, whatever the user's matplotlibrc says, then our style. The colour
# cycle is left out, since every line names its own colour.
RC = DEFAULTS | {name: value for name, value in PRINT.items() if name != CYCLE}

LINES = ("text.color", "axes.labelcolor", "axes.edgecolor", "savefig.facecolor")
INK, MUTED, HAIR, PAPER = (PRINT[name] for name in LINES)  # the page swaps these four in the dark
MAP = PRINT["image.cmap"]  # standard deviations and errors
WIDTH = 7.2  # inches: two columns of a paper


class Look(NamedTuple):
    """Colour, marker and line style of a family: any one of the three is enough to tell it."""

    colour: str
    marker: str
    line: Any


*KNOWN, OTHER = (Look(entry["color"], entry["marker"], entry["linestyle"]) for entry in PRINT[CYCLE])
FAMILIES = dict(zip(("smoother", "variational", "classical", "learned", "generative"), KNOWN, strict=True))


def look(family: str | None) -> Look:
    return FAMILIES.get(family or "", OTHER)
