"""A small classifier that is told the noise level: p(label | x, sigma), for judging samples and for classifier guidance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from priors.network import through
from priors.slot import check_images, levels

FINEST = 0.01  # noise below which the level makes no difference; sigma = 0 is a clean picture


class Residual(nn.Module):
    """Two convolutions, normalised (Wu, He 2018) and then scaled and shifted by the noise level; the second may widen."""

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float):
        super().__init__()
        self.normal = nn.ModuleList([nn.GroupNorm(8, inputs), nn.GroupNorm(8, outputs)])
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * outputs)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        for layer in (self.film, self.second):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        h = self.first(functional.silu(self.normal[0](x)))
        scale, shift = self.film(level)[:, :, None, None].chunk(2, dim=1)
        h = functional.silu(self.normal[1](h) * (1 + scale) + shift)
        return self.skip(x) + self.second(self.dropout(h))


class ClassifierNet(nn.Module):
    """x [B, C, H, W] and sigma [B] to logits [B, labels]; two residual blocks at each width, halved in size between them."""

    def __init__(
        self, channels: int, widths: Sequence[int], labels: int, mean: float, std: float, embedding: int = 64, dropout: float = 0.2
    ):
        super().__init__()
        self.mean, self.std = mean, std
        self.embed = nn.Sequential(nn.Linear(1, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU())
        self.head = nn.Conv2d(channels, widths[0], 3, padding=1)
        inputs = [widths[0], *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.ModuleList([Residual(narrow, wide, embedding, dropout), Residual(wide, wide, embedding, dropout)])
            for narrow, wide in zip(inputs, widths, strict=True)
        )
        self.normal = nn.GroupNorm(8, widths[-1])
        self.dropout = nn.Dropout(dropout)
        self.tail = nn.Linear(widths[-1], labels)

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        level = self.embed((sigma**2 + FINEST**2).log()[:, None] / 8)
        h = self.head((x - self.mean) / (sigma**2 + self.std**2).sqrt()[:, None, None, None])
        for depth, stage in enumerate(self.stages):
            h = through(stage, functional.avg_pool2d(h, 2) if depth else h, level)
        pooled = functional.silu(self.normal(h)).mean((2, 3))
        return self.tail(self.dropout(pooled))


class Classifier:
    """A trained classifier with its card; ``names`` are the classes in the order of the labels."""

    def __init__(self, network: ClassifierNet, card: dict[str, Any], device: str | torch.device = "cpu"):
        self.card, self.names, self.device = card, tuple(card["classes"]), torch.device(device)
        self.net = network.eval().requires_grad_(False).to(self.device)
        self.channels = int(card["network"]["channels"])

    @property
    def accuracy(self) -> float | None:
        """Share of clean test pictures whose class it names; None where its card does not tell."""
        found = [by_level.get("0") for part, by_level in self.card.get("accuracy", {}).items() if part.startswith("test")]
        return found[0] if found else None

    def log_probabilities(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """log p(label | x) where x [B, C, H, W] is a picture under noise of standard deviation sigma: [B, labels].

        Gradients flow to x where torch records them.

        Raises:
            TypeError, ValueError: no images, another number of channels, a sigma that is none.
        """
        check_images(self.card["name"], x)
        if x.shape[1] != self.channels:
            raise ValueError(f"classifier {self.card['name']!r} takes {self.channels} channels, not {x.shape[1]}; use the other one")
        told = levels(self.card["name"], sigma, len(x))
        at = torch.tensor(told, device=self.device, dtype=torch.float32).expand(len(x))
        return self.net(x.to(self.device, torch.float32), at).log_softmax(1).to(x)

    def labels(self, x: Tensor, sigma: float = 0.0) -> Tensor:
        """The likeliest label of each picture, [B]."""
        with torch.no_grad():
            return torch.cat([self.log_probabilities(part, sigma).argmax(1) for part in x.split(256)])


def read(weights: Path, device: str | torch.device = "cpu") -> Classifier:
    """A classifier from its .safetensors file and the card (.json) beside it.

    Raises:
        FileNotFoundError, ValueError: one of them missing, damaged or not of one piece.
    """
    from safetensors.torch import load

    card_file = weights.with_suffix(".json")
    for needed in (weights, card_file):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} does not exist; a classifier is a .safetensors file with its card (.json) beside it")
    try:
        card, content = json.loads(card_file.read_text("utf-8")), weights.read_bytes()
        network = ClassifierNet(**card["network"])
        whole = hashlib.sha256(content).hexdigest() == card["sha256"]
        network.load_state_dict({name: tensor.float() for name, tensor in load(content).items()})
    except Exception as error:  # safetensors, json and torch raise a dozen kinds for damaged files
        raise ValueError(f"{weights} or its card is damaged ({type(error).__name__}); copy both again") from None
    if not whole:
        raise ValueError(f"{weights} does not match the sha256 in {card_file.name}; copy both files again")
    return Classifier(network, card, device)
