"""The figure that parts what was measured from what has to be made up."""

from __future__ import annotations

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from problems.resolution import Resolution, twin
from reports.figures import style
from reports.figures.crops import example
from reports.figures.layout import EDGE, Sheet, show
from reports.judging.shares import Share, shares, truth_of
from reports.judging.trust import Trust
from reports.runs import titles

GAP, TOP, UNDER = 0.06, 1.35, 0.5  # inches: between panels, above the first row, from row to row beside a panel
SIDE = (style.WIDTH - 2 * EDGE - 6 * GAP) / 7
COLUMNS = ("truth", "measurement", "measured part\nof the truth", "conjured part\nof the truth", "measured share\nby pixel",
           "measured share\nby frequency", "another truth,\nsame data")  # fmt: skip
SCALE = Normalize(0, 1)


@matplotlib.rc_context(style.RC)
def conjured(trust: Trust) -> Figure:
    """A row for each problem: what was measured of a picture, what was left to the prior, and a second truth that fits as well."""
    below = (
        "The measured part of a picture is what its data fixed in spite of noise; the rest (grey is none) every method has to make up. "
        "Judged against the spectrum of natural images, whatever the prior. Frequencies are coarsest in the middle."
    )
    found = shares(trust)
    sheet = Sheet(style.WIDTH, TOP + len(found) * (SIDE + UNDER) - 0.05, "Measured or conjured?", below)
    colour_bar(sheet)
    for column, name in enumerate(COLUMNS):
        sheet.text(left(column) + SIDE / 2, TOP - 0.08, name, ha="center", va="bottom", size=6.5, linespacing=1.2)
    for i, share in enumerate(found):
        draw_row(sheet, trust, share, TOP + i * (SIDE + UNDER))
    return sheet.figure


def left(column: int) -> float:
    return EDGE + column * (SIDE + GAP)


def draw_row(sheet: Sheet, trust: Trust, share: Share, y: float) -> None:
    image = example(trust.run, share.problem)
    x, measured = truth_of(trust, share.problem, image), trust.scenes[share.problem, image]
    mean = x.mean()
    parts = measured.split(x - mean)
    second = twin(measured.operator, x, other_truth(trust, share.problem, image))
    sheet.text(EDGE, y, titles.problem_title(share.problem), weight="bold", size=7.5)
    sheet.text(EDGE, y + 0.22 + SIDE, told(share, measured, x, second), color=style.MUTED, size=6.5)
    axes = [sheet.axes(left(column), y + 0.18, SIDE, SIDE) for column in range(7)]
    _, shown = trust.run.scene(share.problem, image)
    for each, picture in zip(axes[:4], (plain(x), shown, plain(parts[0] + mean), plain(parts[1] + 0.5)), strict=True):
        show(each, picture, x.shape[-2:])
    shade(axes[4], np.asarray(measured.pixel[0]))
    shade(axes[5], whole(measured))
    show(axes[6], plain(second), x.shape[-2:])


def told(share: Share, measured: Resolution, x: Tensor, second: Tensor) -> str:
    """The numbers of a row in words."""
    change = float((measured.operator.forward(second) - measured.operator.forward(x)).square().mean().sqrt())
    agree = "agree to rounding" if change < 1e-9 else f"differ by {change:.1g}"
    return (
        f"Measured: {share.freedom.value:.0%} of the degrees of freedom, {share.energy.value:.0%} of the pictures' detail. "
        f"The data of both truths {agree}; the noise is {measured.noise_sigma:g}."
    )


def other_truth(trust: Trust, problem: str, image: str) -> Tensor:
    """Of the next picture; a run with a single one has its mirror image."""
    images = [name for where, name in trust.scenes if where == problem]
    if len(images) == 1:
        return truth_of(trust, problem, image).flip(-1)
    return truth_of(trust, problem, images[(images.index(image) + 1) % len(images)])


def plain(x: Tensor) -> np.ndarray:
    """[1, C, H, W] to [H, W, C]."""
    return x[0].movedim(0, -1).numpy()


def whole(measured: Resolution) -> np.ndarray:
    """The spectrum with both halves and the coarsest frequencies in the middle; of colours, their brightness."""
    width = measured.operator.image_shape[-1]
    half = measured.spectrum[0]
    mirrored = half[:, 1 : (width + 1) // 2].flip(0, 1).roll(1, 0)  # the columns that rfft2 leaves out
    return np.asarray(torch.fft.fftshift(torch.cat([half, mirrored], 1)))


def shade(axes: Axes, values: np.ndarray) -> None:
    axes.imshow(values, norm=SCALE, cmap=style.MAP)
    axes.set(xticks=[], yticks=[])


def colour_bar(sheet: Sheet) -> None:
    axes = sheet.axes(left(4), TOP - 0.58, 2 * SIDE + GAP, 0.07)
    bar = sheet.figure.colorbar(ScalarMappable(SCALE, style.MAP), axes, orientation="horizontal")
    bar.outline.set_visible(False)
    axes.set_xticks((0, 0.5, 1), ("0 conjured", "0.5", "1 measured"))
    axes.tick_params(length=2, labelsize=6)
