"""The arrays of a run while its page is made: many figures ask for the same ones, which lie in files."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reports.runs.stored import Run

LARGE = ("samples", "std")  # and seldom asked for
MOST = 5e8  # bytes


class Kept(Mapping[str, np.ndarray]):
    """Arrays of which each is read once, but for the large ones."""

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.arrays, self.kept = arrays, dict[str, np.ndarray]()

    @functools.cached_property
    def names(self) -> list[str]:
        return list(self.arrays)

    def __getitem__(self, name: str) -> np.ndarray:
        if name in LARGE:
            return self.arrays[name]
        if name not in self.kept:
            self.kept[name] = self.arrays[name]
        return self.kept[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def remembering(run: Run) -> Run:
    """The same run, that reads answers, truths and measurements once; unless they are too many to be kept."""
    cell = run.rows[0].cell
    if len(run.rows) * 3 * 4 * cell.size**2 * cell.channels > MOST:
        return run
    return replace(run, rows=tuple(replace(row, arrays=Kept(row.arrays)) for row in run.rows))
