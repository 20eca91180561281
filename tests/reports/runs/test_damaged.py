"""A stored cell that is valid JSON or npz but not what was written counts as not yet run, and one line says so."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.experiments import denoising, unconditional
from reports.experiments.comparison import compare, plan
from reports.judging.trust import judge
from reports.report import Report
from reports.runs import keys
from reports.runs.files import read_arrays
from reports.runs.stored import Run
from reports.runs.strengths import Strengths, Tuned
from tests.helpers import run

Damage = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    compare(plan(("gaussian", "tv"), ("denoise",), ("camera",), ("annealed",), samples=2, steps=3, size=24), tmp_path, "test")
    return tmp_path


def changed(file: Path, damage: Damage) -> Path:
    entry = json.loads(file.read_text())
    damage(entry)
    file.write_text(json.dumps(entry))
    return file


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda entry: entry["metrics"].update(psnr="high"), "metrics of the entry"),
        (lambda entry: entry["metrics"].update(psnr=None), "psnr of the metrics is null"),
        (lambda entry: entry["metrics"].update(psnr=float("nan")), "NaN is no number of JSON"),
        (lambda entry: entry["metrics"].update(psnr=10**300), "metrics of the entry"),
        (lambda entry: entry["metrics"].update(coverage=7.0), "coverage of the metrics is 7.0, not a number from 0 to 1"),
        (lambda entry: entry["metrics"].pop("ssim"), "the metrics lacks ssim"),
        (lambda entry: entry["metrics"].pop("psnr_sample"), "lacks psnr_sample"),
        (lambda entry: entry.update(metrics=None), "metrics of the entry is null, not a mapping"),
        (lambda entry: entry.update(calls=-1), "calls of the entry is -1, not a whole number from 0 on"),
        (lambda entry: entry.update(seconds="long"), "seconds of the entry is 'long'"),
        (lambda entry: entry.update(status="finished"), "'done' or 'diverged' or 'failed'"),
        (lambda entry: entry.update(schema=1), "schema of the entry is 1, not 2"),
        (lambda entry: entry.pop("cell"), "the entry lacks cell"),
        (lambda entry: entry["cell"].update(prior="tv["), "a selector such as"),
        (lambda entry: entry["cell"].update(size=16), "has shape [24, 24, 1], not [16, 16, 1]"),
        (lambda entry: entry["cell"].update(channels=2), "channels of the cell is 2, not 1 or 3"),
        (lambda entry: entry["prior"].update(family=["smoother"]), "family of the prior"),
        (lambda entry: entry.update(trace="none"), "trace of the entry is 'none'"),
        (lambda entry: entry["trace"][0].pop("bands"), "lacks bands"),
        (lambda entry: entry["trace"][0].pop("misfit"), "lacks misfit"),
        (lambda entry: entry["trace"][0]["bands"].pop(), "has 5 bands, not 6"),
        (lambda entry: entry["trace"][0].update(sigma="wide"), "trace of the entry"),
        (lambda entry: entry.update(files=entry["files"][:1]), "the entry of another cell"),
    ],
)
def test_a_wrong_entry_costs_its_cell_only(folder: Path, damage: Damage, words: str, caplog: pytest.LogCaptureFixture) -> None:
    only_one_left(folder, changed(next(folder.glob("cells/*/*.json")), damage), words, caplog)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "the array x is missing"),
        ({"x": np.zeros((2, 2, 1))}, "the array x has shape [2, 2, 1], not [24, 24, 1]"),
        ({"x": np.zeros((24, 24, 1), int)}, "the array x holds int64"),
        ({"x": np.zeros((24, 24, 1), ">f4")}, "the array x holds >f4"),
        ({"x": np.full((24, 24, 1), np.nan)}, "no numbers"),
        ({"x": np.full((24, 24, 1), 1e9)}, "beyond 10000"),
        ({"x": np.array([None, 1], object)}, "the array x holds object"),
        ({"x": np.zeros((24, 24, 1), np.float32)}, "other arrays than were stored"),
    ],
)
def test_wrong_arrays_cost_their_cell_only(
    folder: Path, arrays: dict[str, np.ndarray], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = next(folder.glob("cells/*/*.npz"))
    with np.load(file) as kept:
        rest = {name: kept[name] for name in kept.files if name != "x"}
    np.savez(file, **rest | arrays)
    only_one_left(folder, file.with_suffix(".json"), words, caplog)


def header(version: tuple[int, int], shape: str = "(24, 24, 1)") -> bytes:
    """Of an npy file of that format, without its pixels."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + len(text).to_bytes(2 if version == (1, 0) else 4, "little") + text


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (b"no header at all", "magic string"),
        (header((1, 0)), "has shape"),
        (header((1, 0), "(10**9, 10**9, 1)"), "header"),
        (header((1, 0), "(9999999999, 9999999999, 1)"), "has shape"),
        (header((7, 1)), "format"),
    ],
)
def test_a_broken_header_costs_its_cell_only(folder: Path, entry: bytes, words: str, caplog: pytest.LogCaptureFixture) -> None:
    file = next(folder.glob("cells/*/*.npz"))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.npy", entry)
    only_one_left(folder, file.with_suffix(".json"), words, caplog)


