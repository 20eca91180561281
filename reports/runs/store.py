"""Where records are kept: one file pair per cell, written the moment the cell ends, whole or not at all."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from reports.runs import schema
from reports.runs.cell import Cell, Record
from reports.runs.files import contents, finite, read_arrays, read_json, write, write_json
from reports.runs.keys import SCHEMA, key, scene_key
from solvers.bands import OCTAVES

BRIGHTEST = 1e4  # of a pixel: no answer that did not diverge comes near
logger = logging.getLogger("priorbench")


class Arrays(Mapping[str, np.ndarray]):
    """The arrays of some npz files, each read when it is asked for."""

    def __init__(self, *files: Path):
        self.files = files

    def __getitem__(self, name: str) -> np.ndarray:
        for file in self.files:
            with np.load(file) as arrays:
                if name in arrays:
                    return arrays[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        for file in self.files:
            with np.load(file) as arrays:
                yield from arrays

    def __len__(self) -> int:
        return len(list(iter(self)))


class Store:
    """The cells and scenes of one run below ``folder``: cells/<kk>/<key>.json and .npz, scenes/<key>.npz."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.told: set[str] = set()  # sentences about damaged files

    def prepare(self) -> None:
        """Make the folder and prove that it can be written.

        Raises:
            OSError: it cannot; the sentence names it.
        """
        proof = self.folder / f".{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            proof.touch()
            proof.unlink()
        except OSError as error:
            raise OSError(f"cannot write to the folder {self.folder} ({error.strerror}); give another one with --out") from None

    def cell_path(self, key: str) -> Path:
        return self.folder / "cells" / key[:2] / f"{key}.json"

    def scene_path(self, scene: str) -> Path:
        return self.folder / "scenes" / f"{scene}.npz"

    def save(self, record: Record) -> None:
        """Arrays first: the JSON file is the sign that all is there."""
        path, scene = self.cell_path(key(record.cell)), self.scene_path(scene_key(record.cell))
        arrays = {name: array for name, array in record.arrays.items() if name not in SCENE}
        if record.arrays and not self.holds(scene, record):
            write(scene, lambda file: np.savez(file, truth=record.arrays["truth"], shown=record.arrays["shown"]))
        write(path.with_suffix(".npz"), lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
        files = [path.with_suffix(".npz")] + ([scene] if record.arrays else [])
        told = {"files": [file.name for file in files], "contents": [contents(file) for file in files]}
        write_json(path, {"schema": SCHEMA, **plain(record), **told})

    def holds(self, scene: Path, record: Record) -> bool:
        """Whether the file of a measurement is there and is that of the record."""
        try:
            kept = read_arrays(scene, {name: record.arrays[name].shape for name in SCENE})
        except (OSError, ValueError):
            return False
        return all(np.array_equal(kept[name], record.arrays[name], equal_nan=True) for name in SCENE)

    def load(self, key: str) -> Record | None:
        """The record of a finished cell; None where there is none, or a file of it is damaged, which is told once."""
        path = self.cell_path(key)
        if not path.exists():
            return None
        try:
            record, files, sums = entry_of(path)
            check_arrays(record, path.with_suffix(".npz"), sums[:1])
        except (ValueError, OSError) as error:
            self.damaged(f"the stored cell {path} is damaged ({error}); it counts as not yet run")
            return None
        scenes = [self.scene_path(Path(name).stem) for name in files[1:]]
        try:
            for scene in scenes:
                check_scene(record.cell, scene, sums[1:])
        except (ValueError, OSError) as error:
            self.damaged(f"the stored measurement {scene} is damaged ({error}); the cells that share it count as not yet run")
            return None
        return replace(record, arrays=Arrays(path.with_suffix(".npz"), *scenes))

    def damaged(self, sentence: str) -> None:
        if sentence not in self.told:
            self.told.add(sentence)
            logger.warning("priorbench: %s, and priorbench compare makes it again", " ".join(sentence.split()))


SCENE = ("truth", "shown")
ADDED = {"lpips_file": None}  # settings of a cell that files from before they existed lack


def entry_of(path: Path) -> tuple[Record, list[str], list[str]]:
    """(record without arrays, names of its npz files, digests of their contents if they were stored) from the JSON file of a cell.

    Raises:
        OSError: it cannot be read.
        ValueError: what is wrong in it.
    """
    entry = read_json(path)
    schema.require("the entry", entry, {"schema": schema.one_of(SCHEMA)})
    schema.require("the entry", entry := {"contents": [], **entry}, schema.RECORD)  # cells stored before there were digests have none
    schema.require("the cell", cell := {**ADDED, **entry["cell"]}, schema.CELL)
    schema.require("the prior", entry["prior"], schema.PRIOR)
    for level in entry["trace"]:
        schema.require("a level of the trace", level, schema.LEVEL)
        if len(level["bands"]) != OCTAVES:
            raise ValueError(f"a level of the trace has {len(level['bands'])} bands, not {OCTAVES}")
    if entry["files"][:1] != [path.with_suffix(".npz").name] or len(entry["files"]) != (1 if entry["status"] == "failed" else 2):
        raise ValueError("it is the entry of another cell")
    if entry["status"] == "done":
        schema.require("the metrics", entry["metrics"], schema.metrics(cell["samples"]))
    record = Record(
        Cell(**{name: cell[name] for name in schema.CELL}),
        **{name: entry[name] for name in schema.RECORD if name not in ("cell", "files", "contents")},
    )
    return record, entry["files"], entry["contents"]


def check_arrays(record: Record, file: Path, sums: Sequence[str]) -> None:
    """
    Raises:
        OSError, ValueError: the arrays of a record are not what was stored, or no pictures.
    """
    cell, done = record.cell, record.status == "done"
    picture = (cell.size, cell.size, cell.channels)
    wanted: dict[str, tuple[int, ...]] = {"x": picture} if done else {}
    wanted |= {"samples": (cell.samples, *picture)} if done and cell.samples else {}
    wanted |= {"std": picture} if done and cell.samples > 1 else {}
    check_pixels(file, read_arrays(file, wanted), sums)


def check_scene(cell: Cell, file: Path, sums: Sequence[str]) -> None:
    """
    Raises:
        OSError, ValueError: the truth or the measurement of a cell is not what was stored, or no picture.
    """
    picture = (cell.size, cell.size, cell.channels)
    found = read_arrays(file, {"truth": picture, "shown": (None, None, cell.channels)})
    shown = found["shown"]
    if np.isnan(shown).all():
        raise ValueError(f"{file.name}: the array shown holds no pixel")
    check_pixels(file, {**found, "shown": shown[~np.isnan(shown)]}, sums)  # NaN stands where nothing was measured


def check_pixels(file: Path, arrays: Mapping[str, np.ndarray], sums: Sequence[str]) -> None:
    for name, array in arrays.items():
        if not (np.abs(array) <= BRIGHTEST).all():
            raise ValueError(f"{file.name}: the array {name} holds pixels that are no numbers, or beyond {BRIGHTEST:g}")
    if sums and sums[0] != contents(file):
        raise ValueError(f"{file.name} holds other arrays than were stored with the cell")


def plain(record: Record) -> dict[str, Any]:
    """A record without its arrays, ready for JSON; numbers that are not finite become null."""
    entry = {name: getattr(record, name) for name in ("status", "message", "calls", "seconds", "code")}
    entry |= {"cell": asdict(record.cell), "prior": dict(record.prior), "metrics": finite(record.metrics)}
    return entry | {"trace": [finite(level) for level in record.trace]}
