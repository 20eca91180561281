"""Tuned strengths: read from a file that ``priorbench tune`` wrote, looked up by prior, problem and method.

None are shipped. A strength that was tuned on one kernel can be 15 dB off on another one, so a tuned strength is used only
for the problem that it was tuned on; 1, which needs no tuning, everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.runs import schema
from reports.runs.files import read_json
from reports.runs.loading import load_prior, prior_facts
from reports.runs.selectors import Selector

UNTUNED = "not tuned: 1.0"


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

    def of(self, prior: str, problem: str, method: str) -> float:
        """The tuned strength for a problem and a method given as selectors; 1.0 where none was found for exactly this problem."""
        entry = self.entries.get((prior, problem, Selector.parse(method).name))
        return entry.strength if entry and entry.strength is not None else 1.0

    def tried(self, prior: str, problem: str, method: str) -> list[tuple[float, float | None]]:
        """The trials behind ``of``, as ``Tuned`` has them, for a problem and a method given as selectors; empty where there are none."""
        entry = self.entries.get((prior, problem, Selector.parse(method).name))
        return list(entry.tried) if entry else []

    def source(self, prior: str, problem: str, method: str) -> str:
        """Where ``of`` has its number from, in words, for a problem and a method given as selectors."""
        name, plain = Selector.parse(problem).name, Selector.parse(method).name
        entry = self.entries.get((prior, name, plain))
        if entry is None:
            return UNTUNED
        if name != problem:
            return f"{self.origin} was tuned on {name} at its default options, not on this problem: 1.0"
        if entry.strength is None:
            return f"diverged at every strength tried ({self.origin}): 1.0"
        told = f"{self.origin}: {len(entry.tried)} trials on {len(entry.images)} tuning images of {entry.size} pixels, {entry.date}"
        told += f", tuned at the default options of {plain}" if plain != method else ""
        before, now = (entry.facts.get("card") or {}).get("sha256"), (prior_facts(load_prior(prior))["card"] or {}).get("sha256")
        return told + (", with other weights" if before != now else "")
