"""What the priors believe an image looks like: samples with nothing measured, set against photographs in contrast and spectrum."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from torch import Tensor

import priors
import solvers
from priors.photographs import centre_crops, listing
from reports import store, style
from reports.cell import load_prior
from reports.figures import DPI, EDGE, GAP, Sheet, short, show
from reports.selectors import Selector
from solvers.unconditional import Nothing, generator

BANDS = (0.022, 0.045, 0.09, 0.18, 0.5)  # cycles per pixel: edges of coarse, middle, fine and finest, an octave each
NAMES = ("coarse", "middle", "fine", "finest")
STROKES = ("-", "--", ":", "-.")  # of the lines of one family
PANEL, SIDE, TOP, SPECTRUM = 0.86, 0.95, 0.75, 2.0  # inches: a sample, left of them, above them, the spectra below


@dataclass(frozen=True)
class Statistics:
    """Of images [N, C, H, W]: rms distance of a pixel from the mean of its image, and radial power at the frequencies ``f``."""

    contrast: float
    f: np.ndarray
    power: np.ndarray

    @staticmethod
    def of(images: Tensor) -> Statistics:
        centred = images.double() - images.double().mean((-2, -1), keepdim=True)
        return Statistics(float(centred.square().mean().sqrt()), *radial_power(centred.numpy()))

    def against(self, other: Statistics) -> list[float]:
        """Power over that of ``other`` in dB, mean over each of the bands."""
        ratio = 10 * np.log10(self.power / np.interp(self.f, other.f, other.power))
        return [float(ratio[(self.f >= low) & (self.f < high)].mean()) for low, high in pairwise(BANDS)]


def radial_power(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f in cycles per pixel, mean power of an orthonormal Fourier coefficient there) of images [N, C, H, W].

    A Hann window keeps the jump at the border of a photograph out of the fine frequencies.
    """
    height, width = images.shape[-2:]
    window = np.hanning(height)[:, None] * np.hanning(width)
    power = np.abs(np.fft.fft2(images * window, norm="ortho")) ** 2 / (window**2).mean()
    rings = np.rint(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) * min(height, width)).astype(int)
    inside = range(1, min(height, width) // 2)
    return np.array(inside) / min(height, width), np.array([power[..., rings == k].mean() for k in inside])


def photographs(folder: Path | None, size: int, channels: int) -> Statistics:
    """Those of the photographs below ``folder``; without one those of the Gaussian prior, whose spectrum was fitted to photographs."""
    if folder is not None:
        return Statistics.of(centre_crops(listing([folder]), channels, size, 200))
    gaussian = priors.load("gaussian")
    density = gaussian.density((channels, size, size)).numpy()  # type: ignore[attr-defined]
    row = density[:, 0, 1 : size // 2].mean(0)
    whole = np.concatenate([density, density[..., 1 : (size + 1) // 2]], -1)
    return Statistics(math.sqrt((whole.sum((-2, -1)) - whole[:, 0, 0]).mean() / size**2), np.arange(1, size // 2) / size, row)


@dataclass(frozen=True)
class Belief:
    """Samples of one prior by one method, with their statistics."""

    prior: str
    method: str
    generated: solvers.Generated
    statistics: Statistics


@dataclass(frozen=True)
class Plan:
    """What is to be drawn."""

    priors: tuple[str, ...]
    methods: tuple[str, ...]
    size: int
    channels: int
    n: int
    steps: int | None
    seed: int


def checked(plan: Plan) -> Plan:
    """The plan, once every prior is found to be drawable by every method.

    Raises:
        ValueError, ImportError: what is wrong, in one sentence.
    """
    for what, value, least in (("size", plan.size, 16), ("samples", plan.n, 1), ("steps", plan.steps, 2), ("seed", plan.seed, 0)):
        if value is not None and value < least:
            raise ValueError(f"{what} must be at least {least}, not {value}")
    if plan.channels not in (1, 3):
        raise ValueError(f"channels must be 1 for grey or 3 for colour, not {plan.channels}")
    if not (plan.priors and plan.methods):
        raise ValueError("nothing to draw; name at least one prior and one method")
    for prior in plan.priors:
        for method in plan.methods:
            chosen = generator(method)
            levels = chosen.levels(Nothing(), load_prior(prior, plan.channels), 1.0, plan.steps or chosen.steps)
        tried(prior, plan, levels[0])
    return plan


def tried(name: str, plan: Plan, sigma: float) -> None:
    """One call of a prior on a small grey image, before anything long begins."""
    flat = torch.full((1, plan.channels, 16, 16), 0.5)
    try:
        answer = load_prior(name, plan.channels).denoise(flat, sigma)
    except Exception as error:
        raise ValueError(f"prior {name!r} cannot denoise an image of 16 x 16 pixels: {error}") from error
    if getattr(answer, "shape", None) != flat.shape:
        raise ValueError(f"prior {name!r} does not return an image of the shape it was given")


def draw(plan: Plan, tell: Callable[[str], None]) -> Iterator[Belief]:
    """Every prior by every method, from the same noise."""
    for name in dict.fromkeys(str(Selector.parse(text)) for text in plan.priors):
        for method in plan.methods:
            tell(f"{name} by {method} ...")
            shape = (plan.channels, plan.size, plan.size)
            try:
                found = solvers.generate(load_prior(name, plan.channels), shape, plan.n, plan.seed, method, plan.steps)
            except solvers.Diverged as error:
                tell(f"  left out: {error}")
            else:
                yield Belief(name, method, found, Statistics.of(found.samples))


def rows(beliefs: Iterable[Belief], real: Statistics) -> list[dict[str, Any]]:
    """One flat line for each: calls and seconds an image, contrast, and power over that of photographs by band, in dB."""
    return [
        {
            "prior": belief.prior,
            "method": belief.method,
            "heuristic": belief.generated.heuristic,
            "calls": belief.generated.calls // len(belief.generated.samples),
            "seconds": round(belief.generated.seconds / len(belief.generated.samples), 3),
            "contrast": round(belief.statistics.contrast, 4),
            "contrast_of_photographs": round(real.contrast, 4),
            **{f"{band}_dB": round(gain, 2) for band, gain in zip(NAMES, belief.statistics.against(real), strict=True)},
        }
        for belief in beliefs
    ]


@matplotlib.rc_context(style.RC)
def figure(beliefs: Sequence[Belief], real: Statistics, source: str) -> Figure:
    """Samples in rows, one for each prior and method, on the grey scale of images; below, their spectra against photographs."""
    n = len(beliefs[0].generated.samples)
    width = max(EDGE + SIDE + n * (PANEL + GAP) + EDGE, 5.2)
    below = TOP + len(beliefs) * (PANEL + GAP) + 0.25
    side = beliefs[0].generated.samples.shape[-1]
    title = "What each prior believes an image looks like"
    words = f"{n} {'samples' if n > 1 else 'sample'} of {side} × {side} pixels from pure noise, nothing measured; the same noise in each "
    words += "column. Contrast is the rms distance of a pixel from the mean of its image."
    sheet = Sheet(width, below + SPECTRUM + 0.5, title, words)
    for i, belief in enumerate(beliefs):
        strip(sheet, belief, TOP + i * (PANEL + GAP))
    spectra(sheet.axes(EDGE + 0.5, below, width - 2 * EDGE - 0.5, SPECTRUM), beliefs, real, source)
    return sheet.figure


def strip(sheet: Sheet, belief: Belief, y: float) -> None:
    sheet.text(EDGE, y + 0.2, short(belief.prior, 15), size=7.5, weight="bold")
    for k, words in enumerate((belief.method + ", heuristic" * belief.generated.heuristic, f"contrast {belief.statistics.contrast:.2f}")):
        sheet.text(EDGE, y + 0.36 + 0.14 * k, words, size=6, color=style.MUTED)
    for k, sample in enumerate(belief.generated.samples):
        image = sample.permute(1, 2, 0).numpy()
        show(sheet.axes(EDGE + SIDE + k * (PANEL + GAP), y, PANEL, PANEL), image, image.shape)


def spectra(axes: Axes, beliefs: Sequence[Belief], real: Statistics, source: str) -> None:
    axes.loglog(real.f, real.power, color=style.INK, linewidth=2.2, alpha=0.35, label=f"{source}, contrast {real.contrast:.2f}")
    seen: list[str | None] = []
    for belief in beliefs:
        family = getattr(belief.generated.prior, "family", None)
        look, stroke = style.look(family), STROKES[seen.count(family) % len(STROKES)]
        seen.append(family)
        found, every = belief.statistics, max(1, len(belief.statistics.f) // 8)
        axes.loglog(found.f, found.power, color=look.colour, marker=look.marker, markevery=every, markersize=3.5, linewidth=1.1,
                    linestyle=stroke, label=f"{belief.prior}, {belief.method}")  # fmt: skip
    axes.set(xlabel="frequency in cycles per pixel", ylabel="power of a Fourier coefficient")
    axes.xaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5]))
    axes.xaxis.set_minor_locator(NullLocator())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, place: f"{value:g}")
    axes.grid(color=style.HAIR, linewidth=0.5)
    axes.legend(frameon=False, fontsize=6, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)


def save(beliefs: Sequence[Belief], real: Statistics, source: str, folder: Path) -> list[Path]:
    """Write sample.png, sample.pdf and sample.json; returns their paths."""
    drawn, paths = figure(beliefs, real, source), []
    for suffix in ("png", "pdf"):
        path = folder / f"sample.{suffix}"
        store.write(path, functools.partial(drawn.savefig, format=suffix, dpi=DPI))
        paths.append(path)
    store.write_json(folder / "sample.json", {"rows": rows(beliefs, real), "photographs": source})
    return [*paths, folder / "sample.json"]
