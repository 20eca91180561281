"""The chains of a stored run, gone through once more: what was noisy, believed and measured at every level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from problems.names import unknown
from reports.runs.cell import Cell, Record
from reports.runs.loading import derived, load_prior, load_problem, pictures
from reports.runs.stored import Run
from reports.scores.distributional import radial_power
from solvers.loop import Iterate
from solvers.methods import METHODS
from solvers.stepping import taken

FRAMES = 24  # of a chain that are kept: methods of more levels are thinned out
SHOWN = 2  # samples of a chain whose pictures are kept
BANDS = 24  # of a spectrum
SAME = 2e-3  # root mean square, from the stored answer: what 16-bit storage leaves


@dataclass(frozen=True)
class Chain:
    """L levels of one cell. ``noisy``, ``believed`` and ``measured`` are [L, k, H, W, C] of the first k samples, or of the one estimate.

    ``levels`` are the numbers of the L levels among ``planned``, from 0 on, ``sigmas`` what the prior was told there. ``spread``
    [L, H, W, C] is the standard deviation of what is believed over all samples, None where there are none to compare. ``repeated``
    tells whether the chain ended on the stored answer.
    """

    cell: Cell
    planned: int
    levels: tuple[int, ...]
    sigmas: tuple[float, ...]
    noisy: np.ndarray
    believed: np.ndarray
    measured: np.ndarray
    spread: np.ndarray | None
    repeated: bool


def walk(cell: Cell) -> tuple[int, Iterator[tuple[Tensor, Iterate]]]:
    """How many levels a cell has, and each with the image that it starts from, [n, C, H, W], on the same noise as in the run."""
    prior, problem = load_prior(cell.prior, cell.channels), load_problem(cell)
    rng = derived(cell.seed, "samples" if cell.samples else "pairs", cell.problem, cell.image)
    with torch.no_grad():
        task = taken(problem, prior, cell.method_name, cell.samples or cell.pairs or 1, rng, cell.steps, None, cell.strength)

    @torch.no_grad()
    def steps() -> Iterator[tuple[Tensor, Iterate]]:
        x = task.x
        for step in task.iterates():
            yield x, step
            x = step.x

    return len(task.levels), steps()


def play(row: Record, frames: int = FRAMES) -> Chain:
    """Run the cell of a record again and keep ``frames`` of its levels, the first and the last among them.

    Raises:
        ValueError, TypeError, OSError, ImportError: a name, option or file of the cell is wrong by now.
        Exception: whatever the prior raises.
    """
    cell, kept = row.cell, min(SHOWN, max(row.cell.samples, 1))
    planned, steps = walk(cell)
    wanted = set(np.linspace(0, planned - 1, min(frames, planned)).round().astype(int).tolist())
    found: dict[str, list[np.ndarray]] = {"noisy": [], "believed": [], "measured": [], "spread": []}
    levels, sigmas = [], []
    for number, (x, step) in enumerate(steps):
        if number not in wanted and number < planned:  # what follows the planned levels, the fixed point of "mean", is kept whole
            continue
        levels.append(number)
        sigmas.append(step.sigma)
        for name, image in (("noisy", x), ("believed", step.believed), ("measured", step.measured)):
            found[name].append(pictures(image[:kept]))
        if cell.samples > 1:
            found["spread"].append(pictures(step.believed.std(0, keepdim=True))[0])
    spread = np.stack(found["spread"]) if found["spread"] else None
    noisy, believed, measured = (np.stack(found[name]) for name in ("noisy", "believed", "measured"))
    last = step.believed if METHODS[cell.method_name].answer == "believed" else step.measured
    return Chain(cell, planned, tuple(levels), tuple(sigmas), noisy, believed, measured, spread, ends_alike(row, last))


def ends_alike(row: Record, last: Tensor) -> bool:
    """Whether the mean of the last images is the answer that was stored."""
    return row.x is not None and bool(np.sqrt(np.mean((pictures(last).mean(0) - row.x) ** 2)) < SAME)


def spectrum(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f in cycles per pixel, amplitude) of [H, W, C] in bands of equal ratio: the root mean square of a Fourier coefficient there."""
    f, power = radial_power(np.moveaxis(image.astype(np.float64), -1, 0)[None])
    starts = np.unique(np.geomspace(1, len(f), BANDS).astype(int) - 1)
    counts = np.diff(np.append(starts, len(f)))
    return np.add.reduceat(f, starts) / counts, np.sqrt(np.add.reduceat(power, starts) / counts)


def chosen(run: Run, priors: Sequence[str], problems: Sequence[str], images: Sequence[str], methods: Sequence[str]) -> list[Record]:
    """The finished cells of these labels; where none are named all priors, the first problem, image, and method that samples.

    Raises:
        ValueError: a label that is not in the run, or no finished cell with these.
    """
    sampling = [method for method in run.methods if run.is_sampled(method)]
    wanted = {
        "prior": known("prior", priors, run.priors) or run.priors,
        "problem": known("problem", problems, run.problems) or run.problems[:1],
        "image": known("image", images, run.images) or run.images[:1],
        "method": known("method", methods, run.methods) or (sampling or run.methods)[:1],
    }
    rows = [row for row in run.rows if row.status == "done" and all(getattr(row.cell, name) in labels for name, labels in wanted.items())]
    if not rows:
        told = ", ".join(f"{name} {' or '.join(labels)}" for name, labels in wanted.items())
        raise ValueError(f"no finished cell in {run.folder} with {told}; name others, or go on with: priorbench compare --out {run.folder}")
    return sorted(rows, key=lambda row: run.priors.index(row.cell.prior))


def known(kind: str, labels: Sequence[str], present: Sequence[str]) -> list[str]:
    """The labels of a run that are meant: whole, without their options, or without the folders of a path."""
    found = []
    for label in labels:
        meant = [each for each in present if label in (each, each.partition("[")[0], Path(each).name)]
        if not meant:
            raise ValueError(f"in this run: {unknown(kind, label, present)}")
        found += meant
    return found
