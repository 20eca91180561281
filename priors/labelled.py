"""Pictures with a label: read from one file or from one folder a class, kept as bytes on the training device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from priors.photographs import listing, read

VALIDATION, TEST = 12, 10  # every how many-th picture is held back where the data have no such split of their own


@dataclass(frozen=True)
class Labelled:
    """Pictures of one size, bytes [N, C, H, W], and the class of each, int64 [N]."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: str) -> Labelled:
        return Labelled(self.images.to(device), self.labels.to(device))

    def at(self, index: Any) -> Labelled:
        return Labelled(self.images[index], self.labels[index])

    def spaced(self, limit: int) -> Labelled:
        """Up to ``limit`` of them, evenly picked."""
        return self.at(torch.linspace(0, len(self) - 1, min(limit, len(self)), device=self.labels.device).round().long())

    def pictures(self) -> Tensor:
        """All of them as float [N, C, H, W] in [0, 1]."""
        return self.images.float() / 255

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``count`` random ones with their labels, float [count, C, H, W] in [0, 1] and [count]."""
        chosen = torch.randint(len(self), (count,), device=self.labels.device, generator=generator)
        return self.images[chosen].float() / 255, self.labels[chosen]


@dataclass(frozen=True)
class LabelledData:
    """What a class-conditional training needs: three sets that share no picture, the names of the classes, where it came from."""

    training: Labelled
    validation: Labelled
    test: Labelled
    names: tuple[str, ...]
    source: str

    def to(self, device: str) -> LabelledData:
        return LabelledData(self.training.to(device), self.validation.to(device), self.test.to(device), self.names, self.source)


def load(source: Path, channels: int, size: int) -> LabelledData:
    """Labelled pictures of ``channels`` and ``size`` from a .npz file or from a folder with one folder a class.

    The file holds ``train_images`` [N, H, W] or [N, H, W, 3] in bytes, ``train_labels`` [N] and ``class_names``; where it
    lacks ``validation_`` or ``test_`` ones, as a folder does, every 12th or 10th picture of the others is held back.

    Raises:
        FileNotFoundError: neither file nor folder, or no pictures in it.
        ValueError: unreadable, other shapes, fewer than two classes.
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist; give a .npz file or a folder that holds one folder of pictures for each class")
    data = from_folder(source, channels, size) if source.is_dir() else from_file(source)
    if len(data.names) < 2:
        raise ValueError(f"{source} holds {len(data.names)} class; labels need two or more")
    if data.training.images.shape[1:] != (channels, size, size):
        raise ValueError(
            f"{source} holds pictures {list(data.training.images.shape[1:])} where this network takes {[channels, size, size]}; "
            "choose the other network, or a folder, of which the pictures are fitted"
        )
    return data


def from_file(source: Path) -> LabelledData:
    try:
        with np.load(source, allow_pickle=False) as file:
            held = {key: file[key] for key in file.files}
        names = tuple(str(name) for name in held["class_names"])
        sets = {part: labelled(held, part) for part in ("train", "validation", "test") if f"{part}_images" in held}
        if not all(int(each.labels.min()) >= 0 and int(each.labels.max()) < len(names) for each in sets.values()):
            raise ValueError("labels beyond class_names")
        training = sets["train"]
    except Exception as error:  # numpy raises a dozen kinds for a damaged file
        raise ValueError(f"{source} holds no labelled pictures ({error}); it needs train_images, train_labels and class_names") from None
    return complete(training, sets.get("validation"), sets.get("test"), names, source.name)


def labelled(held: dict[str, np.ndarray], part: str) -> Labelled:
    images, labels = held[f"{part}_images"], held[f"{part}_labels"]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or labels.shape != images.shape[:1] or not len(images):
        raise ValueError(f"{part}_images are no bytes [N, H, W] or [N, H, W, 3] with a label each")
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return Labelled(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels.astype(np.int64)))


