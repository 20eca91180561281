"""One HTML file that tells a stranger within a minute what won, what it cost, and what was conjured."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import jinja2
import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from PIL import Image

from reports import figures, store, strips, style, summary, trust_figure, trust_page
from reports.conjured_figure import conjured

if TYPE_CHECKING:
    from reports.cell import Record
    from reports.comparison import Comparison
    from reports.trust import Trust

MOST_IMAGES = 4  # in the grid of a problem
THEMED = {style.INK: "var(--ink)", style.MUTED: "var(--muted)", style.HAIR: "var(--hair)", style.PAPER: "var(--paper)"}


def build(comparison: Comparison) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Samples are judged here, once, so their figures (``trust_figure.save``) are written here too.

    Raises:
        OSError: the folder cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    comparison = figures.with_bias_named(comparison)
    spread = trust_page.judged(comparison)
    if spread.trust:
        trust_figure.save(spread.trust)
    shown = [(name, problem, stem) for name, problem, stem in figures.drawable(comparison) if name != "grid"]
    text = environment.get_template("template.html.j2").render(
        comparison=comparison,
        provenance=comparison.provenance,
        summary=summary,
        methods=summary.methods(comparison),
        looks={prior: (family, style.look(family)) for prior, family in families(comparison).items()},
        drawings=[Drawing(name, problem, svg(comparison, name, problem, stem), stem) for name, problem, stem in shown],
        columns={method: columns(comparison, method) for method in comparison.methods},
        tables={problem: table(comparison, problem) for problem in comparison.problems},
        grids={problem: grid(comparison, problem) for problem in comparison.problems},
        strips={problem: found for problem in comparison.problems if (found := sample_strips(comparison, problem))},
        spread=spread,
        trust=trust_page,
        trust_drawings=trust_drawings(spread.trust) if spread.trust else [],
        stems=figures.file_stems(comparison.problems),
    )
    path = comparison.folder / "report.html"
    store.write(path, lambda file: file.write(text.encode()))
    return path


def families(comparison: Comparison) -> dict[str, str | None]:
    family = {row.cell.prior: row.prior.get("family") for row in comparison.rows}
    return {prior: family[prior] for prior in comparison.priors}


class Drawing(NamedTuple):
    """A figure as it stands in the page, and the name of its files."""

    name: str
    problem: str
    svg: Markup
    stem: str


def svg(comparison: Comparison, name: str, problem: str, stem: str) -> Markup:
    """A figure of a problem for the page."""
    told = f"{figure_title(name)} of {problem}. {described(comparison, name, problem)}"
    return inline(figures.FIGURES[name](comparison, problem), stem, told)


def inline(figure: Figure, stem: str, told: str, margin: float = figures.EDGE) -> Markup:
    """A figure as inline SVG in the colours of the page, with ids of its own and a sentence for those who do not see it.

    ``margin`` inches are cut off on both sides, so that figure and text begin at one line.
    """
    file = io.StringIO()
    with matplotlib.rc_context(style.RC):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", dpi=figures.DPI, facecolor="none", metadata=nothing)
    text = re.sub(r"<!--.*?-->", "", file.getvalue().partition("<svg")[2], flags=re.DOTALL)  # comments repeat every text
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{stem}-", text)
    for colour, variable in THEMED.items():
        text = text.replace(colour, variable)
    attributes, _, drawing = text.partition(">")
    width, height = attributes.partition('viewBox="')[2].partition('"')[0].split()[2:]
    box = f"{72 * margin:g} 0 {float(width) - 2 * 72 * margin:g} {height}"
    return Markup(f'<svg viewBox="{box}" preserveAspectRatio="xMinYMin" role="img" aria-label="{escape(told)}">{drawing}')


class TrustDrawing(NamedTuple):
    """A figure about the samples of all problems; ``stem`` is the name of its files, ``method`` empty where it is about no one's."""

    stem: str
    method: str
    svg: Markup


