"""A stored cell that is valid JSON or npz but not what was written counts as not yet run, and one line says so."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.experiments.comparison import compare, plan
from reports.runs import keys
from reports.runs.stored import Run

Damage = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    compare(plan(("gaussian", "tv"), ("denoise",), ("camera",), ("annealed",), samples=2, steps=3, size=24), tmp_path, "test")
    return tmp_path


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry["metrics"].update(psnr="high"),
        lambda entry: entry["metrics"].pop("ssim"),
        lambda entry: entry.update(metrics=None),
        lambda entry: entry.update(calls=-1),
        lambda entry: entry.update(status="finished"),
        lambda entry: entry.update(trace="none"),
        lambda entry: entry["trace"][0].pop("bands"),
        lambda entry: entry["trace"][0].update(sigma="wide"),
    ],
)
def test_a_wrong_entry_costs_its_cell_only(folder: Path, damage: Damage, caplog: pytest.LogCaptureFixture) -> None:
    file = next(folder.glob("cells/*/*.json"))
    entry = json.loads(file.read_text())
    damage(entry)
    file.write_text(json.dumps(entry))
    only_one_left(folder, file, caplog)


@pytest.mark.parametrize("arrays", [{}, {"x": np.zeros((2, 2, 1))}, {"x": np.zeros((24, 24, 1), int)}])
def test_wrong_arrays_cost_their_cell_only(folder: Path, arrays: dict[str, np.ndarray], caplog: pytest.LogCaptureFixture) -> None:
    file = next(folder.glob("cells/*/*.npz"))
    with np.load(file) as kept:
        rest = {name: kept[name] for name in kept.files if name != "x"}
    np.savez(file, **rest | arrays)
    only_one_left(folder, file.with_suffix(".json"), caplog)


def only_one_left(folder: Path, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(Run.load(folder).rows) == 1
    assert [record.getMessage() for record in caplog.records if file.name in record.getMessage()]


def test_other_versions_of_the_numerical_packages_name_other_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = plan(("gaussian",), ("denoise",), ("camera",), ("hqs",), size=24)[0]
    before = keys.key(cell)
    monkeypatch.setattr(keys, "numerics", lambda: {"torch": "0.0"})
    assert keys.key(cell) != before
