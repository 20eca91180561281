"""A comparison with made-up results, so that figures and page are tested without solving anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reports.report import Report
from reports.runs.cell import Cell, Record
from reports.scores import ensemble, pixelwise

PRIORS = {
    "gaussian": ("smoother", True, 2.0),
    "tv": ("variational", False, 1.2),
    "bm3d": ("classical", False, 0.9),
    "cnn": ("learned", True, 0.7),
    "diffusion": ("generative", True, 0.55),
}  # name -> family, mmse, how wrong


def picture(size: int, channels: int, seed: int = 0) -> np.ndarray:
    """Edges and a slope, [size, size, channels]."""
    rng = np.random.default_rng(seed)
    truth = np.tile(np.linspace(0.2, 0.5, size)[:, None, None], (1, size, channels))
    for _ in range(4):
        row, column = rng.integers(0, size // 2, 2)
        truth[row : row + size // 3, column : column + size // 3] = rng.random(channels)
    return truth.astype(np.float32)


def measured(problem: str, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noisy = truth + 0.05 * rng.standard_normal(truth.shape)
    if problem.startswith("super_resolution"):
        return noisy[::2, ::2]
    return np.where(rng.random((*truth.shape[:2], 1)) < 0.5, noisy, np.nan) if problem.startswith("inpaint") else noisy


def record(cell: Cell, truth: np.ndarray, shown: np.ndarray, wrong: float, facts: dict[str, Any]) -> Record:
    """An answer that misses the truth by ``wrong`` / 20 in the middle, and samples that spread as much."""
    rng, n = np.random.default_rng(len(cell.image) + len(cell.prior)), cell.samples
    noise = wrong / 20 * rng.standard_normal((n + 1, *truth.shape)).astype(np.float32)
    x = truth + noise[0]
    arrays = {"truth": truth, "shown": shown, "x": x}
    found = {"psnr": pixelwise.psnr(x, truth), "ssim": pixelwise.ssim(x, truth), "misfit": 1.0}
    if n:
        drawn = (x + noise[1:]).astype(np.float16)
        arrays["samples"] = drawn
        found |= {"psnr_sample": pixelwise.psnr(drawn[0], truth), "ssim_sample": pixelwise.ssim(drawn[0], truth), "misfit_sample": 1.0}
    if n > 1:
        arrays["std"] = drawn.astype(np.float32).std(0, ddof=1)
        found |= {"spread": float(arrays["std"].mean()), "rms_error": float(np.sqrt(np.mean((x - truth) ** 2)))}
        found["coverage"], found["coverage_nominal"] = ensemble.coverage(drawn, truth)
    return Record(cell, "done", "", found, 8 * max(n, 1), 0.1, (), facts, arrays)


def comparison(
    folder: Path,
    priors: dict[str, tuple[str | None, bool | None, float]] = PRIORS,
    problems: tuple[str, ...] = ("deblur", "super_resolution", "inpaint"),
    images: tuple[str, ...] = ("camera", "cat"),
    methods: tuple[tuple[str, int], ...] = (("hqs", 0), ("annealed", 4)),
    size: int = 24,
    channels: int = 1,
) -> Report:
    rows = []
    for problem in problems:
        for seed, image in enumerate(images):
            truth = picture(size, channels, seed)
            shown = measured(problem, truth, np.random.default_rng(seed))
            for method, samples in methods:
                for prior, (family, mmse, wrong) in priors.items():
                    cell = Cell(problem, image, prior, method, 0.5, samples, None, size, channels)
                    facts = {"name": prior, "family": family, "mmse": mmse, "licence": None, "card": None}
                    rows.append(record(cell, truth, shown, wrong, facts))
    return Report(folder, tuple(rows), provenance(rows))


def provenance(rows: list[Record]) -> dict[str, Any]:
    return {
        "command": "priorbench compare --out 'out/<run>'",
        "date": "2026-01-02T03:04:05+00:00",
        "versions": {"python": "3.12", "numpy": "2.0"},
        "platform": "Linux",
        "cores": 2,
        "seed": 0,
        "size": rows[0].cell.size,
        "channels": rows[0].cell.channels,
        "samples": max(row.cell.samples for row in rows),
        "tuning_images_reported": [],
        "licences": {"bm3d": "non-commercial use only"},
        "weights": {"cnn": {"sha256": "ab12", "steps": 2000}},
        "strengths": [
            {"prior": row.cell.prior, "problem": row.cell.problem, "method": row.cell.method, "strength": 0.5, "from": "shipped: 9 trials"}
            for row in rows
            if not row.cell.samples and row.cell.image == rows[0].cell.image
        ],
    }
