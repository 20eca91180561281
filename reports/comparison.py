"""A comparison: the cells that were planned, run one after the other, stored as they end, and read back."""

from __future__ import annotations

import csv
import io
import itertools
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import priors
import problems
import solvers
from reports.cell import Cell, Record, check, load_prior, prior_facts, run_cell
from reports.judgement import Judge, has_spread
from reports.provenance import Circumstances, Restrictions, circumstances, restrictions
from reports.selectors import Selector, known
from reports.store import Store, key, plain, write, write_json
from reports.tuning import Strengths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST = 16  # pixels on a side: what kernels, coarse grids and the window of SSIM need
Tell = Callable[[int, Cell, Record | None], None]  # (cells done, cell, its record or None when it starts)
logger = logging.getLogger("priorbench")


class Provenance(Circumstances, Restrictions):
    """How a run came about: who asked, when and where, the settings, and ``strengths`` with their source and what was tried."""

    seed: int
    size: int
    channels: int
    samples: int
    tuning_images_reported: list[str]
    strengths: list[dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """Finished cells of a run, in order, and how they came about.

    ``rows`` are records whose arrays are read from ``folder`` when asked for; ``provenance`` is a ``Provenance``.
    """

    folder: Path
    rows: tuple[Record, ...]
    provenance: Mapping[str, Any]

    @property
    def priors(self) -> list[str]:
        """Labels along the spectrum: by family, then in the order of the catalogue; unknown families last."""
        family = {row.cell.prior: row.prior.get("family") for row in self.rows}
        catalogue = list(priors.CATALOGUE)

        def place(label: str) -> tuple[int, int]:
            name = Selector.parse(label).name
            return index(priors.FAMILIES, family[label]), index(catalogue, name)

        return sorted(family, key=place)

    @property
    def problems(self) -> list[str]:
        return list(dict.fromkeys(row.cell.problem for row in self.rows))

    @property
    def images(self) -> list[str]:
        return list(dict.fromkeys(row.cell.image for row in self.rows))

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(row.cell.method for row in self.rows))

    def row(self, prior: str, problem: str, image: str, method: str) -> Record | None:
        """The record of these labels; None where it was not run or not yet."""
        wanted = (prior, problem, image, method)
        return next((r for r in self.rows if (r.cell.prior, r.cell.problem, r.cell.image, r.cell.method) == wanted), None)

    def scene(self, problem: str, image: str) -> tuple[np.ndarray, np.ndarray]:
        """(truth [H, W, C], measurement as a picture [h, w, C]).

        Raises:
            KeyError: no cell of this problem and image came as far as measuring.
        """
        for row in self.rows:
            if (row.cell.problem, row.cell.image) == (problem, image) and row.arrays:
                return row.arrays["truth"], row.arrays["shown"]
        raise KeyError(f"no measurement of {problem} on {image} in {self.folder}")

    def figure(self, name: str, problem: str | None = None, width: str = "ieee2") -> Figure:
        """A figure of the run, drawn from what is stored: names, widths and errors are those of ``reports.figures.paper.figure``."""
        from reports.figures import paper

        return paper.figure(self, name, problem, width)

    def _repr_html_(self) -> str:
        """For a notebook: the verdict, and where the report is."""
        from html import escape

        from reports import summary

        lines = [(problem, line) for problem in self.problems for line in summary.verdict(self, problem)]
        cells = [(problem, line.about, line.answer, line.numbers) for problem, line in lines]
        rows = "".join(f"<tr><td>{'</td><td>'.join(map(escape, words))}</td></tr>" for words in cells)
        return f"<table>{rows}</table><div>report: {escape(str(self.folder / 'report.html'))}</div>"

    @staticmethod
    def load(folder: str | Path) -> Comparison:
        """Read a stored run; nothing is solved. An interrupted run gives the cells that had ended.

        Raises:
            FileNotFoundError: there is no run in ``folder``, or none of its cells has ended.
            ValueError: its index is damaged.
        """
        store, index_file = Store(folder), Path(folder) / "run.json"
        if not index_file.is_file():
            raise FileNotFoundError(f"no run in {folder}; make one with: priorbench compare --out {folder}")
        try:
            content = json.loads(index_file.read_text("utf-8"))
            rows = tuple(row for name in content["cells"] if (row := store.load(name)))
            comparison = Comparison(store.folder, rows, {name: content["provenance"][name] for name in Provenance.__annotations__})
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{index_file} is damaged ({error}); run priorbench compare again, finished cells are kept") from None
        if not rows:
            raise FileNotFoundError(f"no finished cell in {folder}; go on with: priorbench compare --out {folder}")
        return comparison


def index(order: Sequence[str], name: str | None) -> int:
    return order.index(name) if name in order else len(order)


