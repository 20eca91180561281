"""Where records are kept: one file pair per cell, written the moment the cell ends, whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reports.runs.cell import Cell, Record
from reports.runs.files import finite, whole, write, write_json
from reports.runs.keys import SCHEMA, key, scene_key

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

    def headers(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape and type of every array; no pixel is read."""
        return {name: header for file in self.files for name, header in array_headers(file).items()}


def array_headers(file: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of the arrays of an npz file.

    Raises:
        ValueError: an entry is no array of format 1.0, which numpy writes for plain arrays.
    """
    found = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as entry:
                np.lib.format.read_magic(entry)
                shape, _, kind = np.lib.format.read_array_header_1_0(entry)
            found[name.removesuffix(".npy")] = shape, kind
    return found


class Store:
    """The cells and scenes of one run below ``folder``: cells/<kk>/<key>.json and .npz, scenes/<key>.npz."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

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
        arrays = {name: array for name, array in record.arrays.items() if name not in ("truth", "shown")}
        if record.arrays and not whole(scene):
            write(scene, lambda file: np.savez(file, truth=record.arrays["truth"], shown=record.arrays["shown"]))
        write(path.with_suffix(".npz"), lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]
        files = [path.with_suffix(".npz").name] + ([scene.name] if record.arrays else [])
        write_json(path, {"schema": SCHEMA, **plain(record), "files": files})

    def load(self, key: str) -> Record | None:
        """The record of a finished cell; None where there is none, or it is damaged, which is reported."""
        path = self.cell_path(key)
        if not path.exists():
            return None
        try:
            entry = json.loads(path.read_text("utf-8"))
            files = [path.with_suffix(".npz"), *(self.scene_path(Path(scene).stem) for scene in entry["files"][1:])]
            for file in files:
                if not whole(file):
                    raise ValueError(f"{file.name} is missing or broken")
            del entry["schema"], entry["files"]
            return checked(Record(**entry | {"cell": Cell(**entry["cell"]), "arrays": Arrays(*files)}))
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError, OSError, zipfile.BadZipFile) as error:
            logger.warning("priorbench: the stored cell %s is damaged (%s); it counts as not yet run", path, error)
            return None


def checked(record: Record) -> Record:
    """The record itself.

    Raises:
        KeyError, TypeError, ValueError: a score, a level of the trace or an array is missing or of the wrong kind.
    """
    for name in ("psnr", "ssim", "misfit") if record.status == "done" else ():
        record.metrics[name]
    if record.status not in ("done", "diverged", "failed"):
        raise ValueError(f"status {record.status!r} is unknown")
    wrong = [name for name, value in record.metrics.items() if not (value is None or is_number(value))]
    wrong += [name for name in ("calls", "seconds") if not is_number(getattr(record, name)) or getattr(record, name) < 0]
    if wrong:
        raise TypeError(f"{', '.join(wrong)} must be numbers")
    check_trace(record.trace)
    check_arrays(record)
    return record


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_trace(trace: object) -> None:
    """Every level is a mapping with sigma and misfit, a number or null, and bands, a list of such."""
    if not isinstance(trace, list):
        raise TypeError("trace must be a list")
    for level in trace:
        if not all(value is None or is_number(value) for value in (level["sigma"], level["misfit"], *level["bands"])):
            raise TypeError("sigma, misfit and bands of the trace must be numbers")


def check_arrays(record: Record) -> None:
    """Names, shapes and types of the stored arrays, from the headers of the npz files."""
    if record.status == "failed":
        return
    assert isinstance(record.arrays, Arrays)
    cell, found = record.cell, record.arrays.headers()
    picture = (cell.size, cell.size, cell.channels)
    wanted: dict[str, tuple[int, ...]] = {"truth": picture}
    if record.status == "done":
        wanted["x"] = picture
    if record.status == "done" and cell.samples:
        wanted["samples"] = (cell.samples, *picture)
    if record.status == "done" and cell.samples > 1:
        wanted["std"] = picture
    for name, shape in wanted.items():
        if found[name][0] != shape:
            raise ValueError(f"the array {name} has shape {found[name][0]}, not {shape}")
    if len(found["shown"][0]) != 3:
        raise ValueError(f"the array shown has shape {found['shown'][0]}, not [h, w, C]")
    if wrong := [name for name, (_, kind) in found.items() if kind.kind != "f"]:
        raise TypeError(f"the arrays {', '.join(wrong)} must hold floating-point numbers")


def plain(record: Record) -> dict[str, Any]:
    """A record without its arrays, ready for JSON; numbers that are not finite become null."""
    entry = {name: getattr(record, name) for name in ("status", "message", "calls", "seconds", "code")}
    entry |= {"cell": asdict(record.cell), "prior": dict(record.prior), "metrics": finite(record.metrics)}
    return entry | {"trace": [finite(level) for level in record.trace]}
