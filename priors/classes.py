"""Training of class-conditional priors and of the classifiers that judge them, on any labelled pictures and any budget."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from priors.classifier import Classifier, ClassifierNet
from priors.conditional import Conditional
from priors.error import measure_own
from priors.labelled import Labelled, LabelledData, bent, load, shares, varied
from priors.learned import write
from priors.network import Block
from priors.precision import autocast
from priors.recipe import ClassRecipe, Spent
from priors.training import Progress, Trainer, check_device, check_places, run

LEVELS = tuple(float(f"{s:.3g}") for s in np.geomspace(0.02, 20.0, 13))  # of the curve with and without the label
GLIMPSE, WHOLE = 24, 1024  # pictures that the curve is measured on while the training runs (CPU), and at its end


class ClassTrainer(Trainer):
    """A training with labels. The average that denoised the held-back pictures best is kept: few pictures are learned by heart."""

    recipe: ClassRecipe

    def __init__(self, recipe: ClassRecipe, device: str = "cpu"):
        super().__init__(recipe, device)
        self.names = tuple(map(str, range(recipe.labels)))
        self.best, self.kept = -math.inf, copy.deepcopy(self.average.state_dict())
        for block in self.model.modules():
            if isinstance(block, Block):
                block.dropout = recipe.dropout

    def prior(self) -> Conditional:
        return Conditional(self.average, self.draft("none yet"), self.device, "float32")

    def draft(self, licence: str) -> dict[str, Any]:
        return super().draft(licence) | {"classes": list(self.names), "shape": [self.recipe.channels] + 2 * [self.recipe.patch]}

    def learn(self, bank: Labelled) -> tuple[float, int]:
        recipe = self.recipe
        images, label = bank.draw(recipe.batch, self.generator)
        unknown = torch.rand(len(label), device=self.device, generator=self.generator) < recipe.dropped
        images = varied(images, self.generator, recipe.mirrored, recipe.shift, recipe.gain)
        return self.step(images, label.masked_fill(unknown, recipe.labels)), images.numel() // recipe.channels

    def validated(self, held: Labelled) -> dict[str, float]:
        found = label_curve(self.prior(), held if self.device != "cpu" else held.spaced(GLIMPSE))
        score = float(np.mean(found["labelled"]) + np.mean(found["unlabelled"]))
        if score >= self.best:
            self.best, self.kept = score, copy.deepcopy(self.average.state_dict())
        return {f"sigma {s:g} {how}": found[how][LEVELS.index(s)] for s in (LEVELS[3], LEVELS[6]) for how in ("unlabelled", "labelled")}

    def extra(self) -> dict[str, Any]:
        return {"best": self.best, "kept": self.kept}

    def load(self, state: dict[str, Any]) -> None:
        super().load(state)
        self.best, self.kept = state["best"], state["kept"]


@torch.inference_mode()
def label_curve(prior: Conditional, held: Labelled) -> dict[str, Any]:
    """PSNR in dB of denoising held-back pictures by sigma, with their own label and without one: what a label is worth.

    Both see the same noise. Squared errors are averaged before the logarithm, and nothing is clipped, so that a difference
    of the two is one of mean squared errors.
    """
    noise = torch.randn(held.images.shape, generator=torch.Generator().manual_seed(0)).to(held.images.device)
    clean = held.pictures()
    table: dict[str, list[float]] = {"sigma": list(LEVELS), "unlabelled": [], "labelled": []}
    for sigma in LEVELS:
        for how, label in (("unlabelled", None), ("labelled", held.labels)):
            answer = denoised(prior, clean + sigma * noise, sigma, label)
            table[how].append(round(-10 * math.log10(float((answer - clean).square().mean())), 3))
    return table


def denoised(prior: Conditional, x: Tensor, sigma: float, label: Tensor | None) -> Tensor:
    """The network's answer to x [N, C, H, W] with a label for each, which the slot has no place for."""
    step = prior.together(x) if prior.device.type != "cpu" else 16
    parts = zip(x.split(step), [None] * len(x) if label is None else label.split(step), strict=False)
    return torch.cat([prior.net(part, part.new_full((len(part),), sigma), told) for part, told in parts])


