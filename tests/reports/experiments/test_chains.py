"""Chains gone through again: the same noise, the same answers, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.experiments import chains
from reports.experiments.comparison import compare, plan
from reports.runs.cell import Record
from reports.runs.stored import Run

METHODS = ("hqs", "admm", "mean[pairs=2]", "annealed", "diffpir[steps=30]")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    return compare(plan(("gaussian", "tv"), ("deblur", "inpaint"), ("camera",), METHODS, samples=3, size=16), folder)


def row(stored: Run, method: str, prior: str = "gaussian") -> Record:
    found = stored.row(prior, "inpaint", "camera", method)
    assert found is not None
    return found


@pytest.mark.parametrize("method", METHODS)
def test_a_chain_ends_on_the_stored_answer(stored: Run, method: str) -> None:
    record = row(stored, method)
    chain = chains.play(record)
    assert chain.repeated
    shown = 2 if record.cell.samples else 1
    assert chain.noisy.shape == chain.believed.shape == chain.measured.shape == (len(chain.sigmas), shown, 16, 16, 1)
    assert chain.levels[0] == 0
    assert chain.levels[-1] >= chain.planned - 1
    if record.samples is not None:
        np.testing.assert_allclose(chain.measured[-1], record.samples[:2], atol=1e-3)  # stored in 16 bits
    assert (chain.spread is None) == (record.cell.samples < 2)


def test_another_answer_is_told(stored: Run) -> None:
    record = row(stored, "annealed")
    assert record.x is not None
    moved = replace(record, arrays={**record.arrays, "x": record.x + 0.05})
    assert not chains.play(moved).repeated


def test_a_level_begins_where_the_one_before_ended(stored: Run) -> None:
    """The first in noise of its level; each later one in noise of its own level about what was measured before."""
    chain = chains.play(row(stored, "annealed"))
    assert chain.noisy[0].std() == pytest.approx(chain.sigmas[0], rel=0.15)
    for k in range(1, len(chain.sigmas)):
        assert (chain.noisy[k] - chain.measured[k - 1]).std() == pytest.approx(chain.sigmas[k], rel=0.2)


def test_the_spread_is_that_of_all_samples(stored: Run) -> None:
    record = row(stored, "annealed")
    _, steps = chains.walk(record.cell)
    chain = chains.play(record)
    assert chain.spread is not None
    last = list(steps)[-1][1].believed.numpy()
    np.testing.assert_allclose(chain.spread[-1], last.std(0, ddof=1).transpose(1, 2, 0), rtol=1e-4)


def test_long_chains_are_thinned_out_evenly(stored: Run) -> None:
    chain = chains.play(row(stored, "diffpir[steps=30]"), frames=7)
    assert chain.levels == (0, 5, 10, 14, 19, 24, 29)
    assert chain.planned == 30


def test_the_spectrum_of_white_noise_is_flat_at_its_deviation() -> None:
    noise = 0.3 * np.random.default_rng(0).standard_normal((128, 128, 1))
    f, amplitude = chains.spectrum(noise)
    assert f[0] < 0.01
    assert f[-1] > 0.45
    assert (np.diff(f) > 0).all()
    np.testing.assert_allclose(amplitude[8:], 0.3, rtol=0.15)


def test_cells_are_chosen_by_their_labels(stored: Run) -> None:
    rows = chains.chosen(stored, [], [], [], [])
    assert [(row.cell.prior, row.cell.problem, row.cell.method) for row in rows] == [(p, "deblur", "annealed") for p in ("gaussian", "tv")]
    rows = chains.chosen(stored, ["tv"], ["inpaint"], [], ["hqs", "admm"])
    assert [(row.cell.prior, row.cell.problem, row.cell.method) for row in rows] == [("tv", "inpaint", m) for m in ("hqs", "admm")]
    assert [row.cell.method for row in chains.chosen(stored, ["tv"], [], [], ["mean", "diffpir"])] == ["mean[pairs=2]", "diffpir[steps=30]"]


@pytest.mark.parametrize("place", range(4))
def test_a_label_that_is_not_in_the_run_is_refused(stored: Run, place: int) -> None:
    labels: list[list[str]] = [[], [], [], []]
    labels[place] = ["bm3d"]
    with pytest.raises(ValueError, match=r"in this run: unknown .* 'bm3d'"):
        chains.chosen(stored, *labels)


def test_nothing_finished_is_told(stored: Run) -> None:
    unfinished = replace(stored, rows=tuple(replace(row, status="failed") for row in stored.rows))
    with pytest.raises(ValueError, match=r"no finished cell in .* priorbench compare --out"):
        chains.chosen(unfinished, [], [], [], [])


def test_a_run_without_samples_shows_its_estimates(stored: Run, tmp_path: Path) -> None:
    estimates = replace(stored, rows=tuple(row for row in stored.rows if not row.cell.samples))
    assert {row.cell.method for row in chains.chosen(estimates, [], [], [], [])} == {"hqs"}
