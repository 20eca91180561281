"""How much depends on the strength: every trial of the tuning, from what the run remembers of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from reports.figures import charts, style
from reports.figures.charts import Look
from reports.figures.small_multiples import small_multiples, strokes
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

Entry = Mapping[str, Any]  # of the provenance: prior, problem, method, strength, tried

TITLE = "How much depends on the strength"
EXPLAINED = (
    "Mean PSNR on the tuning images at every strength that was tried, as many for each prior; the large mark is the one that is used. "
    "A flat curve needs no tuning, a peak rewards it. Trials more than {depth:g} dB below the best, and those that diverged, are crosses."
)
LEAST, PANEL = 1.9, 1.3  # inches: width that a panel and its labels need, its height
DEPTH = 8.0  # dB below the best that are shown


@matplotlib.rc_context(style.RC)
def tuning(run: Run, *, width: float = style.WIDTH, titled: bool = True) -> Figure | None:
    """A panel for each problem and method that was tuned, a line for each prior."""
    panels = trials(run)
    if not panels:
        return None
    looks = strokes(run)
    tuned = {entry["prior"] for entries in panels.values() for entry in entries}
    keys = {prior: look for prior, look in looks.items() if prior in tuned}

    def panel(axes: Axes, _: int, j: int) -> None:
        draw(charts.plain(axes, "strength", "PSNR, dB"), list(panels.values())[j], looks)

    figure = charts.new_figure(width, TITLE, EXPLAINED.format(depth=DEPTH), titled)
    heads = [[f"{titles.problem_title(problem)}, {method}" for problem, method in panels]]
    return small_multiples(figure, [""], heads, panel, keys, height=PANEL, least=LEAST, head={"weight": "bold", "color": style.INK})


def trials(run: Run) -> dict[tuple[str, str], list[Entry]]:
    """(problem, method) -> what was tuned and is remembered with its trials."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in run.provenance.get("strengths", ()):
        if entry["prior"] in run.priors and any(score is not None for _, score in entry.get("tried") or ()):
            found.setdefault((entry["problem"], entry["method"]), []).append(entry)
    return found


def scored(entry: Entry) -> list[tuple[float, float]]:
    """(strength, PSNR) of the trials that did not diverge, by strength."""
    return sorted((strength, score) for strength, score in entry["tried"] if score is not None)


def draw(axes: Axes, entries: Sequence[Entry], looks: Mapping[str, Look]) -> None:
    highest = max(score for entry in entries for _, score in scored(entry))
    floor = max(highest - DEPTH, min(score for entry in entries for _, score in scored(entry)) - 0.5)
    for entry in entries:
        look, found = looks[entry["prior"]], scored(entry)
        axes.plot(*zip(*found, strict=True), marker=".", markersize=3, **look)
        chosen = [score for strength, score in found if abs(strength / entry["strength"] - 1) < 1e-3]  # none if set by hand
        axes.plot([entry["strength"]] * len(chosen), chosen, "o", color=look["color"], markersize=5)
        lost = [strength for strength, score in entry["tried"] if score is None or score < floor]
        if lost:  # an empty line that is not clipped counts as a point at the corner of the canvas in the layout
            axes.plot(lost, [floor] * len(lost), "x", color=look["color"], markersize=3.5, clip_on=False)
    axes.set(xscale="log", ylim=(floor, highest + 0.08 * (highest - floor)))
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.1, 1, 10, 100]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(MaxNLocator(4))


def told(run: Run) -> str:
    """The best of every prior, and what a strength ten times off costs."""
    sentences = []
    for (problem, method), entries in trials(run).items():
        found = [f"{entry['prior']} {max(score for _, score in scored(entry)):.1f} dB at {entry['strength']:.3g}" for entry in entries]
        sentences.append(f"{problem}, {method}: {', '.join(found)}.")
    return f"PSNR against strength on the tuning images; the best found. {' '.join(sentences)}" if sentences else ""