def train(
    source: Path,
    weights: Path,
    recipe: ClassRecipe,
    device: str = "cpu",
    resume: bool = False,
    licence: str = "unknown: ask whoever trained these weights",
    every: float = 30.0,
) -> Iterator[Progress]:
    """Train a class-conditional prior on labelled pictures and store it as ``weights`` with its card beside it.

    ``source`` is what ``priors.labelled.load`` takes. The checkpoint lies beside the weights (.pt); a run that is stopped
    leaves it, and the same call with ``resume`` goes on from it.

    Raises:
        FileNotFoundError, ValueError: no labelled pictures, no checkpoint to go on from, no such device.
        OSError: the folder of ``weights`` cannot be written.
    """
    checkpoint = check_places(weights, resume, ())
    check_device(device)
    data = load(source, recipe.channels, recipe.patch).to(device)
    recipe = dataclasses.replace(recipe, labels=len(data.names))
    trainer = ClassTrainer.resume(checkpoint, recipe, device) if resume else ClassTrainer(recipe, device)
    trainer.names = data.names
    yield from run(trainer, data.training, data.validation, checkpoint, every)
    if trainer.spent.share(recipe) >= 1:
        finish(trainer, data, licence, weights)


def finish(trainer: ClassTrainer, data: LabelledData, licence: str, weights: Path) -> dict[str, Any]:
    """Measure the average that was best on held-back pictures, and store it with its card; returns the complete card."""
    trainer.average.load_state_dict(trainer.kept)
    prior = trainer.prior()
    card = trainer.draft(licence) | {"data": {data.source: shares(data.training.labels, data.names)}, "held_back": len(data.validation)}
    limit = WHOLE if trainer.device != "cpu" else 2 * GLIMPSE
    card["label_curve"] = {
        f"{part}, {min(limit, len(held))} pictures": label_curve(prior, held.spaced(limit))
        for part, held in (("training", data.training), ("validation", data.validation), ("test", data.test))
    }
    card["spread"] = spread(data.test, data.names)
    crops = data.validation.spaced(limit // 2).pictures()
    levels = np.geomspace(*prior.sigma_range, 24).tolist()
    card["error"] = measure_own(trainer.average.conditional, crops, levels).to_dict()
    return write(trainer.average, card, weights)


def spread(held: Labelled, names: Sequence[str]) -> dict[str, float]:
    """Rms distance of a pixel from the mean picture of its class: the diversity that samples are set against."""
    pictures = held.pictures()
    of_class = (pictures[held.labels == k] for k in range(len(names)))
    return {name: round(float((each - each.mean(0)).square().mean().sqrt()), 4) for name, each in zip(names, of_class, strict=True)}


class JudgeTrainer:
    """The training of a classifier: half of the examples clean, half under noise; AdamW, mixed examples, averaged weights."""

    def __init__(self, recipe: ClassRecipe, names: tuple[str, ...], device: str):
        torch.manual_seed(recipe.seed)
        self.recipe, self.names, self.device, self.spent = recipe, names, device, Spent()
        self.network = {key: getattr(recipe, key) for key in ("channels", "mean", "std")}
        self.network |= {"widths": list(recipe.judge_widths), "labels": len(names)}
        self.model = ClassifierNet(**self.network).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), 2e-3, weight_decay=0.05, fused=True)
        self.generator = torch.Generator(device).manual_seed(recipe.seed)

    def sigmas(self, count: int) -> Tensor:
        """Zero for half of the examples; log-uniform from 0.01 to 10 for the others."""
        u, clean = torch.rand(2, count, device=self.device, generator=self.generator)
        return (math.log(0.01) + u * math.log(1000)).exp() * (clean < 0.5)

    def step(self, bank: Labelled, share: float) -> float:
        recipe = self.recipe
        images, label = bank.draw(recipe.judge_batch, self.generator)
        images = bent(varied(images, self.generator, recipe.mirrored, 0, 2 * recipe.gain), self.generator)
        if recipe.gain:  # colour tells little of what a thing is: the channels change places
            order = torch.rand(*images.shape[:2], device=self.device, generator=self.generator).argsort(1)
            images = images.gather(1, order[:, :, None, None].expand_as(images))
        target = functional.one_hot(label, len(self.names)).float()
        if recipe.mirrored:  # few pictures: mixing them in pairs (Zhang et al. 2018) keeps the network from learning them by heart
            mix = 1 - 0.5 * torch.rand(len(label), device=self.device, generator=self.generator) ** 3
            images = torch.lerp(images.flip(0), images, mix[:, None, None, None])
            target = torch.lerp(target.flip(0), target, mix[:, None])
        sigma = self.sigmas(len(label))
        noisy = images + sigma[:, None, None, None] * torch.randn(images.shape, device=self.device, generator=self.generator)
        with autocast(self.device, self.device != "cpu"):
            logits = self.model(noisy.contiguous(memory_format=torch.channels_last), sigma)
        loss = functional.cross_entropy(logits.float(), target, label_smoothing=0.05 if recipe.mirrored else 0.0)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.descend(share)
        return loss.item() if self.spent.steps % 50 == 0 else math.nan

    def descend(self, share: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (self.spent.steps + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        keep = min(0.999, 1 - 10 / (self.spent.steps + 10))
        torch._foreach_lerp_(list(self.average.parameters()), [p.detach() for p in self.model.parameters()], 1 - keep)

    def classifier(self) -> Classifier:
        card = {"name": f"{self.recipe.name}-classifier", "classes": list(self.names), "network": self.network}
        return Classifier(copy.deepcopy(self.average), card, self.device)


@dataclasses.dataclass(frozen=True)
class JudgeProgress:
    """Consumed share of the budget, steps, loss, and the share of held-back clean pictures that are told rightly."""

    share: float
    steps: int
    loss: float
    accuracy: float

    def describe(self) -> str:
        return f"{self.steps} steps, loss {self.loss:.3f}, {self.accuracy:.2%} of clean held-back pictures told rightly"


def train_judge(
    source: Path, weights: Path, recipe: ClassRecipe, device: str = "cpu", licence: str = "unknown", every: float = 30.0
) -> Iterator[JudgeProgress]:
    """Train the noise-aware classifier of a recipe for ``judge_seconds`` and store it as ``weights`` with its card beside it.

    Raises: as ``train``.
    """
    check_device(device)
    data = load(source, recipe.channels, recipe.patch).to(device)
    trainer, begin, due = JudgeTrainer(recipe, data.names, device), time.monotonic(), 0.0
    loss, limit = math.nan, WHOLE if device != "cpu" else 4 * GLIMPSE
    while (seconds := time.monotonic() - begin) < recipe.judge_seconds and trainer.spent.steps < recipe.steps:
        share = max(seconds / recipe.judge_seconds, trainer.spent.steps / recipe.steps)
        told = trainer.step(data.training, share)
        loss = loss if math.isnan(told) else told
        trainer.spent.steps += 1
        if seconds > due:
            due = seconds + every
            yield JudgeProgress(share, trainer.spent.steps, loss, accuracy(trainer.classifier(), data.validation.spaced(limit)))
    yield finish_judge(trainer, data, licence, weights, device, time.monotonic() - begin, loss)


def finish_judge(
    trainer: JudgeTrainer, data: LabelledData, licence: str, weights: Path, device: str, seconds: float, loss: float
) -> JudgeProgress:
    judge = trainer.classifier()
    levels, few = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0), len(data.test) if device != "cpu" else 4 * GLIMPSE
    card = judge.card | {
        "family": "classifier", "licence": licence, "data": {data.source: shares(data.training.labels, data.names)},
        "accuracy": {f"{part}, {len(held)} pictures": {f"{s:g}": round(accuracy(judge, held, s), 4) for s in levels}
                     for part, held in (("validation", data.validation.spaced(few)), ("test", data.test.spaced(few)))},
        "steps": trainer.spent.steps, "wall_seconds": round(seconds), "seed": trainer.recipe.seed, "device": device,
        "torch": torch.__version__,
    }  # fmt: skip
    write(trainer.average, card, weights)
    return JudgeProgress(1.0, trainer.spent.steps, loss, accuracy(judge, data.test.spaced(few)))


def accuracy(judge: Classifier, held: Labelled, sigma: float = 0.0) -> float:
    """The share of pictures, under noise of sigma, whose label the classifier tells."""
    clean = held.pictures()
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)).to(clean.device)
    return float((judge.labels(clean + sigma * noise, sigma) == held.labels).float().mean())
