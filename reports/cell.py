"""One cell of a comparison: one measurement, one prior, one method; run and scored by one pure function."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

import priors
import problems
import solvers
from priors.catalogue import resolve
from priors.learned import Shipped
from priors.slot import Denoiser, name_of
from problems.problem import Problem
from reports import calibration, lpips, metrics, realism
from reports.selectors import Selector, known

LEVEL = 0.9  # of the intervals whose coverage is reported
JUDGED = 8  # samples whose structure and kind are scored: these hardly vary from sample to sample, and cost more than PSNR


@dataclass(frozen=True)
class Cell:
    """What is to be run; all that decides the answer, in plain values.

    ``problem``, ``prior`` and ``method`` are selectors (``name[option=value]``), ``image`` a bundled name or a path, cropped
    to ``size`` x ``size`` pixels and ``channels`` 1 or 3. ``samples`` is 0 for a method that estimates; ``steps``, which a
    method's selector repeats to tell one number from another, is None for the method's own. LPIPS is measured where ``lpips_file``
    names a file with its weights.
    """

    problem: str
    image: str
    prior: str
    method: str
    strength: float = 1.0
    samples: int = 0
    steps: int | None = None
    size: int = 128
    channels: int = 1
    seed: int = 0
    lpips_file: str | None = None

    @property
    def method_name(self) -> str:
        """The method without its options, as ``solvers.METHODS`` knows it."""
        return Selector.parse(self.method).name

    @property
    def planned_calls(self) -> int:
        """Images that will be denoised: levels x calls at each x samples."""
        method = solvers.METHODS[self.method_name]
        return (self.steps or method.steps) * method.calls * max(self.samples, 1)

    def __str__(self) -> str:
        return f"{self.problem} · {self.image} · {self.prior} · {self.method}"


@dataclass(frozen=True)
class Record:
    """What came out of a cell.

    ``status`` is "done", "diverged" (no image, ``message`` says how) or "failed" (the prior raised). ``metrics`` always
    has psnr, ssim, misfit, gmsd, haarpsi, swd, spectrum_db and mae of the estimate or mean, and crps, which is mae where there
    is one answer only; samples add the first seven with _sample (gmsd to spectrum_db over the first ``JUDGED`` samples) and,
    from two samples on, spread, rms_error, coverage and coverage_nominal. LPIPS adds lpips and lpips_sample. A record that
    is older than a metric lacks it. ``prior`` holds name, family, mmse, licence, card. ``arrays``, read from disk when asked
    for: x, std [H, W, C] float32, samples [n, H, W, C] float16, and of the scene truth [H, W, C] and shown [h, w, C], the
    measurement as a picture.
    """

    cell: Cell
    status: str
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    calls: int = 0
    seconds: float = 0.0
    trace: Sequence[Mapping[str, Any]] = ()
    prior: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    @property
    def x(self) -> np.ndarray | None:
        return self.arrays.get("x")

    @property
    def std(self) -> np.ndarray | None:
        return self.arrays.get("std")

    @property
    def samples(self) -> np.ndarray | None:
        return self.arrays.get("samples")


def run_cell(cell: Cell) -> Record:
    """Measure, solve or sample, and score; the same cell gives the same record.

    Raises:
        ValueError, TypeError, OSError, ImportError: a name, option or file of the cell is wrong.
        Exception: whatever the prior raises.
    """
    prior, problem = load_prior(cell.prior, cell.channels), load_problem(cell)
    facts, scene = prior_facts(prior), scene_of(problem)
    began = time.perf_counter()
    try:
        result = answer(cell, problem, prior)
    except solvers.Diverged as error:
        seconds, calls = time.perf_counter() - began, len(error.trace) * solvers.METHODS[cell.method_name].calls * max(cell.samples, 1)
        return Record(cell, "diverged", str(error), {}, calls, seconds, error.trace, facts, scene)
    found, arrays = score(problem, result, cell.lpips_file), scene | pictures(result)
    return Record(cell, "done", "", found, result.calls, result.seconds, result.trace, facts, arrays)


def answer(cell: Cell, problem: Problem, prior: Denoiser) -> solvers.Result:
    if cell.samples:
        rng = derived(cell.seed, "samples", cell.problem, cell.image)
        return solvers.sample(problem, prior, cell.samples, rng, cell.method_name, cell.steps)
    return solvers.solve(problem, prior, cell.method_name, cell.strength, cell.steps)


def load_prior(selector: str, channels: int = 1) -> Denoiser:
    """The prior as it meets images of so many channels: shipped weights have a card and a range for each."""
    prior = made(selector)
    return prior.of(channels) if isinstance(prior, Shipped) else prior


@functools.lru_cache(maxsize=32)
def made(selector: str) -> Denoiser:
    chosen = Selector.parse(selector)
    return priors.load(chosen.name, **chosen.values_for(resolve(chosen.name)))


def load_problem(cell: Cell) -> Problem:
    """The measurement of a cell. Its noise depends on seed, problem and image alone, so every prior sees the same y."""
    chosen = Selector.parse(cell.problem)
    if "rng" in chosen.values:
        raise ValueError(f"rng is no option of {cell.problem!r} here; the seed of the comparison sets the noise of every measurement")
    options = chosen.values_for(resolve(problems.CATALOGUE[known("problem", chosen.name, problems.CATALOGUE)].maker))
    image = problems.load_image(cell.image, size=cell.size, channels=cell.channels)
    return problems.load(chosen.name, image, rng=derived(cell.seed, "noise", cell.problem, cell.image), **options)


def check(cells: Iterable[Cell]) -> None:
    """Load every prior and simulate every measurement once.

    Raises:
        ValueError, TypeError, OSError, ImportError: what is wrong with a name, an option or a file, in one sentence.
    """
    chosen = list(cells)
    for prior, channels in dict.fromkeys((cell.prior, cell.channels) for cell in chosen):
        load_prior(prior, channels)
    for cell in {(cell.problem, cell.image): cell for cell in chosen}.values():
        load_problem(cell)
    for file, size in {(cell.lpips_file, cell.size) for cell in chosen if cell.lpips_file}:
        lpips.load(file)
        if size < lpips.SMALLEST:
            raise ValueError(f"LPIPS needs images of at least {lpips.SMALLEST} pixels on a side, not {size}; give a larger --size")


def derived(seed: int, *words: str) -> int:
    """A seed for one purpose, independent of those for all others."""
    return int.from_bytes(hashlib.blake2b(repr((seed, *words)).encode(), digest_size=7).digest(), "big")


def prior_facts(prior: Denoiser) -> dict[str, Any]:
    """What a prior tells about itself, in plain values; of the model card the one-line entries."""
    card = getattr(prior, "card", None)
    return {
        "name": name_of(prior),
        "family": getattr(prior, "family", None),
        "mmse": getattr(prior, "mmse", None),
        "licence": getattr(prior, "licence", None),
        "card": card and {name: value for name, value in card.items() if isinstance(value, str | int | float)},
    }


def picture(x: Tensor) -> np.ndarray:
    """[..., 1, C, H, W] to [..., H, W, C]."""
    return x.detach().cpu().squeeze(-4).movedim(-3, -1).numpy()


def scene_of(problem: Problem) -> dict[str, np.ndarray]:
    assert problem.truth is not None  # every problem of a comparison is a simulation
    return {"truth": picture(problem.truth), "shown": picture(problem.operator.as_image(problem.y))}


def pictures(result: solvers.Result) -> dict[str, np.ndarray]:
    found = {"x": picture(result.x)}
    if result.samples is not None:
        found["samples"] = picture(result.samples).astype(np.float16)
        if len(result.samples) > 1:
            found["std"] = picture(result.std)
    return found


def score(problem: Problem, result: solvers.Result, lpips_file: str | None = None) -> dict[str, float]:
    """Metrics of the estimate or the mean, then of the single samples, then of their spread."""
    truth, x = scene_of(problem)["truth"], picture(result.x)
    found = {"psnr": metrics.psnr(x, truth), "ssim": metrics.ssim(x, truth), "misfit": metrics.misfit(problem, result.x)}
    found |= likeness(x[None], truth, lpips_file)
    found["mae"] = found["crps"] = float(np.mean(np.abs(x - truth)))  # the CRPS of an answer that is sure of itself is its mean error
    if result.samples is None:
        return found
    drawn = picture(result.samples)
    found["psnr_sample"] = float(np.mean([metrics.psnr(s, truth) for s in drawn]))
    found["ssim_sample"] = float(np.mean([metrics.ssim(s, truth) for s in drawn]))
    found["misfit_sample"] = float(np.mean([metrics.misfit(problem, s) for s in result.samples]))
    found |= {f"{name}_sample": value for name, value in likeness(drawn[:JUDGED], truth, lpips_file).items()}
    if len(drawn) > 1:
        found["spread"] = float(np.sqrt(np.mean(np.square(picture(result.std)))))
        found["rms_error"] = float(np.sqrt(np.mean(np.square(x - truth))))
        found["coverage"], found["coverage_nominal"] = calibration.coverage(drawn, truth, LEVEL)
        found["crps"] = float(np.mean(calibration.crps(drawn, truth)))
    return found


def likeness(pictures: np.ndarray, truth: np.ndarray, lpips_file: str | None) -> dict[str, float]:
    """To the truth in structure, then in kind: means over ``pictures`` [n, H, W, C]."""
    structure = {score.__name__: float(np.mean([score(x, truth) for x in pictures])) for score in (metrics.gmsd, metrics.haarpsi)}
    kind = {"swd": realism.swd(pictures, truth), "spectrum_db": realism.spectrum_db(pictures, truth)}
    return structure | kind | ({"lpips": lpips.load(lpips_file)(pictures, truth)} if lpips_file else {})
