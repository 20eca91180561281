"""Learned priors that take a label as their condition, bound once and then in the slot like any other."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors import classifier
from priors.classifier import Classifier
from priors.guided import number_of, titled, uphill, weight_of
from priors.learned import SHIPPED, Learned, read_card, read_network
from priors.network import Denoiser


class Conditional(Learned):
    """A trained class-conditional denoiser, without a label until ``given`` one; ``labels`` are the names that it knows."""

    def __init__(self, network: Denoiser, card: dict[str, Any], device: str | torch.device = "cpu", precision: str = "auto"):
        super().__init__(network, card, device, precision)
        self.labels, self.mean = tuple(card["classes"]), float(card["network"]["mean"])
        self.place: Path | None = None
        self.label: int | None = None
        self.guidance, self.by_classifier = 1.0, False

    def given(self, label: int | str | None = None, guidance: float = 1.0, classifier: bool = False) -> Conditional:
        """The prior of this label alone: denoise(x, sigma) is D_u + guidance (D_c - D_u) (Ho, Salimans 2022).

        D_c knows the label and D_u does not; 1 is the conditional prior p(x | label), 0 the unconditional one, beyond 1 the
        samples are more typical of the label and less diverse, below 0 they avoid it. ``label`` is a name or its number;
        None is no label. With ``classifier`` the difference is sigma^2 grad log p(label | x, sigma) of the ``judge``
        (Dhariwal, Nichol 2021), and the network is never told the label. No density stands behind another guidance than 0 or 1
        (``priors.guided``), so ``mmse`` is then false.

        Raises:
            ValueError: a label that the prior does not know, guidance that is NaN or infinite, or guidance without a label.
            TypeError: guidance that is no number, classifier that is neither true nor false.
            FileNotFoundError: no classifier lies beside the weights.
        """
        name, bound = self.card["name"], copy.copy(self)
        bound.guidance = weight_of(name, label, guidance, classifier)
        bound.label = None if label is None else number_of(name, label, self.labels)
        bound.by_classifier = classifier
        bound.mmse = bound.guidance in (0, 1)
        bound.name = name if bound.label is None else titled(name, self.labels[bound.label], bound.guidance, bound.by_classifier)
        own = {key: value for key, value in self.card.items() if key != "classifier"}
        bound.card = own | ({"classifier": self.judge.card["sha256"]} if bound.by_classifier else {})
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
        return None if self.label is None or self.guidance == 0 else torch.full((count,), self.label, device=self.device)

    def answer(self, x: Tensor, sigma: Tensor) -> Tensor:
        if self.by_classifier:
            return self.net(x, sigma) + self.guidance * self.pulled(x, sigma)
        if self.label is None or self.guidance in (0, 1):
            return self.net(x, sigma, self.labelled(len(x)))
        return self.guided(*self.both(x, sigma)[0].chunk(2))

    def answer_and_error(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The error is that of the prior with its label, whatever the guidance: what guidance adds is no error of the network.

        At guidance 0 no label is told, and the error is that of the prior without.
        """
        if self.by_classifier:
            mean, std = self.net.conditional(x, sigma)
            return mean + self.guidance * self.pulled(x, sigma), std
        if self.label is None or self.guidance in (0, 1):
            return self.net.conditional(x, sigma, self.labelled(len(x)))
        mean, std = self.both(x, sigma)
        return self.guided(*mean.chunk(2)), std.chunk(2)[1]

    def pulled(self, x: Tensor, sigma: Tensor) -> Tensor:
        """sigma^2 grad log p(label | x, sigma), in float32 whatever the network is computed in."""
        with torch.autocast(self.device.type, enabled=False):
            return sigma[:, None, None, None] ** 2 * uphill(lambda at: self.judge.net(at, sigma).log_softmax(1)[:, self.label], x)

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Without and with the label, in one batch: [2 B, C, H, W] and [2 B, 1, H, W]."""
        label = torch.tensor([len(self.labels), self.label], device=self.device).repeat_interleave(len(x))
        return self.net.conditional(torch.cat([x, x]), torch.cat([sigma, sigma]), label)

    def guided(self, free: Tensor, bound: Tensor) -> Tensor:
        return free + self.guidance * (bound - free)


def digits28(
    label: int | str | None = None, guidance: float = 1.0, classifier: bool = False, weights: str | Path | None = None,
    device: str | torch.device = "cpu", precision: str = "auto",
) -> Conditional:  # fmt: skip
    """Handwritten digits, 28x28, grey (MNIST); ``label``, ``guidance`` and ``classifier`` as in ``Conditional.given``; no label: any."""
    return read(Path(weights or SHIPPED / "digits28.safetensors"), device, precision).given(label, guidance, classifier)


def clothing(
    label: int | str | None = None, guidance: float = 1.0, classifier: bool = False, weights: str | Path | None = None,
    device: str | torch.device = "cpu", precision: str = "auto",
) -> Conditional:  # fmt: skip
    """Clothes, 64x64, colour; ``label`` is a class such as dress, the rest as in ``Conditional.given``; no label: any."""
    return read(Path(weights or SHIPPED / "clothing.safetensors"), device, precision).given(label, guidance, classifier)


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
