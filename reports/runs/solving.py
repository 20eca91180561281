"""A cell run and scored by one pure function."""

from __future__ import annotations

import time

import numpy as np

import solvers
from priors.slot import Denoiser
from problems.problem import Problem
from reports.runs.cell import Cell, Record
from reports.runs.keys import code
from reports.runs.loading import derived, load_prior, load_problem, picture, prior_facts, scene_of
from reports.scores import distributional, ensemble, lpips, pixelwise
from reports.scores.ensemble import LEVEL

JUDGED = 8  # samples whose structure and kind are scored: these hardly vary from sample to sample, and cost more than PSNR


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
        seconds, calls = time.perf_counter() - began, len(error.trace) * solvers.METHODS[cell.method_name].calls * cell.chains
        return Record(cell, "diverged", str(error), {}, calls, seconds, error.trace, facts, scene, code())
    found, arrays = score(problem, result, cell.lpips_file), scene | pictures(result)
    return Record(cell, "done", "; ".join(result.warnings), found, result.calls, result.seconds, result.trace, facts, arrays, code())


def answer(cell: Cell, problem: Problem, prior: Denoiser) -> solvers.Result:
    if cell.samples:
        rng = derived(cell.seed, "samples", cell.problem, cell.image)
        return solvers.sample(problem, prior, cell.samples, rng, cell.method_name, cell.steps)
    rng = derived(cell.seed, "pairs", cell.problem, cell.image)  # not the draws of "samples": pairs are for means, never for intervals
    return solvers.solve(problem, prior, cell.method_name, cell.strength, cell.steps, pairs=cell.pairs or None, rng=rng)


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
    found = {"psnr": pixelwise.psnr(x, truth), "ssim": pixelwise.ssim(x, truth), "misfit": pixelwise.misfit(problem, result.x)}
    found |= likeness(x[None], truth, lpips_file)
    found["mae"] = found["crps"] = float(np.mean(np.abs(x - truth)))  # the CRPS of a single answer is its mean error
    if result.samples is None:
        return found
    drawn = picture(result.samples)
    found["psnr_sample"] = float(np.mean([pixelwise.psnr(s, truth) for s in drawn]))
    found["ssim_sample"] = float(np.mean([pixelwise.ssim(s, truth) for s in drawn]))
    found["misfit_sample"] = float(np.mean([pixelwise.misfit(problem, s) for s in result.samples]))
    found |= {f"{name}_sample": value for name, value in likeness(drawn[:JUDGED], truth, lpips_file).items()}
    if len(drawn) > 1:
        found["spread"] = float(np.sqrt(np.mean(np.square(picture(result.std)))))
        found["rms_error"] = float(np.sqrt(np.mean(np.square(x - truth))))
        found["coverage"], found["coverage_nominal"] = ensemble.coverage(drawn, truth, LEVEL)
        found["crps"] = float(np.mean(ensemble.crps(drawn, truth)))
    return found


def likeness(pictures: np.ndarray, truth: np.ndarray, lpips_file: str | None) -> dict[str, float]:
    """To the truth in structure, then in kind: means over ``pictures`` [n, H, W, C]."""
    structure = {score.__name__: float(np.mean([score(x, truth) for x in pictures])) for score in (pixelwise.gmsd, pixelwise.haarpsi)}
    kind = {"swd": distributional.swd(pictures, truth), "spectrum_db": distributional.spectrum_db(pictures, truth)}
    return structure | kind | ({"lpips": lpips.load(lpips_file)(pictures, truth)} if lpips_file else {})
