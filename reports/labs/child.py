"""The process in which a student's code runs: it reads one line of JSON with the script, and writes what came of it line by line.

What it writes are numbers and pictures, never a verdict: whoever started it recomputes the truth and judges.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import importlib
import io
import json
import linecache
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, TextIO

MOST = 20_000  # letters that a cell may print
PICTURES = 12  # figures of one cell that are kept
FILES = 200_000_000  # bytes of the largest file that may be written
PROCESSES = 64  # and threads that may be started beside those of the user that run already


class TooLong(BaseException):
    """No Exception, so that a student's ``except Exception`` does not catch it."""


class Printed(io.StringIO):
    """Keeps the first letters that are printed."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST - self.tell())])
        return len(text)


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what C code prints
    threading.Thread(target=die_with_parent, args=(os.dup(0),), daemon=True).start()
    sys.stdin = io.StringIO()  # input() finds an end at once
    if not os.access(".", os.W_OK):  # a sandbox has hidden the folder that it was started in
        os.chdir(tempfile.mkdtemp())
    prepare(asked["folder"])
    confine(asked["memory"])
    run(asked, events)


def die_with_parent(pipe: int) -> None:
    """End when whoever holds the other end of the pipe is gone."""
    os.read(pipe, 1)
    os._exit(1)


def prepare(folder: str) -> None:
    """Load all that is heavy, so that neither time nor memory of it are the student's; helpers beside the file can be imported."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot
    import torch

    for room in ("priors", "problems", "solvers", "reports.figures.show"):
        importlib.import_module(room)
    torch.set_num_threads(1)
    sys.path.append(folder)


def confine(memory: int) -> None:
    """Limits of the operating system, where it has them: memory beyond what is taken by now, files, processes."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {resource.RLIMIT_FSIZE: FILES, resource.RLIMIT_CORE: 0}
    if taken := virtual_memory():
        limits[resource.RLIMIT_AS] = taken + memory
    if os.getuid() != 0:  # root is not held by it
        limits[resource.RLIMIT_NPROC] = running(os.getuid()) + PROCESSES
    for kind, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):  # a limit that is lower already
            resource.setrlimit(kind, (limit, limit))


def virtual_memory() -> int:
    """Bytes of address space that this process has taken; 0 where that is not told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def running(user: int) -> int:
    """Threads of a user that run on this machine."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            count += len(list((folder / "task").iterdir())) if folder.stat().st_uid == user else 0
    return count


def run(asked: dict[str, Any], events: TextIO) -> None:
    """All that is asked for; then the process ends."""
    work(asked, functools.partial(tell, events))
    tell(events, "end")
    events.flush()
    os._exit(0)  # threads that a student left running do not keep the process


def work(asked: dict[str, Any], tell: Callable[..., None]) -> None:
    """Run all cells, then call all functions, and ``tell`` of each before and after."""
    from reports.labs import cells
    from reports.labs.answers import answers
    from reports.labs.catalogue import load

    file, text = asked["file"], asked["text"]
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)  # tracebacks show the student's lines
    space: dict[str, Any] = {"__name__": "__main__", "__file__": file, "__builtins__": __builtins__}
    missing: dict[str, str] = {}
    for cell in cells.split(text):
        if cell.line in asked["skip"]:
            missing |= dict.fromkeys(cells.bound(cell.text), f"the cell at line {cell.line}, which fails")
        elif not cell.prose:
            tell("begin", at=cell.line)
            tell("cell", **executed(cell.text, cell.line, file, space, asked["cell_seconds"], missing))
    calls = answers(
        space, load(asked["lab"]), asked["student"], file, lambda: limited(asked["call_seconds"]),
        lambda function: tell("begin", at=function), asked["skip"], missing,
    )  # fmt: skip
    with quiet():
        for made in calls:
            tell("answer", **made.plain())


def tell(events: TextIO, event: str, **what: Any) -> None:
    events.write(json.dumps({"event": event, **what}) + "\n")
    events.flush()


def executed(text: str, line: int, file: str, space: dict[str, Any], seconds: float, missing: dict[str, str]) -> dict[str, Any]:
    """What a cell printed and drew, and why it failed if it did: the names that it would have made are ``missing`` then."""
    from reports.labs.answers import UNWRITTEN, WAITS, awaited, failure_of
    from reports.labs.cells import bound

    began, failure = time.perf_counter(), None
    printed = Printed()
    with quiet(printed):
        try:
            with limited(seconds):
                exec(compiled(text, line, file), space)
        except BaseException as error:  # a student's code may raise anything, and may try to exit
            failure = failure_of(error, file, missing)
            missing |= dict.fromkeys(bound(text), awaited(failure, line))
            if failure.kind != UNWRITTEN:
                shown = [f"waits for {failure.message}\n"] if failure.kind == WAITS else traceback.format_exception_only(error)
                printed.write("".join(shown))
        drawn = pictures()
    taken = time.perf_counter() - began
    return {"line": line, "seconds": taken, "printed": printed.getvalue(), "pictures": drawn, "failure": failure and vars(failure)}


def compiled(text: str, line: int, file: str) -> CodeType:
    """The code of a cell that begins at a line of the file."""
    return compile("\n" * (line - 1) + text, file, "exec")


@contextlib.contextmanager
def quiet(into: TextIO | None = None) -> Iterator[None]:
    stream = into or Printed()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream), warnings.catch_warnings():
        yield


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``TooLong`` in Python code that takes longer; what does not come back to Python is ended by the parent."""
    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return

    def stop(*_: object) -> None:
        raise TooLong(f"it did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pictures() -> list[str]:
    """The figures that are open, as PNG in base64; they are closed."""
    from matplotlib import pyplot

    found = []
    for number in pyplot.get_fignums()[:PICTURES]:
        file = io.BytesIO()
        with contextlib.suppress(Exception):  # a figure that cannot be drawn
            pyplot.figure(number).savefig(file, format="png", dpi=110, facecolor="white")
            found.append(base64.b64encode(file.getvalue()).decode())
    pyplot.close("all")
    return found


if __name__ == "__main__":
    main()
