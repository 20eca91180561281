"""Scores of the samples of one cell, class by class: computed when the cell ends, and stored with the run.

What the measurement fixed and what the prior had to supply is told apart by ``problems.resolution`` against the spectrum
of natural images. Both are worked out once and kept below ``folder``/judged, under names made from all that decides them, so
that no table, figure or page works them out again.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

import priors
from priors.gaussian import weights
from problems.operator import Operator, turn
from problems.resolution import LABELS, Resolution, label, resolution
from reports.runs import files, keys, schema
from reports.runs.cell import Record
from reports.runs.loading import load_problem, scene_of
from reports.runs.schema import Kind
from reports.scores.ensemble import EDGES, Scores, activity, scores

Kept = TypeVar("Kept")
logger = logging.getLogger("priorbench")
JUDGED = 2  # raised when the way samples are judged changes a number
CLASSES = {
    "all": "every pixel",
    "measured part": "what the data fixed of the picture, R x",
    "conjured part": "what the prior had to supply, x - R x",
    "pixels measured": "pixels that the data fixed by more than half",
    "pixels missing": "all other pixels, where there are both",
    "flat": "the third of the pixels with least activity around them, in truth and samples taken together",
    "middle": "the middle third",
    "busy": "the third with most activity",
    "simulated back": "one sample taken as the truth, measured and sampled again: what can be said where the truth is unknown",
}


@dataclass(frozen=True)
class Judgement:
    """Scores by class; the measured share of the truth's energy, in the norm of the prior; shares of the LABELS."""

    scores: Mapping[str, Scores]
    energy: float
    pixels: tuple[float, ...]
    frequencies: tuple[float, ...]


class Judge:
    """Judges the records of the run in ``folder``; every judgement is computed once and stored."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder) / "judged"
        self.scenes: dict[tuple[str, str], Resolution] = {}
        self.told: set[str] = set()  # sentences about damaged files

    def resolution(self, record: Record) -> Resolution:
        """R of the record's problem; its instrument is built again and held against the stored measurement.

        Raises:
            ValueError: other code or files measured then.
        """
        scene = record.cell.problem, record.cell.image
        if scene not in self.scenes:
            problem = load_problem(record.cell)
            if not np.array_equal(scene_of(problem)["shown"], record.arrays["shown"], equal_nan=True):
                raise ValueError(f"{record.cell} was measured by other code or files than today's; run priorbench compare again")
            self.scenes[scene] = self.measured(problem.operator, problem.noise_sigma)
        return self.scenes[scene]

    def measured(self, operator: Operator, noise_sigma: float) -> Resolution:
        """In single precision, right to 1e-3 rms and better, and once for all instruments that answer white noise alike."""
        power = priors.load("gaussian").density(operator.image_shape).float()  # type: ignore[attr-defined]
        white = torch.randn(1, *operator.image_shape, generator=torch.Generator().manual_seed(0))
        path = self.folder / f"{content_name(operator.forward(white).numpy(), noise_sigma)}.npz"
        if (kept := self.kept(path, lambda: diagonals(path, operator, power))) is not None:
            return Resolution(operator, noise_sigma, power, *kept)
        found = resolution(operator, noise_sigma, power)
        with contextlib.suppress(OSError):  # a run that can only be read is judged all the same
            files.write(path, lambda file: np.savez(file, pixel=found.pixel, spectrum=found.spectrum))
        return found

    def judgement(self, record: Record) -> Judgement:
        """Of a record with a spread.

        Raises:
            ValueError: as ``resolution``.
        """
        measured = self.resolution(record)
        samples = record.samples
        assert samples is not None
        told = content_name(measured.pixel.numpy(), measured.noise_sigma, record.arrays["truth"], samples)
        path = self.folder / f"{told}.json"
        if (kept := self.kept(path, lambda: read(path, len(samples)))) is not None:
            return kept
        found = judged(record, measured)
        with contextlib.suppress(OSError):
            files.write_json(path, plain(found))
        return found

    def kept(self, path: Path, read: Callable[[], Kept]) -> Kept | None:
        """What was worked out before; None where it was not, or the file is damaged, which is told."""
        if not path.exists():
            return None
        try:
            return read()
        except (OSError, ValueError) as error:
            self.damaged(f"priorbench: the stored judgement {path} is damaged ({error}); it is worked out again")
            return None

    def damaged(self, sentence: str) -> None:
        if sentence not in self.told:  # it is found again where it could not be replaced
            self.told.add(sentence)
            logger.warning("%s", " ".join(sentence.split()))


def diagonals(path: Path, operator: Operator, power: Tensor) -> list[Tensor]:
    """``pixel`` and ``spectrum`` of a resolution.

    Raises:
        OSError, ValueError: the file does not hold them.
    """
    found = files.read_arrays(path, {"pixel": operator.image_shape, "spectrum": power.shape[-3:]})
    if not all(np.isfinite(array).all() and array.dtype == np.float32 for array in found.values()):
        raise ValueError(f"{path.name}: the arrays hold other values than finite ones in single precision")
    return [torch.from_numpy(array) for array in found.values()]


def content_name(*parts: np.ndarray | float) -> str:
    """Of a file whose content follows from these and from the way samples are judged."""
    told = [hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest() for part in parts]
    return keys.digest({"parts": told, "judged": JUDGED})


def plain(found: Judgement) -> dict[str, Any]:
    """Ready for JSON: arrays become lists, and what is no number null."""
    lists = {kind: {name: np.asarray(value).tolist() for name, value in each._asdict().items()} for kind, each in found.scores.items()}
    by_class = {kind: files.finite(each) for kind, each in lists.items()}
    shares = {"energy": found.energy, "pixels": found.pixels, "frequencies": found.frequencies}
    return {"scores": by_class, **files.finite(shares)}


SHARES = Kind(f"{len(LABELS)} numbers from 0 to 1", lambda value: schema.list_of(schema.SHARE).fits(value) and len(value) == len(LABELS))
JUDGEMENT = {
    "scores": schema.mapping_to(schema.mapping_to(schema.ANY)), "energy": schema.maybe(schema.NUMBER),
    "pixels": SHARES, "frequencies": SHARES,
}  # fmt: skip
ALWAYS = ("all", "measured part", "conjured part")  # classes that every picture has


def score_kinds(n: int) -> dict[str, Kind]:
    """What is stored of the scores of n samples."""

    def row(kind: Kind, length: int) -> Kind:
        return Kind(f"a list of {length}, each {kind.words}", lambda value: schema.list_of(kind).fits(value) and len(value) == length)

    curve = row(schema.FROM_0, len(EDGES) + 1)
    return {
        "histogram": row(schema.SHARE, n + 1), "crps": schema.NUMBER, "energy": schema.maybe(schema.NUMBER),
        "variance": schema.FROM_0, "error": schema.NUMBER, "curve": row(curve, 3),
    }  # fmt: skip


def read(path: Path, n: int) -> Judgement:
    """What ``plain`` wrote of n samples.

    Raises:
        OSError, ValueError: it cannot be read, or is something else.
    """
    kept = files.read_json(path)
    schema.require("the judgement", kept, JUDGEMENT)
    if missing := (set(ALWAYS) - set(kept["scores"])) | (set(kept["scores"]) - set(CLASSES)):
        raise ValueError(f"the classes {', '.join(sorted(missing))} are missing or unknown")
    for kind, each in kept["scores"].items():
        schema.require(f"the class {kind}", each, score_kinds(n))
    by_class = {kind: Scores(**{name: number(each[name]) for name in Scores._fields}) for kind, each in kept["scores"].items()}
    return Judgement(by_class, number(kept["energy"]), tuple(kept["pixels"]), tuple(kept["frequencies"]))


def number(value: Any) -> Any:
    if isinstance(value, list):
        return np.array(value)
    return math.nan if value is None else value


def judged(record: Record, measured: Resolution) -> Judgement:
    """All of it, worked out."""
    assert record.samples is not None
    samples, truth = record.samples.astype(np.float64), record.arrays["truth"].astype(np.float64)
    true, drawn, energy = parted(measured, samples, truth)
    found = {
        "all": scores(samples, truth),
        "measured part": scores(drawn, true),
        "conjured part": scores(samples - drawn, truth - true),
    }
    places = regions(measured, samples, truth)
    found |= {name: scores(samples[:, where], truth[where]) for name, where in places.items()}
    return Judgement(found, energy, *label_shares(measured, samples))


def parted(measured: Resolution, samples: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(R truth [H, W, C], R samples [n, H, W, C], measured share of the energy of the truth's detail), in single precision.

    A truth without contrast has no such energy: NaN. All less the mean of the truth, which no score of samples against a truth can tell.
    """
    x = torch.from_numpy(np.concatenate([truth[None], samples]) - truth.mean()).float().movedim(-1, 1)
    fixed, conjured = measured.split(x)
    energy = measured.energy(x[:1], (fixed[:1], conjured[:1]))[0] if np.ptp(truth) else math.nan
    parts = fixed.movedim(1, -1).double().numpy()
    return parts[0], parts[1:], float(energy)


