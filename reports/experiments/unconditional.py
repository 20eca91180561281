"""What the priors believe an image looks like: samples with nothing measured, set against photographs in contrast and spectrum."""

from __future__ import annotations

import functools
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import priors
import solvers
from priors.photographs import centre_crops, listing
from reports.runs import files
from reports.runs.loading import load_prior
from reports.runs.selectors import Selector
from reports.scores.distributional import radial_power
from solvers.unconditional import Nothing, generator

BANDS = (0.022, 0.045, 0.09, 0.18, 0.5)  # cycles per pixel: edges of coarse, middle, fine and finest, an octave each
NAMES = ("coarse", "middle", "fine", "finest")


@dataclass(frozen=True)
class Statistics:
    """Of images [N, C, H, W]: rms distance of a pixel from the mean of its image, and radial power at the frequencies ``f``."""

    contrast: float
    f: np.ndarray
    power: np.ndarray

    @staticmethod
    def of(images: Tensor) -> Statistics:
        centred = images.double() - images.double().mean((-2, -1), keepdim=True)
        return Statistics(float(centred.square().mean().sqrt()), *radial_power(centred.numpy()))

    def against(self, other: Statistics) -> list[float | None]:
        """Power over that of ``other`` in dB, mean over each of the bands; None where an image is too small for one, or without contrast."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 10 * np.log10(self.power / np.interp(self.f, other.f, other.power))
        bands = [ratio[(self.f >= low) & (self.f < high)] for low, high in pairwise(BANDS)]
        return [float(band.mean()) if band.size and np.isfinite(band).all() else None for band in bands]


def photographs(folder: Path | None, size: int, channels: int) -> Statistics:
    """Those of the photographs below ``folder``; without one those of the Gaussian prior, whose spectrum was fitted to photographs."""
    if folder is not None:
        return Statistics.of(centre_crops(listing([folder]), channels, size, 200))
    gaussian = priors.load("gaussian")
    density = gaussian.density((channels, size, size)).numpy()  # type: ignore[attr-defined]
    row = density[:, 0, 1 : size // 2].mean(0)
    whole = np.concatenate([density, density[..., 1 : (size + 1) // 2]], -1)
    return Statistics(math.sqrt((whole.sum((-2, -1)) - whole[:, 0, 0]).mean() / size**2), np.arange(1, size // 2) / size, row)


@dataclass(frozen=True)
class Belief:
    """Samples [n, C, H, W] of one prior by one method; calls and seconds are those of one image."""

    prior: str
    method: str
    family: str | None
    heuristic: bool
    calls: int
    seconds: float
    samples: Tensor

    @functools.cached_property
    def statistics(self) -> Statistics:
        return Statistics.of(self.samples)


@dataclass(frozen=True)
class Plan:
    """What is to be drawn."""

    priors: tuple[str, ...]
    methods: tuple[str, ...]
    size: int
    channels: int
    n: int
    steps: int | None
    seed: int


def checked(plan: Plan) -> Plan:
    """The plan, once every prior is found to be drawable by every method.

    Raises:
        ValueError, ImportError: what is wrong, in one sentence.
    """
    for what, value, least in (("size", plan.size, 16), ("samples", plan.n, 1), ("steps", plan.steps, 2), ("seed", plan.seed, 0)):
        if value is not None and value < least:
            raise ValueError(f"{what} must be at least {least}, not {value}")
    if plan.channels not in (1, 3):
        raise ValueError(f"channels must be 1 for grey or 3 for colour, not {plan.channels}")
    if not (plan.priors and plan.methods):
        raise ValueError("nothing to draw; name at least one prior and one method")
    for prior in plan.priors:
        for method in plan.methods:
            chosen = generator(method)
            levels = chosen.levels(Nothing(), load_prior(prior, plan.channels), 1.0, plan.steps or chosen.steps)
        tried(prior, plan, levels[0])
    return plan


def tried(name: str, plan: Plan, sigma: float) -> None:
    """One call of a prior on a small grey image, before anything long begins."""
    flat = torch.full((1, plan.channels, 16, 16), 0.5)
    try:
        answer = load_prior(name, plan.channels).denoise(flat, sigma)
    except Exception as error:
        raise ValueError(f"prior {name!r} cannot denoise an image of 16 x 16 pixels: {error}") from error
    if getattr(answer, "shape", None) != flat.shape:
        raise ValueError(f"prior {name!r} does not return an image of the shape it was given")


def draw(plan: Plan, tell: Callable[[str], None]) -> Iterator[Belief]:
    """Every prior by every method, from the same noise."""
    for name in dict.fromkeys(str(Selector.parse(text)) for text in plan.priors):
        for method in plan.methods:
            tell(f"{name} by {method} ...")
            shape = (plan.channels, plan.size, plan.size)
            prior = load_prior(name, plan.channels)
            try:
                found = solvers.generate(prior, shape, plan.n, plan.seed, method, plan.steps)
            except solvers.Diverged as error:
                tell(f"  left out: {error}")
            else:
                family, n = getattr(prior, "family", None), len(found.samples)
                yield Belief(name, method, family, found.heuristic, found.calls // n, round(found.seconds / n, 3), found.samples)


def rows(beliefs: Iterable[Belief], real: Statistics) -> list[dict[str, Any]]:
    """One flat line for each: calls and seconds an image, contrast, and power over that of photographs by band, in dB."""
    return [
        {
            "prior": belief.prior,
            "method": belief.method,
            "family": belief.family,
            "heuristic": belief.heuristic,
            "calls": belief.calls,
            "seconds": belief.seconds,
            "contrast": round(belief.statistics.contrast, 4),
            "contrast_of_photographs": round(real.contrast, 4),
            **{f"{band}_dB": gain and round(gain, 2) for band, gain in zip(NAMES, belief.statistics.against(real), strict=True)},
        }
        for belief in beliefs
    ]


def save(beliefs: Iterable[Belief], real: Statistics, source: str, folder: Path) -> None:
    """Write sample.json, and sample.npz with the samples in half precision; ``source`` says what ``real`` is of.

    Raises:
        OSError: the folder cannot be written.
    """
    drawn = list(beliefs)
    arrays = {f"samples_{i}": belief.samples.numpy().astype(np.float16) for i, belief in enumerate(drawn)}
    arrays |= {"f": real.f, "power": real.power, "contrast": np.array(real.contrast)}
    files.write(folder / "sample.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
    files.write_json(folder / "sample.json", {"rows": rows(drawn, real), "photographs": source})


def load(folder: Path) -> tuple[list[Belief], Statistics, str]:
    """What ``save`` was given.

    Raises:
        FileNotFoundError: there is nothing in ``folder``.
        ValueError: it is damaged, or of another version.
    """
    try:
        content = json.loads((folder / "sample.json").read_text("utf-8"))
        with (folder / "sample.npz").open("rb") as file, np.load(file) as arrays:
            real = Statistics(float(arrays["contrast"]), arrays["f"], arrays["power"])
            drawn = [torch.from_numpy(arrays[f"samples_{i}"].astype(np.float32)) for i in range(len(content["rows"]))]
        known = [{name: row[name] for name in ("prior", "method", "family", "heuristic", "calls", "seconds")} for row in content["rows"]]
        beliefs = [Belief(**facts, samples=samples) for facts, samples in zip(known, drawn, strict=True)]
        return beliefs, real, str(content["photographs"])
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"the samples in {folder} are damaged ({error}); draw them again with: priorbench sample -o {folder}") from None
