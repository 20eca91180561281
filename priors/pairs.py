"""Training of priors that are shown a picture, and of the arms between regression and refinement, on pairs made as they are needed.

All arms are one network, one loss and one budget; a label says which is played. Let y be the picture that is shown, already of
the size of the clean x, and R(y) the answer of the regression arm. An arm is trained on x + sigma d to answer with x:

=====================  =================================  ==============================  ===============================
arm                    d                                  sigma                           shown
=====================  =================================  ==============================  ===============================
regression             (y - x) / reach                    reach alone: the input is y     y
diffusion              white noise                        all levels, to pure noise       y
diffusion-regression   white noise                        all levels, to pure noise       R(y)
flow                   (y - x) / reach                    uniform up to reach             y
flow-regression        (R(y) + jitter n - x) / reach      uniform up to reach             R(y)
=====================  =================================  ==============================  ===============================

A rectified flow goes straight from a start to x (Liu, Gong, Liu 2023): with t = sigma / reach its point is x + t (start - x),
and its velocity (start - x) is (point - D) / t, where D is what the network answers. So a flow is a reverse diffusion that begins
at a picture in place of white noise. The last arm is that of Ohayon, Michaeli, Elad (2025); the second that of Saharia et al.
(2022), the third refines a regressor as Whang et al. (2022) do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from priors.error import ErrorCurve, measure_own
from priors.learned import SHIPPED, read, read_card, write
from priors.network import Denoiser
from priors.photographs import Bank, centre_crops, listing, split
from priors.pictured import Pictured
from priors.precision import autocast
from priors.recipe import PairRecipe
from priors.structure import PARTS, steered
from priors.training import Progress, Trainer, check_device, check_places, run

Held = Sequence[tuple[Tensor, Tensor]]  # for each arm held-back pictures [N, C, H, W], and what is shown for them
Showing = Callable[[Tensor, np.random.Generator], Tensor]  # clean [B, C, H, W] to the pictures that are shown for them, same shape
GLIMPSE, WHOLE, SIDE = 4, 16, 128  # held-back pictures during a training and at its end, and pixels on a side


@dataclass(frozen=True)
class Arm:
    """What the network is trained to do under one label: see the table above."""

    name: str
    kind: str = "diffusion"  # "regression", "diffusion" or "flow"
    from_regression: bool = False


ARMS = (
    Arm("regression", "regression"),
    Arm("diffusion"),
    Arm("diffusion-regression", from_regression=True),
    Arm("flow", "flow"),
    Arm("flow-regression", "flow", True),
)
KNOWN = {arm.name: arm for arm in ARMS}


class PairTrainer(Trainer):
    """A training on pairs; each step plays the next arm. ``showing`` makes the pictures of each arm."""

    recipe: PairRecipe

    def __init__(self, recipe: PairRecipe, device: str = "cpu"):
        super().__init__(recipe, device)
        self.arms = [KNOWN.get(name, Arm(name)) for name in recipe.arms]
        self.showing: Sequence[Showing] = ()

    def prior(self) -> Pictured:
        return Pictured(self.average, self.draft("none yet"), self.device, "float32")

    def levels(self, arm: Arm) -> tuple[float, float]:
        """Lowest and highest level of an arm."""
        reach = self.recipe.reach
        return {"regression": (reach / 2, reach), "flow": (reach / 100, reach)}.get(arm.kind, self.recipe.sigma_range)

    def draft(self, licence: str) -> dict[str, Any]:
        arms = {arm.name: vars(arm) | {"sigma_range": list(self.levels(arm))} for arm in self.arms}
        own = {key: getattr(self.recipe, key) for key in ("problem", "reach", "jitter", "dropped")}
        return super().draft(licence) | own | {"arms": arms, "blind": self.recipe.dropped > 0}

    def stored(self) -> nn.Module:
        """What of the average is written."""
        return self.average

    def learn(self, bank: Bank) -> tuple[float, int]:
        """One step of one arm."""
        recipe, number = self.recipe, self.spent.steps % len(self.arms)
        late = self.spent.share(recipe) > 0.5 and self.spent.steps % 2  # as in priors.training: many steps first, then more context
        clean = bank.crops(recipe.batch, recipe.patch * (2 if late else 1), self.generator)
        shown = self.showing[number](clean, np.random.default_rng([recipe.seed, self.spent.steps]))
        sigma, noise, shown = self.asked(self.arms[number], clean, shown)
        dropped = torch.rand(len(clean), device=self.device, generator=self.generator) < recipe.dropped
        label = torch.full((len(clean),), number, device=self.device).masked_fill(dropped, len(self.arms))
        shown = shown.masked_fill(dropped[:, None, None, None], self.model.mean)
        return self.fit(clean, sigma, noise, label, shown), clean.numel() // recipe.channels

    def asked(self, arm: Arm, clean: Tensor, shown: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Levels [B], noise in units of them, and the picture that is shown, for one arm."""
        recipe, count = self.recipe, len(clean)
        white = torch.randn(clean.shape, device=self.device, generator=self.generator)
        shown = self.regressed(shown) if arm.from_regression else shown
        if arm.kind == "diffusion":
            return self.sigmas(count), white, shown
        start = shown + recipe.jitter * white if arm.from_regression else shown
        time = (torch.arange(count, device=self.device) + torch.rand(count, device=self.device, generator=self.generator)) / count
        time = torch.ones_like(time) if arm.kind == "regression" else time.clamp(min=0.01)
        return recipe.reach * time, (start - clean) / recipe.reach, shown

    @torch.no_grad()
    def regressed(self, shown: Tensor) -> Tensor:
        """R(y) by the average so far."""
        first, level = shown.new_zeros(len(shown)).long(), shown.new_full((len(shown),), self.recipe.reach)
        with autocast(self.device, self.half):
            return self.average(shown, level, first, shown).float()

    def validated(self, held: Held) -> dict[str, float]:
        """PSNR in dB of one answer of each arm, at the level from which it starts or at 0.2."""
        found = {}
        for number, (arm, (clean, shown)) in enumerate(zip(self.arms, held, strict=True)):
            level = 0.2 if arm.kind == "diffusion" else self.recipe.reach
            rmse = self.error(number, arm, clean[:GLIMPSE], shown[:GLIMPSE], [level]).rmse[0]
            found[f"{arm.name}, sigma {level:.2g}"] = round(-20 * math.log10(rmse), 3)
        return found

    def error(self, number: int, arm: Arm, clean: Tensor, shown: Tensor, levels: Sequence[float]) -> ErrorCurve:
        """Of the average on held-back pictures; the training's own random numbers stay as they are."""
        state = self.generator.get_state()
        self.generator.manual_seed(0)
        _, noise, shown = self.asked(arm, clean, shown)
        self.generator.set_state(state)
        label = torch.full((len(clean),), number, device=self.device)
        return measure_own(lambda x, sigma: self.average.conditional(x, sigma, label, shown), clean, levels, noise)


