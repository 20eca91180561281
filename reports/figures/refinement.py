"""The figure of regression against refinement: the plane of perception and distortion, what is left elsewhere, and the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.experiments.refinement import MEAN, SAMPLES, Refinement
from reports.figures import charts, style
from reports.runs import titles

TITLE = "Regression against refinement"
PANEL = 1.7  # inches: height of the charts
LOOKS = {
    "regression": ("o", style.FAMILIES["learned"].colour),
    "diffusion": ("^", style.FAMILIES["generative"].colour),
    "diffusion-regression": ("v", style.FAMILIES["generative"].colour),
    "flow": ("s", style.FAMILIES["variational"].colour),
    "flow-regression": ("D", style.FAMILIES["variational"].colour),
    MEAN: ("P", style.INK),
    SAMPLES: ("X", style.INK),
}
SHOWN = ("regression", "diffusion", "flow-regression", MEAN, SAMPLES)  # as pictures
SHORT = {"diffusion": "diffusion, one", "flow-regression": "flow, refined, one", MEAN: "plug-and-play, mean", SAMPLES: "plug-and-play, one"}


@matplotlib.rc_context(style.RC)
def figure(found: Refinement, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """Charts above; below the answers to the first picture, where the network was trained and on the first other problem."""
    told = [found.trained] if found.trained in found.problems else []
    strips = (told + [problem for problem in found.problems if problem != found.trained])[:2]
    drawn = charts.new_figure(width, TITLE, explained(found), titled)
    side = (width - 2 * charts.MARGIN) / (len(SHOWN) + 2) - 0.08
    above = drawn.add_gridspec(2, 1, height_ratios=[PANEL + 0.45, len(strips) * (side + 0.3)])
    top, bottom = above[0].subgridspec(1, 2), above[1].subgridspec(len(strips), len(SHOWN) + 2)
    left, right = (drawn.add_subplot(top[0, j]) for j in range(2))
    plane(left, found, strips[0])
    elsewhere(right, found)
    for i, problem in enumerate(strips):
        strip([drawn.add_subplot(bottom[i, j]) for j in range(len(SHOWN) + 2)], found, problem)
    looks = {name: {"marker": LOOKS[name][0], "color": LOOKS[name][1], "markersize": 4} for name in found.entrants}
    charts.legend_below(drawn, charts.handles(looks))
    return charts.fit_height(drawn, left, 1 + len(strips) * (side + 0.3) / PANEL, PANEL)


def explained(found: Refinement) -> str:
    return (
        f"One network, told which of five arms it plays, was trained on {titles.problem_title(found.trained)}; plug-and-play was trained "
        "on no problem and is told the operator. Left: a filled mark is one answer, a hollow one the mean of the samples, drawn at the "
        "height of one. Right: PSNR of the answer, or of the mean of the samples, on each problem."
    )


def plane(axes: Axes, found: Refinement, problem: str) -> None:
    """PSNR of an answer against the distance of its patches; the mean of the samples as a hollow mark at the level of its own PSNR."""
    for name, scores in found.means(problem).items():
        (marker, colour), one, mean, unlike = LOOKS[name], scores["psnr_sample"], scores["psnr"], scores["patches"]
        if one is None or mean is None or unlike is None:
            continue
        axes.plot([one], [unlike], marker=marker, color=colour, markersize=5, linestyle="none")
        if scores["coverage"] is not None:
            axes.plot([mean, one], [unlike, unlike], color=colour, linewidth=0.6)
            axes.plot([mean], [unlike], marker=marker, color=colour, markersize=4, markerfacecolor=style.PAPER, linestyle="none")
    charts.plain(axes, "PSNR, dB (right is nearer to the truth)", "SWD of patches, /255 (down is truer to life)")
    axes.set_title(titles.problem_title(problem), size=6.5, weight="bold")


def elsewhere(axes: Axes, found: Refinement) -> None:
    """PSNR of every entrant on every problem, the trained one first."""
    problems = sorted(found.problems, key=lambda problem: problem != found.trained)
    for name in found.entrants:
        marker, colour = LOOKS[name]
        values = [found.means(problem).get(name, {}).get("psnr") for problem in problems]
        heights = [float("nan") if value is None else value for value in values]
        axes.plot(range(len(problems)), heights, marker=marker, color=colour, markersize=4, linewidth=0.7, alpha=0.9)
    axes.set_xticks(range(len(problems)), [wrapped(titles.problem_title(problem)) for problem in problems])
    charts.plain(axes, "", "PSNR, dB")
    axes.set_title("Trained for the first; told nothing of the others", size=6.5, weight="bold")


def wrapped(title: str) -> str:
    return title.replace(", ", "\n").replace("Super resolution", "SR")


def strip(row: Sequence[Axes], found: Refinement, problem: str) -> None:
    image = next(row.image for row in found.rows if row.problem == problem)
    truth, y = found.scenes[problem, image]
    pictures = {"truth": truth, "shown to the network": y}
    for name in SHOWN:
        mine = [each for each in found.rows if (each.problem, each.image, each.entrant) == (problem, image, name)]
        if mine:
            pictures[SHORT.get(name, name)] = mine[0].mean if name == MEAN else mine[0].one
    for axes, (name, picture) in zip(row, pictures.items(), strict=False):
        charts.picture(axes, style.display(picture))
        axes.set_title(name, size=5.5, pad=2)
    for axes in row[len(pictures) :]:
        axes.set_visible(False)
    row[0].set_ylabel(wrapped(titles.problem_title(problem)), size=5.5, labelpad=2)


def save(found: Refinement, folder: Path) -> list[Path]:
    """Write refinement.png and refinement.pdf; returns their paths.

    Raises:
        OSError: the folder cannot be written.
    """
    return charts.save(figure(found), folder / "refinement")
