"""What a label does to restored pictures, as Markdown: scores by problem and arm, then calibration class by class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports.experiments.labels import SCORES, Row, by_class, table
from reports.judging import trust
from reports.runs.files import write
from reports.scores import ensemble
from reports.tables.section import Section
from reports.tables.trust import heads, told

DIGITS = {"psnr": 2, "psnr_sample": 2, "crps": 4}
CALIBRATION = ("coverage", "spread_skill", "crps")
EXPLAINED = (
    "Brackets hold the 95 % interval over pictures (none for a single one). Exact samples have coverage {nominal:.1%} and spread / error "
    "1; less of either is too sure. A class is called unclear where it has too few pictures: give more with --pictures. CRPS is in "
    "/255."
)


def scores(rows: Sequence[Row]) -> Section:
    """Means over the pictures by problem and arm."""
    lines: list[dict[str, Any]] = table(rows)
    cells = [(line["problem"], line["label"], *(f"{line[name]:.{DIGITS.get(name, 3)}f}" for name in SCORES)) for line in lines]
    return Section("With the right label, a wrong one and none", ("problem", "label", *SCORES), tuple(cells))


def classes(rows: Sequence[Row]) -> list[Section]:
    """One table for each problem: is the spread of the samples right, by what the prior was told and by the class of the picture?"""
    found = by_class(rows)
    heading = ("prior", "class of the picture", "pictures", *heads(CALIBRATION), "intervals")
    return [
        Section(f"{problem}: calibration by class", heading, tuple(map(line, [row for row in found if row.problem == problem])))
        for problem in dict.fromkeys(row.problem for row in found)
    ]


def line(row: trust.Row) -> tuple[str, ...]:
    numbers = (told(row, name) for name in CALIBRATION)
    return (row.prior, row.kind, str(len(row.scores)), *numbers, row.verdict + " (heuristic)" * row.heuristic)


def explained(rows: Sequence[Row]) -> str:
    return EXPLAINED.format(nominal=nominal(rows))


def nominal(rows: Sequence[Row]) -> float:
    return ensemble.order(len(rows[0].spread.histogram) - 1, ensemble.LEVEL)[1]


def markdown(rows: Sequence[Row]) -> str:
    exact = f" ({nominal(rows):.2f} if exact)"
    notes = [f"- {name}: {words}{exact * (name == 'coverage')}" for name, words in SCORES.items()]
    first, *others = [scores(rows), *classes(rows)]
    return "\n\n".join([lines(first), "\n".join(notes), explained(rows), *map(lines, others)]) + "\n"


def lines(section: Section) -> str:
    cells = [section.heads, ["---"] * len(section.heads), *section.lines]
    return "\n".join([f"## {section.title}", "", *(f"| {' | '.join(each)} |" for each in cells)])


def export(rows: Sequence[Row], folder: Path) -> None:
    """Write labels.md.

    Raises:
        OSError: the folder cannot be written.
    """
    write(folder / "labels.md", lambda file: file.write(markdown(rows).encode()))
