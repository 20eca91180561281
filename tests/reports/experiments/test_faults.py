"""What a run has stored survives whatever ends it: kill -9, a full disk, a folder that can no longer be written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import faults

pytestmark = pytest.mark.slow
FULL = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    faults.whole(out, 1)
    return out


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_run_goes_on_where_it_was(jobs: int, undisturbed: Path, tmp_path: Path) -> None:
    """Three kills; ``python -m tests.faults`` makes fifty."""
    assert faults.disturbed(tmp_path / "run", 3, jobs) == []
    assert faults.differences(undisturbed, tmp_path / "run") == []


def test_a_full_disk_leaves_nothing_half_written(undisturbed: Path, tmp_path: Path) -> None:
    """No file may grow beyond 12 kB, which is less than the samples of a cell take."""
    out = tmp_path / "run"
    _, told = (running := faults.start(out, 1, FULL)).communicate(timeout=faults.PATIENCE)
    assert running.returncode == 1
    assert told.startswith("priorbench: stopped: ")
    assert told.count("\n") == 1
    assert [file for file in out.rglob("*") if "tmp" in file.name] == []
    before = faults.stored(out)
    assert before
    faults.whole(out, 1)
    assert faults.differences(undisturbed, out) == []
    assert {name: entry["seconds"] for name, entry in faults.stored(out).items() if name in before} == {
        name: entry["seconds"] for name, entry in before.items()
    }


def test_a_place_that_cannot_be_written_is_told_in_one_sentence(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "cells").write_text("a file where a folder should be")
    _, told = (running := faults.start(out, 1)).communicate(timeout=faults.PATIENCE)
    assert running.returncode in (1, 2)
    assert told.count("\n") == 1
    (out / "cells").unlink()
    faults.whole(out, 1)
    assert faults.differences(undisturbed, out) == []


def test_differences_are_seen(undisturbed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(undisturbed, copy)
    assert faults.differences(undisturbed, copy) == []
    one, other = sorted((copy / "cells").rglob("*.json"))[:2]
    one.write_text(one.read_text().replace('"status": "done"', '"status": "failed"'))
    other.unlink()
    assert set(faults.differences(undisturbed, copy)) == {str(file.relative_to(copy)) for file in (one, other)}
