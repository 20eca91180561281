"""Figures of a comparison, drawn from stored records: nothing is solved, and what is compared shares its scale."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

import solvers
from reports import store, style
from reports.crops import Window, disagreement, example, pictured, window_of
from reports.grid import grid
from reports.panels import Panel, best, panel, panels
from reports.sheet import DPI, EDGE, GAP, Sheet, short, show
from reports.spectrum import spectrum
from reports.uncertainty import trusted, uncertainty

if TYPE_CHECKING:
    from reports.comparison import Comparison

__all__ = [
    "DPI", "EDGE", "FIGURES", "GAP", "Panel", "Sheet", "Window", "best", "disagreement", "drawable", "example", "file_stems", "grid",
    "is_exhibit", "panel", "panels", "pictured", "save_all", "short", "show", "spectrum", "trusted", "uncertainty", "window_of",
    "with_bias_named",
]  # fmt: skip

BIASED = "as published, biased"  # what exhibits are
FIGURES: dict[str, Callable[..., Figure]] = {
    "spectrum": spectrum,
    "grid": grid,
    "uncertainty": uncertainty,
}  # each: (comparison, problem, *, width in inches, titled) -> the figure


def drawable(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    """(figure, problem, file name without suffix) of all that there is something to draw for."""
    stems = file_stems(comparison.problems)
    for name in FIGURES:
        for problem in comparison.problems:
            samples = any(row.cell.samples for row in comparison.rows if row.cell.problem == problem)
            if pictured(comparison, problem) and (samples or name != "uncertainty"):
                yield name, problem, f"{name}_{stems[problem]}"


def file_stems(labels: Sequence[str]) -> dict[str, str]:
    """A name for each label that every file system takes; a number tells apart those that became the same."""
    stems: dict[str, str] = {}
    for label in labels:
        stem = re.sub(r"[^\w.-]+", "-", label).strip("-.") or "problem"
        stems[label] = stem if stem not in stems.values() else f"{stem}-{len(stems) + 1}"
    return stems


def with_bias_named(comparison: Comparison) -> Comparison:
    """With the label of exhibits in the name of their method, so that it stands wherever the name does."""
    titles = {method: f"{method}, {BIASED}" for method in comparison.methods if is_exhibit(method)}
    rows = [replace(row, cell=replace(row.cell, method=titles.get(row.cell.method, row.cell.method))) for row in comparison.rows]
    return replace(comparison, rows=tuple(rows))


def is_exhibit(method: str) -> bool:
    name = method.partition("[")[0]
    return name in solvers.METHODS and solvers.METHODS[name].exhibit


def save_all(comparison: Comparison) -> list[Path]:
    """Write every figure as PNG and PDF below ``folder``/figures.

    Raises:
        OSError: the folder cannot be written.
    """
    comparison, paths = with_bias_named(comparison), []
    for name, problem, stem in drawable(comparison):
        figure = FIGURES[name](comparison, problem)
        for suffix in ("png", "pdf"):
            paths.append(comparison.folder / "figures" / f"{stem}.{suffix}")
            with matplotlib.rc_context(style.RC):
                store.write(paths[-1], functools.partial(figure.savefig, format=suffix, dpi=DPI))
    return paths
