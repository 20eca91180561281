"""A stored run read back: its records, its labels in order, and means over images."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

import priors
from reports.runs import schema
from reports.runs.cell import Record
from reports.runs.files import read_json
from reports.runs.provenance import Circumstances, Restrictions
from reports.runs.selectors import Selector
from reports.runs.store import Store


class Provenance(Circumstances, Restrictions):
    """How a run came about: who asked, when and where, the settings, and ``strengths`` with their source and what was tried."""

    seed: int
    size: int
    channels: int
    samples: int
    tuning_images_reported: list[str]
    strengths: list[dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """Finished cells of a run, in order, and how they came about.

    ``rows`` are records whose arrays are read from ``folder`` when asked for; ``provenance`` is a ``Provenance``.
    """

    folder: Path
    rows: tuple[Record, ...]
    provenance: Mapping[str, Any]

    @property
    def priors(self) -> list[str]:
        """Labels along the spectrum: by family, then in the order of the catalogue; unknown families last."""
        family = {row.cell.prior: row.prior.get("family") for row in self.rows}
        catalogue = list(priors.CATALOGUE)

        def place(label: str) -> tuple[int, int]:
            name = Selector.parse(label).name
            return index(priors.FAMILIES, family[label]), index(catalogue, name)

        return sorted(family, key=place)

    @property
    def problems(self) -> list[str]:
        return list(dict.fromkeys(row.cell.problem for row in self.rows))

    @property
    def images(self) -> list[str]:
        return list(dict.fromkeys(row.cell.image for row in self.rows))

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(row.cell.method for row in self.rows))

    @property
    def ordered_methods(self) -> list[str]:
        """Those that evaluate, then those that sample."""
        return sorted(self.methods, key=self.is_sampled)

    def is_sampled(self, method: str) -> bool:
        return self.draws(method) > 0

    def draws(self, method: str) -> int:
        """Samples drawn by a method; 0 where it estimates."""
        return max(row.cell.samples for row in self.rows if row.cell.method == method)

    def row(self, prior: str, problem: str, image: str, method: str) -> Record | None:
        """The record of these labels; None where it was not run or not yet."""
        wanted = (prior, problem, image, method)
        return next((r for r in self.rows if (r.cell.prior, r.cell.problem, r.cell.image, r.cell.method) == wanted), None)

    def records(self, problem: str, method: str, prior: str) -> list[Record]:
        """In the order of the images; those not run are left out."""
        found = [self.row(prior, problem, image, method) for image in self.images]
        return [row for row in found if row is not None]

    def is_complete(self, rows: Sequence[Record]) -> bool:
        """Whether there is a result for every image that this method was run on: only then are means comparable."""
        wanted = {(row.cell.problem, row.cell.method) for row in rows}
        images = {row.cell.image for row in self.rows if (row.cell.problem, row.cell.method) in wanted}
        return bool(rows) and {row.cell.image for row in rows if row.status == "done"} == images

    @property
    def mixed_code(self) -> str:
        """A sentence where several versions of the code computed the cells; empty where one did."""
        counts = Counter(row.code or "unknown" for row in self.rows)
        if len(counts) < 2:
            return ""
        told = ", ".join(f"{count} by {code}" for code, count in counts.items())
        return f"cells were computed by several versions of the code: {told}"

    def scene(self, problem: str, image: str) -> tuple[np.ndarray, np.ndarray]:
        """(truth [H, W, C], measurement as a picture [h, w, C]).

        Raises:
            KeyError: no cell of this problem and image came as far as measuring.
        """
        for row in self.rows:
            if (row.cell.problem, row.cell.image) == (problem, image) and row.arrays:
                return row.arrays["truth"], row.arrays["shown"]
        raise KeyError(f"no measurement of {problem} on {image} in {self.folder}")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a stored run; nothing is solved. An interrupted run gives the cells that had ended.

        Raises:
            FileNotFoundError: there is no run in ``folder``, or none of its cells has ended.
            ValueError: its index is damaged.
        """
        store, index_file = Store(folder), Path(folder) / "run.json"
        if not index_file.is_file():
            raise FileNotFoundError(f"no run in {folder}; make one with: priorbench compare --out {folder}")
        try:
            content = read_json(index_file)
            schema.require("the index", content, {"cells": schema.list_of(schema.KEY)})
            provenance = checked(content.get("provenance"))
        except ValueError as error:
            raise ValueError(f"{index_file} is damaged ({error}); run priorbench compare again, finished cells are kept") from None
        rows = tuple(row for name in dict.fromkeys(content["cells"]) if (row := store.load(name)))
        if not rows:
            raise FileNotFoundError(f"no finished cell in {folder}; go on with: priorbench compare --out {folder}")
        return cls(store.folder, rows, provenance)


def checked(content: Any) -> dict[str, Any]:
    """A ``Provenance`` that was stored.

    Raises:
        ValueError: an entry is missing, or of another kind.
    """
    schema.require("the provenance", content, schema.PROVENANCE)
    for entry in content["strengths"]:
        schema.require("an entry of strengths", entry, schema.STRENGTH)
    return {name: content[name] for name in schema.PROVENANCE}


def index(order: Sequence[str], name: str | None) -> int:
    return order.index(name) if name in order else len(order)


def mean(rows: Sequence[Record], metric: str) -> float | None:
    """Over those that arrived; None where none has the metric."""
    values = [row.metrics[metric] for row in rows if row.status == "done" and row.metrics.get(metric) is not None]
    return statistics.mean(values) if values else None
