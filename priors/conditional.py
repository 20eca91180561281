"""Learned priors that take a label as their condition, bound once and then in the slot like any other."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors import classifier
from priors.classifier import Classifier
from priors.learned import SHIPPED, Learned, read_card, read_network
from priors.network import Denoiser


class Conditional(Learned):
    """A trained class-conditional denoiser, without a label until ``given`` one; ``labels`` are the names that it knows."""

    def __init__(self, network: Denoiser, card: dict[str, Any], device: str | torch.device = "cpu", precision: str = "auto"):
        super().__init__(network, card, device, precision)
        self.labels, self.mean = tuple(card["classes"]), float(card["network"]["mean"])
        self.place: Path | None = None
        self.label: int | None = None
        self.guidance = 1.0

    def given(self, label: int | str | None = None, guidance: float = 1.0) -> Conditional:
        """The prior of this label alone: denoise(x, sigma) is D_u + guidance (D_c - D_u) (Ho, Salimans 2022).

        D_c knows the label and D_u does not; 1 is the conditional prior p(x | label), 0 the unconditional one, beyond 1 the
        samples are more typical of the label and less diverse, below 0 they avoid it. ``label`` is a name or its number;
        None is no label.

        Raises:
            ValueError: a label that the prior does not know, guidance that is NaN or infinite, or guidance without a label.
            TypeError: guidance that is no number.
        """
        if label is None and finite(guidance) != 1:
            raise ValueError(f"guidance {guidance:g} of prior {self.card['name']!r} has no effect without a label; give label= as well")
        bound = copy.copy(self)
        bound.label = None if label is None else number_of(self.card["name"], label, self.labels)
        bound.guidance = finite(guidance)
        told = [] if bound.label is None else [f"label={self.labels[bound.label]}"] + [f"guidance={guidance:g}"] * (guidance != 1)
        bound.name = self.card["name"] + (f"[{','.join(told)}]" if told else "")
        return bound

    @functools.cached_property
    def judge(self) -> Classifier:
        """The classifier that was trained beside it, told the noise level.

        Raises:
            FileNotFoundError, ValueError: it is missing or damaged.
        """
        if self.place is None:
            raise FileNotFoundError(f"prior {self.name!r} was read from no file, beside which its classifier would lie")
        return classifier.read(self.place.with_name(f"{self.place.stem}-classifier.safetensors"), self.device)

    def labelled(self, count: int) -> Tensor | None:
        return None if self.label is None else torch.full((count,), self.label, device=self.device)

    def answer(self, x: Tensor, sigma: Tensor) -> Tensor:
        if self.label is None or self.guidance == 1:
            return self.net(x, sigma, self.labelled(len(x)))
        return self.guided(*self.both(x, sigma)[0].chunk(2))

    def answer_and_error(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The error is that of the prior with its label, whatever the guidance: what guidance adds is no error of the network."""
        if self.label is None or self.guidance == 1:
            return self.net.conditional(x, sigma, self.labelled(len(x)))
        mean, std = self.both(x, sigma)
        return self.guided(*mean.chunk(2)), std.chunk(2)[1]

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Without and with the label, in one batch: [2 B, C, H, W] and [2 B, 1, H, W]."""
        label = torch.tensor([len(self.labels), self.label], device=self.device).repeat_interleave(len(x))
        return self.net.conditional(torch.cat([x, x]), torch.cat([sigma, sigma]), label)

    def guided(self, free: Tensor, bound: Tensor) -> Tensor:
        return free + self.guidance * (bound - free)


def number_of(name: str, label: object, known: Sequence[str]) -> int:
    """The number of a label given by name or number.

    Raises:
        ValueError: neither.
    """
    if isinstance(label, str | int) and not isinstance(label, bool) and str(label) in known:
        return known.index(str(label))
    try:
        number = int(label) if isinstance(label, str | int) and not isinstance(label, bool) else -1
    except ValueError:
        number = -1
    if not 0 <= number < len(known):
        raise ValueError(f"prior {name!r} knows no label {label!r}; give one of {', '.join(known)}, or its number from 0 on")
    return number


def finite(guidance: object) -> float:
    """
    Raises:
        TypeError: no number.
        ValueError: NaN or infinite.
    """
    if not isinstance(guidance, Real) or isinstance(guidance, bool):
        raise TypeError(f"guidance is a number such as 2.0, not {type(guidance).__name__}; 1 is the conditional prior itself")
    if not math.isfinite(guidance):
        raise ValueError(f"guidance must be finite, not {guidance}; 1 is the conditional prior itself, 2 to 4 sharpens it")
    return float(guidance)


def digits28(
    label: int | str | None = None, guidance: float = 1.0, weights: str | Path | None = None, device: str | torch.device = "cpu",
    precision: str = "auto",
) -> Conditional:  # fmt: skip
    """Handwritten digits, 28x28, grey (MNIST); ``label`` and ``guidance`` as in ``Conditional.given``, no label: any digit."""
    return read(Path(weights or SHIPPED / "digits28.safetensors"), device, precision).given(label, guidance)


def clothing(
    label: int | str | None = None, guidance: float = 1.0, weights: str | Path | None = None, device: str | torch.device = "cpu",
    precision: str = "auto",
) -> Conditional:  # fmt: skip
    """Clothes, 64x64, colour; ``label`` is a class such as dress, ``guidance`` as in ``Conditional.given``."""
    return read(Path(weights or SHIPPED / "clothing.safetensors"), device, precision).given(label, guidance)


def read(weights: Path, device: str | torch.device = "cpu", precision: str = "auto") -> Conditional:
    """A class-conditional prior from its .safetensors file and the card beside it.

    Raises:
        FileNotFoundError, ValueError: weights or card missing, damaged, not of one piece, or of a network without labels.
    """
    card = read_card(weights)
    count = card["network"].get("labels", 0)
    if not count or not isinstance(card.get("classes"), list) or len(card["classes"]) != count:
        raise ValueError(f"{weights} is no class-conditional prior: its card names no classes; load it as cnn or diffusion")
    prior = Conditional(read_network(weights, card), card, device, precision)
    prior.place = weights
    return prior
