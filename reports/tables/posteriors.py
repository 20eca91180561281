"""What was proven, as tables: CSV and JSON with every number, Markdown and terminal for reading."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.experiments.guidance import Law
from reports.experiments.posteriors import EXACT, MEASUREMENTS, METRICS, NOISE, SHAPE, Field, Number, Proof, Row, promised
from reports.runs.files import write, write_json
from reports.runs.provenance import circumstances
from reports.tables.section import Section

HEADS = {"mean_error": "mean error", "std_ratio": "std ratio", "coverage": "coverage", "wasserstein": "W2",
         "weights_error": "mode weights", "in_mode_std": "std in mode"}  # fmt: skip


def explained(proof: Proof) -> str:
    """How it was measured, in words."""
    height, width = SHAPE[1:]
    return (
        f"Truths of {height} x {width} pixels are drawn from the prior and measured with noise {NOISE:g} (the last case: 0.2), "
        f"{MEASUREMENTS} for each case, and each measurement is answered by {proof.samples} samples. The posterior is known "
        "exactly. ± is one standard error over the measurements. What so many perfect samples would miss by chance is taken off "
        f"mean error and W2; of the mode weights it is the line {EXACT!r}. * marks what is outside of the promise that "
        "the default sampler is held to: with the Gaussian prior, at 20 (100) calls, mean error < 0.1 (0.05), std ratio 1 ± 0.05 "
        "(0.02) and coverage 0.9 ± 0.02 (0.01), for a hole twice that."
    )


def sections(proof: Proof) -> list[Section]:
    """One table for each case, then the gradient fields and the laws of guided samples."""
    found = []
    for case in proof.cases:
        rows = proof.of(case)
        names = [name for name in METRICS if any(name in row.numbers for row in rows)]
        heads = ("method", "calls", *(HEADS[name] for name in names), "seconds")
        found.append(Section(str(case), heads, tuple(line(row, names) for row in rows)))
    if proof.fields:
        found.append(gradients(proof.fields))
    return [*found, guided(proof.laws)] if proof.laws else found


def line(row: Row, names: Sequence[str]) -> tuple[str, ...]:
    if row.message:
        return (row.method, str(row.budget), outcome(row), *[""] * len(names))
    promise = promised(row)
    cells = [told(row.numbers[name], promise.get(name)) if name in row.numbers else "" for name in names]
    return (row.method, str(row.calls), *cells, f"{row.seconds:.1f}")


def outcome(row: Row) -> str:
    """Why a row has no numbers, in a word."""
    return "diverged" if row.message.startswith("Diverged") else "not possible"


def told(number: Number, promise: tuple[float, float] | None = None) -> str:
    kept = promise is None or promise[0] <= number.value <= promise[1]
    return f"{number.value:.3f}±{number.error:.3f}{'' if kept else '*'}"


def gradients(fields: Sequence[Field]) -> Section:
    sigmas = list(next((found.asymmetries for found in fields if found.asymmetries), {}))
    lines = []
    for found in fields:
        cells = [told(found.asymmetries[sigma]) for sigma in sigmas] if not found.message else ["not available"] * len(sigmas)
        lines.append((found.prior, "yes" if found.mmse else "no", *cells))
    heads = ("prior", "meant as MMSE", *(f"sigma {sigma:g}" for sigma in sigmas))
    return Section("is it a gradient field? |J − Jᵀ| / |J + Jᵀ|, 0 for the score of a density", heads, tuple(lines))


LAWS = (
    "Pictures of one pixel and two labels; the one that is asked for has a third of its pictures at 0.2 and two thirds at 1, the other "
    "lies between. Guidance by the label and by the gradient of the classifier are one answer, up to the rounding in the second column. "
    "At w = 1 the samples follow p(x | c), at 0 p(x); elsewhere they do not follow p(x | c)^w p(x)^(1 - w), the density that guidance "
    "is often taken for."
)


def guided(laws: Sequence[Law]) -> Section:
    """Mean, spread and share of the right mode, of samples and of the tilted density."""
    lines = [(f"{law.guidance:g}", f"{law.difference:.0e}", *numbers(law.samples), *numbers(law.tilted)) for law in laws]
    three = ("mean", "std", "right mode")
    heads = ("guidance w", "label − classifier", *(f"samples: {word}" for word in three), *(f"tilted: {word}" for word in three))
    return Section("guided samples of a labelled mixture, and the tilted density p(x | c)^w p(x)^(1 - w)", heads, tuple(lines))


def numbers(moments: Sequence[float]) -> list[str]:
    return [f"{value:.3f}" for value in moments]


def entry(row: Row) -> dict[str, Any]:
    """A flat line: _se is the standard error; None where nothing was measured."""
    cells: dict[str, Any] = {}
    for name in METRICS:
        number = row.numbers.get(name)
        cells |= {name: number.value if number else None, f"{name}_se": number.error if number else None}
    facts = {"prior": row.case.prior, "problem": row.case.problem, "method": row.method, "budget": row.budget, "calls": row.calls}
    return {**facts, **cells, "seconds": round(row.seconds, 3), "message": row.message}


def markdown(proof: Proof) -> str:
    parts = ["# Samplers against exact posteriors", explained(proof), "\n".join(f"- {HEADS[n]}: {METRICS[n]}" for n in METRICS)]
    for section in sections(proof):
        lines = [section.heads, ["---", *["---:"] * (len(section.heads) - 1)], *section.lines]
        parts += [f"## {section.title}", "\n".join(f"| {' | '.join(cells)} |" for cells in lines)]
    parts += [LAWS] if proof.laws else []
    return "\n\n".join(parts) + "\n"


def export(proof: Proof, folder: Path) -> None:
    """Write proof.csv, .json and .md, each whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    rows, text = [entry(row) for row in proof.rows], io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write(folder / "proof.csv", lambda file: file.write(text.getvalue().encode()))
    provenance = {**circumstances(proof.command), "samples": proof.samples, "measurements": MEASUREMENTS}
    fields = [
        {"prior": found.prior, "mmse": found.mmse, "message": found.message,
         "asymmetry": [{"sigma": sigma, "value": number.value, "se": number.error} for sigma, number in found.asymmetries.items()]}
        for found in proof.fields
    ]  # fmt: skip
    laws = [asdict(law) for law in proof.laws]
    write_json(folder / "proof.json", {"provenance": provenance, "rows": rows, "gradient_fields": fields, "guidance": laws})
    write(folder / "proof.md", lambda file: file.write(markdown(proof).encode()))
