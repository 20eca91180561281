"""Names of stored files: digests of all that decides an answer, so that a stored number is never taken for another one.

What decides an answer is its settings, the files and weights that it reads, the versions of the numerical packages, and the
code. The code counts by the number ``ANSWERS``, not by its text: an edit that moves no number leaves every stored cell valid.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import priors
from reports.runs.cell import Cell
from reports.runs.loading import load_prior
from reports.runs.provenance import LIBRARIES, version
from reports.runs.selectors import Selector

SCHEMA = 2  # raised when the meaning of a stored record changes
ANSWERS = 5  # raised when the numbers of a cell move; tests/reports/runs/test_reference.py says when
SOURCES = (  # what computes a cell
    "priors/*.py", "priors/foreign/*.py", "problems/*.py", "solvers/*.py", "reports/scores/*.py", "reports/runs/solving.py",
)  # fmt: skip


def key(cell: Cell) -> str:
    """Name of a cell's files: it changes with the cell, the files and weights it reads, and what computes it."""
    files = sums(cell.image, cell.lpips_file or "", *named_files(cell.problem), *named_files(cell.prior))
    return digest({"cell": asdict(cell), "files": files, **identity(cell.prior, cell.channels)})


def identity(selector: str, channels: int) -> dict[str, Any]:
    """What decides the answers of a prior beside the options and files that its selector names."""
    prior = load_prior(selector, channels)
    card, errors = getattr(prior, "card", None) or {}, sums(measured_error(selector), *own_files(prior))
    weights = "".join(card[part] for part in ("sha256", "classifier") if part in card) or None
    precision = getattr(prior, "precision", None)  # "auto" depends on the machine
    return {"weights": weights, "errors": errors, "precision": precision}


def scene_key(cell: Cell) -> str:
    """Name of the file of a measurement, which all priors and methods share."""
    names = ("problem", "image", "size", "channels", "seed")
    files = sums(cell.image, *named_files(cell.problem))
    return digest({**{name: getattr(cell, name) for name in names}, "files": files})


def digest(content: Mapping[str, Any]) -> str:
    """Of plain values, together with the schema, the number of the answers and the versions of the numerical packages."""
    text = json.dumps({"schema": SCHEMA, "answers": ANSWERS, "versions": numerics(), **content}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@functools.cache
def numerics() -> dict[str, str]:
    """Versions of the packages that compute the numbers."""
    return {name: version(name) for name in LIBRARIES}


def own_files(prior: object) -> list[str]:
    """Those that a prior of another library tells of: its network, which may be a folder, and its measured error."""
    return [str(file) for file in getattr(prior, "files", ())]


NUMBER_IN_FILE = re.compile(r"(?<=\.mat):\d+$", re.IGNORECASE)  # kernels.mat:3


def named_files(selector: str) -> list[str]:
    """Option values, which may be paths (weights, kernel, mask), and the module of a prior of one's own."""
    chosen = Selector.parse(selector)
    values = [NUMBER_IN_FILE.sub("", value) for value in chosen.values.values() if isinstance(value, str)]
    module, colon, _ = chosen.name.partition(":")
    source = importlib.util.find_spec(module) if colon else None
    return values + ([source.origin] if source and source.origin else [])


def measured_error(selector: str) -> str:
    """The file of the own error of a classical prior of the catalogue, which is the width of its draws; others have none."""
    return str(Path(priors.__file__).parent / "errors" / f"{Selector.parse(selector).name}.json")


def sums(*names: str) -> list[str]:
    """sha256 of those names that are files."""
    return [sha256(name, Path(name).stat().st_mtime_ns) for name in names if Path(name).is_file()]


@functools.lru_cache(maxsize=256)
def sha256(file: str, changed: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@functools.cache
def code() -> str:
    """Digest of the source that computes a cell. It is stored with the cell to tell versions apart, and decides nothing."""
    root = Path(__file__).parents[2]
    sources = [file for pattern in SOURCES for file in sorted(root.glob(pattern))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:12]
