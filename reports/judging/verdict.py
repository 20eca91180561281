"""Who won: rankings, ties and a verdict in plain words."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reports.runs.cell import Record, is_doubtful, is_heuristic
from reports.runs.stored import Run, mean
from reports.runs.titles import counted, image_title, listed, use

VISIBLE = 0.2  # dB: a smaller lead is a tie even if it is statistically certain
VISIBLE_ALONE = 0.5  # dB: the same where a single image gives no hint of how much the lead varies
CERTAIN = 2.0  # standard errors of the lead, paired by image: a smaller lead is a tie even if it is large
TRUSTED = 0.05  # a coverage this near to the nominal one is called about right
FEW = 5  # images: with fewer the verdict is about these images only


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


def ranking(run: Run, problem: str, method: str) -> Ranking:
    """By mean PSNR; of samples, the PSNR of their mean. A prior that failed on one image is not ranked."""
    scores = {}
    for prior in run.priors:
        rows = run.records(problem, method, prior)
        if run.is_complete(rows):
            scores[prior] = [row.metrics["psnr"] for row in rows]
    return Ranking(dict(sorted(scores.items(), key=lambda item: -statistics.mean(item[1]))))


def verdict(run: Run, problem: str) -> list[Line]:
    """Who won by how much and at what cost, evaluated and sampled; whether the spreads can be trusted; what is missing."""
    lines = [contest(run, problem, method) for method in run.ordered_methods]
    for method in run.ordered_methods:
        if run.is_sampled(method):
            lines += trust(run, problem, method)
    return lines + doubts(run, problem) + losses(run, problem)


def contest(run: Run, problem: str, method: str) -> Line:
    found, about = ranking(run, problem, method), use(run, method)
    if not found.scores:
        return Line(about, "no winner", "No prior arrived on every image.")
    leaders = found.leaders
    told = f"{listed([f'{statistics.mean(found.scores[prior]):.1f}' for prior in leaders])} dB"
    if run.is_sampled(method):
        told = f"Mean of samples {told}{single(run, problem, method, found.first)}"
    behind = [prior for prior in found.scores if prior not in leaders]
    for word, prior in zip(("next", "last"), dict.fromkeys(behind[:1] + behind[-1:]), strict=False):
        told += f"; {word} {prior}, {statistics.mean(found.leads(prior)):.1f} dB behind"
    names = [prior + marks(run.records(problem, method, prior)) for prior in leaders]
    answer = f"tie of {listed(names)}" if len(names) > 1 else f"{names[0]} wins" if len(found.scores) > 1 else names[0]
    return Line(about, answer, f"{told}. {cost(run, problem, method, leaders)}")


def marks(rows: Sequence[Record]) -> str:
    """What a winner must not hide."""
    found = ["heuristic"] * is_heuristic(rows[0]) + ["doubtful"] * any(map(is_doubtful, rows))
    return f" ({', '.join(found)})" if found else ""


def single(run: Run, problem: str, method: str, prior: str) -> str:
    value = mean(run.records(problem, method, prior), "psnr_sample")
    return "" if value is None else f", a single sample of {prior} {value:.1f} dB"


def cost(run: Run, problem: str, method: str, priors: Sequence[str]) -> str:
    groups = [run.records(problem, method, prior) for prior in priors]
    calls = dict.fromkeys(f"{statistics.mean(row.calls for row in rows):,.0f}" for rows in groups)
    seconds = [f"{statistics.mean(row.seconds for row in rows):.1f}" for rows in groups]
    return f"Cost: {listed(list(calls))} denoiser calls, {listed(seconds)} s an image."


def trust(run: Run, problem: str, method: str) -> list[Line]:
    """Measured against nominal coverage: one line for each judgement; heuristic samplers stand apart."""
    found: dict[str, list[str]] = {}
    nominal = None
    for prior in run.priors:
        rows = run.records(problem, method, prior)
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


def doubts(run: Run, problem: str) -> list[Line]:
    """The answers that do not fit their data as they should, or have not settled, and how."""
    rows = [row for row in run.rows if row.cell.problem == problem and is_doubtful(row)]
    told = [f"{row.cell.prior} by {row.cell.method} on {image_title(row.cell.image)}: {row.message}" for row in rows]
    return [Line("doubtful", counted(rows, "answer"), f"{'. '.join(told)}.")] if rows else []


def losses(run: Run, problem: str) -> list[Line]:
    """What did not arrive, and how much of an interrupted run is still to come."""
    rows = [row for row in run.rows if row.cell.problem == problem]
    lost = [row for row in rows if row.status != "done"]
    told = [f"{row.cell.prior} {row.status} on {image_title(row.cell.image)} ({row.cell.method})" for row in lost]
    lines = [Line("missing", f"{len(lost)} without a result", f"{'; '.join(told)}.")] if lost else []
    left = len(run.priors) * len(run.images) * len(run.methods) - len(rows)
    return [*lines, Line("not yet run", f"{left} of {left + len(rows)} cells", "The verdict may change.")] if left else lines


def standings(run: Run) -> list[Line]:
    """Over all problems: how often each prior came first, alone or in a tie."""
    lines = []
    for method in run.ordered_methods:
        rankings = [ranking(run, problem, method) for problem in run.problems]
        wins = Counter(prior for found in rankings if found.scores for prior in found.leaders)
        told = [f"{prior} in {n}" for prior, n in wins.most_common()]
        lines.append(Line(use(run, method), listed(told) or "none", f"of {len(rankings)} problems"))
    return lines
