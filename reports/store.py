"""Where records are kept: one file pair per cell, written the moment the cell ends, whole or not at all."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import logging
import math
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reports.cell import Cell, Record, load_prior
from reports.selectors import Selector

SCHEMA = 1  # raised when the meaning of a stored record changes
HERE = Path(__file__).parent
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


def whole(file: Path) -> bool:
    """Whether an npz file is there and every checksum in it is right."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def write(path: Path, put: Callable[[Any], Any]) -> None:
    """Write a file whole or not at all: under another name first, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            put(file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    write(path, lambda file: file.write(json.dumps(content, indent=1, allow_nan=False).encode()))


def plain(record: Record) -> dict[str, Any]:
    """A record without its arrays, ready for JSON; numbers that are not finite become null."""
    entry = {name: getattr(record, name) for name in ("status", "message", "calls", "seconds")}
    entry |= {"cell": asdict(record.cell), "prior": dict(record.prior), "metrics": finite(record.metrics)}
    return entry | {"trace": [finite(level) for level in record.trace]}


def finite(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """With null for every number that is none, in lists of numbers too."""

    def told(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [told(each) for each in value]
        return value if value is not None and math.isfinite(value) else None

    return {name: told(value) for name, value in numbers.items()}


def key(cell: Cell) -> str:
    """Name of a cell's files: it changes with the cell, the files and weights it reads, and the code that computes it."""
    card = getattr(load_prior(cell.prior, cell.channels), "card", None) or {}
    files = sums(cell.image, cell.lpips_file or "", *named_files(cell.problem), *named_files(cell.prior))
    return digest({"cell": asdict(cell), "files": files, "weights": card.get("sha256"), "code": code()})


def scene_key(cell: Cell) -> str:
    names = ("problem", "image", "size", "channels", "seed")
    files = sums(cell.image, *named_files(cell.problem))
    return digest({**{name: getattr(cell, name) for name in names}, "files": files, "code": code()})


def digest(content: Mapping[str, Any]) -> str:
    text = json.dumps({"schema": SCHEMA, **content}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def named_files(selector: str) -> list[str]:
    """Option values, which may be paths (weights, kernel, mask), and the module of a prior of one's own."""
    chosen = Selector.parse(selector)
    values = [value for value in chosen.values.values() if isinstance(value, str)]
    module, colon, _ = chosen.name.partition(":")
    source = importlib.util.find_spec(module) if colon else None
    return values + ([source.origin] if source and source.origin else [])


def sums(*names: str) -> list[str]:
    """sha256 of those names that are files."""
    return [sha256(name, Path(name).stat().st_mtime_ns) for name in names if Path(name).is_file()]


@functools.lru_cache(maxsize=256)
def sha256(file: str, changed: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@functools.cache
def code(*scoring: str) -> str:
    """Digest of the source and measured errors that decide an answer: no result outlives the code it came from.

    ``scoring`` names the files here that judge it; those of a cell if none is named.
    """
    folders = ("priors/*.py", "priors/errors/*.json", "problems/*.py", "solvers/*.py")
    files = [file for folder in folders for file in sorted(HERE.parent.glob(folder))]
    files += [HERE / name for name in scoring or ("cell.py", "metrics.py", "realism.py", "lpips.py", "calibration.py")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
