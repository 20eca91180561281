"""The figure that parts what was measured from what has to be made up."""

from __future__ import annotations

from typing import NamedTuple

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from problems.resolution import Resolution, twin
from reports.figures import charts, style
from reports.figures.crops import example
from reports.figures.panels import scale_below
from reports.figures.small_multiples import small_multiples
from reports.judging.shares import Share, percent, shares, truth_of
from reports.judging.trust import Trust
from reports.runs import titles

COLUMNS = ("truth", "measurement", "measured part\nof the truth", "conjured part\nof the truth", "measured share\nby pixel",
           "measured share\nby frequency", "another truth,\nsame data")  # fmt: skip
LEAST = 0.75  # inches: width of a picture and of the words above it
SCALE = Normalize(0, 1)


@matplotlib.rc_context(style.RC)
def conjured(trust: Trust, *, width: float = style.WIDTH, titled: bool = True) -> Figure:
    """A row for each problem: what was measured of a picture, what was left to the prior, and a second truth that fits as well."""
    below = (
        "The measured part of a picture is what its data fixed in spite of noise; the rest (grey is none) every method has to make up. "
        "Judged against the spectrum of natural images, whatever the prior. Frequencies are coarsest in the middle."
    )
    found = shares(trust)
    figure = charts.new_figure(width, "Measured or conjured?", below, titled)
    rows = [panels(trust, share) for share in found]

    def draw(axes: Axes, i: int, j: int) -> None:
        scale = {"norm": SCALE, "cmap": style.MAP} if COLUMNS[j].startswith("measured share") else {}
        charts.picture(axes, rows[i].pictures[j], **scale)
        if (i, j) == (len(found) - 1, 5):
            scale_below(figure.axes[-3:-1], SCALE, ends=(" conjured", " measured"))

    names, notes = [titles.problem_title(share.problem) for share in found], [row.told for row in rows]
    return small_multiples(figure, names, [COLUMNS] * len(found), draw, height=None, least=LEAST, notes=notes,
                           head={"loc": "center", "color": style.INK}, frame=False)  # fmt: skip


class Panels(NamedTuple):
    pictures: list[np.ndarray]  # one for each of COLUMNS
    told: str


def panels(trust: Trust, share: Share) -> Panels:
    image = example(trust.run, share.problem)
    x, measured = truth_of(trust, share.problem, image), trust.scenes[share.problem, image]
    mean = x.mean()
    fixed, rest = measured.split(x - mean)
    second = twin(measured.operator, x, other_truth(trust, share.problem, image))
    _, shown = trust.run.scene(share.problem, image)
    pictures = [style.display(each) for each in (plain(x), shown, plain(fixed + mean), plain(rest + 0.5), plain(second))]
    maps = [np.asarray(measured.pixel[0]), whole(measured)]
    return Panels([*pictures[:4], *maps, pictures[4]], told(share, measured, x, second))


def told(share: Share, measured: Resolution, x: Tensor, second: Tensor) -> str:
    """The numbers of a row in words."""
    change = float((measured.operator.forward(second) - measured.operator.forward(x)).square().mean().sqrt())
    agree = "agree to rounding" if change < 1e-9 else f"differ by {change:.1g}"
    return (
        f"Measured: {share.freedom.value:.0%} of the degrees of freedom, {percent(share.energy.value)} of the pictures' detail. "
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
