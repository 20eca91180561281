"""What fixes a training run, and what it has consumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, TypeVar


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training run but the pictures. Times are in seconds, sigmas in pixel units of [0, 1]."""

    name: str  # of the prior, in the catalogue
    channels: int = 1
    sigma_min: float = 0.004
    sigma_max: float = 0.4
    focus: tuple[float, float] = (0.004, 0.4)  # half of the levels are drawn from here
    widths: tuple[int, ...] = (24, 48, 96, 192)
    blocks: tuple[int, ...] = (2, 3, 4, 4)
    mean: float = 0.45
    std: float = 0.25
    batch: int = 4
    patch: int = 64
    rate: float = 3e-3
    warmup: int = 100
    ema: float = 0.999
    seed: int = 0
    core_seconds: float = 4500.0  # processor time of this process, all threads; GPU: its wall time
    wall_seconds: float = math.inf
    steps: float = math.inf

    @property
    def sigma_range(self) -> tuple[float, float]:
        return self.sigma_min, self.sigma_max

    @property
    def network(self) -> dict[str, Any]:
        """What ``priors.network.build`` takes."""
        return {key: getattr(self, key) for key in ("channels", "widths", "blocks", "mean", "std")}


@dataclass(frozen=True)
class ClassRecipe(Recipe):
    """The same for a network that is told a label. ``patch`` is the size of the pictures, which are never cut.

    ``dropped`` is the share of examples without their label (Ho, Salimans 2022). The pictures are varied by what leaves them
    pictures of the same kind: mirrored if ``mirrored``, moved by up to ``shift`` pixels, each colour scaled by up to ``gain``.
    """

    labels: int = 10
    embedding: int = 128
    dropped: float = 0.15
    dropout: float = 0.0  # of the features, against learning few pictures by heart
    mirrored: bool = False
    shift: int = 0
    gain: float = 0.0
    judge_widths: tuple[int, ...] = (32, 64, 128)  # of the classifier
    judge_batch: int = 64
    judge_seconds: float = 600.0  # by the clock

    @property
    def network(self) -> dict[str, Any]:
        return super().network | {"embedding": self.embedding, "labels": self.labels}


@dataclass(frozen=True)
class PairRecipe(Recipe):
    """The same for a network that is shown a second picture, in several arms that differ in what it is asked.

    ``arms`` are their names, in the order of the network's labels, and ``problem`` the selector of what made the pictures.
    ``dropped`` is the share of examples without picture and label; ``reach`` the rms distance of those pictures from the clean
    ones, and ``jitter`` the noise that is added to a regressor's answer before a flow starts from it (Ohayon et al. 2025).
    """

    arms: tuple[str, ...] = ()
    problem: str = ""
    dropped: float = 0.0
    reach: float = 0.1
    jitter: float = 0.1

    @property
    def network(self) -> dict[str, Any]:
        return super().network | {"labels": len(self.arms), "condition": self.channels}


AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)

CNN = Recipe("cnn", sigma_max=0.4, focus=(0.02, 0.4))
DIFFUSION = Recipe("diffusion", sigma_max=20.0, focus=(0.01, 0.6))
DIGITS = ClassRecipe(
    "digits28", sigma_max=20.0, focus=(0.05, 2.0), widths=(48, 96, 192), blocks=(2, 2, 3), mean=0.13, std=0.31, batch=24, patch=28
)
CLOTHING = ClassRecipe(
    "clothing", channels=3, sigma_max=20.0, focus=(0.05, 2.0), widths=(32, 64, 128, 256), blocks=(2, 2, 3, 4), mean=0.5, std=0.25,
    batch=8, patch=64, dropout=0.1, mirrored=True, shift=3, gain=0.1, judge_widths=(32, 64, 128, 256), judge_batch=32,
)  # fmt: skip
REFINE = PairRecipe("refine", sigma_max=20.0, focus=(0.02, 1.0), rate=1e-3)
PICTURED = PairRecipe("pictured", channels=3, sigma_max=20.0, focus=(0.02, 1.0), rate=1e-3, dropped=0.1)
EDGES = PairRecipe("edges", sigma_max=20.0, focus=(0.1, 4.0), rate=1e-3, arms=("edges",), problem="edges")
RECIPES = {recipe.name: recipe for recipe in (CNN, DIFFUSION)}
PAIR_RECIPES = {recipe.name: recipe for recipe in (REFINE, PICTURED, EDGES)}
CLASS_RECIPES = {recipe.name: recipe for recipe in (DIGITS, CLOTHING)}


def adapted(name: str, **changes: float) -> Recipe:
    """The recipe of a catalogued network with some settings changed, checked to make sense.

    Raises:
        ValueError: a number out of range.
    """
    return sensible(replace(RECIPES[name], **changes))  # type: ignore[arg-type]


def adapted_classes(name: str, **changes: float) -> ClassRecipe:
    """The same of a class-conditional network. The clock alone bounds it unless ``core_seconds`` does.

    Raises:
        ValueError: a number out of range.
    """
    recipe = sensible(replace(CLASS_RECIPES[name], **{"core_seconds": math.inf, **changes}))  # type: ignore[arg-type]
    if not recipe.judge_seconds > 0:
        raise ValueError(f"the budget (judge_seconds) must be positive, not {recipe.judge_seconds:g}")
    return recipe


def adapted_pairs(name: str, **changes: Any) -> PairRecipe:
    """The same of a network that is shown a picture.

    Raises:
        ValueError: a number out of range.
    """
    return sensible(replace(PAIR_RECIPES[name], **changes))


def sensible(recipe: AnyRecipe) -> AnyRecipe:
    """
    Raises:
        ValueError: a number out of range.
    """
    if not 0 < recipe.sigma_min < recipe.sigma_max < math.inf:
        raise ValueError(f"sigma must run from a positive number upwards, not from {recipe.sigma_min:g} to {recipe.sigma_max:g}")
    if not 0 < recipe.rate < math.inf:
        raise ValueError(f"the learning rate must be a positive number, not {recipe.rate:g}")
    for what in ("core_seconds", "wall_seconds", "steps"):
        if not getattr(recipe, what) > 0:
            raise ValueError(f"the budget ({what}) must be positive, not {getattr(recipe, what):g}")
    low, high = (min(max(s, recipe.sigma_min), recipe.sigma_max) for s in recipe.focus)
    return replace(recipe, focus=(low, high) if low < high else recipe.sigma_range)


@dataclass
class Spent:
    """What a run has consumed so far, over all its sessions; written into every checkpoint."""

    steps: int = 0
    skipped: int = 0  # of the steps: those without a finite gradient
    pixels: int = 0
    core_seconds: float = 0.0
    wall_seconds: float = 0.0

    def share(self, recipe: Recipe) -> float:
        """The consumed part of the budget that is nearest its end, 0 to 1."""
        return min(1.0, max(self.core_seconds / recipe.core_seconds, self.wall_seconds / recipe.wall_seconds, self.steps / recipe.steps))
