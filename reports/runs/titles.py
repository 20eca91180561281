"""What problems, images and methods are called in figures, tables and pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import solvers
from reports.runs.selectors import Selector
from reports.runs.stored import Run

BIASED = "as published, biased"  # what exhibits are


def use(run: Run, method: str) -> str:
    n = run.draws(method)
    return f"sampled ({method}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{n})" if n else f"evaluated ({method})"


def counted(things: Sequence[object], noun: str) -> str:
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


def with_bias_named(run: Run) -> Run:
    """With the label of exhibits in the name of their method, so that it stands wherever the name does."""
    titles = {method: f"{method}, {BIASED}" for method in run.methods if is_exhibit(method)}
    rows = [replace(row, cell=replace(row.cell, method=titles.get(row.cell.method, row.cell.method))) for row in run.rows]
    return replace(run, rows=tuple(rows))


def is_exhibit(method: str) -> bool:
    name = method.partition("[")[0]
    return name in solvers.METHODS and solvers.METHODS[name].exhibit
