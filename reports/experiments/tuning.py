"""Fair strengths: one number per prior, problem and method, searched with the same effort for all, on tuning images only.

Each is the best on average over several instances of the problem, so that it does not serve one kernel or one noise.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

import problems
import solvers
from reports.runs.cell import Cell, Record
from reports.runs.files import write_json
from reports.runs.loading import check, load_prior, prior_facts
from reports.runs.selectors import Selector, known
from reports.runs.solving import run_cell
from reports.runs.store import Store
from reports.runs.strengths import Strengths, Tuned, stands

COARSE = tuple(float(10**power) for power in np.linspace(-2, 1, 5))  # 0.01 .. 10
ROUNDS = 2  # each halves the step (in log strength) and tries both neighbours of the best so far
TIE = 0.01  # dB, too small a difference to see
EVALUATIONS = len(COARSE) + 2 * ROUNDS  # the budget of every prior: 9
INSTANCES = {  # from little to much noise, and from data that fix nearly every pixel to data that leave most of them open
    "denoise": ("denoise[noise_sigma=0.04]", "denoise[noise_sigma=0.1]", "denoise[noise_sigma=0.2]"),
    "deblur": (
        "deblur[kernel=gaussian:1,noise_sigma=0.01]", "deblur[kernel=gaussian:1.6,noise_sigma=0.02]",
        "deblur[kernel=motion:15:30,noise_sigma=0.03]", "deblur[kernel=disk:4,noise_sigma=0.05]",
    ),
    "super_resolution": (
        "super_resolution[factor=2,noise_sigma=0.01]", "super_resolution[factor=3,noise_sigma=0.02]",
        "super_resolution[factor=4,noise_sigma=0.04]",
    ),
    "inpaint": (
        "inpaint[mask=random:0.2,noise_sigma=0.01]", "inpaint[mask=random:0.5,noise_sigma=0.02]",
        "inpaint[mask=box:0.25,noise_sigma=0.05]",
    ),
    "colorize": ("colorize[noise_sigma=0.01]", "colorize[weights=mean,noise_sigma=0.03]", "colorize[noise_sigma=0.1]"),
    "demosaic": ("demosaic[noise_sigma=0.01]", "demosaic[noise_sigma=0.03]", "demosaic[noise_sigma=0.1]"),
    "fourier": (
        "fourier[share=0.15,noise_sigma=0.01]", "fourier[share=0.3,noise_sigma=0.03]", "fourier[share=0.5,noise_sigma=0.06]",
    ),
    "tomography": (
        "tomography[angles=60,noise_sigma=0.002]", "tomography[angles=15,noise_sigma=0.005]",
        "tomography[angles=30,noise_sigma=0.01,span=120]",
    ),
    "compressed": (
        "compressed[noise_sigma=0.01,share=0.15]", "compressed[noise_sigma=0.03,share=0.3]", "compressed[noise_sigma=0.06,share=0.5]",
    ),
}  # fmt: skip


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
        ValueError: an unknown problem, a problem with options, a method without a strength, or nothing to tune.
    """
    estimating = [name for name, method in solvers.METHODS.items() if not (method.samples or method.pairs)]
    cells = [
        Cell(known("tunable problem", problem, INSTANCES), "", str(Selector.parse(prior)), known("tunable method", method, estimating),
             size=size, channels=channels, seed=seed)
        for problem, method, prior in itertools.product(problem_names, methods, priors)
    ]  # fmt: skip
    if not cells:
        raise ValueError("nothing to tune; name at least one prior, problem and method")
    return cells


def prepare(cells: Iterable[Cell], file: Path) -> None:
    """Find all bad input before anything is solved.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong, in one sentence.
    """
    check(instance for cell in cells for instance in instances(cell))
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


def instances(cell: Cell) -> list[Cell]:
    """What a strength is tuned on: every instance of the problem with every tuning image."""
    return [replace(cell, problem=each, image=image) for each in INSTANCES[cell.problem] for image in problems.TUNE]


def tune_one(cell: Cell, tell: Callable[[str, float, float], None] | None = None) -> Tuned:
    """The strength with the best mean PSNR over all instances; one that diverges rules a strength out."""
    tuned_on = instances(cell)

    def score(strength: float) -> float:
        found = float(np.mean([psnr(run_cell(replace(each, strength=strength))) for each in tuned_on]))
        if tell:
            tell(f"{cell.problem} · {cell.prior} · {cell.method}", strength, found)
        return found

    tried = search(score)
    trace = [(round(strength, 6), round(found, 4) if math.isfinite(found) else None) for strength, found in tried]
    strength = round(best(tried), 6) if math.isfinite(max(found for _, found in tried)) else None
    noise, misfit = zip(*map(stands, tuned_on), strict=True)
    return Tuned(
        cell.prior, cell.problem, cell.method, strength, trace, problems.TUNE, cell.size, cell.channels, cell.seed,
        datetime.date.today().isoformat(), prior_facts(load_prior(cell.prior, cell.channels)),
        INSTANCES[cell.problem], (min(noise), max(noise)), (min(misfit), max(misfit)),
    )  # fmt: skip


def psnr(record: Record) -> float:
    return record.metrics["psnr"] if record.status == "done" else -math.inf
