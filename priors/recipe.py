"""What fixes a training run, and what it has consumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any


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


CNN = Recipe("cnn", sigma_max=0.4, focus=(0.02, 0.4))
DIFFUSION = Recipe("diffusion", sigma_max=20.0, focus=(0.01, 0.6))
RECIPES = {recipe.name: recipe for recipe in (CNN, DIFFUSION)}


def adapted(name: str, **changes: float) -> Recipe:
    """The recipe of a catalogued network with some settings changed, checked to make sense.

    Raises:
        ValueError: a number out of range.
    """
    recipe = replace(RECIPES[name], **changes)  # type: ignore[arg-type]
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
