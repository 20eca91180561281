"""Figures of a comparison, drawn from stored records: nothing is solved, and what is compared shares its scale."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from reports import store, summary
from reports.figures import style
from reports.figures.crops import pictured
from reports.figures.grid import grid
from reports.figures.sheet import DPI
from reports.figures.spectrum import spectrum
from reports.figures.uncertainty import uncertainty

if TYPE_CHECKING:
    from reports.comparison import Comparison

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


def save_all(comparison: Comparison) -> list[Path]:
    """Write every figure as PNG and PDF below ``folder``/figures.

    Raises:
        OSError: the folder cannot be written.
    """
    comparison, paths = summary.with_bias_named(comparison), []
    for name, problem, stem in drawable(comparison):
        figure = FIGURES[name](comparison, problem)
        for suffix in ("png", "pdf"):
            paths.append(comparison.folder / "figures" / f"{stem}.{suffix}")
            with matplotlib.rc_context(style.RC):
                store.write(paths[-1], functools.partial(figure.savefig, format=suffix, dpi=DPI))
    return paths
