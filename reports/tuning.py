"""Fair strengths: one number per prior, problem and method, searched with the same effort for all, on tuning images only."""

from __future__ import annotations

import datetime
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import problems
import solvers
from reports.cell import Cell, Record, check, load_prior, load_problem, prior_facts, run_cell
from reports.selectors import Selector, known
from reports.store import Store, write_json

SHIPPED = Path(__file__).parent / "strengths.json"
COARSE = tuple(float(10**power) for power in np.linspace(-2, 1, 5))  # 0.01 .. 10
ROUNDS = 2  # each halves the step (in log strength) and tries both neighbours of the best so far
TIE = 0.01  # dB, which nobody sees
EVALUATIONS = len(COARSE) + 2 * ROUNDS  # the budget of every prior: 9


@dataclass(frozen=True)
class Tuned:
    """One tuned strength with its trace: ``tried`` are (strength, mean PSNR in dB, None where a cell diverged).

    ``strength`` is None where every strength that was tried diverged.
    """

    prior: str
    problem: str
    method: str
    strength: float | None
    tried: Sequence[tuple[float, float | None]]
    images: Sequence[str]
    size: int
    channels: int
    noise_sigma: float
    seed: int
    date: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Strengths:
    """Tuned strengths and the file they come from."""

    origin: str
    entries: Mapping[tuple[str, str, str], Tuned]

    @staticmethod
    def load(file: str | Path) -> Strengths:
        """Read a file written by ``tune``.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is something else.
        """
        if not Path(file).is_file():
            raise FileNotFoundError(f"no strengths file {file}; make one with: priorbench tune --out {file}")
        try:
            content = json.loads(Path(file).read_text("utf-8"))
            if not isinstance(content, list):
                raise ValueError("its content is no list")
            found = [Tuned(**entry) for entry in content]
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file} does not hold tuned strengths ({error}); make one with: priorbench tune --out {file}") from None
        return Strengths(Path(file).name, {(e.prior, e.problem, e.method): e for e in found})

    @staticmethod
    def shipped() -> Strengths:
        return Strengths.load(SHIPPED)

    def of(self, prior: str, problem: str, method: str) -> float:
        """The tuned strength of a prior for a problem by name, whatever its options; 1.0 where none was found."""
        entry = self.entries.get((prior, problem, method))
        return entry.strength if entry and entry.strength is not None else 1.0

    def tried(self, prior: str, problem: str, method: str) -> list[tuple[float, float | None]]:
        """The trials behind ``of``, as ``Tuned`` has them, for a problem and a method given as selectors; empty where there are none."""
        entry = self.entries.get((prior, Selector.parse(problem).name, Selector.parse(method).name))
        return list(entry.tried) if entry else []

    def source(self, prior: str, problem: str, method: str) -> str:
        """Where ``of`` has its number from, in words, for a problem and a method given as selectors."""
        name, plain = Selector.parse(problem).name, Selector.parse(method).name
        entry = self.entries.get((prior, name, plain))
        if entry is None:
            return "not tuned: 1.0"
        if entry.strength is None:
            return f"diverged at every strength tried ({self.origin}): 1.0"
        told = f"{self.origin}: {len(entry.tried)} trials on {len(entry.images)} tuning images of {entry.size} pixels, {entry.date}"
        options = [chosen for chosen, given in ((name, problem), (plain, method)) if chosen != given]
        told += f", tuned at the default options of {' and '.join(options)}" if options else ""
        before, now = (entry.facts.get("card") or {}).get("sha256"), (prior_facts(load_prior(prior))["card"] or {}).get("sha256")
        return told + (", with other weights" if before != now else "")


def search(score: Callable[[float], float]) -> list[tuple[float, float]]:
    """(strength, score) of all EVALUATIONS trials: a coarse logarithmic grid, then both neighbours of the best, twice."""
    tried = [(strength, score(strength)) for strength in COARSE]
    step = math.log10(COARSE[1] / COARSE[0])
    for _ in range(ROUNDS):
        step /= 2
        middle = best(tried)
        tried += [(strength, score(strength)) for strength in (middle * 10**-step, middle * 10**step)]
    return tried


def best(tried: Sequence[tuple[float, float]]) -> float:
    """The strength nearest to 1 of those that score within TIE of the best: a flat optimum must not run to an extreme."""
    top = max(score for _, score in tried)
    return min((strength for strength, score in tried if score >= top - TIE), key=lambda strength: abs(math.log(strength)))


def plan(
    priors: Iterable[str], problem_names: Iterable[str], methods: Iterable[str], size: int = 128, channels: int = 1, seed: int = 0
) -> list[Cell]:
    """What is to be tuned, each as a cell without an image and a strength.

    Raises:
        ValueError: an unknown problem, a problem with options, or a method that does not estimate.
    """
    estimating = [name for name, method in solvers.METHODS.items() if not method.samples]
    return [
        Cell(known("problem", problem, problems.CATALOGUE), "", str(Selector.parse(prior)), known("estimating method", method, estimating),
             size=size, channels=channels, seed=seed)
        for problem, method, prior in itertools.product(problem_names, methods, priors)
    ]  # fmt: skip


def prepare(cells: Iterable[Cell], file: Path) -> None:
    """Find all bad input before anything is solved.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong, in one sentence.
    """
    check(replace(cell, image=image) for cell in cells for image in problems.TUNE)
    if file.exists():
        Strengths.load(file)
    Store(file.parent).prepare()


def tune(cells: Iterable[Cell], file: Path, tell: Callable[[str, float, float], None] | None = None) -> Strengths:
    """Search the strength of every cell of ``plan`` and write each to ``file`` the moment it is found; other entries stay.

    ``tell`` hears of every trial: (what, strength, mean PSNR in dB, -inf where a cell diverged).
    """
    prepare(cells := list(cells), file)
    entries = dict(Strengths.load(file).entries) if file.exists() else {}
    for cell in cells:
        entries[cell.prior, cell.problem, cell.method] = tune_one(cell, tell)
        write_json(file, [asdict(entries[name]) for name in sorted(entries)])
    return Strengths.load(file)


def tune_one(cell: Cell, tell: Callable[[str, float, float], None] | None = None) -> Tuned:
    """The strength with the best mean PSNR over the tuning images; one cell that diverges rules a strength out."""

    def score(strength: float) -> float:
        found = float(np.mean([psnr(run_cell(replace(cell, image=image, strength=strength))) for image in problems.TUNE]))
        if tell:
            tell(f"{cell.problem} · {cell.prior} · {cell.method}", strength, found)
        return found

    tried = search(score)
    trace = [(round(strength, 6), round(found, 4) if math.isfinite(found) else None) for strength, found in tried]
    strength = round(best(tried), 6) if math.isfinite(max(found for _, found in tried)) else None
    noise = load_problem(replace(cell, image=problems.TUNE[0])).noise_sigma
    return Tuned(
        cell.prior, cell.problem, cell.method, strength, trace, problems.TUNE, cell.size, cell.channels, noise, cell.seed,
        datetime.date.today().isoformat(), prior_facts(load_prior(cell.prior, cell.channels)),
    )  # fmt: skip


def psnr(record: Record) -> float:
    return record.metrics["psnr"] if record.status == "done" else -math.inf
