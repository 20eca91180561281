"""Fidelity against diversity: samples of every class at growing guidance, judged by the classifier trained beside the prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import solvers
from priors.conditional import Conditional
from reports.runs import files

BEYOND = 0.02  # how far outside [0, 1] a pixel is counted as saturated


@dataclass(frozen=True)
class Guided:
    """Samples at one guidance: [labels, n, C, H, W], not clipped, and the label that the classifier gives each, [labels, n]."""

    guidance: float
    samples: Tensor
    told: Tensor

    @property
    def accuracy(self) -> float:
        """The share of samples that are told to be of their label."""
        return float((self.told == torch.arange(len(self.told))[:, None]).float().mean())

    @property
    def spread(self) -> float:
        """Rms distance of a pixel from the mean sample of its class, mean over the classes."""
        by_class = self.samples.clamp(0, 1) - self.samples.clamp(0, 1).mean(1, keepdim=True)
        return float(by_class.square().mean((1, 2, 3, 4)).sqrt().mean())

    @property
    def saturated(self) -> float:
        """The share of pixels outside [0, 1] by more than BEYOND."""
        return float(((self.samples - 0.5).abs() > 0.5 + BEYOND).float().mean())


def draw(
    prior: Conditional, guidances: Sequence[float], shape: Sequence[int], n: int, steps: int, seed: int, tell: Callable[[str], None]
) -> Iterator[Guided]:
    """``n`` samples of every label at each guidance by Heun's steps, from the same noise."""
    judge = prior.judge
    for guidance in guidances:
        bound = [prior.given(label, guidance) for label in range(len(prior.labels))]
        try:
            samples = torch.stack([solvers.generate(each, shape, n, seed + k, "heun", steps).samples for k, each in enumerate(bound)])
        except solvers.Diverged as error:
            tell(f"guidance {guidance:g} is left out: {error}")
            continue
        told = torch.stack([judge.labels(each.clamp(0, 1).to(prior.device)).cpu() for each in samples])
        guided = Guided(guidance, samples, told)
        tell(f"guidance {guidance:g}: {guided.accuracy:.1%} of their label, spread {guided.spread:.3f}, saturated {guided.saturated:.2%}")
        yield guided


def save(found: Sequence[Guided], prior: Conditional, folder: Path) -> None:
    """Write guidance.json (one row for each guidance), and guidance.npz with the samples as bytes.

    Raises:
        OSError: the folder cannot be written.
    """
    rows: list[dict[str, Any]] = [
        {"guidance": g.guidance, "accuracy": round(g.accuracy, 4), "spread": round(g.spread, 4), "saturated": round(g.saturated, 5),
         "n": g.samples.shape[1]}
        for g in found
    ]  # fmt: skip
    arrays = {f"guidance_{g.guidance:g}": (g.samples.clamp(0, 1) * 255).round().byte().numpy() for g in found}
    content = {"prior": prior.name, "labels": list(prior.labels), "rows": rows, "pictures": prior.card.get("spread", {})}
    files.write(folder / "guidance.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
    files.write_json(folder / "guidance.json", content)
