"""What is left of the data: its spectrum, which is flat where it is noise."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.scores.distributional import radial_power

TITLE = "Is the residual noise?"
EXPLAINED = (
    "Power of what the data hold beyond a sample's own picture, in units of the noise, against frequency. On the dotted 1 everywhere it is "
    "white noise of the level that was assumed. A slope or a bump means a wrong kernel, coloured noise such as JPEG's, or a wrong level."
)


@matplotlib.rc_context(style.RC)
def residual_spectrum(residuals: Mapping[str, np.ndarray], families: Mapping[str, str | None], *, width: float = style.WIDTH) -> Figure:
    """A line for each prior; ``residuals`` [n, h, w, C] in units of the noise, without missing pixels."""
    figure = charts.new_figure(width, TITLE, EXPLAINED)
    axes = charts.plain(figure.subplots(), "cycles per pixel", "power, noise = 1")
    axes.axhline(1, linestyle=":", color=style.INK, linewidth=0.8)
    looks = charts.family_looks(families)
    for prior, values in residuals.items():
        f, power = radial_power(np.moveaxis(values, -1, 1))
        axes.plot(f, smooth(power), linewidth=1, **looks[prior])
    axes.set_ylim(0, max(2.0, 1.1 * axes.get_ylim()[1]))
    charts.legend_below(figure, charts.handles(looks))
    return charts.fit_height(figure, axes, 1, 1.6)


def smooth(power: np.ndarray, reach: int = 2) -> np.ndarray:
    """Means over neighbouring rings, fewer at the ends, and of a small picture, which has few."""
    if not len(power):
        return power
    window = np.ones(2 * min(reach, (len(power) - 1) // 2) + 1)
    return np.convolve(power, window, "same") / np.convolve(np.ones_like(power), window, "same")
