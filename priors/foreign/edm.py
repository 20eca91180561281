"""Denoisers of variance-exploding diffusion, net(x, sigma) on images in [-1, 1]: EDM, k-diffusion and smalldiffusion.

``edm[file=net.pt]``, ``k-diffusion[file=net.pt]``, ``smalldiffusion[file=net.pt]`` for TorchScript or torch.export files, or in
Python ``priors.adapt(net, "edm")``. EDM's own pickles run code when they are read: load them with its authors' code, and adapt.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors.foreign import conventions
from priors.foreign.adapted import Adapted, Ask, Network, offered, ready, tensor
from priors.foreign.conventions import Pair, Takes
from priors.foreign.files import Source, read_module

FORMS = ("preconditioned", "raw")
SYMMETRIC = (-1.0, 1.0)
TRAINED = (0.002, 80.0)  # in [-1, 1]: the levels that EDM samples (Karras et al. 2022, table 1), where a network tells none


def edm(
    file: Any,
    form: str = "preconditioned",
    sigma_data: float = 0.5,
    label: int | None = None,
    classes: int | None = None,
    levels: Any = None,
    channels: int | None = None,
    multiple: int = 1,
    side: int | None = None,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A network of Karras et al. 2022, net(x, sigma, class_labels) on images in [-1, 1].

    Args:
        file: a TorchScript or torch.export file, or the network.
        form: "preconditioned", net answers D(x; sigma); "raw", it answers F(c_in x; c_noise) of their equation 7.
        sigma_data: standard deviation of the training images in [-1, 1], for the raw form.
        label: class to be denoised as, given one-hot among ``classes`` (by default the network's ``label_dim``); None for no class.
        levels, channels, multiple, side, device, error: as ``priors.foreign.modules.module``; levels by default the network's
            ``sigma_min`` and ``sigma_max``, else those that EDM samples.

    Raises:
        FileNotFoundError, ValueError: as ``priors.foreign.modules.module``; a label outside the classes.
    """
    conventions.chosen("form", form, FORMS)
    sigma_data = conventions.positive("sigma_data", sigma_data)
    source, net = found(file, device)
    known = conventions.whole("classes", int(getattr(net, "label_dim", 0) or 0) if classes is None else classes)
    if label is not None and not conventions.whole("label", label) < known:
        raise ValueError(f"{source.name} knows {known} classes, not one numbered {label}; give a label below that, or classes")

    def ask(x: Tensor, sigma: float) -> Tensor:
        labels = () if label is None else (one_hot(label, known, x),)
        if form == "raw":
            return preconditioned(lambda x, c_noise: tensor(source.name, net(x, c_noise, *(labels or (None,)))), x, sigma, sigma_data)
        return tensor(source.name, net(x, x.new_full((len(x),), sigma), *labels))

    card = {"kind": "edm", "form": form, "sigma_data": sigma_data, "label": "none" if label is None else label}
    channels = channels or of_pixels(getattr(net, "img_channels", None))
    return exploding(source, net, ask, card, trained(levels, net), Takes(*SYMMETRIC, channels, multiple, side), error)


def k_diffusion(
    file: Any,
    levels: Any = None,
    channels: int | None = None,
    multiple: int = 1,
    side: int | None = None,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A wrapped network of k-diffusion, denoiser(x, sigma) with sigma [B], on images in [-1, 1].

    The wrappers of ``k_diffusion.external`` and ``layers`` all answer the clean image; those of discrete levels tell them.
    Options and errors as ``edm``.
    """
    source, net = found(file, device)

    def ask(x: Tensor, sigma: float) -> Tensor:
        return tensor(source.name, net(x, x.new_full((len(x),), sigma)))

    return exploding(source, net, ask, {"kind": "k-diffusion"}, trained(levels, net), Takes(*SYMMETRIC, channels, multiple, side), error)


def smalldiffusion(
    file: Any,
    range: Any = "-1:1",
    levels: Any = None,
    channels: int | None = None,
    multiple: int = 1,
    side: int | None = None,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A model of smalldiffusion, on images in ``range``: it predicts the noise in units of sigma, which is told as a tensor [].

    ``predict_eps`` is asked where there is one: the decorators PredX0 and PredV convert in it. A file answers the noise itself.
    Options and errors as ``edm``; the levels are known only where they are given.
    """
    source, net = found(file, device)
    predict: Callable[..., Any] = getattr(net, "predict_eps", net)

    def ask(x: Tensor, sigma: float) -> Tensor:
        return x - sigma * tensor(source.name, predict(x, x.new_tensor(sigma)))

    takes = Takes(*conventions.pixels(range), channels, multiple, side)
    card = {"kind": "smalldiffusion", "range": f"{takes.black:g}:{takes.white:g}"}
    return exploding(source, net, ask, card, conventions.levels(levels), takes, error)


def found(file: Any, device: str | None) -> tuple[Source, Any]:
    """The network of a file, or the one given.

    Raises:
        ValueError: a pickle, or something that is no network.
    """
    if isinstance(file, str | Path):
        if Path(file).suffix == ".pkl":
            raise ValueError(f"{file} is a pickle, which runs code when it is read; load it with its authors' code, then priors.adapt(net)")
        source = Source.of(file)
        return source, ready(read_module(Path(file), device))
    if not callable(file) or isinstance(file, type):
        raise TypeError(f"{file!r} is no network; give one that can be called, net(x, sigma)")
    return Source.of(file), ready(file)


def trained(levels: Any, net: Any) -> Pair:
    """The levels in [0, 1] units: those given, those that the network tells in [-1, 1], or those that EDM samples."""
    given = conventions.levels(levels)
    if given is not None:
        return given
    low, high = (float(getattr(net, name, usual)) for name, usual in zip(("sigma_min", "sigma_max"), TRAINED, strict=True))
    return (low if low > 0 else TRAINED[0]) / 2, (high if math.isfinite(high) else TRAINED[1]) / 2


def exploding(source: Source, net: Any, ask: Ask, card: dict[str, Any], levels: Pair | None, takes: Takes, error: Any) -> Adapted:
    told = {"levels": "unknown" if levels is None else f"{levels[0]:g}:{levels[1]:g}"}
    return offered(source, Network(ask, net, takes, levels, "generative", True, card | told), error)


def preconditioned(net: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigma: float, sigma_data: float) -> Tensor:
    """D(x; sigma) = c_skip x + c_out F(c_in x; c_noise) (Karras et al. 2022, equation 7 and table 1)."""
    total = math.hypot(sigma, sigma_data)
    c_skip, c_out, c_in, c_noise = (sigma_data / total) ** 2, sigma * sigma_data / total, 1 / total, math.log(sigma) / 4
    return c_skip * x + c_out * net(c_in * x, x.new_full((len(x),), c_noise))


def one_hot(label: int, classes: int, x: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(torch.full((len(x),), label, device=x.device), classes).to(x.dtype)


def of_pixels(channels: Any) -> int | None:
    return channels if channels in (1, 3) else None
