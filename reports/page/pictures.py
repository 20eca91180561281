"""The pictures of the page: grids of what every prior made of every image, and strips of samples; each is embedded once."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from reports.figures import sample_strips, style
from reports.figures.crops import example, pictured
from reports.figures.panels import best, panels
from reports.runs import titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

MOST_IMAGES = 4  # of a problem that are seen at once; the others are there when asked for
ROOM = 7.2e6  # bytes of all grids
EXACT, COMPRESSED = 0.9, 0.4  # bytes a value takes in the page, as PNG and as WebP, in pictures with some noise
QUALITY = 90  # of WebP: about 2/255 off, root mean square


class Picture(NamedTuple):
    """A picture of the page, or ``words`` where there is none.

    ``key`` is its id, by which others refer to it; ``of`` is the id of the picture of which this one is a copy.
    """

    source: str
    alt: str
    caption: str = ""
    words: str = ""
    best: bool = False
    heuristic: bool = False
    key: str = ""
    of: str = ""


class Block(NamedTuple):
    """An image of a grid: truth and measurement, and for each method a picture by every prior."""

    image: str
    title: str
    scene: list[Picture]
    rows: Mapping[str, list[Picture]]


class Room(NamedTuple):
    """How many images of each problem the page holds, and how many of these as they are; the others are compressed."""

    shown: int
    exact: int


def room(run: Run) -> Room:
    """All of them as they are if that fits into ``ROOM``; else those that are seen at once, and as many more as fit compressed."""
    images, first = len(run.images), run.rows[0].cell
    panels = len(run.problems) * (2 + len(run.priors) * len(run.methods))
    one = EXACT * first.size**2 * first.channels * panels
    if images * one <= ROOM:
        return Room(images, images)
    exact = min(MOST_IMAGES, int(ROOM / 2 / one))
    more = int((ROOM - exact * one) / (one * COMPRESSED / EXACT))
    return Room(max(min(images, exact + more), 1), exact)


def grid(run: Run, problem: str) -> list[Block]:
    """One block for each image that the page has room for, the one of the strips among them."""
    found, images = room(run), pictured(run, problem)
    chosen = images[: found.shown]
    if len(chosen) < len(images) and (shown := example(run, problem)) not in chosen:
        chosen[-1] = shown
    return [block(run, problem, image, i < found.exact) for i, image in enumerate(chosen)]


def block(run: Run, problem: str, image: str, exact: bool) -> Block:
    title, key = titles.image_title(image), key_of(run, problem, image)
    pictures = [
        Picture(data_uri(shown, exact), f"{name}: {title}, {problem}", name, key=f"{key}-{name}")
        for name, shown in zip(("truth", "measured"), run.scene(problem, image), strict=True)
    ]
    rows = {method: pictures_of(run, problem, image, method, exact) for method in run.ordered_methods}
    return Block(image, title, pictures, rows)


def pictures_of(run: Run, problem: str, image: str, method: str, exact: bool = True) -> list[Picture]:
    row = panels(run, problem, image, method)
    found = []
    for prior, panel in zip(run.priors, row, strict=True):
        alt = f"{prior}, {titles.use(run, method)}, {problem}, {titles.image_title(image)}: {panel.score or panel.words}"
        source, key = "" if panel.picture is None else data_uri(panel.picture, exact), key_of(run, problem, image, prior, method)
        found.append(Picture(source, alt, panel.score, panel.words, panel is best(row), panel.heuristic, key))
    return found


def key_of(run: Run, problem: str, image: str, prior: str = "", method: str = "") -> str:
    """The id of a picture; without a prior, what the ids of its image begin with."""
    key = f"p-{run.problems.index(problem)}-{run.images.index(image)}"
    return f"{key}-{number(run, prior, method)}" if prior else key


def number(run: Run, prior: str, method: str) -> int:
    """Of a result among all of one image."""
    return run.ordered_methods.index(method) * len(run.priors) + run.priors.index(prior)


class SampleRow(NamedTuple):
    """The samples of a prior by a method."""

    prior: str
    method: str
    heuristic: bool
    pictures: list[Picture]


class Samples(NamedTuple):
    """The strips of a problem: truth and measurement at the window, a row for each sampled prior, and two whole samples to flicker."""

    image: str
    title: str
    window: str
    scene: list[Picture]
    rows: list[SampleRow]
    measured: Picture
    who: str
    pair: list[Picture]


def sample_table(run: Run, problem: str) -> Samples | None:
    found = sample_strips.strips(run, problem)
    if found is None:
        return None
    title, (row, column, side) = titles.image_title(found.image), found.window
    window = f"{side} × {side} pixels at row {row}, column {column}"
    scene = [
        Picture(data_uri(found.crop(picture)), f"{name}: {title}, {problem}, {window}", name)
        for name, picture in (("truth", found.truth), ("measured", found.shown))
    ]
    rows = [SampleRow(each.prior, each.method, each.heuristic, crops(run, problem, found, each)) for each in found.strips]
    measured = Picture("", f"measured: {title}, {problem}", "measured", of=f"{key_of(run, problem, found.image)}-measured")
    who = f"{found.flickered.prior}, {titles.use(run, found.flickered.method)}{', heuristic' * found.flickered.heuristic}"
    return Samples(found.image, title, window, scene, rows, measured, who, pair(run, problem, found))


def crops(run: Run, problem: str, found: sample_strips.Strips, strip: sample_strips.Strip) -> list[Picture]:
    """The samples of a strip where the priors disagree most, each with its PSNR over the whole picture."""
    told = [described(run, problem, found, strip, i, " at the window") for i in range(len(strip.samples))]
    each = zip(strip.samples, strip.scores, told, strict=True)
    return [Picture(data_uri(found.crop(sample)), alt, f"{psnr:.1f} dB") for sample, psnr, alt in each]


def pair(run: Run, problem: str, found: sample_strips.Strips) -> list[Picture]:
    """The first two samples of the strip to flicker, whole; the first of them stands in the grid."""
    strip = found.flickered
    told = [described(run, problem, found, strip, i) for i in (0, 1)]
    captions = [f"sample {i + 1} · {strip.scores[i]:.1f} dB" for i in (0, 1)]
    first = key_of(run, problem, found.image, strip.prior, strip.method)
    return [Picture("", told[0], captions[0], of=first), Picture(data_uri(strip.samples[1]), told[1], captions[1])]


def described(run: Run, problem: str, found: sample_strips.Strips, strip: sample_strips.Strip, i: int, where: str = "") -> str:
    about = f"{strip.prior}, {titles.use(run, strip.method)}, {problem}, {titles.image_title(found.image)}"
    return f"{about}: sample {i + 1}{where}, {strip.scores[i]:.1f} dB{', heuristic' * strip.heuristic}"


def data_uri(picture: np.ndarray, exact: bool = True, quality: int = QUALITY) -> str:
    """A picture [H, W, C] inside the page: as PNG, or as WebP, unless pixels that were not measured are tinted."""
    file, tinted = io.BytesIO(), bool(np.isnan(picture).any())
    shown = Image.fromarray(np.round(style.display(picture) * 255).astype(np.uint8))
    if exact or tinted:
        kind = "png"
        (shown.convert("L") if picture.shape[-1] == 1 and not tinted else shown).save(file, kind)
    else:
        kind = "webp"
        shown.save(file, kind, quality=quality)
    return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode()