def test_an_array_of_the_second_format_is_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((24, 24, 1), np.float32)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", header((2, 0)) + pixels.tobytes())
    assert np.array_equal(read_arrays(tmp_path / "x.npz", {"x": (24, 24, 1)})["x"], pixels)


def test_two_cells_that_were_swapped_are_both_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, other = folder.glob("cells/*/*.npz")
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    with caplog.at_level(logging.WARNING), pytest.raises(FileNotFoundError, match="no finished cell"):
        Run.load(folder)
    assert len(caplog.records) == 2


def only_one_left(folder: Path, file: Path, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line names the file, what is wrong with it and what to do."""
    with caplog.at_level(logging.WARNING):
        assert len(Run.load(folder).rows) == 1
    (told,) = [record.getMessage() for record in caplog.records]
    assert file.name in told
    assert words in told
    assert "priorbench compare makes it again" in told
    assert "\n" not in told


# Measurements, which cells share


@pytest.fixture
def two_scenes(tmp_path: Path) -> Path:
    compare(plan(("gaussian", "tv"), ("denoise",), ("camera", "coins"), ("annealed",), samples=2, steps=3, size=24), tmp_path, "test")
    return tmp_path


def rewritten(file: Path, **arrays: np.ndarray | None) -> None:
    with np.load(file) as kept:
        np.savez(file, **{name: array for name, array in ({**kept} | arrays).items() if array is not None})


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("hello"),
        lambda file: file.write_bytes(file.read_bytes()[:500]),
        lambda file: rewritten(file, truth=None),
        lambda file: rewritten(file, shown=np.full((24, 24, 1), np.nan)),
        lambda file: rewritten(file, truth=np.zeros((24, 24, 1), np.float32)),
        lambda file: file.write_bytes(next(other for other in file.parent.iterdir() if other != file).read_bytes()),
    ],
)
def test_a_wrong_measurement_is_told_once_and_made_again(
    two_scenes: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    before = Run.load(two_scenes)
    file = sorted(two_scenes.glob("scenes/*.npz"))[0]
    content = file.read_bytes()
    damage(file)
    with caplog.at_level(logging.WARNING):
        assert len(Run.load(two_scenes).rows) == 2
    (told,) = [record.getMessage() for record in caplog.records]
    assert file.name in told
    compare([row.cell for row in before.rows], two_scenes, "test")
    assert file.read_bytes() == content
    assert [row.metrics for row in Run.load(two_scenes).rows] == [row.metrics for row in before.rows]


# The index


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda index: index.pop("cells"), "the index lacks cells"),
        (lambda index: index.update(cells=["../../secret"]), "cells of the index"),
        (lambda index: index.update(cells=7), "cells of the index is 7"),
        (lambda index: index.pop("provenance"), "the provenance is null, not a mapping"),
        (lambda index: index["provenance"].pop("versions"), "the provenance lacks versions"),
        (lambda index: index["provenance"].update(date=5), "date of the provenance is 5, not a text"),
        (lambda index: index["provenance"].update(strengths=[7]), "strengths of the provenance"),
        (lambda index: index["provenance"].update(strengths=[{"prior": "tv"}]), "an entry of strengths lacks problem"),
        (lambda index: index["provenance"].update(seed=float("nan")), "NaN is no number of JSON"),
    ],
)
def test_a_wrong_index_is_one_sentence(folder: Path, damage: Damage, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    changed(folder / "run.json", damage)
    for command in ("report", "table", "trust"):
        assert run(command, folder) == 2
        told = capsys.readouterr().err
        assert words in told
        assert "run.json" in told
        assert "run priorbench compare again" in told
        assert told.count("\n") == 1


def test_a_cell_named_twice_counts_once(folder: Path) -> None:
    changed(folder / "run.json", lambda index: index["cells"].extend(index["cells"]))
    assert len(Run.load(folder).rows) == 2


def test_where_nothing_is_left_the_exit_code_is_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in folder.glob("cells/*/*.json"):
        file.write_text("{}")
    assert run("table", folder) == 2
    assert "no finished cell" in capsys.readouterr().err


def test_the_command_line_draws_what_is_left(folder: Path) -> None:
    """One line on stderr, exit code 0."""
    changed(next(folder.glob("cells/*/*.json")), lambda entry: entry["metrics"].update(psnr=None))
    given = [sys.executable, "-m", "reports", "table", str(folder)]
    found = subprocess.run(given, cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert found.returncode == 0
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("priorbench: the stored cell ")
    assert "\\toprule" in found.stdout


def test_a_prior_whose_cells_are_all_damaged_is_left_out_of_every_figure(tmp_path: Path) -> None:
    """It still has strengths in the index."""
    tried = ((0.25, 29.0), (0.5, 30.0))
    entry = Tuned("tv", "denoise", "hqs", 0.5, tried, ("coins",), 24, 1, 0, "2025-01-01", {"card": None}, *SPAN)
    strengths = Strengths("mine.json", {(prior, "denoise", "hqs"): replace(entry, prior=prior) for prior in ("gaussian", "tv")})
    compare(plan(("gaussian", "tv"), ("denoise",), ("camera",), ("hqs",), steps=3, size=24), tmp_path, "test", strengths)
    for file in tmp_path.glob("cells/*/*.json"):
        if json.loads(file.read_text())["cell"]["prior"] == "tv":
            file.write_text("[]")
    found = Report.load(tmp_path)
    assert found.priors == ["gaussian"]
    assert found.figure("tuning").axes


# Judgements, strengths, unconditional samples

SPAN = (("deblur",), (0.01, 0.2), (0.0, 1.0))  # the instances that a strength was tuned on, their noise and their expected misfits


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_wrong_judgement_is_told_and_worked_out_again(folder: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    found = Run.load(folder)
    file = next(file for file in (folder / "judged").iterdir() if file.suffix == suffix)
    content = file.read_bytes()
    if suffix == ".json":
        changed(file, lambda entry: entry["scores"]["all"].update(histogram=[1.0]))
    else:
        rewritten(file, pixel=np.zeros(3))
    with caplog.at_level(logging.WARNING):
        assert judge(found).rows
    assert [file.name in record.getMessage() for record in caplog.records] == [True]
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda entries: entries.append(7), "an entry is 7, not a mapping"),
        (lambda entries: entries[0].update(strength="strong"), "strength of an entry is 'strong'"),
        (lambda entries: entries[0].update(strength=-1.0), "not a positive number"),
        (lambda entries: entries[0].update(tried=[[1.0]]), "tried of an entry"),
        (lambda entries: entries[0].update(facts=None), "facts of an entry is null"),
        (lambda entries: entries[0].update(facts={"card": 3}), "card of facts is 3"),
        (lambda entries: entries[0].pop("images"), "lacks images"),
        (lambda entries: entries[0].update(noise=[0.1]), "noise of an entry"),
        (lambda entries: entries[0].update(misfit=[-1.0, 2.0]), "misfit of an entry"),
    ],
)
def test_wrong_strengths_are_one_sentence(tmp_path: Path, damage: Callable[[list], object], words: str) -> None:
    entry = Tuned("gaussian", "deblur", "hqs", 0.25, ((0.25, 30.0),), ("coins",), 24, 1, 0, "2025-01-01", {"card": None}, *SPAN)
    entries = json.loads(json.dumps([asdict(entry)]))
    damage(entries)
    (tmp_path / "mine.json").write_text(json.dumps(entries))
    with pytest.raises(ValueError, match=r"mine\.json does not hold tuned strengths") as found:
        Strengths.load(tmp_path / "mine.json")
    assert words in str(found.value)


@pytest.fixture(scope="module")
def beliefs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beliefs")
    assert run("sample", "-p", "gaussian", "-n", 2, "--size", 24, "--steps", 8, "-o", folder) == 0
    return folder


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "sample.json").unlink(),
        lambda folder: changed(folder / "sample.json", lambda content: content.update(rows=[])),
        lambda folder: changed(folder / "sample.json", lambda content: content["rows"][0].update(prior=4)),
        lambda folder: changed(folder / "sample.json", lambda content: content.update(photographs=None)),
        lambda folder: rewritten(folder / "sample.npz", samples_0=np.zeros((2, 2, 24, 24), np.float16)),
        lambda folder: rewritten(folder / "sample.npz", samples_0=np.full((2, 1, 24, 24), np.nan)),
        lambda folder: rewritten(folder / "sample.npz", samples_0=None),
        lambda folder: rewritten(folder / "sample.npz", power=np.zeros(3)),
        lambda folder: rewritten(folder / "sample.npz", f=-np.arange(11.0)),
    ],
)
def test_wrong_unconditional_samples_are_one_sentence(beliefs: Path, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    shutil.copytree(beliefs, tmp_path / "beliefs")
    damage(tmp_path / "beliefs")
    with pytest.raises(ValueError, match=r"the samples in .* are damaged .* draw them again with: priorbench sample -o"):
        unconditional.load(tmp_path / "beliefs")


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.update(psnr=None),
        lambda entry: entry.update(psnr=float("nan")),
        lambda entry: entry.update(ssim="high"),
        lambda entry: entry.pop("seconds"),
        lambda entry: entry.update(name="of another level"),
    ],
)
def test_a_wrong_score_of_the_denoising_table_is_told(tmp_path: Path, damage: Damage, caplog: pytest.LogCaptureFixture) -> None:
    levels = denoising.plan(("gaussian",), (25,), denoising.scene(None, 24, limit=1))
    before = denoising.measure(levels, tmp_path).rows[0].values("psnr")
    file = changed(next((tmp_path / "cells").rglob("*.json")), damage)
    with caplog.at_level(logging.WARNING):
        assert denoising.measure(levels, tmp_path).rows[0].values("psnr") == before
    assert [file.name in record.getMessage() for record in caplog.records] == [True]


def test_other_versions_of_the_numerical_packages_name_other_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = plan(("gaussian",), ("denoise",), ("camera",), ("hqs",), size=24)[0]
    before = keys.key(cell)
    monkeypatch.setattr(keys, "numerics", lambda: {"torch": "0.0"})
    assert keys.key(cell) != before
