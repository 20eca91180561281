"""What was proven, as one HTML file for a stranger: which samplers draw from the posterior, and what the others get wrong."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

from reports.experiments.posteriors import EXACT, METRICS, Proof, Row, promised
from reports.figures import guidance as guidance_figure
from reports.figures.posteriors import DEFAULT, exactness
from reports.page import templates
from reports.page.svg import inline
from reports.tables.posteriors import HEADS, LAWS, explained, gradients, guided, sections
from reports.tables.section import Section

GLANCE: dict[str, tuple[str, Callable[[Sequence[float]], str]]] = {  # metric: head, how its values over the cases are told
    "mean_error": ("mean off by, in true stds", lambda values: f"up to {max(values):.2f}"),
    "std_ratio": ("spread / true spread", lambda values: between(values, ".2f")),
    "coverage": ("90 % interval holds", lambda values: between(values, ".0%")),
    "wasserstein": ("distance W2, in true stds", lambda values: f"up to {max(values):.2f}"),
    "weights_error": ("mode weights off by", lambda values: f"up to {max(values):.2f}"),
}


def build(proof: Proof, folder: Path) -> Path:
    """Write ``folder``/proof.html, one file that needs no other, and return its path.

    Raises:
        OSError: the folder cannot be written.
    """
    tables = [section for section in sections(proof) if section.heads[0] == "method"]
    return templates.write(
        folder / "proof.html",
        "proof.html.j2",
        proof=proof,
        explained=explained(proof),
        glance=glance(proof),
        promises=promises(proof),
        figure=inline(exactness(proof), "proof", told(proof)),
        tables=tables,
        fields=gradients(proof.fields) if proof.fields else None,
        guided=guided(proof.laws) if proof.laws else None,
        laws=LAWS,
        laws_drawing=inline(guidance_figure.laws(proof.laws), "laws", LAWS) if proof.laws else None,
        meanings={HEADS[name]: METRICS[name] for name in METRICS},
        date=datetime.date.today().isoformat(),
    )


def glance(proof: Proof) -> Section:
    """Each sampler at the largest budget it was given, over all cases; a perfect one first."""
    budget = max(row.budget for row in proof.rows)
    lines = [(method, *over_cases(rows)) for method in (EXACT, *proof.methods) if (rows := at(proof, method, budget))]
    return Section(f"At {budget} denoiser calls a sample", ("sampler", "cases", *(head for head, _ in GLANCE.values())), tuple(lines))


def at(proof: Proof, method: str, budget: int) -> list[Row]:
    return [row for row in proof.rows if row.method == method and row.budget == (0 if method == EXACT else budget)]


def over_cases(rows: Sequence[Row]) -> list[str]:
    answered = [row for row in rows if row.numbers]
    cells = []
    for name, (_, words) in GLANCE.items():
        values = [row.numbers[name].value for row in answered if name in row.numbers]
        cells.append(words(values) if values else "")
    return [f"{len(answered)} of {len(rows)}" if len(answered) < len(rows) else str(len(rows)), *cells]


def between(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def promises(proof: Proof) -> str:
    """How many of its promises the default sampler kept in this run; empty where it was not tried at them."""
    rows = [row for row in proof.rows if row.method == DEFAULT and row.numbers]
    found = [low <= row.numbers[name].value <= high for row in rows for name, (low, high) in promised(row).items() if name in row.numbers]
    return f"The default sampler, {DEFAULT}, kept {sum(found)} of its {len(found)} promises in this run." if found else ""


def told(proof: Proof) -> str:
    """The figure in words: what the first table says."""
    section = glance(proof)
    lines = ["; ".join(f"{head} {cell}" for head, cell in zip(section.heads, line, strict=True) if cell) for line in section.lines]
    return f"Error of every sampler against denoiser calls, case by case. {section.title}: {'. '.join(lines)}."
