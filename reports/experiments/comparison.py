"""A comparison: priors x problems x images x methods planned as cells, run and stored as they end."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import problems
import solvers
from priors.precision import one_thread
from reports.experiments.jobs import check_jobs, run_all, worthwhile
from reports.judging.classes import Judge
from reports.runs.cell import Cell, Record, has_spread
from reports.runs.files import write_json
from reports.runs.flat import export
from reports.runs.keys import key
from reports.runs.limits import check_channels, check_limits, check_text
from reports.runs.loading import check, load_prior, prior_facts
from reports.runs.provenance import circumstances, restrictions
from reports.runs.selectors import Selector, known
from reports.runs.store import Store
from reports.runs.stored import Provenance, Run
from reports.runs.strengths import Strengths

Tell = Callable[[int, Cell, Record | None], None]  # (cells done, cell, its record or None when it starts)


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
    such as ``annealed[steps=10]``; without ``strengths`` every strength is 1. With weights in ``lpips_file`` LPIPS is measured too.

    Raises:
        ValueError: a selector, a method or a number is wrong. Names and files are looked up by ``prepare``.
    """
    check_limits(samples=samples, steps=steps, size=size, seed=seed)
    check_channels(channels)
    if noise is not None and 1 < noise < math.inf:
        raise ValueError(f"noise is noise_sigma of pixels in [0, 1], not {noise:g}; of 8 bits it is {noise:g}/255 = {noise / 255:.3f}")
    images = list(images)
    check_text(images)
    tuned = Strengths.none() if strengths is None else strengths
    chosen_problems = [Selector.parse(text).with_defaults({} if noise is None else {"noise_sigma": noise}) for text in problems]
    chosen_priors = [str(Selector.parse(text)) for text in priors]
    chosen_methods = [method_and_steps(text) for text in methods]
    cells = []
    for problem, image, (method, own), prior in itertools.product(chosen_problems, images, chosen_methods, chosen_priors):
        drawn = samples if solvers.METHODS[method.name].samples else 0
        cell = Cell(str(problem), image, prior, str(method), 1.0, drawn, own or steps, size, channels, seed, lpips_file)
        cells.append(cell if drawn or cell.pairs else replace(cell, strength=tuned.of(cell)))
    if not cells:
        raise ValueError("nothing to compare; name at least one prior, problem, image and method")
    return list(dict.fromkeys(cells))


def method_and_steps(text: str) -> tuple[Selector, int | None]:
    """A method by name, or with options, ``annealed[steps=10]`` or ``mean[pairs=4]``, and its number of levels if it says one.

    Raises:
        ValueError: an unknown method, another option, or an option that is no whole number.
    """
    chosen = Selector.parse(text)
    name, values = known("method", chosen.name, solvers.METHODS), chosen.values
    options = ("steps", "pairs") if solvers.METHODS[name].pairs else ("steps",)
    if set(values) - set(options):
        told = "its one option is" if len(options) == 1 else "its options are"
        raise ValueError(f"cannot read the method {text!r}; {told} {' and '.join(options)}, such as {name}[{options[-1]}=10]")
    for option, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{option} of {name!r} is a whole number of at least 1, not {value!r}")
    steps = values.get("steps")
    assert steps is None or isinstance(steps, int)
    return chosen, steps


def prepare(cells: Iterable[Cell], folder: str | Path) -> None:
    """Find all bad input before anything is solved: load every prior, simulate every measurement, then try the folder.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong, in one sentence.
    """
    check(cells)
    Store(folder).prepare()


def compare(
    cells: Sequence[Cell],
    folder: str | Path,
    command: str = "",
    strengths: Strengths | None = None,
    tell: Tell | None = None,
    jobs: int | None = 1,
    scheduler: str | None = None,
) -> Run:
    """Run the cells that ``folder`` does not hold yet and return all of them.

    Each cell is stored the moment it ends, and its samples are judged; one whose prior raises is stored as failed, tried
    again next time, and does not stop the others. ``tell`` hears of every start and end, and may stop the run by raising.
    ``jobs`` and ``scheduler`` say where they run (``run_all``); the records are the same everywhere.

    Raises:
        ValueError, TypeError, OSError, ImportError: bad input or an unwritable folder, before anything is solved.
    """
    prepare(cells, folder)
    check_jobs(jobs, scheduler)
    store, judge = Store(folder), Judge(folder)
    keys = [key(cell) for cell in cells]
    write_json(store.folder / "run.json", {"provenance": provenance(cells, command, strengths), "cells": keys})
    told = Told(tell)
    waiting = list(unfinished(cells, store, told))
    again = unfinished(waiting, store, told)  # one that is run may bring back the measurement that others share
    jobs = min(jobs or worthwhile(waiting), len(waiting))
    with contextlib.closing(run_all(again, told.begun, jobs, scheduler if waiting else None)) as found:
        for cell, record in found:
            store.save(record)
            if has_spread(record):
                with one_thread():
                    judge.judgement(record)
            told.ended(cell, record)
    run = Run.load(folder)
    export(run)
    return run


def unfinished(cells: Iterable[Cell], store: Store, told: Told) -> Iterator[Cell]:
    """Those that the store does not hold when they are asked for; the others are told."""
    for cell in cells:
        record = store.load(key(cell))
        if record is None or record.status == "failed":
            yield cell
        else:
            told.ended(cell, record)


class Told:
    """Counts the cells that have ended, and passes on what happens to who wants to hear it."""

    def __init__(self, tell: Tell | None):
        self.tell, self.done = tell or (lambda done, cell, record: None), 0

    def begun(self, cell: Cell) -> None:
        self.tell(self.done, cell, None)

    def ended(self, cell: Cell, record: Record) -> None:
        self.done += 1
        self.tell(self.done, cell, record)


def provenance(cells: Sequence[Cell], command: str, strengths: Strengths | None) -> Provenance:
    """All that is needed to say how the numbers came about, and to make them again."""
    tuned = Strengths.none() if strengths is None else strengths
    facts = {cell.prior: prior_facts(load_prior(cell.prior, cell.channels)) for cell in cells}
    used = {(c.prior, c.problem, c.method, c.strength): c for c in cells if not c.samples and not c.pairs}
    first = cells[0]
    return {
        **circumstances(command),
        **restrictions(facts),
        "seed": first.seed,
        "size": first.size,
        "channels": first.channels,
        "samples": max(cell.samples for cell in cells),
        "tuning_images_reported": sorted({cell.image for cell in cells} & set(problems.TUNE)) if tuned.entries else [],
        "strengths": [
            {"prior": prior, "problem": problem, "method": method, "strength": strength, "from": tuned.source(cell),
             "tried": tuned.tried(cell)}
            for (prior, problem, method, strength), cell in used.items()
        ],
    }  # fmt: skip
