"""The tables of the page: what the numbers are, problem by problem, and what they cost."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from reports.runs import stored
from reports.runs.cell import is_doubtful
from reports.scores.catalogue import METRICS
from reports.tables.comparison import value_of

if TYPE_CHECKING:
    from reports.runs.cell import Record
    from reports.runs.stored import Run


class Column(NamedTuple):
    """A column of a table under one method: a metric, or ``calls`` or ``seconds`` of a record."""

    head: str
    metric: str
    form: str

    @property
    def better(self) -> int:
        """1 if more is, -1 if less is, 0 if neither."""
        return METRICS[self.metric].better


ESTIMATE = (
    Column("PSNR", "psnr", ".2f"),
    Column("SSIM", "ssim", ".3f"),
    Column("HaarPSI", "haarpsi", ".3f"),
    Column("SWD", "swd", ".4f"),
)
SAMPLES = (
    Column("PSNR of mean", "psnr", ".2f"),
    Column("of one sample", "psnr_sample", ".2f"),
    Column("SSIM of mean", "ssim", ".3f"),
    Column("HaarPSI of mean", "haarpsi", ".3f"),
    Column("SWD of one sample", "swd_sample", ".4f"),
    Column("coverage, {nominal:.0%} nominal", "coverage", ".0%"),
)
MORE_OF_ESTIMATE = (
    Column("GMSD", "gmsd", ".4f"),
    Column("spectrum, dB", "spectrum_db", ".2f"),
    Column("misfit", "misfit", ".2f"),
)
MORE_OF_SAMPLES = (
    Column("CRPS", "crps", ".4f"),
    Column("SSIM of one sample", "ssim_sample", ".3f"),
    Column("HaarPSI of one sample", "haarpsi_sample", ".3f"),
    Column("GMSD of mean", "gmsd", ".4f"),
    Column("of one sample", "gmsd_sample", ".4f"),
    Column("SWD of mean", "swd", ".4f"),
    Column("spectrum of mean, dB", "spectrum_db", ".2f"),
    Column("of one sample", "spectrum_db_sample", ".2f"),
    Column("misfit of mean", "misfit", ".2f"),
    Column("of one sample", "misfit_sample", ".2f"),
)
SPENT = (Column("calls", "calls", ",.0f"), Column("seconds", "seconds", ".2f"))
MEANINGS = {
    "haarpsi": "HaarPSI: likeness of edges (Reisenhofer et al. 2018), 1 for equality",
    "gmsd": "GMSD: how unevenly edges are kept (Xue et al. 2014), 0 for equality",
    "swd": "SWD: how far patches are from those of the truth wherever they stand (Rabin et al. 2011), 0 for the same texture",
    "spectrum_db": "spectrum: how far the power at each frequency is from the truth's, in dB",
    "crps": "CRPS: distance of the samples from the true pixel, spread included (Gneiting, Raftery 2007), in pixel units",
    "misfit": "misfit: squared residual over that of the noise, about 1 where the data are explained",
}


def columns(run: Run, method: str, more: bool = False) -> list[Column]:
    """Those that the records of a method have numbers for: what all read, or all that is left."""
    rows = [row for row in run.rows if row.cell.method == method]
    first, rest = (SAMPLES, MORE_OF_SAMPLES) if run.is_sampled(method) else (ESTIMATE, MORE_OF_ESTIMATE)
    wanted: tuple[Column, ...] = (*rest, *SPENT) if more else first
    nominal = stored.mean(rows, "coverage_nominal")
    found = [column for column in wanted if mean(rows, column.metric) is not None]
    return [column._replace(head=column.head.format(nominal=nominal)) for column in found]


def meanings(columns: Mapping[str, Sequence[Column]]) -> str:
    """The metrics of a table that not everyone knows, in a sentence; empty where there are none."""
    shown = {column.metric.removesuffix("_sample") for found in columns.values() for column in found}
    told = "; ".join(words for metric, words in MEANINGS.items() if metric in shown)
    return f"{told}." if told else ""


class Entry(NamedTuple):
    """A number of a table and how it is shown; ``best`` of its column among the priors that arrived on every image."""

    value: float | None
    shown: str
    best: bool = False


class Entries(NamedTuple):
    """What a table says of a prior under a method: its numbers, or why there are none."""

    numbers: list[Entry]
    note: str


def table(run: Run, problem: str, chosen: Mapping[str, Sequence[Column]]) -> dict[str, dict[str, Entries]]:
    """prior -> method -> entries, for the ``chosen`` columns of each method; means over the images that arrived."""
    parts = {method: part(run, problem, method, found) for method, found in chosen.items()}
    return {prior: {method: found[prior] for method, found in parts.items()} for prior in run.priors}


def part(run: Run, problem: str, method: str, columns: Sequence[Column]) -> dict[str, Entries]:
    """The entries of a method by prior."""
    groups = {prior: run.records(problem, method, prior) for prior in run.priors}
    complete = {prior for prior, rows in groups.items() if run.is_complete(rows)}
    leaders = [first(column, [groups[prior] for prior in complete]) for column in columns]
    found = {}
    for prior, rows in groups.items():
        best = leaders if prior in complete else [None] * len(columns)
        numbers = [entry(column, rows, leader) for column, leader in zip(columns, best, strict=True)]
        found[prior] = Entries(numbers, doubtful(rows) if prior in complete else missing(run, rows))
    return found


def entry(column: Column, rows: Sequence[Record], leader: float | None) -> Entry:
    value = mean(rows, column.metric)
    return Entry(value, "" if value is None else format(value, column.form), value is not None and value == leader)


def first(column: Column, groups: Sequence[Sequence[Record]]) -> float | None:
    """The best value of a column; None where it judges nothing."""
    values = [value for rows in groups if (value := mean(rows, column.metric)) is not None]
    return max(values, key=lambda value: column.better * value, default=None) if column.better else None


def doubtful(rows: Sequence[Record]) -> str:
    n = sum(map(is_doubtful, rows))
    return f"{n} of {len(rows)} doubtful" if n else ""


def missing(run: Run, rows: Sequence[Record]) -> str:
    """Why means over these records compare with no other."""
    arrived = sum(row.status == "done" for row in rows)
    if arrived:
        return f"{arrived} of {len(run.images)} images"
    return ", ".join(sorted({row.status for row in rows})) or "not run"


def mean(rows: Sequence[Record], metric: str) -> float | None:
    """Over those that arrived, of a metric or of what a record cost; None where none has it."""
    values = [value for row in rows if (value := value_of(row, metric)) is not None]
    return statistics.mean(values) if values else None


class Cost(NamedTuple):
    """What a method cost with a prior: means over all problems and images that arrived; None where none did."""

    calls: float | None
    seconds: float | None
    call: float | None
    psnr: float | None

    @property
    def shown(self) -> list[Entry]:
        """Calls, seconds, seconds a call, PSNR, PSNR per call."""
        gain = None if self.psnr is None or not self.calls else self.psnr / self.calls
        values = (self.calls, self.seconds, None if self.call is None else 1000 * self.call, self.psnr, gain)
        forms = (",.0f", ".2f", ".1f", ".2f", ".2f")
        return [Entry(value, "" if value is None else format(value, form)) for value, form in zip(values, forms, strict=True)]


def costs(run: Run) -> dict[str, dict[str, Cost]]:
    """prior -> method -> cost."""
    return {prior: {method: cost(run, prior, method) for method in run.methods} for prior in run.priors}


def cost(run: Run, prior: str, method: str) -> Cost:
    rows = [row for row in run.rows if (row.cell.prior, row.cell.method) == (prior, method)]
    calls, seconds = mean(rows, "calls"), mean(rows, "seconds")
    return Cost(calls, seconds, seconds / calls if calls and seconds is not None else None, mean(rows, "psnr"))


def dearest(run: Run) -> str:
    """How far apart the priors are, a call for a call, in a sentence; empty where there is no two of them to compare."""
    found = {}
    for prior in run.priors:
        rows = [row for row in run.rows if row.cell.prior == prior and row.status == "done" and row.calls]
        if rows:
            found[prior] = 1000 * sum(row.seconds for row in rows) / sum(row.calls for row in rows)
    if len(found) < 2:
        return ""
    low, high = min(found, key=lambda prior: found[prior]), max(found, key=lambda prior: found[prior])
    return f"A call took from {found[low]:.1f} ms ({low}) to {found[high]:.1f} ms ({high}) on this machine, with what surrounds it."
