"""Tuned strengths: read from a file that ``priorbench tune`` wrote, looked up by prior, problem and method.

None are shipped. A strength that was tuned on one kernel can be 15 dB off on another one, so it is tuned on several instances
of a problem and used only for instances between these: in noise, and in the share of the data that an estimate can tell from it
(``solvers.fit.expected_misfit``). Everywhere else the strength is 1, which needs no tuning.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.runs import schema
from reports.runs.cell import Cell
from reports.runs.files import read_json
from reports.runs.loading import load_prior, load_problem, prior_facts
from solvers.fit import expected_misfit

UNTUNED = "not tuned: 1.0"
NEAR = 0.03  # of a misfit: as much as it differs between draws of one random mask and between sizes


@functools.lru_cache(maxsize=256)
def standing(problem: str, image: str, size: int, channels: int, seed: int) -> tuple[float, float]:
    """(noise_sigma, expected misfit) of a problem given as selector: two numbers that say how far its data go."""
    made = load_problem(Cell(problem, image, "gaussian", "hqs", size=size, channels=channels, seed=seed))
    return made.noise_sigma, expected_misfit(made)


def stands(cell: Cell) -> tuple[float, float]:
    return standing(cell.problem, cell.image, cell.size, cell.channels, cell.seed)


@dataclass(frozen=True)
class Tuned:
    """One tuned strength with its trace: ``tried`` are (strength, mean PSNR in dB, None where a cell diverged).

    ``strength`` is None where every strength that was tried diverged. ``instances`` are the problems it was tuned on, as selectors,
    ``noise`` and ``misfit`` the lowest and the highest noise_sigma and expected misfit among them.
    """

    prior: str
    problem: str
    method: str
    strength: float | None
    tried: Sequence[tuple[float, float | None]]
    images: Sequence[str]
    size: int
    channels: int
    seed: int
    date: str
    facts: Mapping[str, Any]
    instances: Sequence[str]
    noise: tuple[float, float]
    misfit: tuple[float, float]

    def holds(self, noise: float, misfit: float) -> bool:
        """Whether an instance lies between those it was tuned on."""
        (quiet, loud), (low, high) = self.noise, self.misfit
        return 0.99 * quiet <= noise <= 1.01 * loud and low - NEAR <= misfit <= high + NEAR


def tuned(entry: Any) -> Tuned:
    """
    Raises:
        ValueError: the entry of a file is none of a strength.
    """
    schema.require("an entry", entry, schema.TUNED)
    schema.require("facts", {"card": None, **entry["facts"]}, {"card": schema.maybe(schema.mapping_to(schema.ANY))})
    return Tuned(**{name: entry[name] for name in schema.TUNED})


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
        if Path(file).is_dir():
            raise ValueError(f"{file} is a folder; name a file of strengths, such as {Path(file) / 'strengths.json'}")
        if not Path(file).is_file():
            raise FileNotFoundError(f"no strengths file {file}; make one with: priorbench tune --out {file}")
        try:
            content = read_json(Path(file))
            if not isinstance(content, list):
                raise ValueError("its content is no list")
            found = [tuned(entry) for entry in content]
        except ValueError as error:
            raise ValueError(f"{file} does not hold tuned strengths ({error}); make one with: priorbench tune --out {file}") from None
        return Strengths(Path(file).name, {(e.prior, e.problem, e.method): e for e in found})

    @staticmethod
    def none() -> Strengths:
        return Strengths("", {})

    def entry(self, cell: Cell) -> Tuned | None:
        return self.entries.get((cell.prior, cell.problem_name, cell.method_name))

    def of(self, cell: Cell) -> float:
        """The tuned strength for a cell; 1.0 where none was found, or its problem lies outside those that it was found on."""
        entry = self.entry(cell)
        return entry.strength if entry and entry.strength is not None and entry.holds(*stands(cell)) else 1.0

    def tried(self, cell: Cell) -> list[tuple[float, float | None]]:
        """The trials behind ``of``, as ``Tuned`` has them; empty where its number is not from them."""
        entry = self.entry(cell)
        return list(entry.tried) if entry and entry.holds(*stands(cell)) else []

    def source(self, cell: Cell) -> str:
        """Where ``of`` has its number from, in words."""
        entry = self.entry(cell)
        if entry is None:
            return UNTUNED
        if entry.strength is None:
            return f"diverged at every strength tried ({self.origin}): 1.0"
        if not entry.holds(*stands(cell)):
            return f"{outside(entry, *stands(cell))} ({self.origin}): 1.0"
        told = f"{self.origin}: {len(entry.tried)} trials on {len(entry.instances)} instances of {cell.problem_name} and "
        told += f"{len(entry.images)} tuning images of {entry.size} pixels, {entry.date}"
        told += f", tuned at the default options of {cell.method_name}" if cell.method_name != cell.method else ""
        before, now = (entry.facts.get("card") or {}).get("sha256"), (prior_facts(load_prior(cell.prior))["card"] or {}).get("sha256")
        return told + (", with other weights" if before != now else "")


def outside(entry: Tuned, noise: float, misfit: float) -> str:
    """How an instance differs from those that a strength was tuned on."""
    what, value, (low, high) = ("noise", noise, entry.noise)
    if 0.99 * low <= noise <= 1.01 * high:
        what, value, (low, high) = ("expected misfit", misfit, entry.misfit)
    return f"{what} {value:.2g} lies outside {low:.2g} to {high:.2g}, which the strength was tuned for"
