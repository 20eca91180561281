"""The learned priors: one small network with two trainings, and the card that says what each knows and where it errs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from priors.error import BANDS, ErrorCurve, KnowsItsError
from priors.network import Denoiser, build
from priors.precision import autocast, resolve
from priors.slot import FAMILIES, Belief, checks_question

SHIPPED = Path(__file__).parent / "weights"
DEVICES = ("cpu", "cuda", "mps")
OPTIONAL = ("embedding", "labels", "condition")  # of a network in a card
DEEPEST, WIDEST = 12, 4096  # scales, and channels or blocks of one scale, that a card may name


class Learned(KnowsItsError):
    """A trained denoiser in the slot, described by its model card.

    A network for one channel denoises colour images channel by channel. On the CPU images pass one at a time: as fast as a
    batch, and no image's result depends on its neighbours. Any size from 1 pixel on; returned in the dtype and on the device
    of the input. Gradients flow through to x where torch records them.

    Float32 images are computed in ``precision``, "auto" (default), "float32" or "bfloat16"; "auto" takes bfloat16 where the
    machine computes it faster. Float64 images and gradients are computed in float32.
    """

    mmse = True

    def __init__(self, network: Denoiser, card: dict[str, Any], device: str | torch.device = "cpu", precision: str = "auto"):
        self.card, self.name, self.family, self.licence = card, card["name"], card["family"], card["licence"]
        self.sigma_range = (float(card["sigma_range"][0]), float(card["sigma_range"][1]))
        self.channels = int(card["network"]["channels"])
        self.device = device_of(device)
        self.precision = resolve(precision, self.device)
        self.net = network.eval().requires_grad_(False).to(self.device)

    @cached_property
    def error(self) -> ErrorCurve:
        return ErrorCurve.from_dict(self.card["error"])

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], as far as the network has learned it.

        Below the trained range the score of its lowest level is used (Tweedie: denoiser - x = sigma^2 score).

        Raises:
            ValueError: sigma above the trained range, or a channel count that the network does not take.
        """
        low = self.sigma_range[0]
        if sigma < low:
            return x + (sigma / low) ** 2 * (self.denoise(x, low) - x)
        images = self.checked(x, sigma).split(self.together(x))
        with self.computing(x):
            parts = [self.answer(part, part.new_full((len(part),), sigma)) for part in images]
        return torch.cat(parts).view(x.shape).to(x)

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        """p(clean | x) as a Gaussian: mean [B, C, H, W], standard deviation of each pixel [B, 1, H, W], correlation spectrum.

        Its covariance is diag(std) S diag(std), S circulant with the square of the spectrum [1 or 3, H, W // 2 + 1] as its
        eigenvalues. One pass of the network; raises as ``denoise``. A card without the correlation leaves the error by frequency.
        """
        if not self.error.correlation:
            return super().belief(x, sigma)
        low = self.sigma_range[0]
        images = self.checked(x, max(sigma, low)).split(self.together(x))
        with self.computing(x):
            parts = [self.answer_and_error(part, part.new_full((len(part),), max(sigma, low))) for part in images]
        mean = torch.cat([mean for mean, _ in parts]).view(x.shape).to(x)
        std = torch.cat([std for _, std in parts]).view(len(x), -1, *x.shape[-2:]).to(x)
        shrink = min(1.0, sigma / low)
        return Belief(x + shrink**2 * (mean - x), shrink * std, self.error.correlation_at(sigma, x.shape).to(x), self.rmse(sigma))

    def answer(self, x: Tensor, sigma: Tensor) -> Tensor:
        """What the network makes of x [B, C, H, W] at sigma [B]."""
        return self.net(x, sigma)

    def answer_and_error(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The same and the standard deviation of each pixel about it, [B, 1, H, W]."""
        return self.net.conditional(x, sigma)

    def checked(self, x: Tensor, sigma: float) -> Tensor:
        """x as the network takes it, [B * C / channels, channels, H, W]."""
        if sigma > self.sigma_range[1] * (1 + 1e-6):
            reach = f"{self.sigma_range[1]:g}"
            raise ValueError(f"prior {self.name!r} was trained for sigma up to {reach}, not {sigma:g}; give lower levels")
        if x.shape[1] % self.channels:
            raise ValueError(f"prior {self.name!r} was trained on {self.channels} channels, the image has {x.shape[1]}; use other weights")
        return x.to(self.device, torch.float32).reshape(-1, self.channels, *x.shape[-2:])

    def computing(self, x: Tensor) -> contextlib.AbstractContextManager:
        """The precision in which the network answers about x."""
        return autocast(self.device, self.precision == "bfloat16" and x.dtype == torch.float32 and not x.requires_grad)

    def together(self, x: Tensor) -> int:
        """How many images pass the network at once."""
        return 1 if self.device.type == "cpu" else max(1, 2**22 // (x.shape[-2] * x.shape[-1]))


class Shipped(KnowsItsError):
    """The weights that come with the package: grey ones for one channel, colour ones for three, each read when first needed.

    ``rmse`` and ``card`` are those of the grey weights; ``of(3)`` is the colour prior itself. Raises as ``Learned``.
    """

    mmse = True

    def __init__(self, name: str, device: str | torch.device = "cpu", precision: str = "auto"):
        self.name, self.device, self.precision, self.loaded = name, device, precision, dict[int, Learned]()
        grey = self.of(1)
        self.card, self.family, self.licence, self.sigma_range = grey.card, grey.family, grey.licence, grey.sigma_range

    def of(self, channels: int) -> Learned:
        """The prior for images of 1 or 3 channels."""
        if channels not in self.loaded:
            weights = SHIPPED / f"{self.name}-{'colour' if channels == 3 else 'grey'}.safetensors"
            self.loaded[channels] = read(weights, self.device, self.precision)
        return self.loaded[channels]

    @property
    def error(self) -> ErrorCurve:
        return self.of(1).error

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], as far as the network for these channels has learned it; raises as ``Learned.denoise``."""
        return self.of(x.shape[1]).denoise(x, sigma)

    @checks_question
    def belief(self, x: Tensor, sigma: float) -> Belief:
        return self.of(x.shape[1]).belief(x, sigma)

    def error_spectrum(self, sigma: float, shape: Sequence[int]) -> Tensor:
        return self.of(shape[-3]).error_spectrum(sigma, shape)


def cnn(weights: str | Path | None = None, device: str | torch.device = "cpu", precision: str = "auto") -> Learned | Shipped:
    """The small CNN denoiser, trained for sigma up to 0.4; own ``weights`` (.safetensors with its card beside it) if given."""
    return read(Path(weights), device, precision) if weights else Shipped("cnn", device, precision)


def diffusion(weights: str | Path | None = None, device: str | torch.device = "cpu", precision: str = "auto") -> Learned | Shipped:
    """The same network trained up to pure noise: its denoiser is a score at every level (Tweedie)."""
    return read(Path(weights), device, precision) if weights else Shipped("diffusion", device, precision)


def read(weights: Path, device: str | torch.device = "cpu", precision: str = "auto") -> Learned:
    """A learned prior from its .safetensors file and the card beside it.

    Raises:
        FileNotFoundError, ValueError: weights or card missing, damaged or not of one piece.
    """
    card = read_card(weights)
    return Learned(read_network(weights, card), card, device, precision)


def device_of(name: str | torch.device) -> torch.device:
    """The device of a name such as "cpu", "cuda", "cuda:0" or "mps".

    Raises:
        ValueError: no such name, or a device that this machine lacks.
    """
    try:
        device = torch.device(name) if isinstance(name, str | torch.device) else None
    except RuntimeError:
        device = None
    if device is None or device.type not in DEVICES:
        raise ValueError(f"{name!r} is no device here; give cpu, cuda, cuda:0 or mps")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):  # which of them torch raises depends on what is absent
        raise ValueError(f"device {str(name)!r} is not there; give a device of this machine, such as cpu") from None
    return device


