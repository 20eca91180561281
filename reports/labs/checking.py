"""From a student's file to verdicts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.labs import catalogue, judge, process
from reports.labs.answers import UNWRITTEN, WAITS, Failure
from reports.labs.cells import Script, read
from reports.labs.judge import Verdict, failed
from reports.labs.process import Limits


@dataclass(frozen=True)
class Checked:
    """A script with what came of it: verdicts, cells as they ran, seconds, and a remark if it did not come to its end."""

    script: Script
    title: str
    question: str
    verdicts: Sequence[Verdict]
    cells: Sequence[dict[str, Any]]
    seconds: float
    remark: str

    @property
    def passed(self) -> int:
        return sum(each.passed for each in self.verdicts)

    @property
    def complete(self) -> bool:
        return self.passed == len(self.verdicts)

    @property
    def troubles(self) -> list[str]:
        """Cells that failed, but for those that wait for a task which is not written yet, or for what another cell should have made."""
        failures = [(cell["line"], Failure(**cell["failure"])) for cell in self.cells if cell["failure"]]
        return [f"the cell at line {line} failed: {failed(why)[0]}" for line, why in failures if why.kind not in (UNWRITTEN, WAITS)]


def check(path: Path, limits: Limits | None = None, wrap: Sequence[str] = ()) -> Checked:
    """Read, run and judge the file of a student.

    Raises:
        OSError, ValueError: as ``cells.read`` and ``catalogue.load``.
    """
    return check_script(read(path), path, limits or Limits(), wrap)


def check_script(
    script: Script, path: Path, limits: Limits, wrap: Sequence[str] = (), stop: threading.Event | None = None
) -> Checked:  # fmt: skip
    """The same of a script that was read already; helpers are looked for beside ``path``."""
    lab = catalogue.load(script.lab)
    ran = process.run(script, path, limits, wrap, stop)
    verdicts = judge.verdicts(lab, script.student, ran.answers)
    return Checked(script, lab.title, lab.question, verdicts, ran.cells, ran.seconds, ran.remark)
