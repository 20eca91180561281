"""Cells one after the other in this process, or several at a time in processes of their own (Dask, Rocklin 2015)."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from priors import precision
from reports.runs.cell import Cell, Record
from reports.runs.loading import load_prior, prior_facts
from reports.runs.solving import run_cell

if TYPE_CHECKING:
    from distributed import Client, Future

Begun = Callable[[Cell], None]
Ended = Generator[tuple[Cell, Record], None, None]

DEATHS = 2  # of its process, after which a cell has failed
ANSWER = 5  # seconds in which a scheduler must answer
WORTH = 1e7  # pixels to denoise: fewer are done before processes have started, which takes 4 s
# A process has one core, on which bm3d starts no others. Of Dask's own environment MALLOC_TRIM_THRESHOLD_ is left out: with it memory
# goes back to the system after every array, and a sampler takes up to seven times as long.
ALONE = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
SETTINGS = {
    "distributed.nanny.pre-spawn-environ": ALONE,
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    "distributed.worker.profile.enabled": False,  # it stops the solving thread a hundred times a second
    "distributed.admin.tick.limit": "1h",  # a core that is busy elsewhere is no reason to warn
}
logger = logging.getLogger("priorbench")


def attempt(cell: Cell) -> Record:
    """``run_cell`` on one thread, with whatever a prior raises told in the record.

    Sums over many pixels depend on the number of threads in their last digits: with one, a cell gives the same record
    wherever it is run.
    """
    with precision.one_thread():
        try:
            return run_cell(cell)
        except Exception as error:
            logger.debug("%s failed", cell, exc_info=True)
            return failed(cell, f"{type(error).__name__}: {error}")


def attempt_as(decided: Mapping[str, str], cell: Cell) -> Record:
    """``attempt`` in the precision that the process which sent the cell has measured to be the faster one."""
    precision.DECIDED.update(decided)
    return attempt(cell)


def failed(cell: Cell, message: str) -> Record:
    return Record(cell, "failed", message, prior=prior_facts(load_prior(cell.prior, cell.channels)))


def in_turn(cells: Iterable[Cell], begun: Begun) -> Ended:
    for cell in cells:
        begun(cell)
        yield cell, attempt(cell)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worthwhile(cells: Sequence[Cell]) -> int:
    """How many processes pay for these cells: one per core, or this one alone where starting others would take longer."""
    pixels = sum(cell.planned_calls * cell.channels * cell.size**2 for cell in cells)
    return min(cores(), len(cells)) if pixels > WORTH else 1


def check_jobs(jobs: int | None, scheduler: str | None = None) -> None:
    """
    Raises:
        ImportError: the package ``distributed`` is missing.
        ValueError: jobs below 1 or beside a scheduler, or no scheduler answers at that address.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    if jobs is not None and scheduler is not None:
        raise ValueError("jobs are processes of this machine, and a scheduler has its own; give one of the two")
    if jobs == 1:
        return
    if not importlib.util.find_spec("distributed"):
        raise ImportError("several processes need the package distributed; pip install distributed, or give one job")
    if scheduler is not None:
        with connected(scheduler):
            pass


def run_all(cells: Iterable[Cell], begun: Begun, jobs: int = 1, scheduler: str | None = None) -> Ended:
    """Cells with their records as they end; ``begun`` hears of each before, and one is taken from ``cells`` only to begin.

    Args:
        jobs: processes of one thread on this machine. One is this process.
        scheduler: address of a running Dask scheduler, whose processes are used instead.

    A process that dies costs its cell a second try. Each is stopped at its share of the memory of the machine.
    """
    if scheduler is None and jobs < 2:
        yield from in_turn(cells, begun)
        return
    with connected(scheduler) if scheduler else local(jobs) as client:
        yield from side_by_side(client, cells, begun)


@contextlib.contextmanager
def local(jobs: int) -> Iterator[Client]:
    """Processes on this machine, each with one thread and one core; they end with the context, or with this process."""
    import dask
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(SETTINGS))
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="priorbench-"))
        with interrupts_held():
            cluster = LocalCluster(
                n_workers=jobs, threads_per_worker=1, host="127.0.0.1", local_directory=place, silence_logs=logging.CRITICAL,
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},  # at any free port, and nothing there
            )  # fmt: skip
        stack.enter_context(cluster)
        yield stack.enter_context(Client(cluster))


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits; threads and processes that are started in here never hear it, so that this process alone ends the others."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would let the thread hear again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """
    Raises:
        ValueError: nothing answers there.
    """
    from distributed import Client

    try:
        place = urlsplit(scheduler)
        socket.create_connection((place.hostname or "", place.port or 0), ANSWER).close()  # refused at once, where Dask tries again
        client = Client(scheduler, timeout=ANSWER)
    except (OSError, ValueError):
        remedy = "start one with: dask scheduler, and give its address, such as tcp://host:8786"
        raise ValueError(f"no scheduler answers at {scheduler}; {remedy}") from None
    with client:
        yield client


def side_by_side(client: Client, cells: Iterable[Cell], begun: Begun) -> Ended:
    """As they end; as many are handed out as there are processes, so that each has begun when it is told so."""
    from distributed import as_completed

    waiting, running, ended = iter(cells), {}, as_completed()

    def hand_out(n: int) -> None:
        for cell in itertools.islice(waiting, n):
            future = client.submit(attempt_as, dict(precision.DECIDED), cell, pure=False)
            running[future.key] = cell
            ended.add(future)
            begun(cell)

    hand_out(len(client.scheduler_info(n_workers=-1)["workers"]))
    for future in ended:
        cell = running.pop(future.key)
        yield cell, received(future, cell)
        hand_out(1)


def received(future: Future, cell: Cell) -> Record:
    from distributed import KilledWorker

    try:
        record: Record = future.result()
        return record
    except KilledWorker:
        return failed(cell, f"its process died {DEATHS} times, perhaps for want of memory; give fewer jobs, samples or pixels")
    except Exception as error:  # what the other side could not even read, such as a module that is not there
        return failed(cell, f"{type(error).__name__}: {error}")
