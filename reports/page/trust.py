"""What the page says of trust: a sentence for each problem and prior, tables, and the figures in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reports.figures.crops import example
from reports.judging.classes import CLASSES
from reports.judging.shares import labelled, percent, shares
from reports.judging.spread import is_few
from reports.judging.trust import Row, Trust
from reports.judging.verdict import Line
from reports.runs import titles
from reports.scores.intervals import Estimate
from reports.tables.section import Section
from reports.tables.trust import JUDGED, MEANS, explained, judgements, labels, means, measured

HELD = "The interval its samples give should hold the true pixel {nominal:.0f} times in 100 and holds it {held:.0f} times"
ANSWERS = {
    "about right": ("yes", HELD + "."),
    "too narrow": ("no, too sure of itself", HELD + ": the truth often lies outside what the samples show."),
    "too wide": ("no, too cautious", HELD + ": the truth is nearer than the samples suggest."),
    "not where errors are large": (
        "not where it is far off",
        HELD + ", but where their mean is far off the samples differ too little: all in all by {ratio:.2f} of the error.",
    ),
    "unclear": ("not settled", HELD + ", which over {images} images may be chance."),
    "too few images": ("too few images to judge", HELD + " on {these}."),
}
FEW_EXPLAINED = (
    "Every number is about {these} only: too few to say how much it would vary from one to the next, so nothing is judged. An exact "
    "sampler has coverage {nominal:.1%}, spread / error 1 and MSE ratio 2."
)
HEURISTIC = " A rule of thumb: no posterior stands behind these samples."


def verdicts(trust: Trust) -> Mapping[str, list[Line]]:
    """For each problem a plain sentence about each prior that samples."""
    return {problem: [sentence(trust, row) for row in trust.of(problem, "all")] for problem in trust.problems}


def sentence(trust: Trust, row: Row) -> Line:
    answer, told = ANSWERS[row.verdict]
    held, ratio = row.numbers["coverage"].value, row.numbers["spread_skill"].value
    words = told.format(nominal=100 * row.nominal, held=100 * held, ratio=ratio, images=len(row.scores), these=these(trust))
    about = trust.label(row.prior, row.method)
    return Line(about, answer + " (heuristic)" * row.heuristic, words + HEURISTIC * row.heuristic)


def mushy(trust: Trust) -> Section:
    """A mean of samples against one sample and against the estimate of the same prior."""
    return means(trust, MEANS)


def details(trust: Trust) -> list[Section]:
    """What was measured of each problem, what the samples agree on, and how they do class by class."""
    found = [replace(share, energy=Estimate(share.energy.value)) if is_few(trust.rows[0]) else share for share in shares(trust)]
    by_class = [judgements(trust, problem, JUDGED[:3]) for problem in trust.problems]
    return [measured(found), labels(trust, labelled(trust)), *by_class]


def caution(trust: Trust) -> str:
    """How the numbers are to be read."""
    return FEW_EXPLAINED.format(these=these(trust), nominal=trust.rows[0].nominal) if is_few(trust.rows[0]) else explained(trust)


def few(trust: Trust) -> str:
    """A reservation under the figures, where one is due."""
    return f"About {these(trust)} only, too few to judge." if is_few(trust.rows[0]) else ""


def these(trust: Trust) -> str:
    n = len(trust.rows[0].scores)
    return "this single image" if n == 1 else f"these {n} images"


def meanings(trust: Trust) -> dict[str, str]:
    """Of the classes that occur."""
    return {kind: words for kind, words in CLASSES.items() if any(row.kind == kind for row in trust.rows)}


def told(trust: Trust) -> str:
    """The figure of trust in words."""
    parts = []
    for row in (row for problem in trust.problems for row in trust.of(problem, "all")):
        numbers = {name: found.value for name, found in row.numbers.items()}
        parts.append(
            f"{row.problem}, {row.prior} sampled by {row.method}{', heuristic' * row.heuristic}: coverage {numbers['coverage']:.0%} of "
            f"{row.nominal:.0%} promised, spread / error {numbers['spread_skill']:.2f}, MSE ratio {numbers['mse_ratio']:.2f}"
        )
    return f"Can the spread of the samples be trusted? {'; '.join(parts)}."


def told_conjured(trust: Trust) -> str:
    """The figure of what was measured and what was conjured in words."""
    parts = []
    for share in shares(trust):
        image = titles.image_title(example(trust.run, share.problem))
        fixed = f"{share.freedom.value:.0%} of the degrees of freedom and {percent(share.energy.value)} of the detail are measured"
        parts.append(f"{share.problem}, shown on {image}: {fixed}, the rest is conjured by whatever method")
    return f"Measured or conjured? {'; '.join(parts)}."