def trust_drawings(trust: Trust) -> list[TrustDrawing]:
    """How well the spread holds, a figure for each method that samples, then what was measured at all."""
    found = []
    for i, (method, part) in enumerate(trust_page.by_method(trust).items()):
        svg = inline(trust_figure.calibration(part), f"trust-{i}", trust_page.told(part), margin=0)  # words stand in its margin
        found.append(TrustDrawing("trust", method, svg))
    return [*found, TrustDrawing("measured", "", inline(conjured(trust), "measured", trust_page.told_conjured(trust)))]


def figure_title(name: str) -> str:
    return {"spectrum": "The spectrum", "uncertainty": "Uncertainty maps"}[name]


def described(comparison: Comparison, name: str, problem: str) -> str:
    """All scores of a figure in words."""
    image = figures.example(comparison, problem)
    methods = [method for method in summary.methods(comparison) if name == "spectrum" or summary.is_sampled(comparison, method)]
    told = []
    for method in methods:
        rows = [(prior, comparison.row(prior, problem, image, method)) for prior in comparison.priors]
        found = [f"{prior} {(trust if name == 'uncertainty' else score)(row)}" for prior, row in rows]
        told.append(f"{summary.image_title(image)}, {summary.use(comparison, method)}: {', '.join(found)}.")
    return " ".join(told)


def score(row: Record | None) -> str:
    found = figures.panel(row)
    return found.words or found.score


def trust(row: Record | None) -> str:
    word, facts = figures.trusted(row)
    return " ".join([word, *facts.split()]) or figures.panel(row).words


class Column(NamedTuple):
    """A column of the table under one method."""

    head: str
    metric: str
    form: str
    ranked: bool = True


def columns(comparison: Comparison, method: str) -> list[Column]:
    if not summary.is_sampled(comparison, method):
        return [Column("PSNR", "psnr", ".2f"), Column("SSIM", "ssim", ".3f")]
    means = [Column("PSNR of mean", "psnr", ".2f"), Column("of one sample", "psnr_sample", ".2f"), Column("SSIM of mean", "ssim", ".3f")]
    nominal = summary.mean([row for row in comparison.rows if row.cell.method == method], "coverage_nominal")
    return means if nominal is None else [*means, Column(f"coverage, {nominal:.0%} nominal", "coverage", ".0%", ranked=False)]


class Entry(NamedTuple):
    """A number of the table as it is shown; ``best`` of its column among the priors that arrived on every image."""

    shown: str
    best: bool = False


class Entries(NamedTuple):
    """What the table says of a prior under a method: its numbers and cost, or why there are none."""

    metrics: list[Entry]
    calls: str
    seconds: str
    note: str


def table(comparison: Comparison, problem: str) -> dict[str, dict[str, Entries]]:
    """prior -> method -> entries; means over the images that arrived."""
    return {prior: {method: entries(comparison, problem, prior, method) for method in comparison.methods} for prior in comparison.priors}


def entries(comparison: Comparison, problem: str, prior: str, method: str) -> Entries:
    rows = summary.records(comparison, problem, method, prior)
    arrived = [row for row in rows if row.status == "done"]
    if not arrived:
        return Entries([], "", "", ", ".join(sorted({row.status for row in rows})) or "not run")
    complete = summary.is_complete(comparison, rows)
    found = []
    for column in columns(comparison, method):
        value = summary.mean(rows, column.metric)
        best = complete and column.ranked and value is not None and value == highest(comparison, problem, method, column.metric)
        found.append(Entry("" if value is None else format(value, column.form), best))
    calls, seconds = (float(np.mean([getattr(row, name) for row in arrived])) for name in ("calls", "seconds"))
    return Entries(found, f"{calls:,.0f}", f"{seconds:.1f}", "" if complete else f"{len(arrived)} of {len(comparison.images)} images")


def highest(comparison: Comparison, problem: str, method: str, metric: str) -> float | None:
    groups = [summary.records(comparison, problem, method, prior) for prior in comparison.priors]
    values = [summary.mean(rows, metric) for rows in groups if summary.is_complete(comparison, rows)]
    return max((value for value in values if value is not None), default=None)


class Picture(NamedTuple):
    """A picture of a grid, or ``words`` where there is none."""

    source: str
    alt: str
    caption: str = ""
    words: str = ""
    best: bool = False
    heuristic: bool = False


