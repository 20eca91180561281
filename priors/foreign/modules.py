"""Torch modules in the slot: denoisers that are told the noise level, or not, in the ways in which they are published.

``torch[file=net.pt,call=residual,levels=25/255]``, or in Python ``priors.adapt(net, call="residual", levels=25 / 255)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors.foreign import conventions
from priors.foreign.adapted import Adapted, Ask, Network, offered, ready, tensor
from priors.foreign.conventions import Takes
from priors.foreign.files import SUFFIXES, Source, read_module

CALLS = ("sigma", "map", "blind", "residual")
ANSWERS = ("clean", "noise", "epsilon")
TOLD = ("batch", "image", "number")


def module(
    file: Any,
    call: str = "sigma",
    answer: str | None = None,
    range: Any = "0:1",
    levels: Any = None,
    told: str = "batch",
    unit: float | None = None,
    channels: int | None = None,
    multiple: int = 1,
    side: int | None = None,
    mmse: bool = True,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A torch module as a prior.

    Args:
        file: a TorchScript file or one of torch.export, a folder of noise-blind ones for several levels, named by them in /255
            (net_15.pt, net_25.pt), the module itself, or {level: module}.
        call: "sigma", net(x, sigma); "map", net of x and a channel filled with sigma (DRUNet; FFDNet makes its own from sigma);
            "blind", net(x); "residual", net(x) that answers the noise (DnCNN).
        answer: "clean", "noise", or "epsilon", the noise in units of sigma; by default what ``call`` says.
        range: the network's black and white, "0:1", "-1:1" or "0:255".
        levels: the level or levels, lowest:highest, that it was trained for, standard deviations in [0, 1] units. Needed for
            blind ones. One level: below it its score is used; several files: the nearest level answers by its score.
        told: how net(x, sigma) takes sigma: "batch", a tensor [B]; "image", [B, 1, 1, 1]; "number", a float.
        unit: what it is told for sigma = 1 in [0, 1] units; by default the width of ``range``.
        channels: 1 or 3, by default whichever it takes; multiple: of which its sides must be; side: the only side it takes.
        mmse: whether it was trained for the least mean square error; else its samples are a heuristic.
        device: of a file, by default the CPU; a module stays where it is.
        error: the file of its measured error, by default the one beside ``file``; "none" for none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an option that is none, a file that holds no network, or a network that fails on a small image.
    """
    conventions.chosen("call", call, CALLS)
    conventions.chosen("told", told, TOLD)
    answer = conventions.chosen("answer", answer or ("noise" if call == "residual" else "clean"), ANSWERS)
    takes = Takes(*conventions.pixels(range), channels, multiple, side)
    unit = takes.width if unit is None else conventions.positive("unit", unit)
    blind = call in ("blind", "residual")
    source, nets = Source.of(named(file)), networks(file, device)
    trained = conventions.levels(levels)
    if len(nets) > 1 or None not in nets:
        if not blind:
            raise ValueError(f"{source.name} holds networks for several levels, which are noise-blind; give call=blind or call=residual")
        trained = (min(nets), max(nets))
    elif blind and trained is None:
        raise ValueError(f"{source.name} is not told the noise; name what it was trained for, such as levels=25/255 or levels=0:55/255")
    asks = {level: converted(net, source.name, call, answer, told, unit / takes.width) for level, net in nets.items()}
    ask = asks[None] if None in asks else Bank(asks, takes.width)
    card: dict[str, Any] = {"kind": "torch", "call": call, "answer": answer, "range": f"{takes.black:g}:{takes.white:g}", "told": told}
    card |= {"unit": unit, "levels": "unknown" if trained is None else f"{trained[0]:g}:{trained[1]:g}"}
    network = Network(ask, next(iter(nets.values())), takes, trained, "learned", conventions.flag("mmse", mmse), card)
    return offered(source, network, error)


def named(file: Any) -> Any:
    """What the source is named by: of several modules the first."""
    return next(iter(file.values()), None) if isinstance(file, Mapping) else file


def networks(file: Any, device: str | None) -> dict[Any, Any]:
    """The network, by None; or several by their levels.

    Raises:
        TypeError: something that cannot be called.
        ValueError: weights instead of a network, or a folder without networks.
    """
    if isinstance(file, str | Path):
        place = Path(file)
        files = bank_of(place) if place.is_dir() else {None: place}
        return {level: ready(read_module(path, device)) for level, path in files.items()}
    found = dict(file) if isinstance(file, Mapping) else {None: file}
    if not found or any(isinstance(net, Tensor) for net in found.values()):
        raise ValueError("a state_dict holds weights without their network; net.load_state_dict(it) and give net")
    for level, net in found.items():
        if not callable(net) or isinstance(net, type):
            raise TypeError(f"{net!r} is no network; give one that can be called, net(x) or net(x, sigma)")
        if level is not None and not (isinstance(level, int | float) and 0 < level < math.inf):
            raise ValueError(f"a network for the level {level!r}; name each by its noise in [0, 1] units, such as {{25 / 255: net}}")
    return {level: ready(net) for level, net in sorted(found.items()) if level is not None} or {None: ready(file)}


def bank_of(folder: Path) -> dict[Any, Path]:
    """The files of a folder by the level that their names end in, /255."""
    found = {}
    for file in sorted(folder.iterdir()):
        number = re.search(r"(\d+(?:\.\d+)?)$", file.stem)
        if file.suffix in SUFFIXES and number and float(number[1]) > 0:
            found[float(number[1]) / 255] = file
    if not found:
        raise ValueError(f"{folder} holds no networks named by their level in /255, such as net_25.pt; give the file of one network")
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Bank:
    """Noise-blind networks by the level that each was trained for: the nearest answers by its score (Tweedie)."""

    asks: Mapping[float, Ask]
    width: float

    def nearest(self, sigma: float) -> float:
        """The trained level of least ratio to sigma, both in [0, 1] units."""
        return min(self.asks, key=lambda level: abs(math.log(sigma / level)))

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        level = self.nearest(sigma / self.width)
        return x + (sigma / (level * self.width)) ** 2 * (self.asks[level](x, level * self.width) - x)


def converted(net: Callable[..., Any], name: str, call: str, answer: str, told: str, scale: float) -> Ask:
    """The network as a function of x and sigma that answers the clean image, all in its own range of pixels."""

    def ask(x: Tensor, sigma: float) -> Tensor:
        found = tensor(name, question(net, x, sigma * scale, call, told))
        if answer == "clean":
            return found
        return x - (sigma * found if answer == "epsilon" else found)

    return ask


def question(net: Callable[..., Any], x: Tensor, level: float, call: str, told: str) -> Any:
    if call == "map":
        return net(torch.cat([x, torch.full_like(x[:, :1], level)], dim=1))
    if call != "sigma":
        return net(x)
    if told == "number":
        return net(x, level)
    return net(x, x.new_full((len(x),) if told == "batch" else (len(x), 1, 1, 1), level))


