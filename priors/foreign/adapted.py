"""A network of another library as a prior: what all kinds have in common."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors.error import ErrorCurve, KnowsItsError
from priors.foreign.conventions import Pair, Takes
from priors.foreign.files import Source, Stored
from priors.slot import checks_question

# x [B, C, H, W] and the standard deviation of its noise, both in the network's own pixel values, to E[clean | x] in the same.
Ask = Callable[[Tensor, float], Tensor]
PROBE = 32  # pixels on a side of the image that a network is tried on


@dataclass(frozen=True)
class Network:
    """A network made ready to be asked, and what is known of it.

    ``net`` is the network itself, whose first weights tell device and dtype; ``levels`` are those that it was trained for, in
    [0, 1] units, None where that is unknown; ``card`` holds its conventions in plain values.
    """

    ask: Ask
    net: Any
    takes: Takes
    levels: Pair | None
    family: str
    mmse: bool
    card: dict[str, Any]


class Adapted:
    """A foreign network in the slot.

    ``denoise`` turns [0, 1] to the network's range of pixels, pads to a size that it takes, runs a network for one channel on
    each channel of a colour image, and returns in the dtype and on the device of the input. On the CPU images pass one at a
    time, so that no image's result depends on its neighbours. Below the trained levels the score of the lowest is used
    (Tweedie: denoiser - x = sigma^2 score). ``sigma_range`` is there where the levels are known, ``rmse`` and the error by
    frequency where they were measured (``Calibrated``). ``files`` are those that decide the answers.
    """

    def __init__(self, source: Source, network: Network):
        self.name, self.files, self.source, self.network = source.name, source.files, source, network
        self.family, self.mmse, self.takes, self.ask = network.family, network.mmse, network.takes, network.ask
        self.card = network.card | ({"sha256": source.sha256} if source.files else {})
        self.device, self.dtype = home(network.net)
        if network.levels is not None:
            self.sigma_range = network.levels

    @checks_question
    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[clean | x], as far as the network has learned it.

        Raises:
            ValueError: sigma above the trained levels, or channels or a size that the network does not take.
        """
        low, high = getattr(self, "sigma_range", (0.0, math.inf))
        if sigma == 0:
            return x.clone()
        if sigma < low * (1 - 1e-6):
            return x + (sigma / low) ** 2 * (self.denoise(x, low) - x)
        if sigma > high * (1 + 1e-6):
            raise ValueError(f"prior {self.name!r} was trained for sigma up to {high:g}, the nearest level, not {sigma:g}; give lower ones")
        images = self.taken(x).split(1 if self.is_on_cpu(x) else max(1, 2**20 // (x.shape[-2] * x.shape[-1])))
        with torch.set_grad_enabled(x.requires_grad and torch.is_grad_enabled()):
            answers = [self.answered(image, min(max(sigma, low), high)) for image in images]
        return torch.cat(answers).view(x.shape).to(x)

    def taken(self, x: Tensor) -> Tensor:
        """x as the network takes it, each channel an image of its own where it was trained on one."""
        channels, side = self.takes.channels or x.shape[1], self.takes.side
        if x.shape[1] % channels:
            raise ValueError(f"prior {self.name!r} takes {channels} channels, the image has {x.shape[1]}; use colour images, --channels 3")
        if side is not None and max(x.shape[-2:]) > side:
            raise ValueError(f"prior {self.name!r} takes at most {side} x {side} pixels, not {list(x.shape[-2:])}; give smaller images")
        return x.reshape(-1, channels, *x.shape[-2:]).to(self.device, self.dtype)

    def is_on_cpu(self, x: Tensor) -> bool:
        return (self.device or x.device).type == "cpu"

    def answered(self, x: Tensor, sigma: float) -> Tensor:
        """One call of the network, from [0, 1] to its own pixels and sizes and back."""
        padded, black, width = self.takes.padded(x), self.takes.black, self.takes.width
        found = self.ask(black + width * padded, width * sigma)
        if found.shape != padded.shape:
            raise ValueError(f"prior {self.name!r} answers with shape {list(found.shape)} where it was asked about {list(padded.shape)}")
        return ((found - black) / width)[..., : x.shape[-2], : x.shape[-1]]


class Calibrated(Adapted, KnowsItsError):
    """One whose own error was measured (``priorbench calibrate``), so that the default sampler draws with the right width."""

    def __init__(self, source: Source, network: Network, stored: Stored):
        super().__init__(source, network)
        self.curve, self.files = stored.curve, (*source.files, stored.file)

    @property
    def error(self) -> ErrorCurve:
        return self.curve


def home(net: Any) -> tuple[torch.device | None, torch.dtype | None]:
    """Device and dtype of a network: those of its first weights; None, those of the image, where it has none."""
    for tensors in ("parameters", "buffers"):
        found = getattr(net, tensors, tuple)
        for tensor in found() if callable(found) else ():
            if tensor.is_floating_point():
                return tensor.device, tensor.dtype
    return None, None


def ready(net: Any) -> Any:
    """A network set to answer, not to train: without dropout, and with the statistics that its normalisations have learned."""
    if isinstance(net, torch.nn.Module) and net.training:
        with contextlib.suppress(NotImplementedError):  # one of torch.export is fixed as it was when exported
            net.eval()
    return net


def tried(prior: Adapted) -> Adapted:
    """The prior, once its network has answered about a small flat image; its channels, where not known, are those it takes.

    Raises:
        ValueError: the network fails on every such image; the sentence says how.
    """
    channels, failures = prior.takes.channels, dict[int, Exception]()
    low, high = getattr(prior, "sigma_range", (0.1, 0.1))
    sigma = min(max(0.1, low), high)
    for count in (1, 3) if channels is None else (channels,):
        try:
            answers_to(prior, replace(prior.takes, channels=count), sigma)
        except Exception as error:  # whatever a foreign network may raise
            failures[count] = error
    if len(failures) == (2 if channels is None else 1):
        raise ValueError(failure(prior.name, failures)) from None
    if failures:
        prior.takes = replace(prior.takes, channels=next(count for count in (1, 3) if count not in failures))
    return prior


def answers_to(prior: Adapted, takes: Takes, sigma: float) -> None:
    side = takes.side or max(1, PROBE // takes.multiple) * takes.multiple
    flat = torch.full((1, takes.channels or 1, side, side), 0.5).to(prior.device, prior.dtype)
    with torch.no_grad():
        prior.answered(flat, sigma)


def failure(name: str, failures: dict[int, Exception]) -> str:
    """Why a network does not answer: that it needs a GPU if any failure says so, else the failure that is not about channels."""
    told = [first_line(error) for error in failures.values()]
    for line in told:
        if re.search("CUDA|cuda|NVIDIA", line):
            return f"{name} needs a GPU ({line}); save it on the CPU, or give device=cuda where there is one"
    line = next((line for line in told if "channel" not in line), told[0])
    channels = " or ".join(map(str, failures))
    return f"{name} fails on an image of {channels} channels ({line}); give the call, channels or side that it was made for"


def first_line(error: Exception) -> str:
    """The line of a failure that says what went wrong: TorchScript tells it after its own traceback, as "SomeError: .."."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    named = [line.partition(": ")[2] for line in lines if re.match(r"\w*Error: ", line)]
    return (named or lines)[0].partition(". ")[0][:200].removesuffix(".")


def offered(source: Source, network: Network, error: str | Path | None) -> Adapted:
    """The prior as every kind hands it out: tried, and with its error where that was measured.

    ``error`` is the file of the measured error, by default the one beside the network if it is there; "none" reads none.
    """
    stored = source.error(error, network.card)
    return tried(Adapted(source, network) if stored is None else Calibrated(source, network, stored))


def tensor(name: str, found: Any) -> Tensor:
    """What a network answered: a tensor, or the ``sample`` of an answer in parts, or the first of several.

    Raises:
        TypeError: something else.
    """
    found = getattr(found, "sample", found)
    found = found[0] if isinstance(found, Sequence) and found else found
    if not isinstance(found, Tensor):
        raise TypeError(f"{name} answers with {type(found).__name__}, not with a torch tensor")
    return found