def regions(measured: Resolution, samples: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Where to judge apart, [H, W] each."""
    seen = np.asarray(measured.pixel[0] > 0.5)  # of colours, their brightness
    found = {"pixels measured": seen, "pixels missing": ~seen} if 0 < seen.mean() < 1 else {}
    thirds = activity(samples, truth)
    found |= {name: thirds == i for i, name in enumerate(("flat", "middle", "busy"))}
    return {name: where for name, where in found.items() if where.any()}  # pictures without any activity have no thirds


def label_shares(measured: Resolution, samples: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shares of the LABELS among pixels and among Fourier coefficients, by the spread of the samples [n, H, W, C].

    Pixels by their brightness, against its standard deviation under the prior; coefficients against that of each.
    """
    x = torch.from_numpy(samples).movedim(-1, 1)
    x = turn(x) if len(measured.power) == 3 else x
    variance = torch.fft.irfft2(measured.power[0], s=x.shape[-2:])[0, 0]
    spread = torch.fft.rfft2(x, norm="ortho").var(0).sqrt()  # of complex values: the sum of both variances, as the power is
    pixels = label(measured.pixel[0], x[:, 0].std(0), math.sqrt(float(variance)))
    frequencies = label(measured.spectrum, spread, measured.power.sqrt())
    return share_of_each(pixels, torch.ones(())), share_of_each(frequencies, weights(x.shape[-1]))


def share_of_each(which: Tensor, count: Tensor) -> tuple[float, ...]:
    """How much of all carries each of the LABELS, everything counted ``count`` times."""
    return tuple(float(((which == i) * count).sum() / count.expand(which.shape).sum()) for i in range(len(LABELS)))
