"""Small multiples: rows of small panels under their names with one legend, on which a prior looks the same everywhere."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.figures.charts import Look

if TYPE_CHECKING:
    from reports.runs.stored import Run

HEAD_LINE = 11.0  # points: a line of a title


def small_multiples(
    figure: Figure, rows: Sequence[str], heads: Sequence[Sequence[str]], draw: Callable[[Axes, int, int], Any],
    legend: Mapping[str, Look] | Sequence[Artist] = (), *, height: float | None, least: float = 0.0, head: Look | None = None,
    notes: Sequence[str] = (), widths: Sequence[float] | None = None, shared: bool = False, frame: bool = True,
) -> Figure:  # fmt: skip
    """Let ``draw(axes, row, column)`` fill a grid of panels ``height`` inches high (None: square), and put the ``legend`` below.

    ``rows``: names above the rows (empty: none). ``notes``: a sentence below each name. ``heads``: the titles of the panels of each
    row, in the style ``head``. ``least``: a row whose panels would be narrower, in inches, wraps onto several lines. ``widths``: ratios
    between the columns, whose quantities then differ. ``shared``: one vertical scale for each row. Axis labels that ``draw`` sets stay
    at the lowest panels (across) and at the first of a line (up).
    """
    columns = max(len(row) for row in heads)
    fitting = max(1, int(figure.get_figwidth() / least)) if least else columns
    lines = -(-columns // fitting)
    across = -(-columns // lines)
    grid = figure.subplots(len(rows) * lines, across, squeeze=False, width_ratios=widths if lines == 1 else None)
    letters = int(17 * figure.get_figwidth() / across)
    for i, name in enumerate(rows):
        cells = grid[i * lines : (i + 1) * lines].ravel()
        above = row_heading(name, notes[i] if notes else "", figure.get_figwidth())
        for j, axes in enumerate(cells[:columns]):
            if shared and j:
                axes.sharey(cells[0])
            if frame:
                charts.plain(axes)
            draw(axes, i, j)
            title = heads[i][j] if j < len(heads[i]) else ""
            title = charts.short(title, letters) if widths is None and "\n" not in title else title
            titled = "\n" * len(above) * (j < across) + title  # the name of the row and its note stand on the empty lines
            axes.set_title(titled, **{"size": 6.5, "color": style.MUTED, "loc": "left", "pad": 3, "linespacing": 1.5, **(head or {})})
            lowest = i == len(rows) - 1 and (widths is not None or j + across >= columns)
            inner(axes, lowest=lowest, first=widths is not None or j % across == 0, shared=shared)
        for axes in cells[columns:]:
            axes.remove()
        write_above(cells[0], above, max((row.count("\n") for row in heads[i]), default=-1) + 1)
    if legend:
        charts.legend_below(figure, charts.handles(legend) if isinstance(legend, Mapping) else legend)
    return charts.fit_height(figure, grid[0, 0], len(grid), height)


def inner(axes: Axes, *, lowest: bool, first: bool, shared: bool) -> None:
    """Leave out the labels that an outer panel shows already; Axes.label_outer would do so by the grid, not by wrapped rows."""
    if not lowest:
        axes.set_xlabel("")
    if not first:
        axes.set_ylabel("")
        axes.tick_params(labelleft=not shared)


def row_heading(name: str, note: str, width: float) -> list[str]:
    """The name of a row, cut to the width, and the lines of its note."""
    return [charts.short(name, int(14 * width))] * bool(name) + textwrap.wrap(
        note, int(19.5 * (width - 0.45))
    )  # it starts where the panel does, right of the numbers


def write_above(axes: Axes, lines: Sequence[str], below: int) -> None:
    """``lines`` above the title of a panel, which has ``below`` lines; not part of the layout: a long one would widen its column."""
    for k, line in enumerate(lines):
        height = 4 + HEAD_LINE * (below + len(lines) - 1 - k)
        look = {"weight": "bold", "size": 7.5} if k == 0 else {"color": style.MUTED, "size": 6.5}
        note = axes.annotate(line, (0, 1), (0, height), xycoords="axes fraction", textcoords="offset points", **look)
        note.set_in_layout(False)


def strokes(run: Run) -> dict[str, dict[str, Any]]:
    """Colour and line of every prior: those of its family, the second of a family darker, and so on."""
    families = {row.cell.prior: row.prior.get("family") for row in run.rows}
    return charts.family_looks({prior: families[prior] for prior in run.priors})


def without_options(method: str) -> str:
    """The label of a method less its number of steps: what is one method at several costs."""
    return re.sub(r"\[[^\]]*\]", "", method)


def longest(run: Run, sampled: bool) -> str | None:
    """The first method that samples, or that estimates, where it was given most steps; None where there is none."""
    return next((method for method in at_most_steps(run) if run.is_sampled(method) == sampled), None)


def at_most_steps(run: Run) -> list[str]:
    """Each method once: where it was given most steps."""
    calls = {method: max(row.calls for row in run.rows if row.cell.method == method) for method in run.methods}
    groups: dict[str, list[str]] = {}
    for method in run.ordered_methods:
        groups.setdefault(without_options(method), []).append(method)
    return [max(same, key=lambda method: calls[method]) for same in groups.values()]