def plan(
    priors: Iterable[str],
    problems: Iterable[str],
    images: Iterable[str],
    methods: Iterable[str],
    samples: int = 5,
    steps: int | None = None,
    size: int = 128,
    channels: int = 1,
    noise: float | None = None,
    seed: int = 0,
    strengths: Strengths | None = None,
    lpips_file: str | None = None,
) -> list[Cell]:
    """Every prior on every problem, image and method, as cells: what samples draws ``samples``, the rest uses its strength.

    ``noise`` sets noise_sigma of the problems that do not set it themselves, ``steps`` the levels of the methods that do not,
    such as ``annealed[steps=10]``; ``strengths`` default to the shipped ones. With weights in ``lpips_file`` LPIPS is measured too.

    Raises:
        ValueError: a selector, a method or a number is wrong. Names and files are looked up by ``prepare``.
    """
    for what, value, least in (("samples", samples, 1), ("steps", 1 if steps is None else steps, 1), ("size", size, SMALLEST)):
        if value < least:
            raise ValueError(f"{what} must be at least {least}, not {value}")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), not {channels}")
    tuned = Strengths.shipped() if strengths is None else strengths
    chosen_problems = [Selector.parse(text).with_defaults({} if noise is None else {"noise_sigma": noise}) for text in problems]
    chosen_priors = [str(Selector.parse(text)) for text in priors]
    chosen_methods = [method_and_steps(text) for text in methods]
    cells = []
    for problem, image, (method, own), prior in itertools.product(chosen_problems, images, chosen_methods, chosen_priors):
        draws = solvers.METHODS[method.name].samples
        strength = 1.0 if draws else tuned.of(prior, problem.name, method.name)
        drawn, levels = samples if draws else 0, own or steps
        cells.append(Cell(str(problem), image, prior, str(method), strength, drawn, levels, size, channels, seed, lpips_file))
    if not cells:
        raise ValueError("nothing to compare; name at least one prior, problem, image and method")
    return list(dict.fromkeys(cells))


def method_and_steps(text: str) -> tuple[Selector, int | None]:
    """A method by name, or by name and number of levels, ``annealed[steps=10]``; None where it does not say.

    Raises:
        ValueError: an unknown method, another option, or no whole number of steps.
    """
    chosen = Selector.parse(text)
    name, values = known("method", chosen.name, solvers.METHODS), chosen.values
    if set(values) - {"steps"}:
        raise ValueError(f"cannot read the method {text!r}; its one option is steps, such as {name}[steps=10]")
    steps = values.get("steps")
    if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or steps < 1):
        raise ValueError(f"steps of {name!r} is a whole number of at least 1, not {steps!r}")
    return chosen, steps


def prepare(cells: Iterable[Cell], folder: str | Path) -> None:
    """Find all bad input before anything is solved: load every prior, simulate every measurement, then try the folder.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong, in one sentence.
    """
    check(cells)
    Store(folder).prepare()


def compare(
    cells: Sequence[Cell], folder: str | Path, command: str = "", strengths: Strengths | None = None, tell: Tell | None = None
) -> Comparison:
    """Run the cells that ``folder`` does not hold yet and return all of them.

    Each cell is stored the moment it ends, and its samples are judged; one whose prior raises is stored as failed, tried
    again next time, and does not stop the others. ``tell`` hears of every start and end, and may stop the run by raising.

    Raises:
        ValueError, TypeError, OSError, ImportError: bad input or an unwritable folder, before anything is solved.
    """
    prepare(cells, folder)
    store, judge = Store(folder), Judge(folder)
    keys = [key(cell) for cell in cells]
    write_json(store.folder / "run.json", {"provenance": provenance(cells, command, strengths), "cells": keys})
    for done, (cell, name) in enumerate(zip(cells, keys, strict=True)):
        record = store.load(name)
        if record is None or record.status == "failed":
            if tell:
                tell(done, cell, None)
            record = attempt(cell)
            store.save(record)
            if has_spread(record):
                judge.judgement(record)
        if tell:
            tell(done + 1, cell, record)
    comparison = Comparison.load(folder)
    export(comparison)
    return comparison


def attempt(cell: Cell) -> Record:
    """``run_cell``, with whatever a prior raises told in the record."""
    try:
        return run_cell(cell)
    except Exception as error:
        logger.debug("%s failed", cell, exc_info=True)
        return Record(cell, "failed", f"{type(error).__name__}: {error}", prior=prior_facts(load_prior(cell.prior, cell.channels)))


def provenance(cells: Sequence[Cell], command: str, strengths: Strengths | None) -> Provenance:
    """All that is needed to say how the numbers came about, and to make them again."""
    tuned = Strengths.shipped() if strengths is None else strengths
    facts = {cell.prior: prior_facts(load_prior(cell.prior, cell.channels)) for cell in cells}
    used = dict.fromkeys((c.prior, c.problem, c.method, c.strength) for c in cells if not c.samples)
    first = cells[0]
    return {
        **circumstances(command),
        **restrictions(facts),
        "seed": first.seed,
        "size": first.size,
        "channels": first.channels,
        "samples": max(cell.samples for cell in cells),
        "tuning_images_reported": sorted({cell.image for cell in cells} & set(problems.TUNE)),
        "strengths": [
            {"prior": prior, "problem": problem, "method": method, "strength": strength, "from": tuned.source(prior, problem, method),
             "tried": tuned.tried(prior, problem, method)}
            for prior, problem, method, strength in used
        ],
    }  # fmt: skip


def table(comparison: Comparison) -> list[dict[str, Any]]:
    """One flat row per cell: the cell, status, family, every metric of the run (None where it does not apply), cost."""
    entries = [plain(row) for row in comparison.rows]
    columns = dict.fromkeys(name for entry in entries for name in entry["metrics"])
    return [
        {
            **entry["cell"],
            "family": entry["prior"].get("family"),
            "status": entry["status"],
            **{name: entry["metrics"].get(name) for name in columns},
            "calls": entry["calls"],
            "seconds": round(entry["seconds"], 3),
            "message": entry["message"],
        }
        for entry in entries
    ]


def export(comparison: Comparison) -> None:
    """Write results.csv and results.json beside the cells, from which they are derived."""
    rows = table(comparison)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write(comparison.folder / "results.csv", lambda file: file.write(text.getvalue().encode()))
    write_json(comparison.folder / "results.json", {"provenance": comparison.provenance, "rows": rows})
