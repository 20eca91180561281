"""What the priors believe an image looks like: samples with nothing measured, set against photographs in contrast and spectrum."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import priors
import solvers
from priors import slot
from priors.photographs import centre_crops, listing
from reports.runs import files
from reports.runs.limits import check_channels, check_limits
from reports.runs.loading import load_prior
from reports.runs.schema import ANY, COUNT, FLAG, FROM_0, SELECTOR, TEXT, list_of, mapping_to, maybe, require
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
        """Power over that of ``other`` in dB, mean over each of the bands; None where an image has no such band, or no power."""
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

    @property
    def label(self) -> str | None:
        """What was bound to the prior: its label, or what it makes of the picture that it was shown."""
        told = Selector.parse(self.prior)
        bound = told.values.get("label", told.values.get("task", told.name if "picture" in told.values else None))
        return None if bound is None else str(bound)


@dataclass(frozen=True)
class Plan:
    """What is to be drawn."""

    priors: tuple[str, ...]
    methods: tuple[str, ...]
    shape: tuple[int, int, int]  # of one image: channels, height, width
    n: int
    steps: int | None
    seed: int


def checked(plan: Plan) -> Plan:
    """The plan, once every prior is found to be drawable by every method.

    Raises:
        ValueError, ImportError: what is wrong, in one sentence.
    """
    channels, *sides = plan.shape
    check_limits(size=min(sides), samples=plan.n, steps=plan.steps, seed=plan.seed)
    check_limits(size=max(sides))
    check_channels(channels)
    if plan.steps == 1:
        raise ValueError("steps must be at least 2, not 1; one step from pure noise draws nothing")
    if not (plan.priors and plan.methods):
        raise ValueError("nothing to draw; name at least one prior and one method")
    for prior in plan.priors:
        for method in plan.methods:
            chosen = generator(method)
            levels = chosen.levels(Nothing(), load_prior(prior, channels), 1.0, plan.steps or chosen.steps)
        tried(prior, plan, levels[0])
    return plan


def tried(name: str, plan: Plan, sigma: float) -> None:
    """One call of a prior on a small grey image, or on one of the size of the picture that it is shown, before anything long begins.

    Raises:
        ValueError: it raises, or its answer is none.
    """
    channels, height, width = plan.shape
    prior = load_prior(name, channels)
    small = (height, width) if getattr(prior, "picture", None) is not None else (16, 16)
    try:
        slot.checked(prior).denoise(torch.full((1, channels, *small), 0.5), sigma)
    except Exception as error:
        raise ValueError(f"prior {name!r} cannot denoise an image of {small[0]} x {small[1]} pixels: {error}") from error


def by_label(text: str) -> list[str]:
    """The selectors of all labels of a prior where a selector says label=all, otherwise the selector itself.

    Raises:
        ValueError: label=all of a prior that takes no label.
    """
    chosen = Selector.parse(text)
    if chosen.values.get("label") != "all":
        return [str(chosen)]
    options = {name: value for name, value in chosen.values.items() if name not in ("label", "guidance", "classifier")}
    prior = load_prior(str(Selector(chosen.name, tuple(options.items()))))
    if not getattr(prior, "labels", ()):
        raise ValueError(f"prior {chosen.name!r} takes no label; give one that does, such as digits28[label=all]")
    return [str(Selector(chosen.name).with_defaults(chosen.values | {"label": label})) for label in dict.fromkeys(prior.labels)]  # type: ignore[attr-defined]


def natural_shape(texts: Sequence[str]) -> tuple[int, int, int]:
    """(channels, height, width) of the pictures that the first prior which tells so was trained on, or of what it is shown.

    Grey and 64 x 64 if none does.
    """
    for text in texts:
        prior = load_prior(text)
        shape = getattr(prior, "shape", None) or (getattr(prior, "card", None) or {}).get("shape")
        if shape:
            return int(shape[0]), int(shape[1]), int(shape[2])
    return 1, 64, 64


def draw(plan: Plan, tell: Callable[[str], None]) -> Iterator[Belief]:
    """Every prior by every method, from the same noise."""
    for name in dict.fromkeys(str(Selector.parse(text)) for text in plan.priors):
        for method in plan.methods:
            tell(f"{name} by {method} ...")
            prior = load_prior(name, plan.shape[0])
            try:
                found = solvers.generate(prior, plan.shape, plan.n, plan.seed, method, plan.steps)
            except solvers.Diverged as error:
                tell(f"  left out: {error}")
            else:
                for sentence in found.warnings:
                    tell(f"  doubtful: {sentence}")
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
    content = {"rows": rows(drawn, real), "photographs": source}
    files.write(folder / "sample.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
    files.write_json(folder / "sample.json", content)


BELIEF = {
    "prior": SELECTOR, "method": SELECTOR, "family": maybe(TEXT), "heuristic": FLAG, "calls": COUNT, "seconds": FROM_0,
}  # fmt: skip


def load(folder: Path) -> tuple[list[Belief], Statistics, str]:
    """What ``save`` was given.

    Raises:
        ValueError: it is not all there, damaged, or of another version.
    """
    try:
        content = files.read_json(folder / "sample.json")
        require("the content of sample.json", content, {"rows": list_of(mapping_to(ANY)), "photographs": TEXT})
        for row in content["rows"]:
            require("an entry of sample.json", row, BELIEF)
        drawn, real = stored_arrays(folder / "sample.npz", len(content["rows"]))
    except (ValueError, OSError) as error:
        raise ValueError(f"the samples in {folder} are damaged ({error}); draw them again with: priorbench sample -o {folder}") from None
    facts = [{name: row[name] for name in BELIEF} for row in content["rows"]]
    return [Belief(**told, samples=samples) for told, samples in zip(facts, drawn, strict=True)], real, content["photographs"]


def stored_arrays(file: Path, rows: int) -> tuple[list[Tensor], Statistics]:
    """Samples of every row, and what they are set against.

    Raises:
        OSError, ValueError: the file holds something else, or nothing.
    """
    names = [f"samples_{i}" for i in range(rows)]
    found = files.read_arrays(file, dict.fromkeys(names, (None,) * 4) | {"f": (None,), "power": (None,), "contrast": ()})
    if not names or not all(np.isfinite(array).all() for array in found.values()):
        raise ValueError(f"{file.name} holds no samples, or values that are not finite")
    if len({found[name].shape for name in names}) > 1 or found[names[0]].shape[1] not in (1, 3):
        raise ValueError(f"{file.name} holds samples of several shapes, or of another number of channels than 1 or 3")
    f, power = found["f"], found["power"]
    if f.shape != power.shape or not ((f > 0).all() and (np.diff(f) > 0).all() and (power > 0).all()):
        raise ValueError(f"{file.name} holds no spectrum: frequencies must rise, and powers be positive")
    return [torch.from_numpy(found[name].astype(np.float32)) for name in names], Statistics(float(found["contrast"]), f, power)
