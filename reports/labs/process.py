"""A student's script in a process of its own: started, limited in time and memory, and ended with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from reports.labs.answers import Answer
from reports.labs.cells import Script

TELLING = 100_000_000  # letters that the process may tell in all
POLL = 0.05  # seconds
# One thread each, so that a class can be checked on all cores at once, and the same numbers come out.
ALONE = {**dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"), "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Limits:
    """Seconds for all, seconds for one cell or call, and megabytes beside those that the libraries take."""

    seconds: float = 180
    step_seconds: float = 40
    megabytes: int = 2000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the limit {name} must be positive, not {value}")


@dataclass
class Ran:
    """What came of a script: its cells as they ran, its answers, and a remark if it did not come to its end."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    remark: str = ""
    seconds: float = 0.0


def run(script: Script, file: Path, limits: Limits, wrap: Sequence[str] = (), stop: threading.Event | None = None) -> Ran:
    """Run a script under its limits; ``wrap`` is a command that starts the process, such as that of a sandbox.

    Raises:
        OSError: the process cannot be started.
        KeyboardInterrupt: ``stop`` was set meanwhile.
    """
    began = time.monotonic()
    asked = {
        "text": script.text, "file": str(file), "folder": str(file.resolve().parent), "lab": script.lab, "student": script.student,
        "seconds": limits.step_seconds, "memory": limits.megabytes * 1_000_000,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="priorbench-lab-", ignore_cleanup_errors=True) as scratch, started(scratch, wrap) as process:
        lines, errors = Reading(process.stdout), Reading(process.stderr)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        ended = waited(process, lines, began + limits.seconds, stop)
        end(process)
        lines.join()
        errors.join()
    found = gathered(lines.text())
    found.seconds = time.monotonic() - began
    found.remark = found.remark and remark(found.remark, ended, process.returncode, errors.text(), limits)
    return found


@contextlib.contextmanager
def started(scratch: str, wrap: Sequence[str]) -> Any:
    """The process, in a session of its own, so that it can be ended with all that it starts."""
    command = [*wrap, sys.executable, "-m", "reports.labs.child"]
    environment = {**os.environ, **ALONE, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=scratch, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        end(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):  # what is still in the pipe has no reader any more
                cast(IO[bytes], stream).close()


class Reading(threading.Thread):
    """Reads a pipe to its end, and keeps the first letters."""

    def __init__(self, pipe: IO[bytes]):
        super().__init__(daemon=True)
        self.pipe, self.kept, self.full = pipe, bytearray(), False
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while block := self.pipe.read1(1 << 16):  # type: ignore[attr-defined]
                self.full = self.full or len(self.kept) > TELLING
                if not self.full:
                    self.kept += block

    def text(self) -> str:
        return self.kept.decode("utf-8", "replace")


def waited(process: subprocess.Popen[bytes], lines: Reading, deadline: float, stop: threading.Event | None) -> str:
    """Wait for the end, the deadline or an interrupt: why it is over."""
    while process.poll() is None:
        if stop is not None and stop.is_set():
            end(process)
            raise KeyboardInterrupt
        if time.monotonic() > deadline:
            return "time"
        if lines.full:
            return "flood"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
    return "end"


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all of its group, again and again until none is left: they may be starting others."""
    for _ in range(100):
        try:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        except (ProcessLookupError, PermissionError):
            break
        process.poll()
        time.sleep(0.001)
    process.wait()


def gathered(text: str) -> Ran:
    """What a process told; the remark says what it was at when it fell silent, if it did not come to its end."""
    found = Ran(remark="the start")
    for line in text.splitlines():
        try:
            told = json.loads(line)
            event = told.pop("event")
            if event == "begin":
                found.remark = str(told["what"])
            elif event == "cell":
                found.cells.append(told)
            elif event == "answer":
                found.answers.append(Answer.parse(told))
            elif event == "end":
                found.remark = ""
        except (ValueError, TypeError, KeyError, AttributeError):  # a line that was cut off, or that a student's code wrote
            continue
    return found


def remark(at: str, ended: str, code: int, errors: str, limits: Limits) -> str:
    """Why a script did not come to its end, in a sentence."""
    if ended == "time":
        return f"stopped after {limits.seconds:g} s in {at}: it takes too long, or never ends"
    if ended == "flood":
        return f"stopped in {at}: it printed without end"
    if code < 0:
        return f"its process died in {at} by signal {signal.Signals(-code).name}, perhaps for want of memory ({limits.megabytes} MB)"
    last = errors.strip().splitlines()[-1:] or ["no message"]
    return f"its process ended in {at} with code {code}: {last[0][:300]}"


def words(command: str) -> list[str]:
    """A command as a shell would part it.

    Raises:
        ValueError: an open quotation mark.
    """
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ValueError(f"cannot read the command {command!r}: {error}") from None
