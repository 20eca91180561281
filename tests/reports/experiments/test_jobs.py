"""Several cells at once: the same records as one after the other, whatever dies on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from reports.cli import main
from reports.experiments import jobs
from reports.experiments.comparison import compare, plan
from reports.runs.cell import Cell, Record
from reports.runs.stored import Run

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]


class Deadly:
    """Takes its process with it, as often as the file "deaths" in a folder says."""

    name = "deadly"

    def __init__(self, folder: str):
        self.left = Path(folder) / "deaths"

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        n = int(self.left.read_text())
        if n:
            self.left.write_text(str(n - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return x * 0.9


class Slow:
    """Writes a line for every call, and takes its time."""

    name = "slow"

    def __init__(self, log: str):
        self.log = Path(log)

    def denoise(self, x: torch.Tensor, sigma: float) -> torch.Tensor:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.3)
        return x * 0.9


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    chosen = ("gaussian", "tv", "cnn", "tests.helpers:Broken")
    return plan(chosen, ("deblur", "inpaint"), ("camera",), ("admm", "mean", "annealed"), samples=3, steps=3, size=24)


@pytest.fixture(scope="module")
def alone(cells: list[Cell], tmp_path_factory: pytest.TempPathFactory) -> Run:
    return compare(cells, tmp_path_factory.mktemp("alone"))


def same(one: Run, other: Run) -> None:
    """All but the seconds, to the last bit."""
    assert [row.cell for row in one.rows] == [row.cell for row in other.rows]
    for a, b in zip(one.rows, other.rows, strict=True):
        facts = [(row.status, row.message, row.metrics, row.calls, row.trace, row.prior, row.code) for row in (a, b)]
        assert facts[0] == facts[1]
        assert set(a.arrays) == set(b.arrays)
        assert all(np.array_equal(a.arrays[name], b.arrays[name], equal_nan=True) for name in a.arrays)
    assert {file.name for file in (one.folder / "judged").iterdir()} == {file.name for file in (other.folder / "judged").iterdir()}


def test_two_processes_give_the_records_of_one(cells: list[Cell], alone: Run, tmp_path: Path) -> None:
    heard: list[tuple[int, Cell, Record | None]] = []
    both = compare(cells, tmp_path, tell=lambda *told: heard.append(told), jobs=2)
    same(alone, both)
    assert {row.status for row in both.rows} == {"done", "failed"}
    assert [done for done, _, record in heard if record] == list(range(1, len(cells) + 1))
    running: set[Cell] = set()
    for _, cell, record in heard:
        running = running - {cell} if record else running | {cell}
        assert len(running) <= 2
    assert not running


def test_what_is_kept_is_not_run_again(cells: list[Cell], alone: Run, tmp_path: Path) -> None:
    fine = [cell for cell in cells if not cell.prior.endswith("Broken")]
    compare(fine[:7], tmp_path)
    begun: list[Cell] = []
    compare(fine, tmp_path, tell=lambda done, cell, record: None if record else begun.append(cell), jobs=2)
    assert begun == fine[7:]


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50) as running:
        yield running.scheduler_address


def test_a_scheduler_gives_the_records_of_one_process(cells: list[Cell], alone: Run, tmp_path: Path) -> None:
    with cluster() as address:
        same(alone, compare(cells, tmp_path, jobs=None, scheduler=address))


@pytest.mark.parametrize(("deaths", "status"), [(1, "done"), (2, "failed")])
def test_a_process_that_dies_costs_its_cell_a_second_try(deaths: int, status: str, tmp_path: Path) -> None:
    (tmp_path / "deaths").write_text(str(deaths))
    chosen = (f"{__name__}:Deadly[folder={tmp_path}]", "gaussian")
    found = compare(plan(chosen, ("denoise",), ("camera",), ("hqs",), steps=1, size=16), tmp_path / "run", jobs=2)
    assert [row.status for row in found.rows] == [status, "done"]
    assert ("its process died 2 times" in found.rows[0].message) == (status == "failed")
    assert (tmp_path / "deaths").read_text() == "0"


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_behind_when_a_run_is_stopped(how: int, tmp_path: Path) -> None:
    """Ctrl-C, which a terminal sends to all processes, ends it at once and in a sentence; what has ended is kept."""
    log = tmp_path / "log"
    chosen = ["-p", f"gaussian,{__name__}:Slow[log={log}]", "-P", "denoise", "-i", "camera,brick", "-m", "hqs"]
    arguments = [*chosen, "--steps", "8", "--size", "16"]
    command = [sys.executable, "-m", "reports", "compare", *arguments, "-j", "2", "-o", str(tmp_path / "run")]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    limit = time.monotonic() + 60
    while not log.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    os.killpg(running.pid, how) if how == signal.SIGINT else running.kill()
    _, told = running.communicate(timeout=60)
    if how == signal.SIGINT:
        assert running.returncode == 130
        kept = f"every finished cell in {tmp_path / 'run'} is kept, and the same command goes on from there"
        assert told.splitlines() == [f"priorbench: interrupted; {kept}"]
    pids = {int(line) for line in log.read_text().split()}
    limit = time.monotonic() + 60
    while alive(pids) and time.monotonic() < limit:
        time.sleep(0.1)
    assert not alive(pids)
    assert main_code("compare", *arguments, "-j", "2", "-o", str(tmp_path / "run")) == 0


def test_a_log_has_a_whole_line_for_each_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-p", "gaussian,tv", "-P", "denoise", "-i", "camera", "-m", "hqs,admm", "--size", "16", "--steps", "2", "-j", "2")
    assert main_code("compare", *arguments, "-o", str(tmp_path / "run")) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert [line[:5] for line in lines] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert all(" dB in " in line for line in lines)


def main_code(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("-j", "0"), "jobs must be at least 1, not 0"),
        (("-j", "-1"), "jobs must be at least 1, not -1"),
        (("-j", "x"), "'x' is not a valid integer"),
        (("--scheduler", "tcp://127.0.0.1:9"), "no scheduler answers at tcp://127.0.0.1:9"),
        (("--scheduler", "nowhere"), "no scheduler answers at nowhere"),
        (("-j", "2", "--scheduler", "tcp://127.0.0.1:9"), "give one of the two"),
    ],
)
def test_bad_jobs_are_one_sentence(given: tuple[str, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_code("compare", "-p", "gaussian", *given, "-o", str(tmp_path / "run")) == 2
    found = capsys.readouterr().err
    assert told in found
    assert found.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_without_the_package_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    find = jobs.importlib.util.find_spec
    monkeypatch.setattr(jobs.importlib.util, "find_spec", lambda name: None if name == "distributed" else find(name))
    with pytest.raises(ImportError, match="pip install distributed, or give one job"):
        jobs.check_jobs(2)
    jobs.check_jobs(1)


def test_small_work_stays_in_this_process(cells: list[Cell]) -> None:
    assert jobs.worthwhile(cells) == 1
    assert jobs.worthwhile(plan(("cnn",), ("deblur",), ("camera",), ("annealed",), size=256) * 30) == min(jobs.cores(), 30)
