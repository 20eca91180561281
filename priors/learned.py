"""The learned priors: one small network with two trainings, and the card that says what each knows and where it errs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors.error import ErrorCurve, KnowsItsError
from priors.network import Denoiser, build

SHIPPED = Path(__file__).parent / "weights"


class Learned(KnowsItsError):
    """A trained denoiser in the slot, described by its model card.

    A network for one channel denoises colour images channel by channel. On the CPU images pass one at a time: as fast as a
    batch, and no image's result depends on its neighbours. Any size from 1 pixel on; computed in float32, returned in the
    dtype and on the device of the input. Gradients flow through to x where torch records them.
    """

    mmse = True

    def __init__(self, network: Denoiser, card: dict[str, Any], device: str = "cpu"):
        self.card, self.name, self.family, self.licence = card, card["name"], card["family"], card["licence"]
        self.sigma_range = (float(card["sigma_range"][0]), float(card["sigma_range"][1]))
        self.channels = int(card["network"]["channels"])
        self.net, self.device = network.eval().requires_grad_(False).to(device), torch.device(device)

    @cached_property
    def error(self) -> ErrorCurve:
        return ErrorCurve.from_dict(self.card["error"])

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], as far as the network has learned it.

        Below the trained range the score of its lowest level is used (Tweedie: denoiser - x = sigma^2 score).

        Raises:
            ValueError: sigma above the trained range, or a channel count that the network does not take.
        """
        low = self.sigma_range[0]
        if sigma < low:
            return x + (sigma / low) ** 2 * (self.denoise(x, low) - x)
        parts = [self.net(part, part.new_full((len(part),), sigma)) for part in self.checked(x, sigma).split(self.together(x))]
        return torch.cat(parts).view(x.shape).to(x)

    def conditional(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
        """p(clean | x) as a Gaussian: mean [B, C, H, W], standard deviation of each pixel [B, 1, H, W], correlation spectrum.

        Its covariance is diag(std) S diag(std), S circulant with the square of the spectrum [1 or 3, H, W // 2 + 1] as its
        eigenvalues. One pass of the network; raises as ``denoise``.
        """
        low = self.sigma_range[0]
        images = self.checked(x, max(sigma, low))
        parts = [self.net.conditional(part, part.new_full((len(part),), max(sigma, low))) for part in images.split(self.together(x))]
        mean = torch.cat([mean for mean, _ in parts]).view(x.shape).to(x)
        std = torch.cat([std for _, std in parts]).view(len(x), -1, *x.shape[-2:]).to(x)
        shrink = min(1.0, sigma / low)
        return x + shrink**2 * (mean - x), shrink * std, self.error.correlation_at(sigma, x.shape).to(x)

    def checked(self, x: Tensor, sigma: float) -> Tensor:
        """x as the network takes it, [B * C / channels, channels, H, W]."""
        if sigma > self.sigma_range[1] * (1 + 1e-6):
            reach = f"{self.sigma_range[1]:g}"
            raise ValueError(f"prior {self.name!r} was trained for sigma up to {reach}, not {sigma:g}; give lower levels")
        if x.shape[1] % self.channels:
            raise ValueError(f"prior {self.name!r} was trained on {self.channels} channels, the image has {x.shape[1]}; use other weights")
        return x.to(self.device, torch.float32).reshape(-1, self.channels, *x.shape[-2:])

    def together(self, x: Tensor) -> int:
        """How many images pass the network at once."""
        return 1 if self.device.type == "cpu" else max(1, 2**22 // (x.shape[-2] * x.shape[-1]))


class Shipped(KnowsItsError):
    """The weights that come with the package: grey ones for one channel, colour ones for three, each read when first needed.

    ``rmse`` and ``card`` are those of the grey weights; ``of(3)`` is the colour prior itself.
    """

    mmse = True

    def __init__(self, name: str, device: str = "cpu"):
        self.name, self.device, self.loaded = name, device, dict[int, Learned]()
        grey = self.of(1)
        self.card, self.family, self.licence, self.sigma_range = grey.card, grey.family, grey.licence, grey.sigma_range

    def of(self, channels: int) -> Learned:
        """The prior for images of 1 or 3 channels."""
        if channels not in self.loaded:
            self.loaded[channels] = read(SHIPPED / f"{self.name}-{'colour' if channels == 3 else 'grey'}.safetensors", self.device)
        return self.loaded[channels]

    @property
    def error(self) -> ErrorCurve:
        return self.of(1).error

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], as far as the network for these channels has learned it; raises as ``Learned.denoise``."""
        return self.of(x.shape[1]).denoise(x, sigma)

    def conditional(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
        return self.of(x.shape[1]).conditional(x, sigma)

    def error_spectrum(self, sigma: float, shape: Sequence[int]) -> Tensor:
        return self.of(shape[-3]).error_spectrum(sigma, shape)


def cnn(weights: str | Path | None = None, device: str = "cpu") -> Learned | Shipped:
    """The small CNN denoiser, trained for sigma up to 0.4; own ``weights`` (.safetensors with its card beside it) if given."""
    return read(Path(weights), device) if weights else Shipped("cnn", device)


def diffusion(weights: str | Path | None = None, device: str = "cpu") -> Learned | Shipped:
    """The same network trained up to pure noise: its denoiser is a score at every level (Tweedie)."""
    return read(Path(weights), device) if weights else Shipped("diffusion", device)


def read(weights: Path, device: str = "cpu") -> Learned:
    """A learned prior from its .safetensors file and the card beside it.

    Raises:
        FileNotFoundError, ValueError: weights or card missing, damaged or not of one piece.
    """
    card = read_card(weights)
    return Learned(read_network(weights, card), card, device)


def read_card(weights: Path) -> dict[str, Any]:
    """The model card beside the weights, checked against their sha256."""
    card = weights.with_suffix(".json")
    for file in (weights, card):
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist; weights are a .safetensors file with its model card (.json) beside it")
    try:
        content = json.loads(card.read_text())
        stated = content["sha256"]
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError):
        raise ValueError(f"{card} is not a model card; train again or copy the card that came with the weights") from None
    if hashlib.sha256(weights.read_bytes()).hexdigest() != stated:
        raise ValueError(f"{weights} does not match the sha256 in {card.name}; copy both files again")
    return content


def read_network(weights: Path, card: dict[str, Any]) -> Denoiser:
    from safetensors.torch import load_file

    network = build(**card["network"])
    state = {name: tensor.float() for name, tensor in load_file(weights).items()}
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise ValueError(f"{weights} does not hold the network that its card describes; copy both files again") from None
    return network


def write(network: Denoiser, card: dict[str, Any], weights: Path) -> dict[str, Any]:
    """Store a network in half precision with its card, completed by the sha256; each file appears whole or not at all."""
    from safetensors.torch import save

    content = save({name: tensor.detach().half().cpu().contiguous() for name, tensor in network.state_dict().items()})
    card = {**card, "storage": "float16", "sha256": hashlib.sha256(content).hexdigest()}
    weights.parent.mkdir(parents=True, exist_ok=True)
    for path, data in ((weights, content), (weights.with_suffix(".json"), folded(card).encode())):
        path.with_suffix(path.suffix + ".part").write_bytes(data)
        path.with_suffix(path.suffix + ".part").replace(path)
    return card


def folded(card: dict[str, Any]) -> str:
    """JSON for people: indented, with every list of numbers on one line."""
    return re.sub(r"\[[^\[\]{}]*\]", lambda numbers: " ".join(numbers[0].split()), json.dumps(card, indent=1)) + "\n"
