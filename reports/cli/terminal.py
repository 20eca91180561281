"""What the commands print: progress, scores and catalogues. Plain lines where nobody watches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import rich.progress
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import priors
import problems
import solvers
from priors.error import ErrorCurve
from priors.guided import meant
from reports.experiments.denoising import Level, Row
from reports.experiments.denoising import Table as DenoisingTable
from reports.experiments.labels import Row as LabelRow
from reports.experiments.posteriors import Proof
from reports.experiments.posteriors import Row as ProofRow
from reports.judging.trust import Trust
from reports.runs.cell import Cell, Record, is_doubtful
from reports.runs.loading import load_prior, load_problem
from reports.runs.selectors import Selector
from reports.runs.stored import Run
from reports.tables import labels as label_tables
from reports.tables.denoising import sections
from reports.tables.posteriors import explained
from reports.tables.posteriors import outcome as outcome_of
from reports.tables.posteriors import sections as proof_sections
from reports.tables.trust import explained as trust_explained
from reports.tables.trust import sections as trust_sections


def console() -> Console:
    """Brackets are selectors here, not markup; numbers stay uncoloured; logs get room for whole lines."""
    watched = Console(markup=False, highlight=False)
    return watched if watched.is_terminal else Console(markup=False, highlight=False, width=120)


def table_of(*columns: str, title: str | None = None) -> Table:
    return Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD)


def bar(out: Console) -> rich.progress.Progress:
    """A line with a bar, counts, time and a description, where somebody watches."""
    columns = (
        rich.progress.BarColumn(bar_width=24),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
        rich.progress.TextColumn("{task.description}", markup=False),
    )
    return rich.progress.Progress(*columns, console=out, disable=not out.is_terminal, transient=True)


class Progress:
    """Tells what runs now, what is done, and how long the rest will take, prior by prior from the calls made so far.

    Where cells run ``at_once``, a log has a line for each as it ends; otherwise the line begins with the cell.
    """

    def __init__(self, out: Console, cells: Sequence[Cell] | Sequence[Level], at_once: int = 1):
        self.out, self.cells, self.at_once = out, cells, at_once
        self.ended: set[Cell | Level] = set()
        self.cost: dict[str, list[float]] = {}  # prior -> seconds per denoised image, of each cell run
        self.running: set[Cell | Level] = set()
        self.bar = bar(out)
        self.task = self.bar.add_task("", total=len(cells))

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()
        if self.running and self.at_once == 1 and not self.out.is_terminal:
            self.out.print()  # the line of the cell that did not end

    def tell(self, done: int, cell: Cell | Level, record: Record | Row | None) -> None:
        """Hear of the start (no record) or the end of a cell; ``compare`` and ``measure`` call it."""
        head = f"[{done + (record is None):{len(str(len(self.cells)))}}/{len(self.cells)}] {cell}"
        if record is None:
            self.running.add(cell)
            self.bar.update(self.task, description=f"{cell}{self.left()}")
            if self.at_once == 1 and not self.out.is_terminal:
                self.out.print(head, end=" ... ", soft_wrap=True)
            return
        self.ended.add(cell)
        if cell in self.running and record.calls:
            self.cost.setdefault(cell.prior, []).append(record.seconds / record.calls)
        told = f"{outcome(record)}{self.left() if cell in self.running else ', kept from before'}"
        self.bar.update(self.task, completed=done)
        whole = self.out.is_terminal or self.at_once > 1 or cell not in self.running
        self.out.print(f"{head}: {told}" if whole else told, soft_wrap=True)
        self.running.discard(cell)

    def left(self) -> str:
        """Time for the cells not yet run; priors never run yet are taken to cost as much as the average one."""
        if not self.cost:
            return ""
        cost = {prior: statistics.mean(found) for prior, found in self.cost.items()}
        average = statistics.mean(cost.values())
        waiting = [cell for cell in self.cells if cell not in self.ended]
        seconds = sum(cell.planned_calls * cost.get(cell.prior, average) for cell in waiting) / self.at_once
        return f", about {duration(seconds)} left" if waiting else ""


class Steps:
    """Tells which of a known number of equal steps begins, and how long the rest will take; a step that was kept takes none."""

    def __init__(self, out: Console, total: int):
        self.out, self.total, self.begun, self.kept = out, total, 0, 0
        self.bar = bar(out)
        self.task = self.bar.add_task("", total=total)
        self.started = time.monotonic()

    def __enter__(self) -> Steps:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()

    def tell(self, step: str, kept: bool) -> None:
        """Hear of the start of a step."""
        done = self.begun - self.kept
        left = f", about {duration((time.monotonic() - self.started) / done * (self.total - self.begun))} left" if done else ""
        self.bar.update(self.task, completed=self.begun, description=f"{step}{left}")
        self.begun, self.kept = self.begun + 1, self.kept + kept
        if not self.out.is_terminal:
            head = f"[{self.begun:{len(str(self.total))}}/{self.total}] {step}"
            self.out.print(f"{head}{', kept from before' if kept else left}", soft_wrap=True)


def outcome(record: Record | Row) -> str:
    if record.status != "done":
        return record.status
    return f"{record.metrics['psnr']:.2f} dB in {record.seconds:.1f} s"


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def notices(out: Console, cells: Sequence[Cell] | Sequence[Level]) -> None:
    """The licence of each prior that restricts its use, once."""
    for name in dict.fromkeys(cell.prior for cell in cells):
        licence = getattr(load_prior(name), "licence", None)
        if licence:
            out.print(f"{name}: {licence}", soft_wrap=True)


def understood(out: Console, cells: Sequence[Cell]) -> None:
    """What each problem was understood to be, one line each, in the words of its operator."""
    for label, cell in {cell.problem: cell for cell in cells}.items():
        if summary := getattr(load_problem(cell).operator, "summary", ""):
            out.print(f"{label}: {summary}", soft_wrap=True)


def scores(out: Console, run: Run) -> None:
    """One table per problem: means over the images on which a method arrived; then what is doubtful, and mixed versions of the code."""
    for problem in run.problems:
        table = table_of("prior", "method", "PSNR", "SSIM", "misfit", "coverage", "calls", "seconds", title=problem)
        for method in run.methods:
            for prior in run.priors:
                found = [run.row(prior, problem, image, method) for image in run.images]
                if rows := [row for row in found if row]:
                    table.add_row(prior, method, *score(rows))
        out.print(table)
    for row in filter(is_doubtful, run.rows):
        out.print(f"doubtful: {row.cell}: {row.message}", soft_wrap=True)
    if run.mixed_code:
        out.print(run.mixed_code, soft_wrap=True)


def score(rows: Sequence[Record]) -> list[str]:
    """Cells of one line of the table; where nothing arrived, what happened instead."""
    arrived = [row for row in rows if row.status == "done"]
    if not arrived:
        return [", ".join(sorted({row.status for row in rows}))]

    def mean(name: str, form: str) -> str:
        values = [value for row in arrived if (value := row.metrics.get(name)) is not None]
        return format(statistics.mean(values), form) if values else ""

    coverage = mean("coverage", ".2f") and f"{mean('coverage', '.2f')} of {mean('coverage_nominal', '.2f')}"
    cost = [f"{statistics.mean(row.calls for row in arrived):.0f}", f"{statistics.mean(row.seconds for row in arrived):.1f}"]
    missing = f" ({len(arrived)} of {len(rows)} images)" if len(arrived) < len(rows) else ""
    misfit = mean("misfit", ".2f") + "?" * any(map(is_doubtful, arrived))
    return [mean("psnr", ".2f") + missing, mean("ssim", ".3f"), misfit, coverage, *cost]


def denoising(out: Console, made: DenoisingTable) -> None:
    """PSNR, distance from the best, SSIM and seconds, one table each."""
    for section in sections(made):
        table = table_of(*section.heads)
        for line in section.lines:
            table.add_row(*line)
        out.print(section.title, table, sep="\n")


def proven(out: Console, row: ProofRow, done: int, total: int) -> None:
    """One line for each row as it is made."""
    found = outcome_of(row) if row.message else f"std ratio {row.numbers['std_ratio'].value:.2f}"
    out.print(f"[{done:{len(str(total))}}/{total}] {row.case} · {row.method} · {row.calls or row.budget} calls: {found}", soft_wrap=True)


def proof(out: Console, made: Proof) -> None:
    """What was proven, case by case."""
    out.print(explained(made))
    for section in proof_sections(made):
        table = table_of(*section.heads)
        for line in section.lines:
            table.add_row(*line)
        out.print(section.title, table, sep="\n")


def trust(out: Console, made: Trust) -> None:
    """How far samples can be trusted, in brief: the files say more."""
    out.print(trust_explained(made), soft_wrap=not out.is_terminal)
    for section in trust_sections(made, brief=True):
        table = table_of(*section.heads)
        for line in section.lines:
            table.add_row(*line)
        out.print(section.title, table, sep="\n")


def labels(out: Console, rows: Sequence[LabelRow], by_class: bool = False) -> None:
    """Scores with the right label, a wrong one and none; or calibration class by class."""
    for section in label_tables.classes(rows) if by_class else [label_tables.scores(rows)]:
        table = table_of(*section.heads)
        for line in section.lines:
            table.add_row(*line)
        out.print(section.title, table, sep="\n")
    if by_class:
        out.print(label_tables.explained(rows), soft_wrap=True)


def catalogues(out: Console) -> None:
    """All that can be named in a selector; below the priors, what restricts their use or keeps them away."""
    table, notes = table_of("priors", "family", "sigma", ""), []
    for name, entry in priors.CATALOGUE.items():
        limits, note = standing(name)
        table.add_row(name, entry.family, limits, entry.line)
        notes += [f"  {name}: {note}"] if note else []
    out.print(table, *notes, sep="\n", soft_wrap=True)
    table = table_of("denoisers of other libraries", "family", "")
    for name, entry in priors.FOREIGN.items():
        table.add_row(name, entry.family, entry.line)
    out.print(table)
    table = table_of("problems", "")
    for name, item in problems.CATALOGUE.items():
        table.add_row(name, item.line)
    out.print(table)
    table = table_of("methods", "", "")
    for name, method in (solvers.METHODS | solvers.GENERATORS).items():
        table.add_row(name, what_for(name, method), method.line)
    out.print(table, "  exhibit: samples as published, with a bias that priorbench prove measures", sep="\n")
    out.print("  unconditional: nothing is measured; for priorbench sample")
    table = table_of("images", "used for", "")
    for name, line in problems.IMAGES.items():
        table.add_row(name, "tuning" if name in problems.TUNE else "testing" if name in problems.TEST else "", line)
    out.print(table)


def what_for(name: str, method: solvers.Method) -> str:
    if name in solvers.GENERATORS:
        return "unconditional"
    return "exhibit" if method.exhibit else "samples" if method.samples else "estimates"


def standing(name: str) -> tuple[str, str]:
    """(range of sigma, licence) of a prior, or why it cannot be had here."""
    try:
        prior = load_prior(name)
    except (ImportError, OSError, ValueError) as error:
        return "", f"not available: {error}"
    low, high = getattr(prior, "sigma_range", (0.0, float("inf")))
    return f"{low:.2g} .. {high:.2g}", getattr(prior, "licence", "")


def calibrated(out: Console, curve: ErrorCurve) -> None:
    """The measured error of a prior by noise level."""
    table = table_of("sigma /255", "own error /255", "left of the noise")
    for sigma, rmse in zip(curve.sigma, curve.rmse, strict=True):
        table.add_row(f"{255 * sigma:.4g}", f"{255 * rmse:.4g}", f"{rmse / sigma:.0%}")
    out.print(table)


def beliefs(out: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Unconditional samples in numbers: contrast, and power over that of photographs from coarse to finest."""
    title = f"samples with nothing measured; contrast of photographs {rows[0]['contrast_of_photographs']:.3f}"
    bands = [name for name in rows[0] if name.endswith("_dB")]
    table = table_of("prior", "method", "calls", "seconds", "contrast", *(f"{band[:-3]} dB" for band in bands), title=title)
    for row in rows:
        powers = ("–" if row[band] is None else f"{row[band]:+.1f}" for band in bands)
        told = row["method"] + ", heuristic" * row["heuristic"]
        table.add_row(shown(row["prior"]), told, str(row["calls"]), f"{row['seconds']:.2f}", f"{row['contrast']:.3f}", *powers)
    out.print(table)
    bound = [Selector.parse(row["prior"]).values for row in rows]
    told = [(float(each["guidance"]), "label" if "label" in each else "condition") for each in bound if "guidance" in each]
    for weight, kind in dict.fromkeys(told):
        out.print(f"guidance {weight:g}: {meant(weight, kind)}", soft_wrap=True)


def shown(prior: str) -> str:
    """A selector, its label or task first where one is bound: "digits28: 3, guidance=2"."""
    chosen = Selector.parse(prior)
    first = next((option for option in ("label", "task") if option in chosen.values), None)
    if first is None:
        return prior
    rest = Selector("", tuple(option for option in chosen.options if option[0] != first))
    return f"{chosen.name}: {chosen.values[first]}{', ' * bool(rest.options)}{str(rest).strip('[]')}"
