"""Where records are kept: one file pair per cell, written the moment the cell ends, whole or not at all."""

from __future__ import annotations

import json
import logging
import os
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
        except (ValueError, KeyError, TypeError, OSError) as error:
            logger.warning("priorbench: the stored cell %s is damaged (%s); it counts as not yet run", path, error)
            return None


def checked(record: Record) -> Record:
    """The record itself; a KeyError if a picture came out but its scores are gone."""
    for name in ("psnr", "ssim", "misfit") if record.status == "done" else ():
        record.metrics[name]
    return record


def plain(record: Record) -> dict[str, Any]:
    """A record without its arrays, ready for JSON; numbers that are not finite become null."""
    entry = {name: getattr(record, name) for name in ("status", "message", "calls", "seconds", "code")}
    entry |= {"cell": asdict(record.cell), "prior": dict(record.prior), "metrics": finite(record.metrics)}
    return entry | {"trace": [finite(level) for level in record.trace]}
