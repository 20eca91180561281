"""The figure of a structure that samples follow: picture, map, samples with the map and without, a row for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from reports.experiments.structure import Followed
from reports.figures import charts, style

TITLE = "A map of edges as the condition"
EXPLAINED = (
    "A branch beside the frozen diffusion prior reads the map. Samples of a row have the same noise with the map and without. F is the "
    "harmonic mean of the share of their edges that the map has and of its edges that they have, within one pixel."
)
MOST = 3  # samples of a kind that are shown


@matplotlib.rc_context(style.RC)
def figure(found: Sequence[Followed], *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    shown = min(MOST, len(found[0].steered))
    drawn = charts.new_figure(width, TITLE, EXPLAINED, titled)
    grid = drawn.add_gridspec(len(found), 2 + 2 * shown)
    for i, each in enumerate(found):
        row = [drawn.add_subplot(grid[i, j]) for j in range(2 + 2 * shown)]
        for axes, picture in zip(row, [each.picture, each.wanted, *each.steered[:shown], *each.free[:shown]], strict=True):
            charts.picture(axes, style.display(picture[..., None]))
        row[0].set_title("picture", size=6, pad=2)
        row[1].set_title("its edges: given", size=6, pad=2)
        row[2].set_title(f"samples, F = {each.score:.2f}", size=6, pad=2, loc="left")
        row[2 + shown].set_title(f"without, F = {each.score_free:.2f}", size=6, pad=2, loc="left")
        row[0].set_ylabel(charts.short(Path(each.image).stem, 12), size=6, labelpad=2)
    return charts.fit_height(drawn, row[0], len(found))


def save(found: Sequence[Followed], folder: Path) -> list[Path]:
    """Write structure.png and structure.pdf; returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(figure(found), folder / "structure")
