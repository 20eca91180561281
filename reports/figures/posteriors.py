"""The figure of a proof: how far each sampler is from the truth, against what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import NullLocator

import solvers
from reports.experiments.posteriors import EXACT, Case, Number, Proof, Row, promised
from reports.figures import charts, style
from reports.figures.small_multiples import small_multiples

PANEL = 0.98  # inches: height of a panel
HEAD = {"size": 6.5, "color": style.MUTED}
DEFAULT = "annealed"
COLOURS = (  # Okabe and Ito (2008), and four more
    "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7a5195", "#a8b820", "#8a8f94",
)  # fmt: skip
PANELS = {  # metric: words, limits, the value of a perfect sampler
    "std_ratio": ("sampled std\n÷ true std", (0.5, 1.5), 1.0),
    "mean_error": ("error of mean\nin true stds", (0.0, 1.0), 0.0),
    "weights_error": ("error of\nmode weights", (0.0, 1.0), 0.0),
}


@matplotlib.rc_context(style.RC)
def exactness(proof: Proof, *, width: float = style.WIDTH) -> Figure:
    """A column for each case, std ratio and mean error below each other; mixtures have a row more, the weights of their modes."""
    groups = [[case for case in proof.cases if (case.prior == "gaussian") == plain] for plain in (True, False)]
    rows = [(cases, name, i == 0) for cases in groups if cases for i, name in enumerate(metrics(proof, cases))]

    def draw(axes: Axes, i: int, j: int) -> None:
        cases, name, first = rows[i]
        if j >= len(cases):
            return axes.set_visible(False)
        panel(axes, proof, cases[j], name, last=i + 1 == len(rows) or rows[i + 1][2])
        if first:  # on the empty line of the title
            axes.annotate(
                cases[j].problem, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", weight="bold"
            ).set_in_layout(False)

    figure = charts.new_figure(width, "How far each sampler is from the exact posterior, and what it costs", caption(proof))
    heads = [[f"{case.prior} prior\n" if first else "" for case in cases] for cases, _, first in rows]
    return small_multiples(figure, [""] * len(rows), heads, draw, legend(proof), height=PANEL, head=HEAD, shared=True)


def metrics(proof: Proof, cases: Sequence[Case]) -> list[str]:
    return [name for name in PANELS if any(name in row.numbers for case in cases for row in proof.of(case))]


def caption(proof: Proof) -> str:
    return (
        "Every posterior is known in closed form; a perfect sampler stays on the dotted line. Shaded: the promise that the test "
        "suite holds the default sampler to, at 20 and at 100 calls. Above 1 samples differ too much, below 1 too little. Dashed: "
        "as published, bias included. Bars are one standard error; arrows lead out of the panel, and lines begin where answers "
        "first explain the data."
    )


def panel(axes: Axes, proof: Proof, case: Case, name: str, last: bool) -> None:
    _, (low, high), perfect = PANELS[name]
    budgets = sorted({row.budget for row in proof.rows if row.budget})
    axes.set(xscale="log", xlim=(budgets[0] / 1.25, budgets[-1] * 1.25), ylim=(low, high), autoscale_on=False)
    for row in proof.of(case, DEFAULT):
        if name in promised(row):
            gate(axes, row, promised(row)[name])
    if name == "weights_error":  # of so many perfect samples, by chance
        perfect = next(row.numbers[name].value for row in proof.of(case, EXACT))
    axes.axhline(perfect, color=style.INK, linewidth=0.7, linestyle=":", zorder=1)
    for method in reversed(proof.methods):
        curve(axes, proof.of(case, method), name, look(proof, method))
    axes.set_xticks(budgets, [str(b) for b in budgets] if last else [""] * len(budgets))
    axes.xaxis.set_minor_locator(NullLocator())
    charts.plain(axes, "denoiser calls a sample", PANELS[name][0])


def gate(axes: Axes, row: Row, promise: tuple[float, float]) -> None:
    """Where the default sampler must pass."""
    axes.add_patch(Rectangle((row.budget / 1.35, promise[0]), row.budget * (1.35 - 1 / 1.35), promise[1] - promise[0], **SHADE))


SHADE: dict[str, Any] = {"facecolor": style.FAMILIES["smoother"].colour, "alpha": 0.45, "linewidth": 0, "zorder": 0}


def curve(axes: Axes, rows: Sequence[Row], name: str, how: dict[str, Any]) -> None:
    """Values inside the panel; arrows at its edge where they are outside."""
    low, high = PANELS[name][1]
    found: list[tuple[int, Number]] = [(row.calls, row.numbers[name]) for row in rows if name in row.numbers]
    if not found:
        return
    x, y = np.array([calls for calls, _ in found]), np.array([number.value for _, number in found])
    errors = [number.error for _, number in found]
    shown = y.clip(low, high)
    axes.errorbar(x, shown, np.where(shown == y, errors, 0), elinewidth=0.6, **how)
    for outside, mark, place in ((y > high, "^", high), (y < low, "v", low)):
        if outside.any():  # an empty line that is not clipped counts as a point at the corner of the canvas in the layout
            axes.plot(x[outside], np.full(outside.sum(), place), mark, color=how["color"], markersize=3.5, clip_on=False, zorder=5)


def look(proof: Proof, method: str) -> dict[str, Any]:
    """The default sampler in ink; others in colour, exhibits dashed."""
    if method == DEFAULT:
        return {"color": style.INK, "linestyle": "-", "linewidth": 1.8, "marker": "o", "markersize": 3.5, "zorder": 6}
    exhibit = solvers.METHODS[method].exhibit
    colour = COLOURS[[name for name in proof.methods if name != DEFAULT].index(method) % len(COLOURS)]
    return {"color": colour, "linewidth": 0.9, "linestyle": "--" if exhibit else "-", "marker": "." if exhibit else "s", "markersize": 3}


def legend(proof: Proof) -> list[Any]:
    names = {method + " (default)" * (method == DEFAULT): look(proof, method) for method in proof.methods}
    return [*charts.handles(names), Patch(label="promise", **SHADE)]


def save(proof: Proof, folder: Path) -> list[Path]:
    """Write proof.png and proof.pdf.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(exactness(proof), folder / "proof")