def train(
    folders: Sequence[Path],
    weights: Path,
    recipe: PairRecipe,
    showing: Sequence[Showing],
    device: str = "cpu",
    resume: bool = False,
    start: Sequence[Path] = (),
    licence: str = "unknown: ask whoever trained these weights",
    every: float = 180.0,
) -> Iterator[Progress]:
    """Train a prior that is shown pictures and store it as ``weights`` with its card beside it.

    ``showing`` has, for each of ``recipe.arms``, what makes the picture that is shown from the clean one. Other arguments,
    checkpoints and resuming as in ``priors.training.train``. The ``reach`` of the recipe is measured on held-back photographs.

    Raises: as ``priors.training.train``.
    """
    trainer, steps, held = run_pairs(folders, weights, recipe, showing, device, resume, start, every)
    yield from steps
    if trainer.spent.share(trainer.recipe) >= 1:
        finish(trainer, held, folders, licence, weights)


def run_pairs(
    folders: Sequence[Path], weights: Path, recipe: PairRecipe, showing: Sequence[Showing], device: str, resume: bool,
    start: Sequence[Path], every: float = 180.0,
) -> tuple[PairTrainer, Iterator[Progress], Held]:  # fmt: skip
    """A training that is ready to run, its run, and what is held back."""
    checkpoint = check_places(weights, resume, start)
    check_device(device)
    training, back = split(listing(folders))
    bank = Bank.load(training, recipe.channels, 2 * recipe.patch, device)
    crops = centre_crops(back, recipe.channels, SIDE, WHOLE).to(device)
    held = [(crops, show(crops, np.random.default_rng(k))) for k, show in enumerate(showing)]
    recipe = replace(recipe, reach=float(f"{max(float((shown - clean).square().mean().sqrt()) for clean, shown in held):.3g}"))
    kind = BranchTrainer if recipe.name == "edges" else PairTrainer
    trainer = kind.resume(checkpoint, recipe, device) if resume else kind(recipe, device)
    trainer.showing = showing
    if start:
        trainer.begin_from(*start)
    return trainer, run(trainer, bank, held, checkpoint, every), held


