"""Files written whole or not at all, and numbers made ready for JSON."""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_json(path: Path) -> Any:
    """What ``write_json`` wrote.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON, or holds NaN or Infinity, which JSON does not know.
    """
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=refused)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def read_arrays(file: Path, shapes: Mapping[str, Sequence[int | None]]) -> dict[str, np.ndarray]:
    """Floating-point arrays of an npz file by name, each of the wanted shape; None stands for any length from 1 on.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it is no npz file, an array is missing, of another shape or type, or its checksum is wrong.
    """
    try:
        with warnings.catch_warnings(), zipfile.ZipFile(file) as archive:
            warnings.simplefilter("error")
            return {name: read_array(archive, name, shape) for name, shape in shapes.items()}
    except OSError:
        raise
    except Exception as error:  # a damaged archive or header fails in its reader's own way
        raise ValueError(f"{file.name}: {str(error) or type(error).__name__}") from None


def read_array(archive: zipfile.ZipFile, name: str, wanted: Sequence[int | None]) -> np.ndarray:
    """One array, whose header is checked before any memory is taken for it."""
    if f"{name}.npy" not in archive.namelist():
        raise ValueError(f"the array {name} is missing")
    with archive.open(f"{name}.npy") as entry:
        version = np.lib.format.read_magic(entry)
        if version not in HEADERS:
            raise ValueError(f"the array {name} is of an unknown format, {version}")
        shape, _, kind = HEADERS[version](entry)
    if kind.kind != "f" or not kind.isnative or kind.itemsize > 8:
        raise ValueError(f"the array {name} holds {kind}, not floating-point numbers of this machine")
    fits = len(shape) == len(wanted) and all(n == m if m is not None else n > 0 for n, m in zip(shape, wanted, strict=True))
    if not fits or math.prod(shape) * kind.itemsize > archive.getinfo(f"{name}.npy").file_size:
        told = ", ".join("any" if n is None else str(n) for n in wanted)
        raise ValueError(f"the array {name} has shape {list(shape)}, not [{told}]")
    with archive.open(f"{name}.npy") as entry:
        return np.lib.format.read_array(entry, allow_pickle=False)


def contents(file: Path) -> str:
    """A digest of the arrays of an npz file, from the checksums that it holds of them.

    Raises:
        OSError, zipfile.BadZipFile: as ``zipfile.ZipFile``.
    """
    with zipfile.ZipFile(file) as archive:
        told = sorted((entry.filename, entry.CRC, entry.file_size) for entry in archive.infolist())
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


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


def finite(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """With null for every number that is none, in lists of numbers too."""

    def told(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [told(each) for each in value]
        return value if value is not None and math.isfinite(value) else None

    return {name: told(value) for name, value in numbers.items()}
