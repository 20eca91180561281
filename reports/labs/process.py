"""A student's script in a process of its own: started, limited in time and memory, and ended with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from reports.labs.answers import Answer, Failure
from reports.labs.cells import Script

TELLING = 100_000_000  # letters that the process may tell in all
POLL = 0.05  # seconds
LAST = 2  # seconds for what is still in a pipe, which a process that escaped may hold open
MARK = "PRIORBENCH_LAB"  # the variable by which the processes of a script are found
TRIES = 8  # of a script with which the process dies
# One thread each, so that a class can be checked on all cores at once, and the same numbers come out.
ALONE = {**dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"), "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Limits:
    """Seconds for all, for one cell and for one call of a function, and megabytes beside those that the libraries take."""

    seconds: float = 180
    megabytes: int = 1000
    cell_seconds: float = 40
    call_seconds: float = 20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the limit {name} must be positive, not {value}")


@dataclass
class Ran:
    """What came of a script: its cells as they ran, its answers, and why it did not come to its end, if it did not.

    ``at`` is the line of the cell, or the name of the function, that was running then.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    at: int | str | None = None
    remark: str = ""
    seconds: float = 0.0


def run(script: Script, file: Path, limits: Limits, wrap: Sequence[str] = (), stop: threading.Event | None = None) -> Ran:
    """Run a script under its limits; ``wrap`` is a command that starts the process, such as that of a sandbox.

    A cell or function with which the process dies is left out in another try, so that the others are judged.

    Raises:
        OSError: the process cannot be started.
        KeyboardInterrupt: ``stop`` was set meanwhile.
    """
    began = time.monotonic()
    skip: list[int | str] = []
    deaths: list[str] = []
    for _ in range(TRIES):
        found, died = attempt(script, file, limits, skip, began + limits.seconds, wrap, stop)
        if found.remark:
            deaths.append(found.remark)
        if not died or found.at is None or found.at in skip:
            break
        skip.append(found.at)
    found.cells += [died_in(line) for line in skip if isinstance(line, int)]
    found.answers += [Answer(name, 0, False, 0.0, failure=Failure("Died", "its process died")) for name in skip if isinstance(name, str)]
    found.remark, found.seconds = "; ".join(deaths), time.monotonic() - began
    return found


def died_in(line: int) -> dict[str, Any]:
    failure = {"kind": "Died", "message": "its process died", "line": None}
    return {"line": line, "seconds": 0.0, "printed": "", "pictures": [], "failure": failure}


def attempt(
    script: Script, file: Path, limits: Limits, skip: Sequence[int | str], deadline: float, wrap: Sequence[str],
    stop: threading.Event | None,
) -> tuple[Ran, bool]:  # fmt: skip
    """One try, and whether the process died by itself."""
    asked = {
        "text": script.text, "file": str(file), "folder": str(file.resolve().parent), "lab": script.lab, "student": script.student,
        "skip": skip, "memory": limits.megabytes * 1_000_000, "cell_seconds": limits.cell_seconds, "call_seconds": limits.call_seconds,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="priorbench-lab-", ignore_cleanup_errors=True) as scratch, started(scratch, wrap) as process:
        lines, errors = Reading(process.stdout), Reading(process.stderr)
        threading.Thread(target=send, args=(process.stdin, asked), daemon=True).start()
        ended = waited(process, lines, deadline, stop)
        code = process.poll()
        end(process)
        lines.join(LAST)
        errors.join(LAST)
    found, complete = gathered(lines.text())
    if not complete:
        found.remark = remark(found.at, ended, code, errors.text(), limits)
    return found, not complete and ended == "end"


def send(pipe: IO[bytes], asked: dict[str, Any]) -> None:
    """Blocks until somebody reads: a command that wraps the process may not."""
    with contextlib.suppress(OSError, ValueError):
        pipe.write(json.dumps(asked).encode() + b"\n")
        pipe.flush()


@contextlib.contextmanager
def started(scratch: str, wrap: Sequence[str]) -> Any:
    """The process, in a session of its own, so that it can be ended with all that it starts."""
    command = [*wrap, sys.executable, "-m", "reports.labs.child"]
    own, pipe = {MARK: str(uuid.uuid4()), "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"}, subprocess.PIPE
    environment = {**os.environ, **ALONE, **own}
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=scratch, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        end(process)
        end_escaped(f"{MARK}={own[MARK]}")
        with contextlib.suppress(OSError):  # what is still in the pipe has no reader any more
            cast(IO[bytes], process.stdin).close()


class Reading(threading.Thread):
    """Reads a pipe to its end, keeps the first letters, and closes it: a process that escaped may hold it open for long."""

    def __init__(self, pipe: IO[bytes]):
        super().__init__(daemon=True)
        self.pipe, self.kept, self.full = pipe, bytearray(), False
        self.start()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError), self.pipe:
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


def end_escaped(name: str) -> None:
    """Kill what left the group of the process, which still has the variable ``name`` of its environment (Linux)."""
    for _ in range(100):
        left = [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if marked(folder, name)]
        if not left:
            return
        for each in left:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)


def marked(folder: Path, name: str) -> bool:
    """Whether a process has that variable; one that is dead, or another user's, has none."""
    try:
        return name.encode() in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def gathered(text: str) -> tuple[Ran, bool]:
    """What a process told, and whether it came to its end."""
    found, complete = Ran(), False
    for line in text.splitlines():
        try:
            told = json.loads(line)
            event = told.pop("event")
            if event == "begin":
                found.at = told["at"]
            elif event == "cell":
                found.cells.append(told)
            elif event == "answer":
                found.answers.append(Answer.parse(told))
            complete = complete or event == "end"
        except (ValueError, TypeError, KeyError, AttributeError):  # a line that was cut off, or that a student's code wrote
            continue
    return found, complete


def remark(at: int | str | None, ended: str, code: int | None, errors: str, limits: Limits) -> str:
    """Why a script did not come to its end, in a sentence."""
    where = "before its first cell" if at is None else f"in the cell at line {at}" if isinstance(at, int) else f"in the function {at}"
    if ended == "time":
        return f"stopped after {limits.seconds:g} s {where}: it takes too long, or never ends"
    if ended == "flood":
        return f"stopped {where}: it tells more than any task asks for"
    if code is not None and code < 0:
        return f"its process died {where} ({signal.Signals(-code).name}), perhaps for want of memory ({limits.megabytes} MB)"
    last = errors.strip().splitlines()[-1:] or ["no message"]
    return f"its process ended {where} with code {code}: {last[0][:300]}"


def words(command: str) -> list[str]:
    """A command as a shell would part it.

    Raises:
        ValueError: an open quotation mark.
    """
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ValueError(f"cannot read the command {command!r}: {error}") from None


def check_wrap(command: Sequence[str]) -> None:
    """
    Raises:
        ValueError: there is no such command.
    """
    if command and shutil.which(command[0]) is None:
        raise ValueError(f"there is no command {command[0]!r}; install it, or leave --wrap out")