class Block(NamedTuple):
    """An image of a grid: truth and measurement, and for each method a picture by every prior."""

    title: str
    scene: list[Picture]
    rows: Mapping[str, list[Picture]]


def grid(comparison: Comparison, problem: str) -> list[Block]:
    blocks = []
    for image in figures.pictured(comparison, problem)[:MOST_IMAGES]:
        title, scene = summary.image_title(image), comparison.scene(problem, image)
        names = ("truth", "measured")
        pictures = [Picture(data_uri(shown), f"{name}: {title}, {problem}", name) for name, shown in zip(names, scene, strict=True)]
        rows = {method: pictures_of(comparison, problem, image, method) for method in summary.methods(comparison)}
        blocks.append(Block(title, pictures, rows))
    return blocks


def pictures_of(comparison: Comparison, problem: str, image: str, method: str) -> list[Picture]:
    panels = figures.panels(comparison, problem, image, method)
    found = []
    for prior, panel in zip(comparison.priors, panels, strict=True):
        alt = f"{prior}, {summary.use(comparison, method)}, {problem}, {summary.image_title(image)}: {panel.score or panel.words}"
        source = "" if panel.picture is None else data_uri(panel.picture)
        found.append(Picture(source, alt, panel.score, panel.words, panel is figures.best(panels), panel.heuristic))
    return found


class SampleRow(NamedTuple):
    """The samples of a prior by a method."""

    prior: str
    method: str
    heuristic: bool
    pictures: list[Picture]


class Samples(NamedTuple):
    """The strips of a problem: truth and measurement at the window, a row for each sampled prior, and two whole samples to flicker."""

    image: str
    window: str
    scene: list[Picture]
    rows: list[SampleRow]
    measured: Picture
    who: str
    pair: list[Picture]


def sample_strips(comparison: Comparison, problem: str) -> Samples | None:
    found = strips.strips(comparison, problem)
    if found is None:
        return None
    image, (row, column, side) = summary.image_title(found.image), found.window
    window = f"{side} × {side} pixels at row {row}, column {column}"
    scene = [
        Picture(data_uri(found.crop(picture)), f"{name}: {image}, {problem}, {window}", name)
        for name, picture in (("truth", found.truth), ("measured", found.shown))
    ]
    rows = [
        SampleRow(each.prior, each.method, each.heuristic, strip_pictures(comparison, problem, found, each)) for each in found.strips
    ]
    chosen, measured = found.flickered, Picture(data_uri(found.shown), f"measured: {image}, {problem}", "measured")
    who = f"{chosen.prior}, {summary.use(comparison, chosen.method)}{', heuristic' * chosen.heuristic}"
    return Samples(image, window, scene, rows, measured, who, strip_pictures(comparison, problem, found, chosen, whole=True)[:2])


def strip_pictures(
    comparison: Comparison, problem: str, found: strips.Strips, strip: strips.Strip, whole: bool = False
) -> list[Picture]:
    """The samples of a strip, whole or where the priors disagree most, each with its PSNR over the whole picture."""
    about = f"{strip.prior}, {summary.use(comparison, strip.method)}, {problem}, {summary.image_title(found.image)}"
    pictures = []
    for i, (sample, psnr) in enumerate(zip(strip.samples, strip.scores, strict=True), 1):
        alt = f"{about}: sample {i}{'' if whole else ' at the window'}, {psnr:.1f} dB{', heuristic' * strip.heuristic}"
        caption = f"sample {i} · {psnr:.1f} dB" if whole else f"{psnr:.1f} dB"
        pictures.append(Picture(data_uri(sample if whole else found.crop(sample)), alt, caption))
    return pictures


def data_uri(picture: np.ndarray) -> str:
    """A picture [H, W, C] as PNG inside the page."""
    file = io.BytesIO()
    shown = Image.fromarray(np.round(style.display(picture) * 255).astype(np.uint8))
    grey = picture.shape[-1] == 1 and not np.isnan(picture).any()
    (shown.convert("L") if grey else shown).save(file, "png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
