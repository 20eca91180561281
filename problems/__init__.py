"""What was measured: images, operators, noise. Names are imported when they are first used, so that this import stays light."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from problems.catalogue import CATALOGUE, IMAGES, TEST, TUNE, load

if TYPE_CHECKING:
    from problems import images, kernels, masks, operators, resolution
    from problems.factories import deblur, denoise, inpaint, super_resolution
    from problems.images import as_tensor, load_image, to_array
    from problems.operator import Operator
    from problems.operators import Blur, Identity, Inpainting, SuperResolution
    from problems.own import measured
    from problems.problem import Problem

__all__ = [
    "CATALOGUE",
    "IMAGES",
    "TEST",
    "TUNE",
    "Blur",
    "Identity",
    "Inpainting",
    "Operator",
    "Problem",
    "SuperResolution",
    "as_tensor",
    "deblur",
    "denoise",
    "images",
    "inpaint",
    "kernels",
    "load",
    "load_image",
    "masks",
    "measured",
    "operators",
    "resolution",
    "super_resolution",
    "to_array",
]

HOMES = {
    "factories": ("deblur", "denoise", "inpaint", "super_resolution"),
    "images": ("as_tensor", "load_image", "to_array"),
    "operator": ("Operator",),
    "operators": ("Blur", "Identity", "Inpainting", "SuperResolution"),
    "own": ("measured",),
    "problem": ("Problem",),
}


def __getattr__(name: str) -> Any:
    if name in ("images", "kernels", "masks", "operators", "resolution"):
        return importlib.import_module(f"problems.{name}")
    for home, names in HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"problems.{home}"), name)
    raise AttributeError(f"module 'problems' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
