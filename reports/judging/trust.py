"""How far the samples of a stored run can be trusted: class by class, every number with an interval over images.

Every record was judged when it was made (``reports.judging.classes``); only simulating back solves anything.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

import solvers
from priors.slot import Denoiser
from problems.factories import simulated
from problems.problem import Problem
from problems.resolution import Resolution
from problems.seeds import Seed, generator
from reports.judging import verdict
from reports.judging.classes import CLASSES, Judge, Judgement
from reports.runs.cell import Cell, Record, has_spread, is_heuristic
from reports.runs.loading import derived, load_prior, load_problem, picture
from reports.runs.stored import Run
from reports.scores import ensemble
from reports.scores.ensemble import LEVEL, Scores, estimates, scores
from reports.scores.intervals import Estimate, over_images

VAGUE = 0.4  # width of the interval of a coverage above which there are too few images for a statement
MISSING = 0.8  # of the spread: intervals that hold most pixels may still miss those that matter
Group = tuple[str, str, str]  # problem, prior and method
Groups = Mapping[Group, Sequence[Record]]
Scenes = Mapping[tuple[str, str], Resolution]  # by problem and image


@dataclass(frozen=True)
class Row:
    """A prior under a sampling method on a problem, judged in one class; an entry of ``scores`` for each image."""

    problem: str
    prior: str
    method: str
    family: str | None
    heuristic: bool
    kind: str  # one of CLASSES
    samples: int
    nominal: float
    scores: tuple[Scores, ...]
    numbers: Mapping[str, Estimate]

    @property
    def verdict(self) -> str:
        """In words; "unclear" where the interval over images is too wide for either verdict."""
        found, ratio = self.numbers["coverage"], self.numbers["spread_skill"]
        if not found.high - found.low < VAGUE:
            return "unclear"
        word = verdict.judged(found.value, self.nominal)
        if word == "about right":
            return "not where errors are large" if ratio.value < MISSING and ratio.high < 1 else word
        return "unclear" if found.low <= self.nominal <= found.high else word

    def over_images(self, what: Callable[[Scores], np.ndarray]) -> np.ndarray:
        """Each entry of an array made from the scores, with its interval over images: [..., 3]."""
        return np.array([over_images(list(values)) for values in np.transpose([what(found) for found in self.scores])])


@dataclass(frozen=True)
class Trust:
    """What was judged, and what it was made from: the groups of records, each with its judgement, and the resolutions."""

    run: Run
    rows: tuple[Row, ...]
    groups: Groups
    judgements: Mapping[Group, Sequence[Judgement]]
    scenes: Scenes

    @property
    def problems(self) -> list[str]:
        return list(dict.fromkeys(row.problem for row in self.rows))

    def label(self, prior: str, method: str) -> str:
        """The prior, with the method where there are several."""
        return prior if len({row.method for row in self.rows}) == 1 else f"{prior} ({method})"

    def of(self, problem: str, kind: str | None = None) -> list[Row]:
        return [row for row in self.rows if row.problem == problem and kind in (None, row.kind)]


def judge(run: Run) -> Trust:
    """All samples of a run in every class; what was not judged yet is judged and kept.

    Raises:
        ValueError: it has no cell with two samples or more, or its measurements cannot be made again.
    """
    groups, by = sampled(run), Judge(run.folder)
    judgements = {group: [by.judgement(record) for record in records] for group, records in groups.items()}
    rows = []
    for group, records in groups.items():
        found = [each.scores for each in judgements[group]]
        kinds = [kind for kind in CLASSES if all(kind in each for each in found)]
        rows += [row(run, records, kind, [each[kind] for each in found]) for kind in kinds]
    return Trust(run, tuple(rows), groups, judgements, by.scenes)


def sampled(run: Run) -> Groups:
    """Records with a spread."""
    found = {}
    for problem, prior, method in itertools.product(run.problems, run.priors, run.methods):
        records = [record for record in run.records(problem, method, prior) if has_spread(record)]
        if records:
            found[problem, prior, method] = records
    if not found:
        raise ValueError(f"no samples to judge in {run.folder}, two of each picture at least; draw some with: "
                         f"priorbench compare -m annealed -n 16 --out {run.folder}")  # fmt: skip
    return found


def row(run: Run, records: Sequence[Record], kind: str, found: Sequence[Scores]) -> Row:
    cell, n = records[0].cell, len(found[0].histogram) - 1
    nominal, numbers = ensemble.order(n, LEVEL)[1], estimates(found, LEVEL)
    if kind == "all":
        numbers |= {name: over_images([record.metrics[name] for record in records]) for name in ("psnr", "psnr_sample")}
        numbers |= gain(run, records)
    family, heuristic = records[0].prior.get("family"), is_heuristic(records[0])
    return Row(cell.problem, cell.prior, cell.method, family, heuristic, kind, n, nominal, tuple(found), numbers)


def gain(run: Run, records: Sequence[Record]) -> dict[str, Estimate]:
    """By how many dB the mean of the samples beats one sample, and the first estimate of the same prior if there is one."""
    found = {"over_sample": over_images([record.metrics["psnr"] - record.metrics["psnr_sample"] for record in records])}
    for method in run.methods:
        others = [run.row(r.cell.prior, r.cell.problem, r.cell.image, method) for r in records]
        estimated = [other for other in others if other and other.status == "done" and not other.cell.samples]
        if len(estimated) == len(records):
            leads = [r.metrics["psnr"] - other.metrics["psnr"] for r, other in zip(records, estimated, strict=True)]
            return found | {"over_estimate": over_images(leads)}
    return found


def simulate_back(
    problem: Problem, prior: Denoiser, x: Tensor, n: int = 16, rng: Seed = 0, method: str = "annealed", steps: int | None = None
) -> solvers.Result:
    """Take an answer x [1, C, H, W] as the truth, measure it with the same instrument and noise, and sample again.

    The problem of the result has x as its truth, so that errors and intervals can be judged where the real truth is unknown.
    x should be one sample: the mean is smoother than any truth, and easier to restore. What this tells assumes that the truth
    looks like a sample of the prior; a prior that is wrong in the same way both times does not notice.

    Raises:
        ValueError, solvers.Diverged: as ``solvers.sample``.
    """
    noise, draws = generator(rng).spawn(2)
    again = simulated(problem.name, problem.operator, x, problem.noise_sigma, noise)
    return solvers.sample(again, prior, n, draws, method, steps)


def with_simulated_back(trust: Trust, tell: Callable[[Cell], None]) -> Trust:
    """With a row more for each group: the first sample of every image, simulated back. What diverges is left out."""
    rows = list(trust.rows)
    for records in trust.groups.values():
        found = []
        for record in records:
            tell(record.cell)
            with contextlib.suppress(solvers.Diverged):
                found.append(back(record))
        if found:
            rows.append(row(trust.run, records, "simulated back", found))
    return replace(trust, rows=tuple(rows))


def back(record: Record) -> Scores:
    assert record.samples is not None
    cell, x = record.cell, record.samples[0].astype(np.float32)
    rng = derived(cell.seed, "back", cell.problem, cell.image)
    truth, prior = torch.from_numpy(x).movedim(-1, 0)[None], load_prior(cell.prior, cell.channels)
    result = simulate_back(load_problem(cell), prior, truth, cell.samples, rng, cell.method_name, cell.steps)
    return scores(picture(result.drawn()).astype(np.float64), x.astype(np.float64))
