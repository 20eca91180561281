"""Kill a comparison at random moments and go on, until it is whole: python -m tests.faults [KILLS].

At the end it must hold what an undisturbed run holds, no cell may be lost, and none that had ended may have been solved again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
RUN = ("-p", "gaussian,tv,cnn", "-P", "deblur,inpaint", "-i", "camera", "-m", "admm,mean,annealed", "-n", "3", "--size", "32")
PATIENCE = 600  # seconds for one run


def start(out: Path, jobs: int, before: str = "") -> subprocess.Popen[str]:
    """The comparison, without its report, in a process group of its own, after the statements ``before``."""
    undrawn = "from reports.cli import comparing, main; comparing.draw = lambda run: None"
    code = f"{before}\n{undrawn}\nmain({['compare', *RUN, '-j', str(jobs), '-o', str(out)]!r})"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def stored(out: Path) -> dict[str, dict[str, Any]]:
    """The entries of the finished cells by file name."""
    return {file.name: json.loads(file.read_text()) for file in sorted((out / "cells").rglob("*.json"))}


def differences(one: Path, other: Path) -> list[str]:
    """The files of two runs that do not hold the same, the seconds that they took left aside."""
    names, others = files(one), files(other)
    found = sorted(names ^ others)
    for name in sorted(names & others):
        if name.endswith(".npz"):
            with np.load(one / name) as a, np.load(other / name) as b:
                same = set(a) == set(b) and all(a[key].tobytes() == b[key].tobytes() for key in a)
        else:
            same = timeless(one / name) == timeless(other / name)
        found += [] if same else [name]
    return found


def files(out: Path) -> set[str]:
    return {str(file.relative_to(out)) for part in ("cells", "scenes", "judged") for file in (out / part).rglob("*.*")}


def timeless(file: Path) -> Any:
    entry = json.loads(file.read_text())
    return {key: value for key, value in entry.items() if key != "seconds"} if isinstance(entry, dict) else entry


def disturbed(out: Path, kills: int, jobs: int, seed: int = 0) -> list[str]:
    """Run, kill -9 after a random time, run again; what went wrong, in sentences."""
    rng, amiss = random.Random(seed), list[str]()
    ended: dict[str, float] = {}
    for kill in range(kills + 1):
        running = start(out, jobs)
        if kill < kills:
            until = time.monotonic() + rng.uniform(2, 7)  # the first two seconds go into imports
            while time.monotonic() < until and running.poll() is None:
                time.sleep(0.02)
            running.kill()
        _, told = running.communicate(timeout=PATIENCE)
        if kill == kills and running.returncode:
            amiss.append(f"the last run ended with {running.returncode}: {told}")
        now = stored(out) if (out / "cells").exists() else {}
        amiss += [f"{name} is lost" for name in ended.keys() - now.keys()]
        amiss += [f"{name} was solved again" for name, seconds in ended.items() if name in now and now[name]["seconds"] != seconds]
        ended = {name: entry["seconds"] for name, entry in now.items()}
    return amiss


def whole(out: Path, jobs: int) -> None:
    running = start(out, jobs)
    _, told = running.communicate(timeout=PATIENCE)
    if running.returncode:
        sys.exit(f"an undisturbed run ended with {running.returncode}: {told}")


def main(kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "undisturbed"
        whole(one, 1)
        for jobs in (1, 2):
            out = Path(folder) / f"killed-{jobs}"
            amiss = disturbed(out, kills // 2, jobs)
            amiss += [f"{name} differs" for name in differences(one, out)]
            told = "; ".join(amiss) or "nothing lost, solved twice or changed"
            print(f"{kills // 2} kills, {jobs} at once, {len(stored(out))} cells: {told}")
            if amiss:
                sys.exit(1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50)
