"""Files of foreign networks: read without running what they hold, identified by their contents, their measured error beside them."""

from __future__ import annotations

import hashlib
import json
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from priors.error import ErrorCurve
from priors.learned import amiss_error, device_of

SUFFIXES = (".pt", ".pth", ".pt2", ".ts")  # of whole networks
WEIGHTS = (*SUFFIXES, ".safetensors", ".bin", ".json")  # of what decides the answers of a folder


@dataclass(frozen=True)
class Stored:
    """A measured error, and the file that it was read from."""

    curve: ErrorCurve
    file: Path


@dataclass(frozen=True)
class Source:
    """Where a network comes from: its name in sentences, the file or folder that was named, and the files that decide its answers."""

    name: str
    place: Path | None = None
    files: tuple[Path, ...] = ()

    @staticmethod
    def of(given: Any) -> Source:
        """Of a path, or of a network that is already there.

        Raises:
            FileNotFoundError: no such file or folder.
        """
        if not isinstance(given, str | Path):
            return Source(type(given).__name__)
        place = Path(given)
        if not place.exists():
            raise FileNotFoundError(f"{place} does not exist; give the file or folder of a network")
        return Source(named(place).name, place, tuple(deciding(place)) if place.is_dir() else (place,))

    @cached_property
    def sha256(self) -> str:
        """Of a single file its own; of several that of theirs in order."""
        sums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files]
        return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()

    @property
    def error_file(self) -> Path | None:
        """Where the measured error lies: net.error.json beside net.pt, ddpm.error.json beside the folder ddpm."""
        return error_file(self.place) if self.place else None

    def error(self, asked: str | Path | None, card: Mapping[str, Any]) -> Stored | None:
        """The measured error in the file ``asked`` for, by default in the one beside the network if it is there; none for "none".

        Raises:
            FileNotFoundError: the file asked for is missing.
            ValueError: it holds no measured error, or that of another network or of other conventions.
        """
        file = Path(asked) if asked is not None else self.error_file
        if str(asked) == "none" or file is None or (asked is None and not file.is_file()):
            return None
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; priorbench calibrate measures the error of a prior")
        told = read_error(file)
        wanted = self.identity(card)
        different = [key for key in wanted if told.get("network", {}).get(key) != wanted[key]]
        if different:
            raise ValueError(f"{file} was measured for another {different[0]} of {self.name}; run priorbench calibrate again, or remove it")
        return Stored(ErrorCurve.from_dict(told), file)

    def identity(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """What an error was measured for: the conventions, and the contents of the files."""
        return dict(card) | ({"sha256": self.sha256} if self.files else {})


def deciding(folder: Path) -> list[Path]:
    """The files below a folder that decide its answers; measured errors are read by themselves."""
    return sorted(file for file in folder.rglob("*") if file.suffix in WEIGHTS and not file.name.endswith(".error.json") and file.is_file())


def changes(places: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """When each file below these places that decides the answers of a network was changed last."""
    files = [file for place in map(Path, places) if place.exists() for file in (*Source.of(place).files, error_file(place))]
    return tuple((str(file), file.stat().st_mtime_ns) for file in files if file.is_file())


def error_file(place: Path) -> Path:
    """net.error.json for net.pt, ddpm.error.json for the folder ddpm."""
    return named(place).with_name(f"{named(place).name if place.is_dir() else place.stem}.error.json")


def named(place: Path) -> Path:
    """The path, with a name of its own where it is told as "." or ".." only."""
    return place.resolve() if place.name in ("", "..") else place


def read_error(file: Path) -> dict[str, Any]:
    """A measured error with its provenance, as ``priors.foreign.calibration`` stores it."""
    try:
        told = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("network"), dict) or amiss_error(told):
        raise ValueError(f"{file} holds no measured error; run priorbench calibrate again, or remove it")
    return told


def read_module(file: Path, device: str | None) -> Any:
    """The network in a TorchScript file (``torch.jit.save``) or in one of torch.export, on ``device``, by default the CPU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds something else, such as weights without their network; the sentence says what to do.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; give a TorchScript file (.pt) or one of torch.export (.pt2)")
    there = device_of(device or "cpu")
    form = form_of(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.jit.load(str(file), map_location=there) if form == "script" else exported(file, there)
    except Exception as error:  # a damaged file fails in its reader's own way
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"{file} cannot be read ({line}); save it again with torch.jit.save or torch.export.save") from None


def exported(file: Path, device: torch.device) -> Any:
    net = torch.export.load(str(file)).module()
    return net if device.type == "cpu" else net.to(device)


def form_of(file: Path) -> str:
    """ "script" or "export".

    Raises:
        ValueError: neither; the sentence says what it is and what to do.
    """
    if file.suffix == ".safetensors":
        raise ValueError(f"{file} holds weights without their network; {REMEDY}")
    if not zipfile.is_zipfile(file):
        raise ValueError(f"{file} is no TorchScript file and none of torch.export; {REMEDY}")
    with zipfile.ZipFile(file) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    if any(name.startswith("code/") for name in names):
        return "script"
    if "archive_format" in names or any(name.startswith("models/") for name in names):
        return "export"
    if "data.pkl" in names:
        raise ValueError(f"{file} holds {pickled(file)}; {REMEDY}")
    raise ValueError(f"{file} is no TorchScript file and none of torch.export; {REMEDY}")


REMEDY = "store the network whole, with torch.jit.trace or torch.export, or make it in Python and give priors.adapt(net)"


def pickled(file: Path) -> str:
    """What ``torch.save`` stored, in words, without running any of it."""
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # a pickled module would have to be run to be read
        return "a pickled Python object, which is not run here"
    return "a state_dict, weights without their network" if isinstance(found, Mapping) else f"a {type(found).__name__}, no network"