def read_card(weights: Path) -> dict[str, Any]:
    """The model card beside the weights, checked, and the weights checked against its sha256."""
    file = weights.with_suffix(".json")
    for needed in (weights, file):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} does not exist; weights are a .safetensors file with its model card (.json) beside it")
    remedy = "train again or copy the card that came with the weights"
    try:
        card = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is not a model card; {remedy}") from None
    wrong = amiss(card)
    if wrong:
        raise ValueError(f"{file} is not a model card: {wrong}; {remedy}")
    if hashlib.sha256(weights.read_bytes()).hexdigest() != card["sha256"]:
        raise ValueError(f"{weights} does not match the sha256 in {file.name}; copy both files again")
    return card


def amiss(card: Any) -> str:
    """What is wrong with a model card, in a few words; empty if nothing is."""
    if not isinstance(card, dict):
        return "it holds no named entries"
    missing = [key for key in ("name", "family", "licence", "sigma_range", "network", "error", "sha256") if key not in card]
    if missing:
        return f"it lacks {missing[0]!r}"
    for key in ("name", "family", "licence", "sha256"):
        if not isinstance(card[key], str):
            return f"{key!r} is no text"
    if card["family"] not in FAMILIES:
        return f"'family' is none of {', '.join(FAMILIES)}"
    levels = card["sigma_range"]
    if not (isinstance(levels, list) and len(levels) == 2 and all(map(is_positive, levels)) and levels[0] < levels[1]):
        return "'sigma_range' is not two rising noise levels"
    return amiss_network(card["network"]) or amiss_error(card["error"])