def from_folder(source: Path, channels: int, size: int) -> LabelledData:
    classes = sorted(folder for folder in source.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not classes:
        raise FileNotFoundError(f"{source} holds no folders; make one for each class, named after it, with its pictures inside")
    files = [(file, label) for label, folder in enumerate(classes) for file in listing([folder])]
    images = torch.from_numpy(np.stack([fitted(read(file, channels), size) for file, _ in files]))
    everything = Labelled(images.permute(0, 3, 1, 2).contiguous(), torch.tensor([label for _, label in files]))
    return complete(everything, None, None, tuple(folder.name for folder in classes), source.name)


def fitted(pixels: np.ndarray, size: int) -> np.ndarray:
    """Bytes [H, W, C] with the long side brought to ``size``, centred, the short side filled by its outermost row or column."""
    scale = size / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = np.asarray(Image.fromarray(pixels.squeeze()).resize((width, height), Image.Resampling.LANCZOS)).reshape(height, width, -1)
    top, left = (size - height) // 2, (size - width) // 2
    return np.pad(small, ((top, size - height - top), (left, size - width - left), (0, 0)), mode="edge")


def complete(
    training: Labelled, validation: Labelled | None, test: Labelled | None, names: tuple[str, ...], source: str
) -> LabelledData:
    """Hold back what is missing, of each class alike."""
    if test is None:
        training, test = parted(training, TEST)
    if validation is None:
        training, validation = parted(training, VALIDATION)
    return LabelledData(training, validation, test, names, source)


def parted(whole: Labelled, every: int) -> tuple[Labelled, Labelled]:
    order = whole.labels.argsort(stable=True)
    held = order[every // 2 :: every]
    kept = torch.ones(len(whole), dtype=torch.bool).scatter(0, held, False)
    if not len(held) or not kept.any():
        raise ValueError(f"{len(whole)} labelled pictures are too few to hold any back; give {every} or more")
    return whole.at(kept), whole.at(held)


def varied(images: Tensor, generator: torch.Generator, mirrored: bool, shift: int, gain: float) -> Tensor:
    """Each of [B, C, H, W] mirrored, moved by whole pixels (edges repeated) and its colours scaled, at random."""
    count, channels, height, width = images.shape
    device = images.device
    if shift:
        dy, dx = torch.randint(-shift, shift + 1, (2, count, 1), device=device, generator=generator)
        rows = (torch.arange(height, device=device) + dy).clamp(0, height - 1)
        columns = (torch.arange(width, device=device) + dx).clamp(0, width - 1)
        images = images[torch.arange(count, device=device)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if mirrored:
        flip = torch.rand(count, 1, 1, 1, device=device, generator=generator) < 0.5
        images = torch.where(flip, images.flip(-1), images)
    if gain:
        scale = 1 + gain * (2 * torch.rand(count, channels, 1, 1, device=device, generator=generator) - 1)
        images = (images * scale).clamp(0, 1)
    return images


def bent(images: Tensor, generator: torch.Generator, degrees: float = 12.0, zoom: float = 0.15, shift: float = 0.08) -> Tensor:
    """Each of [B, C, H, W] turned, scaled and moved at random, bilinearly: for classifiers, which do not mind the blur."""
    turn, size, dx, dy = (2 * torch.rand(4, len(images), device=images.device, generator=generator) - 1).unbind()
    angle, size = turn * math.radians(degrees), 1 + zoom * size
    sine, cosine = angle.sin() * size, angle.cos() * size
    matrix = torch.stack([torch.stack([cosine, -sine, 2 * shift * dx], 1), torch.stack([sine, cosine, 2 * shift * dy], 1)], 1)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def shares(labels: Tensor, names: Sequence[str]) -> dict[str, int]:
    """How many pictures each class has."""
    return dict(zip(names, torch.bincount(labels.cpu(), minlength=len(names)).tolist(), strict=True))
