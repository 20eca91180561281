"""One cell of a comparison, one measurement, prior and method, and the record of what came out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import solvers
from reports.runs.selectors import Selector


@dataclass(frozen=True)
class Cell:
    """What is to be run; all that decides the answer, in plain values.

    ``problem``, ``prior`` and ``method`` are selectors (``name[option=value]``), ``image`` a bundled name or a path, cropped
    to ``size`` x ``size`` pixels and ``channels`` 1 or 3. ``samples`` is 0 for a method that estimates; ``steps``, which a
    method's selector repeats to tell one number from another, is None for the method's own. LPIPS is measured where ``lpips_file``
    names a file with its weights.
    """

    problem: str
    image: str
    prior: str
    method: str
    strength: float = 1.0
    samples: int = 0
    steps: int | None = None
    size: int = 128
    channels: int = 1
    seed: int = 0
    lpips_file: str | None = None

    @property
    def problem_name(self) -> str:
        """The problem without its options, as ``problems.CATALOGUE`` knows it."""
        return Selector.parse(self.problem).name

    @property
    def method_name(self) -> str:
        """The method without its options, as ``solvers.METHODS`` knows it."""
        return Selector.parse(self.method).name

    @property
    def pairs(self) -> int:
        """Antithetic pairs that a posterior mean averages, ``mean[pairs=4]``; 0 for every other method."""
        if self.samples:  # the page names what samples in words, which are no selector
            return 0
        chosen = Selector.parse(self.method)
        return int(chosen.values.get("pairs", solvers.METHODS[chosen.name].pairs))

    @property
    def chains(self) -> int:
        """Images that are solved for at the same time."""
        return self.samples or 2 * self.pairs or 1

    @property
    def planned_calls(self) -> int:
        """Images that will be denoised: levels x calls at each x chains."""
        method = solvers.METHODS[self.method_name]
        return (self.steps or method.steps) * method.calls * self.chains

    def __str__(self) -> str:
        return f"{self.problem} · {self.image} · {self.prior} · {self.method}"


@dataclass(frozen=True)
class Record:
    """What came out of a cell.

    ``status`` is "done", "diverged" (no image) or "failed" (the prior raised); ``message`` says how it diverged or failed, or
    what speaks against the answer of one that is done (``solvers.Result.warnings``). ``metrics`` always
    has psnr, ssim, misfit, gmsd, haarpsi, swd, spectrum_db and mae of the estimate or mean, and crps, which is mae where there
    is one answer only; samples add the first seven with _sample (gmsd to spectrum_db over the first ``JUDGED`` samples) and,
    from two samples on, spread, rms_error, coverage and coverage_nominal. LPIPS adds lpips and lpips_sample. A record that
    is older than a metric lacks it. ``prior`` holds name, family, mmse, licence, card; ``code`` is the
    digest of the source that computed it. ``arrays``, read from disk when asked
    for: x, std [H, W, C] float32, samples [n, H, W, C] float16, and of the scene truth [H, W, C] and shown [h, w, C], the
    measurement as a picture.
    """

    cell: Cell
    status: str
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    calls: int = 0
    seconds: float = 0.0
    trace: Sequence[Mapping[str, Any]] = ()
    prior: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    code: str = ""

    @property
    def x(self) -> np.ndarray | None:
        return self.arrays.get("x")

    @property
    def std(self) -> np.ndarray | None:
        return self.arrays.get("std")

    @property
    def samples(self) -> np.ndarray | None:
        return self.arrays.get("samples")


def is_heuristic(row: Record) -> bool:
    """Whether its samples, or the pairs it averages, have no posterior meaning: only from a mean E[clean | x] can a score be made."""
    return bool(row.cell.samples or row.cell.pairs) and row.prior.get("mmse") is not True


def is_doubtful(row: Record) -> bool:
    """Whether its answer does not fit its data as one should, or has not settled: ``message`` says which."""
    return row.status == "done" and bool(row.message)


def has_spread(record: Record) -> bool:
    return record.status == "done" and record.cell.samples > 1