def amiss_network(network: Any) -> str:
    if not isinstance(network, dict) or set(network) - set(OPTIONAL) != {"channels", "widths", "blocks", "mean", "std"}:
        return f"'network' does not hold channels, widths, blocks, mean and std, and no more than {', '.join(OPTIONAL)} beside them"
    if not all(is_count(network[key]) for key in OPTIONAL if key in network):
        return f"'network' has no whole number from 1 to {WIDEST} for {' or '.join(OPTIONAL)}"
    channels, widths, blocks = (network[key] for key in ("channels", "widths", "blocks"))
    if not is_count(channels) or channels not in (1, 3):
        return "'network' has not 1 or 3 channels"
    if not (isinstance(widths, list) and 0 < len(widths) <= DEEPEST and all(map(is_count, widths))):
        return f"'network' has not whole numbers from 1 to {WIDEST} for widths"
    blocks = blocks if isinstance(blocks, list) else [blocks] * len(widths)
    if len(blocks) != len(widths) or not all(map(is_count, blocks)):
        return "'network' has not a whole number of blocks for each of its widths"
    if not is_positive(network["std"]) or not is_finite(network["mean"]):
        return "'network' has no number for mean, or no positive one for std"
    return ""


def amiss_error(error: Any) -> str:
    try:
        curve = ErrorCurve.from_dict(error)
        measured = [np.asarray(spectrum, float) for spectrum in (curve.spectrum, curve.correlation or curve.spectrum)]
        whole = all(each.ndim == 3 and each.shape[1] in (1, 3) and each.shape[::2] == (len(curve.sigma), len(BANDS)) for each in measured)
        measured += [np.asarray(curve.sigma, float), np.asarray(curve.rmse, float)]
        if whole and all(np.isfinite(values).all() and values.min() > 0 for values in measured):
            return ""
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    return "'error' is no measured error curve"


def is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def is_positive(value: Any) -> bool:
    return is_finite(value) and bool(value > 0)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= WIDEST


def read_network(weights: Path, card: dict[str, Any]) -> Denoiser:
    """The network that a checked card describes, with its weights; nothing is allocated before the shapes are found to fit."""
    with torch.device("meta"):
        network = build(**card["network"])
    state = read_state(weights, network.state_dict())
    network = network.to_empty(device="cpu")
    network.load_state_dict(state)
    return network


def read_state(weights: Path, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors in float32, of the names and shapes of ``like``, which may hold no memory.

    Raises:
        ValueError: the file is damaged, or holds others.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = {name: tensor.float() for name, tensor in load_file(weights).items()}
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise ValueError(f"{weights} is damaged ({error}); copy it again") from None
    if {name: tensor.shape for name, tensor in like.items()} != {name: tensor.shape for name, tensor in state.items()}:
        raise ValueError(f"{weights} does not hold the network that its card describes; copy both files again")
    return state


def write(network: torch.nn.Module, card: dict[str, Any], weights: Path) -> dict[str, Any]:
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
