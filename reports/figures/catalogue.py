"""Figures of a comparison, drawn from stored records: nothing is solved, and what is compared shares its scale."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure

from reports.figures import charts, style
from reports.figures.crops import pictured
from reports.figures.grid import grid
from reports.figures.spectrum import spectrum
from reports.figures.uncertainty import uncertainty
from reports.runs import files, titles

if TYPE_CHECKING:
    from reports.runs.stored import Run

FIGURES: dict[str, Callable[..., Figure]] = {
    "spectrum": spectrum,
    "grid": grid,
    "uncertainty": uncertainty,
}  # each: (comparison, problem, *, width in inches, titled) -> the figure


def drawable(run: Run) -> Iterator[tuple[str, str, str]]:
    """(figure, problem, file name without suffix) of all that there is something to draw for."""
    stems = file_stems(run.problems)
    for name in FIGURES:
        for problem in run.problems:
            samples = any(row.cell.samples for row in run.rows if row.cell.problem == problem)
            if pictured(run, problem) and (samples or name != "uncertainty"):
                yield name, problem, f"{name}_{stems[problem]}"


def file_stems(labels: Sequence[str]) -> dict[str, str]:
    """A name for each label that every file system takes; a number tells apart those that became the same."""
    stems: dict[str, str] = {}
    for label in labels:
        stem = re.sub(r"[^\w.-]+", "-", label).strip("-.") or "problem"
        stems[label] = stem if stem not in stems.values() else f"{stem}-{len(stems) + 1}"
    return stems


def save_all(run: Run) -> list[Path]:
    """Write every figure as PNG and PDF below ``folder``/figures.

    Raises:
        OSError: the folder cannot be written.
    """
    run, paths = titles.with_bias_named(run), []
    for name, problem, stem in drawable(run):
        figure = FIGURES[name](run, problem)
        for suffix in ("png", "pdf"):
            paths.append(run.folder / "figures" / f"{stem}.{suffix}")
            with matplotlib.rc_context(style.RC):
                files.write(paths[-1], functools.partial(figure.savefig, format=suffix, dpi=charts.DPI))
    return paths
