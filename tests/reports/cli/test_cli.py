"""The command line: quick to answer, tells what it does, resumes, and draws again without solving."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import priors
import problems
import solvers
from reports.experiments import comparison, jobs
from reports.runs import stored
from reports.runs.cell import Record
from reports.runs.loading import load_prior
from tests.helpers import COUNT, run

ROOT = Path(__file__).parents[3]
COUNTING = "tests.helpers:Counting"
SMALL = ("-P", "deblur", "-i", "camera", "--size", "24", "--steps", "4", "-n", "3")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> list[stored.Run]:
    """Spares the figures and the page; gives the comparisons that were to be drawn."""
    drawn: list[stored.Run] = []
    page = types.SimpleNamespace(build=lambda finished: finished.folder / "report.html")
    monkeypatch.setattr("reports.figures.catalogue.save_all", drawn.append)
    monkeypatch.setattr("reports.page.report.build", page.build)
    return drawn


def test_help_is_quick_and_light() -> None:
    code = "import sys; from reports.cli import main; main(['--help'])"
    heavy = "print(sorted({'torch', 'numpy', 'skimage', 'matplotlib', 'scipy', 'rich.progress'} & set(sys.modules)))"
    before = os.times()
    found = subprocess.run([sys.executable, "-c", f"{code}; {heavy}"], cwd=ROOT, capture_output=True, text=True, check=True)
    after = os.times()
    assert found.stdout.splitlines()[-1] == "[]"
    assert all(command in found.stdout for command in ("compare", "report", "list", "tune"))
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    assert busy < 0.5  # seconds of work, which other load on the machine does not change


def test_the_module_is_the_command() -> None:
    found = subprocess.run([sys.executable, "-m", "reports", "compare", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.startswith("Usage: priorbench compare")


def test_list_names_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    shown = capsys.readouterr().out
    for name in (*priors.CATALOGUE, *problems.CATALOGUE, *solvers.METHODS, *problems.IMAGES):
        assert name in shown


def test_compare_tells_its_progress_and_its_scores(tmp_path: Path, undrawn: list, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    assert run("compare", "-p", f"gaussian,{COUNTING}", "-p", "gaussian[mean=0.4]", *SMALL, "-o", out) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = [line for line in shown.out.splitlines() if line.startswith("[")]
    assert len(lines) == 3 * 3
    assert lines[2].startswith("[3/9] deblur · camera · gaussian[mean=0.4] · admm ... ")
    assert " dB in " in lines[2]
    assert lines[2].endswith(" left")
    assert not lines[-1].endswith(" left")
    assert f"report: {out}/report.html" in shown.out
    assert "\x1b" not in shown.out, "a log wants plain lines"
    assert "of 0.50" in shown.out  # the coverage that 3 samples allow
    assert [len(finished.rows) for finished in undrawn] == [9]
    assert undrawn[0].provenance["command"].startswith("priorbench compare -p gaussian,")


def test_ctrl_c_keeps_what_is_finished(
    tmp_path: Path, undrawn: list, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "run")
    solve = jobs.run_cell

    def interrupted(cell) -> Record:
        if cell.method == "annealed":
            raise KeyboardInterrupt
        return solve(cell)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "run_cell", interrupted)
        assert run("compare", "-p", COUNTING, *SMALL, "-o", out) == 130
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    assert "the same command goes on from there" in shown.err
    COUNT["images"] = 0
    assert run("compare", "-p", COUNTING, *SMALL, "-o", out) == 0
    assert COUNT["images"] == 3 * 4
    assert "[1/3] deblur · camera · tests.helpers:Counting · admm: " in capsys.readouterr().out


def test_a_full_disk_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(comparison.Store, "save", full)
    assert run("compare", "-p", "gaussian", *SMALL, "-o", str(tmp_path / "run")) == 1
    assert capsys.readouterr().err.startswith("priorbench: stopped: no space left on device")


def test_a_failed_cell_is_listed_and_changes_the_exit_code(tmp_path: Path, undrawn: list, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", "-p", "gaussian,tests.helpers:Broken", "-m", "hqs", *SMALL, "-o", str(tmp_path / "run")) == 1
    error = capsys.readouterr().err
    assert error == "priorbench: failed: deblur · camera · tests.helpers:Broken · hqs: RuntimeError: out of luck\n"
    assert len(undrawn[0].rows) == 2


def test_report_draws_again_and_solves_nothing(tmp_path: Path, undrawn: list) -> None:
    out = tmp_path / "run"
    assert run("compare", "-p", COUNTING, *SMALL, "-o", str(out)) == 0
    before = (out / "results.csv").read_bytes()
    (out / "results.csv").unlink()
    COUNT["images"] = 0
    assert run("report", str(out)) == 0
    assert COUNT["images"] == 0
    assert (out / "results.csv").read_bytes() == before
    assert [row.metrics for row in undrawn[0].rows] == [row.metrics for row in undrawn[1].rows]


def test_a_licence_is_told_once(tmp_path: Path, undrawn: list, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_prior(COUNTING), "licence", "for tests only [1]", raising=False)
    assert run("compare", "-p", COUNTING, *SMALL, "-P", "inpaint", "-o", str(tmp_path / "run")) == 0
    assert capsys.readouterr().out.count("for tests only [1]") == 1


def test_tune_writes_a_file_that_compare_reads(tmp_path: Path, undrawn: list, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "mine.json", tmp_path / "run"
    assert run("tune", "-p", "gaussian", "-P", "deblur", "--size", "24", "-o", str(file)) == 0
    assert capsys.readouterr().out.count("deblur · gaussian · admm: strength ") == 9
    assert run("compare", "-p", "gaussian", *SMALL, "--strengths", str(file), "-o", str(out)) == 0
    (used,) = undrawn[0].provenance["strengths"]
    assert used["from"].startswith("mine.json: 9 trials")
    assert used["strength"] == undrawn[0].rows[0].cell.strength


@pytest.mark.parametrize("chosen", ["", "active"])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(chosen: str) -> None:
    code = "import os, sys; from reports.cli import main; main(['list']); print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_WAIT_POLICY": chosen} if chosen else {}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert told.stdout.split()[-1] == (chosen or "passive")


def test_a_students_prior_is_found_in_the_folder_one_stands_in(tmp_path: Path) -> None:
    (tmp_path / "mymodule.py").write_text("class Same:\n    def denoise(self, x, sigma):\n        return x\n")
    code = "import sys; sys.path = [p for p in sys.path if p]; from reports.cli import main; main()"  # a console script's path
    given = ["compare", "-p", "mymodule:Same", "-P", "denoise", "-i", "camera", "-m", "hqs", "--size", "16", "-o", "run"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    told = subprocess.run([sys.executable, "-c", code, *given], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    assert "mymodule:Same" in told.stdout


def test_commas_in_file_names_do_not_part_them(tmp_path: Path) -> None:
    from reports.cli.options import pictures

    own = tmp_path / "a,b.png"
    own.touch()
    assert pictures([str(own), "camera,brick", "camera"]) == [str(own), "camera", "brick"]


@pytest.mark.slow
def test_the_whole_way_to_the_page(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run("compare", "-p", f"gaussian,{COUNTING}", *SMALL, "-o", str(out)) == 0
    assert "</html>" in (out / "report.html").read_text("utf-8")
    assert {file.suffix for file in (out / "figures").iterdir()} == {".png", ".pdf"}
