"""The page about guidance: samples by class at every w, fidelity against diversity, the exact case, and a sceptic's questions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from priors.guided import meant
from reports.experiments.guidance import Guidance, Guided
from reports.figures import guidance as guidance_figure
from reports.page import templates
from reports.page.lines import Line
from reports.page.pictures import data_uri
from reports.page.svg import inline
from reports.runs.provenance import Circumstances
from reports.tables.section import Section
from solvers.fit import SATURATED

SHOWN = 6  # samples of a class in the page
EXACT_WHERE = 20_000  # values of a page's pictures up to which they are kept exactly
NARROW = 0.9  # of the spread at w = 1, below which diversity counts as lost
FAITHFUL = 0.95  # share of samples of their label that is called well
WORTH = 0.1  # dB from which a label helps
WAYS = {"label": "the label", "classifier": "a classifier"}
SECTIONS = {"ask": "Ask for more", "curve": "Fidelity or diversity", "exact": "Drawn from what?", "worth": "What a label is worth",
            "doubt": "Questions", "how": "How"}  # fmt: skip


class Pick(NamedTuple):
    """One guidance as the page shows it: ``classes`` holds label, picture and words for each."""

    w: str
    way: str
    words: str
    scores: Mapping[str, str]
    classes: Sequence[tuple[str, str, str]]


def build(found: Guidance, exact: Sequence[Mapping[str, float]], how: Circumstances, folder: Path) -> Path:
    """Write ``folder``/report.html, one file that needs no other, and return its path.

    Raises:
        OSError: the folder cannot be written.
    """
    labels, n, *shape = found.found[0].samples.shape
    return templates.write(
        folder / "report.html",
        "guidance.html.j2",
        found=found,
        told=f"{n} samples of each of {labels} classes, {shape[2]} × {shape[1]} pixels, {len(found.found)} guidances; {how['date'][:10]}",
        sections=SECTIONS,
        picks=[pick(found, one) for one in found.found],
        ways={way: WAYS[way] for way in guidance_figure.ways(found)},
        first=usual(found),
        warning=list(warning(found)),
        curve=inline(guidance_figure.chart(found, "fidelity", "diversity"), "curve", " ".join(warning(found))),
        numbers=numbers(found),
        exact=exact_section(exact),
        exact_chart=inline(guidance_figure.chart(found, "exact"), "exact", exact_words(exact)),
        worth=worth(found),
        worth_chart=inline(guidance_figure.chart(found, "worth"), "worth", worth(found)) if found.curves else None,
        doubts=list(doubts(found, exact)),
        facts={"Files": "guidance.png, .pdf, guidance.json (every number), guidance.npz (every sample)"},
        how=how,
    )


def pick(found: Guidance, one: Guided) -> Pick:
    shown = {"of their label": f"{one.accuracy:.1%}", "spread within a class": f"{one.spread:.3f}"}
    if found.pictures:
        shown["of the spread of pictures of a class"] = f"{one.spread / spread_of_pictures(found):.0%}"
    scores = shown | {"of the pixels saturated": f"{one.saturated:.1%}"}
    columns = zip(found.labels, one.samples, strict=True)
    classes = [(label, column(samples), alt(label, one, len(samples[:SHOWN]))) for label, samples in columns]
    return Pick(f"{one.guidance:g}", one.way, meant(one.guidance), scores, classes)


def alt(label: str, one: Guided, n: int) -> str:
    return f"{n} samples of {label} at w = {one.guidance:g}, by {WAYS[one.way]}"


def column(samples: np.ndarray) -> str:
    """Samples [n, C, H, W] below each other, a grey line between."""
    shown = samples[:SHOWN].astype(np.float32).clip(0, 1).transpose(0, 2, 3, 1)
    ruled = [np.pad(each, ((0, 1), (0, 0), (0, 0)), constant_values=0.5) for each in shown]
    return data_uri(np.concatenate(ruled)[:-1], exact=shown.size < EXACT_WHERE)


def usual(found: Guidance) -> int:
    """Which guidance is shown first: 1, or the nearest."""
    first = next(iter(guidance_figure.ways(found).values()))
    return min(range(len(first)), key=lambda i: abs(first[i].guidance - 1))


def spread_of_pictures(found: Guidance) -> float:
    return float(np.mean(list(found.pictures.values())))


def rising(found: Guidance) -> Iterator[tuple[str, Guided, Guided]]:
    """For each way what the lowest guidance from 1 on gives, and the highest."""
    for way, each in guidance_figure.ways(found).items():
        from_one = sorted((one for one in each if one.guidance >= 1), key=lambda one: one.guidance)
        if len(from_one) > 1:
            yield way, from_one[0], from_one[-1]


def warning(found: Guidance) -> Iterator[str]:
    """The trade in words."""
    yield (
        "A label that counts for more is met more surely, and by fewer of the pictures that carry it: what is typical of the label is "
        "pushed away from what is typical of all others, and what is rare among its own pictures is lost first (Ho, Salimans 2022)."
    )
    for way, low, high in rising(found):
        kept = high.spread / low.spread
        yield (
            f"Guided by {WAYS[way]}, at w = {low.guidance:g} {low.accuracy:.1%} of the samples are of their label, at {high.guidance:g} "
            f"{high.accuracy:.1%}; the spread within a class is then {kept:.0%} of what it was, and {high.saturated:.1%} of the pixels are "
            f"saturated, {low.saturated:.1%} before."
        )


def numbers(found: Guidance) -> Section:
    heads = ("guided by", "w", "of their label", "spread within a class", "of that of pictures", "pixels saturated")
    real = spread_of_pictures(found) if found.pictures else math.nan
    lines = [
        (WAYS[one.way], f"{one.guidance:g}", f"{one.accuracy:.1%}", f"{one.spread:.3f}",
         f"{one.spread / real:.0%}" if found.pictures else "–", f"{one.saturated:.2%}")
        for one in found.found
    ]  # fmt: skip
    return Section("Every guidance in numbers", heads, tuple(lines))


def exact_section(rows: Sequence[Mapping[str, float]]) -> Section:
    heads = ("w", "samples", "p(x | c)ʷ p(x)¹⁻ʷ", "of it in their middle 90 %", "of p(x | c) in their middle 90 %")
    lines = [
        (f"{row['guidance']:g}", f"{row['mean']:.3f} ± {row['std']:.3f}", f"{row['tilted_mean']:.3f} ± {row['tilted_std']:.3f}",
         f"{row['tilted_covered']:.0%}", f"{row['label_covered']:.0%}")
        for row in rows
    ]  # fmt: skip
    return Section("Mean ± spread, and what the samples hold", heads, tuple(lines))


def exact_words(rows: Sequence[Mapping[str, float]]) -> str:
    last = rows[-1]
    return (
        f"Densities of the label, of the tilted law and of guided samples. At w = {last['guidance']:g} the middle 90 % of the samples hold "
        f"{last['tilted_covered']:.0%} of the tilted law and {last['label_covered']:.0%} of the pictures of the label."
    )


def worth(found: Guidance) -> str:
    """What the right label gains, on pictures that were not trained on where there are any."""
    if not found.curves:
        return "The card of this prior has no such curve: train it by priorbench train class, which measures it."
    part = next((part for part in found.curves if part.startswith("test")), list(found.curves)[-1])
    sigma, gain = np.array(found.curves[part]["sigma"]), gains(found.curves[part])
    most = int(gain.argmax())
    from_here = next((f" It helps by {WORTH} dB from σ = {s:g} on." for s, g in zip(sigma, gain, strict=True) if g >= WORTH), "")
    return (
        f"Denoising with the right label gains {gain[most]:.2f} dB at σ = {sigma[most]:g} and {gain[0]:.2f} dB at σ = {sigma[0]:g} "
        f"({part}).{from_here} Where little noise hides the picture, the picture says itself what it shows."
    )


def gains(curve: Mapping[str, Sequence[float]]) -> np.ndarray:
    """In dB, by noise level."""
    return np.subtract(curve["labelled"], curve["unlabelled"])


def doubts(found: Guidance, exact: Sequence[Mapping[str, float]]) -> Iterator[Line]:
    """What is to be asked of guided samples."""
    every, many = found.found, found.found[0].samples.shape[0] * found.found[0].samples.shape[1]
    one = min(every, key=lambda each: abs(each.guidance - 1))
    error = math.sqrt(max(one.accuracy * (1 - one.accuracy), 0.25 / many) / many)
    yield Line(
        f"Are samples at w = {one.guidance:g} of their label?", f"{one.accuracy:.1%} ± {error:.1%}", one.accuracy >= FAITHFUL,
        f"As a classifier says that was trained on the same pictures; {many} samples.",
    )  # fmt: skip
    yield Line(
        "How good is that judge?", "not told" if found.judge is None else f"{found.judge:.2%}", None,
        "Of test pictures that it names rightly. What it is sure of it need not be right about: it was never shown samples.",
    )
    if any(each.way == "classifier" for each in every):
        yield Line("Does the judge judge itself?", "yes", False, "It guided one of the two ways here, and it tells how well that worked.")
    if found.pictures:
        share = one.spread / spread_of_pictures(found)
        yield Line(f"Is a class as diverse as its pictures, at w = {one.guidance:g}?", f"{share:.0%}", share >= NARROW,
                   "Spread of the samples of a class over that of pictures that were held back. No label can give back what is missing "
                   "here.")  # fmt: skip
    for way, low, high in rising(found):
        yield Line(f"How much may one ask, by {WAYS[way]}?", bearable(found, way, low), None,
                   f"The largest w here at which as many are of their label as at {low.guidance:g}, and the spread is {NARROW:.0%} of "
                   "that or more.")  # fmt: skip
        yield Line(f"Do samples stay pictures up to w = {high.guidance:g}?", f"{high.saturated:.1%}", high.saturated <= SATURATED,
                   f"Pixels outside [0, 1]; {low.saturated:.1%} at w = {low.guidance:g}.")  # fmt: skip
    last = exact[-1]
    yield Line("Is there a density behind them?", "at 0 and 1 only", None,
               f"Elsewhere none: in the exact case at w = {last['guidance']:g} the middle 90 % of the samples hold "
               f"{last['label_covered']:.0%} of the pictures of the label. As a posterior, guided samples are a heuristic.")  # fmt: skip


def bearable(found: Guidance, way: str, low: Guided) -> str:
    mine = [one for one in found.found if one.way == way and one.guidance >= low.guidance]
    kept = [one.guidance for one in mine if one.spread >= NARROW * low.spread and one.accuracy >= low.accuracy]
    return f"w = {max(kept):g}"