SMOKE = 120  # steps of the gate
LEAST_GAIN = 0.1  # dB, mean over the arms, that they must bring: the recipe brought 0.2


def smoke(
    folders: Sequence[Path], checkpoint: Path, recipe: PairRecipe, showing: Sequence[Showing], start: Sequence[Path]
) -> dict[str, float]:
    """By how many dB SMOKE steps denoise held-back photographs better, for each arm; nothing but the checkpoint is written.

    Raises: as ``train``.
    """
    checkpoint.unlink(missing_ok=True)
    weights, short = checkpoint.with_suffix(".safetensors"), replace(recipe, steps=SMOKE)
    told = list(run_pairs(folders, weights, short, showing, "cpu", False, start)[1])
    return {name: round(psnr - told[0].psnr[name], 3) for name, psnr in told[-1].psnr.items()}


def finish(trainer: PairTrainer, held: Held, folders: Sequence[Path], licence: str, weights: Path) -> dict[str, Any]:
    """Measure the average on held-back photographs and store it with its card; returns the complete card."""
    card = trainer.draft(licence) | {"data": {Path(f).name: len(listing([f])) for f in folders}}
    card["held_back"] = len(split(listing(folders))[1])
    for number, (arm, pair) in enumerate(zip(trainer.arms, held, strict=True)):
        levels = np.geomspace(*trainer.levels(arm), 16 if arm.kind == "diffusion" else 5).tolist()
        card["arms"][arm.name]["error"] = trainer.error(number, arm, *pair, levels).to_dict()
    clean, levels = held[0][0], np.geomspace(*trainer.recipe.sigma_range, 16).tolist()
    blind = trainer.error(len(trainer.arms), Arm("none"), clean, torch.full_like(clean, trainer.model.mean), levels)
    card["error"] = blind.to_dict()  # without a picture: of use where some examples had none
    return write(trainer.stored(), card, weights)


class BranchTrainer(PairTrainer):
    """A training of the branch that steers a frozen prior by a map of edges (``priors.structure``)."""

    def built(self) -> Denoiser:
        return steered(read(SHIPPED / "diffusion-grey.safetensors", precision="float32").net)

    def draft(self, licence: str) -> dict[str, Any]:
        base = read_card(SHIPPED / "diffusion-grey.safetensors")
        return super().draft(licence) | {"network": base["network"] | {"condition": 1}, "base": base["sha256"], "blind": True}

    def stored(self) -> nn.Module:
        branch: Any = self.average.net
        return nn.ModuleDict({name: getattr(branch, name) for name in PARTS})
