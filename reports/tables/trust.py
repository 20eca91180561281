"""How far samples can be trusted, as tables: CSV and JSON with every number, Markdown and terminal for reading."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from problems.resolution import LABELS
from reports.judging.classes import CLASSES
from reports.judging.shares import Labelled, Share, labelled, percent, shares
from reports.judging.trust import Row, Trust
from reports.runs.files import finite, write, write_json
from reports.scores.ensemble import coverage_curve
from reports.scores.intervals import Estimate
from reports.tables.section import Section

METRICS = {
    "coverage": "share of the truth that its interval holds",
    "spread_skill": "spread of the samples / error of their mean: 1 is right, less is too sure",
    "mse_ratio": "MSE of a sample / MSE of the mean of infinitely many: 2 for an exact sampler",
    "rms_error": "root mean square error of the mean, pixel units",
    "crps": "fair CRPS, pixel units: lower is better",
    "energy": "fair energy score of 8 x 8 patches, pixel units: lower is better; whole pictures only",
    "psnr": "PSNR of the mean of the samples, dB",
    "psnr_sample": "PSNR of one sample, dB",
    "over_sample": "dB by which the mean of the samples beats one sample",
    "over_estimate": "dB by which the mean of the samples beats the estimate of the same prior",
}
HEADS = {"coverage": "coverage", "spread_skill": "spread / error", "mse_ratio": "MSE ratio", "rms_error": "error", "crps": "CRPS",
         "energy": "energy score", "psnr": "PSNR of mean", "psnr_sample": "of one sample", "over_sample": "mean over sample",
         "over_estimate": "mean over estimate"}  # fmt: skip
JUDGED = ("coverage", "spread_skill", "mse_ratio", "rms_error", "crps", "energy")  # in the order of importance
MEANS = ("psnr", "psnr_sample", "over_sample", "over_estimate", "mse_ratio")
FORETOLD = ("coverage", "rms_error")
PIXELS = ("rms_error", "crps", "energy")  # told in /255
EXPLAINED = (
    "Every number is made image by image; brackets hold its 95 % interval over {images} images (none for a single one). An exact sampler "
    "has coverage {nominal:.1%}, spread / error 1 and MSE ratio 2. With few images brackets are wide: a number is wrong only where they "
    "leave out the right one, and intervals are called unclear where they look wrong but the bracket does not. Photographs test "
    "sampler and prior together: a spread may be wrong because the sampler is, or because pictures are not what the prior believes."
)


def explained(trust: Trust) -> str:
    first = trust.rows[0]
    return EXPLAINED.format(images=len(first.scores), nominal=first.nominal)


def sections(trust: Trust, brief: bool = False) -> list[Section]:
    """What was measured, then each problem class by class, then means against samples, and what was simulated back."""
    found = [measured(shares(trust)), labels(trust, labelled(trust))]
    found += [judgements(trust, problem, JUDGED[:3] if brief else JUDGED) for problem in trust.problems]
    found.append(means(trust, MEANS[2:] if brief else MEANS))
    backs = [row for row in trust.rows if row.kind == "simulated back"]
    return [*found, compared(trust, backs)] if backs else found


def judgements(trust: Trust, problem: str, names: Sequence[str]) -> Section:
    lines = [
        (trust.label(row.prior, row.method), row.kind, *(told(row, name) for name in names), row.verdict + " (heuristic)" * row.heuristic)
        for row in trust.of(problem)
        if row.kind != "simulated back"
    ]
    title = f"{problem}: samples against the truth{', errors in /255' if 'crps' in names else ''}"
    return Section(title, ("prior", "class", *heads(names), "intervals"), tuple(lines))


def means(trust: Trust, names: Sequence[str]) -> Section:
    rows = [row for row in trust.rows if row.kind == "all"]
    names = [name for name in names if any(name in row.numbers for row in rows)]
    lines = [(row.problem, trust.label(row.prior, row.method), *(told(row, name) for name in names)) for row in rows]
    return Section("the law of the mushy mean: a mean of samples against one sample, dB", ("problem", "prior", *heads(names)), tuple(lines))


def compared(trust: Trust, backs: Sequence[Row]) -> Section:
    """What simulating back foretold, beside what the truth says."""
    lines = []
    for row in backs:
        real = next(each for each in trust.of(row.problem, "all") if (each.prior, each.method) == (row.prior, row.method))
        numbers = [told(each, name) for name in FORETOLD for each in (row, real)]
        lines.append((row.problem, trust.label(row.prior, row.method), *numbers))
    both = [f"{head}, {which}" for head in heads(FORETOLD) for which in ("foretold", "true")]
    return Section("simulated back: foretold without the truth, and true; errors in /255", ("problem", "prior", *both), tuple(lines))


def measured(found: Sequence[Share]) -> Section:
    lines = [(each.problem, percent(each.freedom.value), ranged(each.energy, percent), percent(1 - each.energy.value)) for each in found]
    heads = ("problem", "degrees of freedom measured", "energy of the truth measured", "of it conjured")
    return Section("measured or conjured, against the spectrum of natural images", heads, tuple(lines))


def labels(trust: Trust, found: Sequence[Labelled]) -> Section:
    def parted(parts: Sequence[float]) -> str:
        return " / ".join(f"{100 * share:.0f}" for share in parts) + " %"

    lines = [(each.problem, trust.label(each.prior, each.method), parted(each.pixels), parted(each.frequencies)) for each in found]
    title = f"{' / '.join(LABELS)}: inferred where the data did not fix it, but the samples agree to half of what pictures differ by"
    return Section(title, ("problem", "prior", "pixels", "frequencies"), tuple(lines))


def heads(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(HEADS[name] for name in names)


def told(row: Row, name: str) -> str:
    if name not in row.numbers:
        return "–"
    found = row.numbers[name]
    if name == "coverage":
        return ranged(found, percent)
    scale, digits = (255, 1) if name in PIXELS else (1, 2)
    return ranged(found, lambda number: f"{scale * number:.{digits}f}" if math.isfinite(number) else "–")


def ranged(found: Estimate, words: Callable[[float], str]) -> str:
    """A number and its interval, as far as they are known."""
    value, low, high = map(words, found)
    return value if math.isnan(found.low) else f"{value} [{low}, {high}]"


def entry(row: Row) -> dict[str, Any]:
    """A flat line: _low and _high are the interval over images."""
    cells: dict[str, float] = {}
    for name in METRICS:
        found = row.numbers.get(name, Estimate(math.nan))
        cells |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    facts = {name: getattr(row, name) for name in ("problem", "prior", "method", "family", "heuristic", "samples", "nominal")}
    return {**facts, "class": row.kind, "images": len(row.scores), **finite(cells), "intervals": row.verdict}


def curves(row: Row) -> dict[str, Any]:
    """Rank histogram and coverage curve, each with its interval: [value, low, high]."""
    nominal, _ = coverage_curve(row.scores[0].histogram)
    histogram = row.over_images(lambda found: found.histogram)
    coverage = row.over_images(lambda found: coverage_curve(found.histogram)[1])
    facts = {"problem": row.problem, "prior": row.prior, "method": row.method, "class": row.kind, "nominal": nominal.tolist()}
    return facts | {"coverage": plain(coverage), "rank_histogram": plain(histogram)}


def plain(found: Any) -> list[list[float | None]]:
    return [[float(number) if math.isfinite(number) else None for number in line] for line in found]


def named(found: Sequence[float]) -> dict[str, float]:
    return dict(zip(LABELS, found, strict=True))


def markdown(trust: Trust) -> str:
    meanings = [f"- {HEADS[name]}: {METRICS[name]}" for name in METRICS] + [f"- class {kind!r}: {words}" for kind, words in CLASSES.items()]
    parts = ["# How far the samples can be trusted", explained(trust), "\n".join(meanings)]
    for section in sections(trust):
        lines = [section.heads, ["---"] * len(section.heads), *section.lines]
        parts += [f"## {section.title}", "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    return "\n\n".join(parts) + "\n"


def export(trust: Trust, command: str = "") -> None:
    """Write trust.csv, .json and .md into the folder of the run, each whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    rows, text, folder = [entry(row) for row in trust.rows], io.StringIO(newline=""), Path(trust.run.folder)
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write(folder / "trust.csv", lambda file: file.write(text.getvalue().encode()))
    of_problems = [{"problem": s.problem, **finite({"freedom": s.freedom.value, "energy": s.energy.value})} for s in shares(trust)]
    of_priors = [asdict(each) | {"pixels": named(each.pixels), "frequencies": named(each.frequencies)} for each in labelled(trust)]
    provenance = {"command": command, "run": dict(trust.run.provenance)}
    content = {"provenance": provenance, "rows": rows, "curves": [curves(row) for row in trust.rows], "measured": of_problems}
    write_json(folder / "trust.json", content | {"labels": of_priors})
    write(folder / "trust.md", lambda file: file.write(markdown(trust).encode()))
