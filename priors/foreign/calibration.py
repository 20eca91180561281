"""The own error of a foreign prior, measured on photographs and stored beside its network, from where the prior reads it."""

from __future__ import annotations

import datetime
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from priors.error import COUNT, CROP, SIGMAS, ErrorCurve, measure
from priors.foreign.adapted import Adapted
from priors.foreign.files import error_file
from priors.photographs import centre_crops, listing
from priors.slot import checked


def levels_of(prior: Adapted) -> list[float]:
    """Levels to measure at: as many as for the priors that ship, over the part of their range that this one was trained for."""
    low, high = getattr(prior, "sigma_range", (0.0, math.inf))
    low, high = max(low, SIGMAS[0]), min(high, SIGMAS[-1])
    return [float(high)] if low >= high else np.geomspace(low, high, len(SIGMAS)).tolist()


def crops(prior: Adapted, folder: Path, size: int = CROP, count: int = COUNT) -> torch.Tensor:
    """Centres of up to ``count`` pictures below a folder, evenly picked: [N, C, size, size], grey unless the network takes colour.

    Raises:
        FileNotFoundError, ValueError: no pictures, or none that is large enough.
    """
    return centre_crops(listing([folder]), prior.takes.channels or 1, min(size, prior.takes.side or size), count)


def calibrate(prior: Adapted, images: torch.Tensor, rng: int = 0) -> ErrorCurve:
    """The error of a prior on images [N, C, H, W] that it was not trained on, at its own levels.

    Raises:
        ValueError: its answers are not finite.
    """
    with torch.no_grad():
        return measure(checked(prior), images, levels_of(prior), rng)


def place_of(prior: Adapted, out: str | Path | None) -> Path:
    """The file for the measured error: ``out``, or the one beside the network.

    Raises:
        ValueError: a network without a file, and no ``out``.
    """
    if out is None and prior.source.place is None:
        raise ValueError(f"prior {prior.name!r} has no file to lie beside; give --out FILE, and error=FILE where the prior is made")
    return Path(out) if out is not None else error_file(Path(str(prior.source.place)))


def store(prior: Adapted, curve: ErrorCurve, file: Path, images: str, rng: int = 0) -> None:
    """Write a measured error with what it was measured for and on; whole or not at all."""
    card: dict[str, Any] = {"prior": prior.name, "network": prior.source.identity(prior.network.card), **curve.to_dict()}
    card |= {"images": images, "seed": rng, "date": datetime.date.today().isoformat()}
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(json.dumps(card) + "\n", "utf-8")
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
