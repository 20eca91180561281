"""Stored numbers are those of today's code: small reference cells, recorded with the number ``ANSWERS`` they were made under.

A stored cell stays valid as long as ``ANSWERS`` does (reports/runs/keys.py). When a change of the code moves a number here,
raise ``ANSWERS`` (``JUDGED`` for scores by class) and record again: ``python -m tests.reports.runs.test_reference``.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.experiments import denoising
from reports.judging.classes import JUDGED, Judge
from reports.runs.cell import Cell
from reports.runs.keys import ANSWERS
from reports.runs.solving import run_cell
from reports.runs.store import Store

FILE = Path(__file__).with_name("reference.json")
ADVICE = "raise {0} in {1} and record again with: python -m tests.reports.runs.test_reference"
TOLERANCE = 2e-3  # relative, and absolute below 1: other processors and numbers of threads move a score by less
PROBLEMS = ("denoise", "deblur", "super_resolution", "inpaint")
ESTIMATED = ("gaussian · hqs", "tv · admm", "tv · red", "nlm · hqs", "gaussian · pgd", "cnn · hqs", "cnn · admm", "diffusion · hqs")
AVERAGED = ("tv · mean", "diffusion · mean")
SAMPLED = ("gaussian · annealed", "tv · annealed", "diffusion · annealed", "gaussian · split-gibbs")


def cells() -> dict[str, Cell]:
    found = {}
    for problem in PROBLEMS:
        for label in ESTIMATED + AVERAGED + SAMPLED:
            prior, method = label.split(" · ")
            samples = 2 if label in SAMPLED else 0
            exact = f"{prior}[precision=float32]" if prior in ("cnn", "diffusion") else prior  # whatever this machine computes fastest
            found[f"{problem} · {label}"] = Cell(problem, "camera", exact, method, 1.0 if label in AVERAGED else 0.5, samples, 4, 24)
    found["colour"] = replace(found["deblur · diffusion · annealed"], channels=3)
    return found


CELLS = cells()
SPREAD = "inpaint · gaussian · annealed"  # its samples are judged by class


def scored(name: str) -> dict[str, Any]:
    record = run_cell(CELLS[name])
    return {"status": record.status, "calls": record.calls, **record.metrics}


def judged() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        record = run_cell(CELLS[SPREAD])
        Store(folder).save(record)
        found = Judge(folder).judgement(record)
    values = {f"{kind} {name}": np.asarray(value).tolist() for kind, each in found.scores.items() for name, value in each._asdict().items()}
    return {**values, "energy": found.energy, "pixels": list(found.pixels), "frequencies": list(found.frequencies)}


def denoised() -> dict[str, Any]:
    scene = denoising.Scene(("camera",), 24)
    levels = denoising.plan(["gaussian", "tv", "cnn[precision=float32]"], [15.0, 50.0], scene)
    scores = [(level, denoising.denoised(level, 0)) for level in levels]
    return {f"{level.prior} {level.sigma:g}": [score.psnr, score.ssim] for level, score in scores}


def moved(stored: Any, found: Any) -> bool:
    """Whether a number is another one than was recorded."""
    if isinstance(stored, str) or isinstance(found, str) or np.shape(stored) != np.shape(found):
        return stored != found
    return not np.allclose(np.asarray(found, float), np.asarray(stored, float), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return json.loads(FILE.read_text())


def test_the_reference_was_recorded_under_these_numbers(reference: dict[str, Any]) -> None:
    assert (reference["answers"], reference["judged_number"]) == (ANSWERS, JUDGED), ADVICE
    assert set(reference["cells"]) == set(CELLS)


@pytest.mark.parametrize("name", CELLS)
def test_no_stored_number_has_moved(name: str, reference: dict[str, Any]) -> None:
    found, stored = scored(name), reference["cells"][name]
    changed = [metric for metric in {**stored, **found} if moved(stored.get(metric, "none"), found.get(metric, "none"))]
    assert not changed, f"{changed} of {name} moved: {ADVICE.format('ANSWERS', 'reports/runs/keys.py')}"


def test_no_score_by_class_has_moved(reference: dict[str, Any]) -> None:
    found, stored = judged(), reference["judged"]
    changed = [name for name in {**stored, **found} if moved(stored.get(name, "none"), found.get(name, "none"))]
    assert not changed, f"{changed} moved: {ADVICE.format('JUDGED', 'reports/judging/classes.py')}"


def test_no_denoised_number_has_moved(reference: dict[str, Any]) -> None:
    found, stored = denoised(), reference["denoised"]
    changed = [name for name in {**stored, **found} if moved(stored.get(name, "none"), found.get(name, "none"))]
    assert not changed, f"{changed} moved: {ADVICE.format('ANSWERS', 'reports/runs/keys.py')}"


def test_a_move_is_seen() -> None:
    assert moved(25.0, 25.1)
    assert moved("none", 25.0)
    assert moved([1.0, 2.0], [1.0])
    assert not moved(25.0, 25.0001)
    assert not moved(float("nan"), float("nan"))


def record() -> None:
    """Write the reference anew."""
    content = {"answers": ANSWERS, "judged_number": JUDGED, "cells": {name: scored(name) for name in CELLS}}
    FILE.write_text(json.dumps({**content, "judged": judged(), "denoised": denoised()}, indent=0) + "\n")


if __name__ == "__main__":
    record()
