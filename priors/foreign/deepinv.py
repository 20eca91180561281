"""Denoisers of deepinv in the slot: model(x, sigma) on images in [0, 1], the convention of the slot itself.

``deepinv[model=DRUNet,weights=drunet.pth,channels=1]``, or in Python ``priors.adapt(model)`` with a denoiser that is there.
The other way round a prior of ours is a denoiser of theirs in three lines::

    class Slot(deepinv.models.Denoiser):
        def __init__(self, prior): super().__init__(); self.prior = prior
        def forward(self, x, sigma, **options): return self.prior.denoise(x, sigma)
"""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

from torch import Tensor

from priors.foreign import conventions
from priors.foreign.adapted import Adapted, Network, offered, ready, tensor
from priors.foreign.conventions import Takes
from priors.foreign.files import Source

BLIND = ("DnCNN", "UNet", "SCUNet", "SwinIR", "Restormer", "AutoEncoder", "MedianFilter")  # they take a sigma and leave it unused


def denoiser(
    model: Any,
    weights: str | Path | None = None,
    levels: Any = None,
    channels: int | None = None,
    multiple: int = 1,
    mmse: bool = True,
    device: str | None = None,
    error: str | Path | None = None,
) -> Adapted:
    """A denoiser of deepinv as a prior.

    Args:
        model: the denoiser, or the name of its class in ``deepinv.models``.
        weights: the file of its weights, where the class has some; nothing is downloaded.
        levels: as ``priors.foreign.modules.module``; needed for those that leave sigma unused, such as DnCNN.
        channels, multiple, mmse, device, error: as there; channels are those that a class is made for, 3 by default.

    Raises:
        ImportError: deepinv is not installed, and a class is asked for by name.
        FileNotFoundError: no such weights.
        ValueError: no such class, weights that do not fit it, or a blind one without levels.
    """
    source, net = (named(model, weights, channels or 3, device) if isinstance(model, str) else (Source.of(model), model))
    net, trained, name = ready(net), conventions.levels(levels), type(net).__name__
    if name in BLIND and trained is None:
        raise ValueError(f"deepinv's {name} leaves sigma unused; name what it was trained for, such as levels=2/255")

    def ask(x: Tensor, sigma: float) -> Tensor:
        return tensor(source.name, net(x, sigma))

    card = {"kind": "deepinv", "model": name, "levels": "unknown" if trained is None else f"{trained[0]:g}:{trained[1]:g}"}
    takes = Takes(channels=channels, multiple=multiple)
    return offered(source, Network(ask, net, takes, trained, "learned", conventions.flag("mmse", mmse), card), error)


def named(name: str, weights: str | Path | None, channels: int, device: str | None) -> tuple[Source, Any]:
    """A denoiser made from its class in ``deepinv.models``, with the weights of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import deepinv
        except ImportError:
            raise ImportError("prior 'deepinv' needs the package deepinv: pip install deepinv") from None
    made = getattr(deepinv.models, name, None)
    if not (isinstance(made, type) and issubclass(made, deepinv.models.Denoiser)):
        raise ValueError(f"deepinv.models has no denoiser {name!r}; give the name of a class such as DRUNet")
    accepted = inspect.signature(made).parameters
    if "pretrained" in accepted and weights is None:
        raise ValueError(f"deepinv's {name} needs its weights; download them once and give weights=FILE")
    source = Source.of(weights) if weights is not None else Source(name)
    given = {"in_channels": channels, "out_channels": channels, "pretrained": weights and str(weights), "device": device or "cpu"}
    try:
        return source, made(**{option: value for option, value in given.items() if option in accepted})
    except Exception as error:  # whatever their loading raises
        line = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ValueError(f"deepinv's {name} of {channels} channels cannot be made with {weights} ({line}); give its own weights") from None
