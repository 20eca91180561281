"""What the numbers say: means over images, and a verdict in plain words."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import solvers
from reports.selectors import Selector

if TYPE_CHECKING:
    from reports.cell import Record
    from reports.comparison import Comparison

VISIBLE = 0.2  # dB: a lead below this is a tie, however certain
VISIBLE_ALONE = 0.5  # dB: the same where a single image gives no hint of how much the lead varies
CERTAIN = 2.0  # standard errors of the lead, paired by image: a lead below this is a tie, however large
TRUSTED = 0.05  # a coverage this near to the nominal one is called about right
BIASED = "as published, biased"  # what exhibits are
FEW = 5  # images: fewer give a verdict about themselves


@dataclass(frozen=True)
class Line:
    """One line of a verdict: what it is about, the answer in a few words, and the numbers behind it."""

    about: str
    answer: str
    numbers: str


@dataclass(frozen=True)
class Ranking:
    """The priors that arrived on every image, best first, each with its PSNR in dB, image by image."""

    scores: dict[str, list[float]]

    @property
    def first(self) -> str:
        return next(iter(self.scores))

    def leads(self, prior: str) -> list[float]:
        """By how many dB the first is ahead of ``prior``, image by image."""
        return [best - other for best, other in zip(self.scores[self.first], self.scores[prior], strict=True)]

    @property
    def leaders(self) -> list[str]:
        """The first and those after it that tie with it, up to one that does not: nobody behind that one leads."""
        return list(itertools.takewhile(lambda prior: prior == self.first or tied(self.leads(prior)), self.scores))


def tied(leads: Sequence[float]) -> bool:
    """Whether leads in dB, one for each image, are too small to see or too uncertain to count."""
    if len(leads) == 1:
        return leads[0] < VISIBLE_ALONE
    error = statistics.stdev(leads) / len(leads) ** 0.5
    return statistics.mean(leads) < max(VISIBLE, CERTAIN * error)


def tie_rule(images: int) -> str:
    """How ``tied`` and ``leaders`` decide, in words."""
    if images == 1:
        return f"With a single image, a lead below {VISIBLE_ALONE} dB is called a tie, and the verdict is about this image alone."
    told = (
        f"A lead, paired image by image, is called a tie below {VISIBLE} dB or below {CERTAIN:g} of its standard errors; "
        "nobody ties who comes after one that is behind."
    )
    return f"{told} {images} images are few: the verdict is about them, not about images at large." if images < FEW else told


def ranking(comparison: Comparison, problem: str, method: str) -> Ranking:
    """By mean PSNR; of samples, the PSNR of their mean. A prior that failed on one image is not ranked."""
    scores = {}
    for prior in comparison.priors:
        rows = records(comparison, problem, method, prior)
        if is_complete(comparison, rows):
            scores[prior] = [row.metrics["psnr"] for row in rows]
    return Ranking(dict(sorted(scores.items(), key=lambda item: -statistics.mean(item[1]))))


def verdict(comparison: Comparison, problem: str) -> list[Line]:
    """Who won by how much and at what cost, evaluated and sampled; whether the spreads can be trusted; what is missing."""
    lines = [contest(comparison, problem, method) for method in methods(comparison)]
    for method in methods(comparison):
        if is_sampled(comparison, method):
            lines += trust(comparison, problem, method)
    return lines + losses(comparison, problem)


def contest(comparison: Comparison, problem: str, method: str) -> Line:
    found, about = ranking(comparison, problem, method), use(comparison, method)
    if not found.scores:
        return Line(about, "no winner", "No prior arrived on every image.")
    leaders = found.leaders
    told = f"{listed([f'{statistics.mean(found.scores[prior]):.1f}' for prior in leaders])} dB"
    if is_sampled(comparison, method):
        told = f"Mean of samples {told}{single(comparison, problem, method, found.first)}"
    behind = [prior for prior in found.scores if prior not in leaders]
    for word, prior in zip(("next", "last"), dict.fromkeys(behind[:1] + behind[-1:]), strict=False):
        told += f"; {word} {prior}, {statistics.mean(found.leads(prior)):.1f} dB behind"
    names = [prior + " (heuristic)" * is_heuristic(records(comparison, problem, method, prior)[0]) for prior in leaders]
    answer = f"tie of {listed(names)}" if len(names) > 1 else f"{names[0]} wins" if len(found.scores) > 1 else names[0]
    return Line(about, answer, f"{told}. {cost(comparison, problem, method, leaders)}")


def single(comparison: Comparison, problem: str, method: str, prior: str) -> str:
    value = mean(records(comparison, problem, method, prior), "psnr_sample")
    return "" if value is None else f", a single sample of {prior} {value:.1f} dB"


def cost(comparison: Comparison, problem: str, method: str, priors: Sequence[str]) -> str:
    groups = [records(comparison, problem, method, prior) for prior in priors]
    calls = dict.fromkeys(f"{statistics.mean(row.calls for row in rows):,.0f}" for rows in groups)
    seconds = [f"{statistics.mean(row.seconds for row in rows):.1f}" for rows in groups]
    return f"Cost: {listed(list(calls))} denoiser calls, {listed(seconds)} s an image."


def trust(comparison: Comparison, problem: str, method: str) -> list[Line]:
    """Measured against nominal coverage: one line for each judgement; heuristic samplers stand apart."""
    found: dict[str, list[str]] = {}
    nominal = None
    for prior in comparison.priors:
        rows = records(comparison, problem, method, prior)
        measured, nominal = mean(rows, "coverage"), mean(rows, "coverage_nominal") or nominal
        if measured is not None and nominal is not None:
            word = "heuristic" if is_heuristic(rows[0]) else judged(measured, nominal)
            found.setdefault(word, []).append(f"{measured:.0%} ({prior})")
    about = f"spread ({method})"
    if nominal is None:
        return [Line(about, "unknown", "Coverage needs at least two samples.")]
    meaning = {"heuristic": " No posterior stands behind these samples: the denoiser is not declared to be a mean."}
    told = f"Intervals that should hold {nominal:.0%} of the truth hold"
    words = [word for word in ("about right", "too narrow", "too wide", "heuristic") if word in found]
    return [Line(about, word, f"{told} {listed(found[word])}.{meaning.get(word, '')}") for word in words]


def judged(measured: float, nominal: float) -> str:
    """A coverage in words."""
    if abs(measured - nominal) <= TRUSTED:
        return "about right"
    return "too narrow" if measured < nominal else "too wide"


def losses(comparison: Comparison, problem: str) -> list[Line]:
    """What did not arrive, and how much of an interrupted run is still to come."""
    rows = [row for row in comparison.rows if row.cell.problem == problem]
    lost = [row for row in rows if row.status != "done"]
    told = [f"{row.cell.prior} {row.status} on {image_title(row.cell.image)} ({row.cell.method})" for row in lost]
    lines = [Line("missing", f"{len(lost)} without a result", f"{'; '.join(told)}.")] if lost else []
    left = len(comparison.priors) * len(comparison.images) * len(comparison.methods) - len(rows)
    return [*lines, Line("not yet run", f"{left} of {left + len(rows)} cells", "The verdict may change.")] if left else lines


def standings(comparison: Comparison) -> list[Line]:
    """Over all problems: how often each prior came first, alone or in a tie."""
    lines = []
    for method in methods(comparison):
        rankings = [ranking(comparison, problem, method) for problem in comparison.problems]
        wins = Counter(prior for found in rankings if found.scores for prior in found.leaders)
        told = [f"{prior} in {n}" for prior, n in wins.most_common()]
        lines.append(Line(use(comparison, method), listed(told) or "none", f"of {len(rankings)} problems"))
    return lines


def methods(comparison: Comparison) -> list[str]:
    """Those that evaluate, then those that sample."""
    return sorted(comparison.methods, key=lambda method: is_sampled(comparison, method))


def is_sampled(comparison: Comparison, method: str) -> bool:
    return draws(comparison, method) > 0


def draws(comparison: Comparison, method: str) -> int:
    """Samples drawn by a method; 0 where it estimates."""
    return max(row.cell.samples for row in comparison.rows if row.cell.method == method)


def use(comparison: Comparison, method: str) -> str:
    n = draws(comparison, method)
    return f"sampled ({method}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{n})" if n else f"evaluated ({method})"


def is_heuristic(row: Record) -> bool:
    """Whether its samples have no posterior meaning: only from a mean E[clean | x] can a score be made."""
    return row.cell.samples > 0 and row.prior.get("mmse") is not True


def records(comparison: Comparison, problem: str, method: str, prior: str) -> list[Record]:
    """In the order of the images; those not run are left out."""
    found = [comparison.row(prior, problem, image, method) for image in comparison.images]
    return [row for row in found if row is not None]


def is_complete(comparison: Comparison, rows: Sequence[Record]) -> bool:
    """Whether there is a result for every image that this method was run on: only then are means comparable."""
    wanted = {(row.cell.problem, row.cell.method) for row in rows}
    images = {row.cell.image for row in comparison.rows if (row.cell.problem, row.cell.method) in wanted}
    return bool(rows) and {row.cell.image for row in rows if row.status == "done"} == images


def mean(rows: Sequence[Record], metric: str) -> float | None:
    """Over those that arrived; None where none has the metric."""
    values = [row.metrics[metric] for row in rows if row.status == "done" and row.metrics.get(metric) is not None]
    return statistics.mean(values) if values else None


def counted(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def problem_title(problem: str) -> str:
    chosen = Selector.parse(problem)
    name = chosen.name.replace("_", " ").capitalize()
    return ", ".join([name, *(f"{option} {value}" for option, value in chosen.options)])


def image_title(image: str) -> str:
    """A bundled name, or the name of the file without its folders."""
    return Path(image).name


def with_bias_named(comparison: Comparison) -> Comparison:
    """With the label of exhibits in the name of their method, so that it stands wherever the name does."""
    titles = {method: f"{method}, {BIASED}" for method in comparison.methods if is_exhibit(method)}
    rows = [replace(row, cell=replace(row.cell, method=titles.get(row.cell.method, row.cell.method))) for row in comparison.rows]
    return replace(comparison, rows=tuple(rows))


def is_exhibit(method: str) -> bool:
    name = method.partition("[")[0]
    return name in solvers.METHODS and solvers.METHODS[name].exhibit
