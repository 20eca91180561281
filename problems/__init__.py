"""What was measured: images, operators, noise. Names are imported when they are first used, so that this import stays light."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from problems.catalogue import CATALOGUE, IMAGES, TEST, TUNE, instrument, load

if TYPE_CHECKING:
    from problems import images, kernels, masks, noise, operators, resolution
    from problems.colours import Colorization, Demosaicing, colorize, demosaic
    from problems.factories import deblur, denoise, inpaint, super_resolution
    from problems.foreign import from_operator
    from problems.frequencies import Fourier, fourier
    from problems.images import as_tensor, load_image, to_array
    from problems.operator import Operator
    from problems.operators import Blur, Identity, Inpainting, SuperResolution
    from problems.own import measured
    from problems.problem import Problem
    from problems.radon import Tomography, tomography
    from problems.sensing import Compressed, compressed

__all__ = [
    "CATALOGUE",
    "IMAGES",
    "TEST",
    "TUNE",
    "Blur",
    "Colorization",
    "Compressed",
    "Demosaicing",
    "Fourier",
    "Identity",
    "Inpainting",
    "Operator",
    "Problem",
    "SuperResolution",
    "Tomography",
    "as_tensor",
    "colorize",
    "compressed",
    "deblur",
    "demosaic",
    "denoise",
    "fourier",
    "from_operator",
    "images",
    "inpaint",
    "instrument",
    "kernels",
    "load",
    "load_image",
    "masks",
    "measured",
    "noise",
    "operators",
    "resolution",
    "super_resolution",
    "to_array",
    "tomography",
]

HOMES = {
    "colours": ("Colorization", "Demosaicing", "colorize", "demosaic"),
    "factories": ("deblur", "denoise", "inpaint", "super_resolution"),
    "foreign": ("from_operator",),
    "frequencies": ("Fourier", "fourier"),
    "images": ("as_tensor", "load_image", "to_array"),
    "operator": ("Operator",),
    "operators": ("Blur", "Identity", "Inpainting", "SuperResolution"),
    "own": ("measured",),
    "problem": ("Problem",),
    "radon": ("Tomography", "tomography"),
    "sensing": ("Compressed", "compressed"),
}


def __getattr__(name: str) -> Any:
    if name in ("images", "kernels", "masks", "noise", "operators", "resolution"):
        return importlib.import_module(f"problems.{name}")
    for home, names in HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"problems.{home}"), name)
    raise AttributeError(f"module 'problems' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
