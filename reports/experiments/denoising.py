"""The denoising table: every prior in the slot, called once, on pictures with white noise of a standard deviation it is told."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import problems
from priors import CATALOGUE, FAMILIES
from priors.photographs import listing
from priors.slot import Checked, Denoiser, checked
from reports.runs.files import read_json, write_json
from reports.runs.keys import digest, named_files, sums
from reports.runs.limits import SMALLEST, check_limits
from reports.runs.loading import load_prior, picture, prior_facts
from reports.runs.provenance import circumstances, restrictions
from reports.runs.schema import FROM_0, NUMBER, TEXT, require
from reports.runs.selectors import Selector, known
from reports.runs.store import Store
from reports.runs.stored import index
from reports.runs.titles import counted, listed
from reports.scores import pixelwise

LOUDEST = 25_500  # in /255, 100 times the range of the pixels: beyond it float32 rounds the picture away
BUNDLED_SIZE = 128  # pixels: the bundled pictures, where no folder is given
logger = logging.getLogger("priorbench")


@dataclass(frozen=True)
class Published:
    """Mean PSNR in dB that a paper gives for a method on a whole public set of pictures, by sigma in /255."""

    method: str
    year: int
    psnr: Mapping[float, float]

    def __str__(self) -> str:
        return f"{self.method} {self.year}"


SIDES = {"set12": {(256, 256): 7, (512, 512): 5}, "bsd68": {(321, 481): 68}}  # how many pictures of which (short, long) side
PUBLISHED = {  # Dabov et al. 2007 and Zhang et al. 2017, both as measured by the latter; Zhang et al. 2021
    "set12": (
        Published("BM3D", 2007, {15: 32.37, 25: 29.97, 50: 26.72}),
        Published("DnCNN-S", 2017, {15: 32.86, 25: 30.44, 50: 27.18}),
        Published("DRUNet", 2021, {15: 33.25, 25: 30.94, 50: 27.90}),
    ),
    "bsd68": (
        Published("BM3D", 2007, {15: 31.07, 25: 28.57, 50: 25.62}),
        Published("DnCNN-S", 2017, {15: 31.73, 25: 29.23, 50: 26.23}),
        Published("DRUNet", 2021, {15: 31.91, 25: 29.48, 50: 26.59}),
    ),
}


@dataclass(frozen=True)
class Scene:
    """The pictures that every prior meets: files, cropped to their centre if ``size`` is given, or bundled names, shrunk to it."""

    pictures: tuple[str, ...]
    size: int | None = None
    channels: int = 1
    seed: int = 0
    anchors: str | None = None  # name of the public set that the pictures are

    def clean(self, k: int) -> Tensor:
        """Picture ``k``, [1, C, H, W] in [0, 1].

        Raises:
            ValueError: it cannot be read, or is smaller than asked for.
        """
        name = self.pictures[k]
        if name in problems.IMAGES:
            return problems.load_image(name, self.size, self.channels)
        x = problems.load_image(name, channels=self.channels)
        least = self.size or SMALLEST
        if min(x.shape[-2:]) < least:
            height, width = x.shape[-2:]
            raise ValueError(f"{name} has {width} x {height} pixels, fewer than {least} on a side; remove it or give a smaller size")
        return centre(x, self.size) if self.size else x

    def noisy(self, k: int, sigma: float) -> Tensor:
        """Picture ``k`` with unquantised noise of its own seed: one realisation for every prior, scaled by ``sigma`` in pixel units."""
        x = self.clean(k)
        return x + sigma * torch.from_numpy(np.random.default_rng([self.seed, k]).standard_normal(x.shape, np.float32))


def centre(x: Tensor, size: int) -> Tensor:
    top, left = ((side - size) // 2 for side in x.shape[-2:])
    return x[..., top : top + size, left : left + size]


@dataclass(frozen=True)
class Level:
    """What is to be measured: a prior (selector) at one noise level ``sigma``, in /255, on all pictures of a scene."""

    prior: str
    sigma: float
    scene: Scene

    @property
    def planned_calls(self) -> int:
        return len(self.scene.pictures)

    @property
    def denoiser(self) -> Denoiser:
        """The prior itself, for the channels of the scene."""
        return load_prior(self.prior, self.scene.channels)

    @property
    def slot(self) -> Checked:
        """The prior in the slot, its answers checked.

        Raises:
            TypeError, ValueError: it is no prior.
        """
        return checked(self.denoiser)

    @property
    def sigma_range(self) -> tuple[float, float]:
        return getattr(self.slot, "sigma_range", (0.0, math.inf))

    @property
    def in_range(self) -> bool:
        """Whether the prior is made for this sigma."""
        low, high = self.sigma_range
        return low <= self.sigma / 255 <= high

    def __str__(self) -> str:
        return f"{self.prior} at {self.sigma:g}/255"


@dataclass(frozen=True)
class Score:
    """Of one picture: PSNR in dB and SSIM, clipped to [0, 1], and the wall seconds of the one call."""

    picture: str
    psnr: float
    ssim: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """What came out of a level. ``status`` is "done", "out of range" or "failed" (``message`` says how); only the first has scores."""

    level: Level
    status: str
    scores: tuple[Score, ...] = ()
    message: str = ""

    @property
    def calls(self) -> int:
        return len(self.scores)

    @property
    def seconds(self) -> float:
        return sum(self.values("seconds"))

    @property
    def metrics(self) -> dict[str, float]:
        return {name: statistics.mean(self.values(name)) for name in ("psnr", "ssim") if self.scores}

    def values(self, name: str) -> list[float]:
        return [getattr(score, name) for score in self.scores]


@dataclass(frozen=True)
class Table:
    """All rows, by sigma and then by prior along the spectrum, and how they came about."""

    folder: Path
    rows: tuple[Row, ...]
    provenance: Mapping[str, Any]

    @property
    def scene(self) -> Scene:
        return self.rows[0].level.scene

    @property
    def priors(self) -> list[str]:
        return list(dict.fromkeys(row.level.prior for row in self.rows))

    @property
    def sigmas(self) -> list[float]:
        return list(dict.fromkeys(row.level.sigma for row in self.rows))

    @property
    def reference(self) -> str:
        """The prior over which gains are counted: the first along the spectrum."""
        return self.priors[0]

    @property
    def published(self) -> Sequence[Published]:
        return PUBLISHED[self.scene.anchors] if self.scene.anchors else ()

    def row(self, prior: str, sigma: float) -> Row:
        return next(row for row in self.rows if (row.level.prior, row.level.sigma) == (prior, sigma))

    def gains(self, row: Row) -> list[float]:
        """dB over the reference, picture by picture; none where either has no value."""
        return leads(row, self.row(self.reference, row.level.sigma))

    def best(self, row: Row) -> Row:
        """Of the highest mean PSNR at the noise level of ``row``."""
        rivals = [self.row(prior, row.level.sigma) for prior in self.priors]
        return max(rivals, key=lambda rival: rival.metrics.get("psnr", -math.inf))

    def behind(self, row: Row) -> list[float]:
        """dB over the best, picture by picture: zero for itself, below zero on average for all others."""
        return leads(row, self.best(row))


def leads(row: Row, other: Row) -> list[float]:
    pairs = zip(row.values("psnr"), other.values("psnr"), strict=True) if row.scores and other.scores else ()
    return [own - its for own, its in pairs]


def family(prior: str) -> str | None:
    return getattr(load_prior(prior), "family", None)


def scene(
    folder: str | Path | None = None, size: int | None = None, channels: int = 1, limit: int | None = None, seed: int = 0,
    anchors: str | None = None,
) -> Scene:  # fmt: skip
    """The first ``limit`` pictures below ``folder`` in the order of their names; without a folder the bundled test images.

    Raises:
        FileNotFoundError: the folder is missing or holds no picture.
        ValueError: a number is out of range, or the pictures are not the whole public set that ``anchors`` names.
    """
    check_limits(size=size, limit=limit, seed=seed)
    found = list(problems.TEST) if folder is None else [str(path) for path in listing([Path(folder)])]
    if anchors is not None:
        known("set with published values:", anchors, PUBLISHED)
        if folder is None or size or limit or channels != 1 or sides(found) != SIDES[anchors]:
            whole = f"{sum(SIDES[anchors].values())} whole grey pictures, given as a folder"
            raise ValueError(f"published values of {anchors} hold for its {whole}; leave out size and limit, or the anchors")
    return Scene(tuple(found[:limit]), size or (None if folder else BUNDLED_SIZE), channels, seed, anchors)


def sides(files: Iterable[str]) -> Counter[tuple[int, int]]:
    """How many files hold pictures of which short and long side."""
    counted: Counter[tuple[int, int]] = Counter()
    for file in files:
        with Image.open(file) as image:
            counted[min(image.size), max(image.size)] += 1
    return counted


def plan(priors: Iterable[str], sigmas: Iterable[float], scene: Scene) -> list[Level]:
    """Every noise level in /255, rising, and at each every prior along the spectrum.

    Raises:
        ValueError, TypeError, OSError, ImportError: a prior cannot be had, a sigma is not positive, or there is nothing to measure.
    """
    levels = sorted(set(sigmas))
    for sigma in levels:
        if not 0 < sigma < math.inf:
            raise ValueError(f"every sigma must be a positive number (in /255), not {sigma:g}")
        if sigma > LOUDEST:
            raise ValueError(f"every sigma must be at most {LOUDEST:g} (in /255), not {sigma:g}")
    chosen = sorted(dict.fromkeys(str(Selector.parse(text)) for text in priors), key=place)
    if not (chosen and levels):
        raise ValueError("nothing to measure; name at least one prior and one sigma")
    return [Level(prior, sigma, scene) for sigma in levels for prior in chosen]


def place(prior: str) -> tuple[int, int]:
    """Along the spectrum: by family, then in the order of the catalogue."""
    return index(FAMILIES, family(prior)), index(list(CATALOGUE), Selector.parse(prior).name)


def prepare(levels: Sequence[Level], folder: str | Path) -> None:
    """Find bad input before anything is measured: read every picture, try every prior on a few pixels, then the folder.

    The trial is also the first call of each prior, which loads libraries and shall not count as its cost.

    Raises:
        ValueError, OSError: what is wrong, in one sentence.
    """
    for k in range(len(levels[0].scene.pictures)):
        levels[0].scene.clean(k)
    inside = [level for level in levels if level.in_range]
    if not inside:
        raise ValueError(f"nothing to measure; {out_of_range(levels)[0]}")
    for level in {level.prior: level for level in inside}.values():
        try:
            call(level, centre(level.scene.noisy(0, level.sigma / 255), SMALLEST))
        except Exception as error:
            raise ValueError(f"prior {level.prior!r} cannot denoise these pictures: {error}") from error
    Store(folder).prepare()


def out_of_range(levels: Iterable[Level]) -> list[str]:
    """One sentence for each prior that is not made for some of the levels."""
    missing: dict[tuple[str, str], list[str]] = {}
    for level in levels:
        if not level.in_range:
            span = " to ".join(f"{255 * end:.3g}" for end in level.sigma_range)
            missing.setdefault((level.prior, span), []).append(f"{level.sigma:g}")
    return [f"{prior} is made for sigma {span} (in /255): no value at {listed(found)}." for (prior, span), found in missing.items()]


def call(level: Level, noisy: Tensor) -> tuple[Tensor, float]:
    """(estimate, wall seconds) of one call.

    Raises:
        TypeError, ValueError: the answer is no image of the same shape, or not finite.
    """
    prior = level.slot
    began = time.perf_counter()
    with torch.no_grad():
        estimate = prior.denoise(noisy, level.sigma / 255)
    return estimate, time.perf_counter() - began


def denoised(level: Level, k: int) -> Score:
    """Picture ``k`` of the scene denoised and scored."""
    truth = picture(level.scene.clean(k))
    estimate, seconds = call(level, level.scene.noisy(k, level.sigma / 255))
    x = picture(estimate)
    return Score(Path(level.scene.pictures[k]).name, pixelwise.psnr(x, truth), pixelwise.ssim(x, truth), seconds)


def cell_path(folder: Path, level: Level, k: int) -> Path:
    """Where a score is kept: the name changes with all that decides it, and with the code that computes it."""
    name, scene = level.scene.pictures[k], level.scene
    card = getattr(level.denoiser, "card", None) or {}
    what = {"prior": level.prior, "sigma": level.sigma, "picture": Path(name).name, "k": k}
    what |= {"size": scene.size, "channels": scene.channels, "seed": scene.seed}
    files = sums(name, *named_files(level.prior), __file__)
    key = digest({"denoised": what, "files": files, "weights": card.get("sha256")})
    return folder / "cells" / key[:2] / f"{key}.json"


SCORE = {"picture": TEXT, "psnr": NUMBER, "ssim": NUMBER, "seconds": FROM_0}


def stored(path: Path) -> Score | None:
    """A score kept from before; None where there is none, or it is damaged, which is reported."""
    if not path.exists():
        return None
    try:
        entry = read_json(path)
        require("the score", entry, SCORE)
        if entry.get("name", path.stem) != path.stem:  # scores stored before they had names have none
            raise ValueError("it is another score")
        return Score(**{name: entry[name] for name in SCORE})
    except (ValueError, OSError) as error:
        logger.warning("priorbench: the stored score %s is damaged (%s); it is measured again", path, error)
        return None


def measure(
    levels: Sequence[Level], folder: str | Path, command: str = "", tell: Callable[[int, Level, Row | None], None] | None = None
) -> Table:
    """Measure what ``folder`` does not hold yet; every score is stored there the moment it is known.

    A prior that raises fails at that level and does not stop the others. ``tell`` hears of the start (no row) and the end of
    every level that is in the range of its prior.

    Raises:
        OSError: the folder cannot be written.
    """
    home, rows = Path(folder), {level: Row(level, "out of range") for level in levels}
    for done, level in enumerate(level for level in levels if level.in_range):
        paths = [cell_path(home, level, k) for k in range(level.planned_calls)]
        if tell and not all(path.exists() for path in paths):
            tell(done, level, None)
        rows[level] = measure_level(level, paths)
        if tell:
            tell(done + 1, level, rows[level])
    return Table(home, tuple(rows.values()), provenance(levels, command))


def measure_level(level: Level, paths: Sequence[Path]) -> Row:
    scores = []
    for k, path in enumerate(paths):
        score = stored(path)
        if score is None:
            try:
                score = denoised(level, k)
            except Exception as error:
                logger.debug("%s failed", level, exc_info=True)
                return Row(level, "failed", message=f"{Path(level.scene.pictures[k]).name}: {type(error).__name__}: {error}")
            write_json(path, {"name": path.stem, **asdict(score)})
        scores.append(score)
    return Row(level, "done", tuple(scores))


def provenance(levels: Sequence[Level], command: str) -> dict[str, Any]:
    """All that is needed to say how the numbers came about, and to make them again."""
    facts = {level.prior: prior_facts(level.denoiser) for level in levels}
    return {
        **circumstances(command),
        **restrictions(facts),
        "threads": torch.get_num_threads(),
        "protocol": protocol(levels[0].scene),
        **{name: getattr(levels[0].scene, name) for name in ("pictures", "size", "channels", "seed", "anchors")},
    }


def protocol(scene: Scene) -> str:
    """How it was measured, in words."""
    how = f"{scene.size} x {scene.size} pixels of " if scene.size else ""
    colours = "grey" if scene.channels == 1 else "colour, noise in every channel"
    return (
        f"{how}{counted(scene.pictures, 'picture')}, {colours}. White Gaussian noise, seed [{scene.seed}, k] for picture k, the same "
        "for every prior, not quantised; estimates are clipped to [0, 1]. Every prior is called once and told sigma; it takes it in "
        "its own meaning, and no strength is tuned. Seconds are the mean wall time of that one call, on this machine."
    )
