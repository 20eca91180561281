"""LPIPS, the distance of deep features (Zhang et al. 2018), with weights that the user brings: none come with the package.

The file holds the five convolutions of AlexNet and the five rows of weights learned from human judgement, version 0.1, as a
state dict saved by torch (.pth, .pt) or as .safetensors. Two ways of naming them are understood: that of the package lpips,
``torch.save(lpips.LPIPS(net="alex").state_dict(), "lpips.pth")``, and the dicts of its two sources laid together, torchvision's
``alexnet`` and the ``alex.pth`` of that package.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

# Place in AlexNet -> shape of the convolution's weight, stride, padding; a pooling of 3 x 3 by 2 comes before the second and the third.
LAYERS = {
    0: ((64, 3, 11, 11), 4, 2),
    3: ((192, 64, 5, 5), 1, 2),
    6: ((384, 192, 3, 3), 1, 1),
    8: ((256, 384, 3, 3), 1, 1),
    10: ((256, 256, 3, 3), 1, 1),
}
POOLED = (3, 6)
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of colours in [-1, 1], to those that AlexNet was trained on
SMALLEST = 31  # pixels on a side, of which the two poolings leave one


@dataclass(frozen=True)
class Lpips:
    """The features and what each is worth: (weight, bias) of every convolution, and weights [1, features, 1, 1]."""

    convolutions: tuple[tuple[Tensor, Tensor], ...]
    worth: tuple[Tensor, ...]

    def __call__(self, pictures: np.ndarray, truth: np.ndarray) -> float:
        """Distance from ``truth`` [H, W, C], mean over ``pictures`` [n, H, W, C], clipped to [0, 1]; grey counts as colour."""
        with torch.inference_mode():
            found, real = self.features(pictures), self.features(truth[None])
            layers = zip(found, real, self.worth, strict=True)
            return float(sum((worth * (a - b).square()).sum(1).mean() for a, b, worth in layers))

    def features(self, pictures: np.ndarray) -> list[Tensor]:
        """After every convolution, of length 1 at every place."""
        x = torch.from_numpy(np.clip(pictures, 0, 1)).float().movedim(-1, 1).expand(-1, 3, -1, -1)
        x = (2 * x - 1 - torch.tensor(SHIFT)[:, None, None]) / torch.tensor(SCALE)[:, None, None]
        found = []
        for (place, (_, stride, padding)), (weight, bias) in zip(LAYERS.items(), self.convolutions, strict=True):
            x = functional.max_pool2d(x, 3, 2) if place in POOLED else x
            x = functional.conv2d(x, weight, bias, stride, padding).relu()
            found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return found


@functools.lru_cache(maxsize=2)
def load(file: str) -> Lpips:
    """The weights in ``file``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it cannot be read, or does not hold what LPIPS with AlexNet needs.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"no LPIPS weights {file}; check the path given to --lpips")
    entries, convolutions, worth = read(file), [], []
    for k, (place, (shape, _, _)) in enumerate(LAYERS.items()):
        names = f"features.{place}", f"net.slice{k + 1}.{place}"
        weight, bias = (entry(entries, [f"{name}.{part}" for name in names], file) for part in ("weight", "bias"))
        worth.append(entry(entries, [f"lin{k}.model.1.weight"], file))
        if (weight.shape, bias.shape, worth[k].shape) != (shape, shape[:1], (1, shape[0], 1, 1)):
            raise ValueError(f"{file}: the weights of layer {names[0]} have other shapes than AlexNet's; LPIPS here is that of AlexNet")
        convolutions.append((weight, bias))
    return Lpips(tuple(convolutions), tuple(worth))


def read(file: str) -> Mapping[str, Tensor]:
    from safetensors.torch import load_file

    try:
        entries = load_file(file) if file.endswith(".safetensors") else torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in its reader's own way
        raise ValueError(f"{file} cannot be read as LPIPS weights ({type(error).__name__}); give a state dict saved by torch") from None
    if not isinstance(entries, Mapping):
        raise ValueError(f"{file} holds {type(entries).__name__}, not a state dict with the weights of LPIPS")
    return entries


def entry(entries: Mapping[str, Tensor], names: Sequence[str], file: str) -> Tensor:
    """The tensor that goes by one of these names, in float."""
    found = next((entries[name] for name in names if name in entries), None)
    if not isinstance(found, Tensor):
        raise ValueError(f"{file} has no entry {' or '.join(names)}; LPIPS needs AlexNet's five convolutions and the rows lin0 to lin4")
    if not found.isfinite().all():
        raise ValueError(f"{file} holds values that are not finite; LPIPS needs the weights as they were published")
    return found.float()
