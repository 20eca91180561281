"""Training photographs: read once, kept as bytes on the training device, crops cut there in one gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
SCALES = (1.0, 0.85, 0.7, 0.5)  # downscaled copies, as DnCNN's training (Zhang et al. 2017)
SHARES = (0.5, 0.2, 0.2, 0.1)


def read(path: Path, channels: int) -> np.ndarray:
    """One photograph as uint8 [H, W, channels], upright, on white where it is transparent; luminance where one channel is asked for."""
    try:
        with Image.open(path) as image:
            pixels = np.asarray(in_eight_bits(ImageOps.exif_transpose(image)).convert("L" if channels == 1 else "RGB"))
    except Exception as error:  # a damaged file fails in its decoder's own way
        raise ValueError(f"{path} cannot be read as an image ({error}); remove it or save it again as PNG") from None
    return pixels.reshape(*pixels.shape[:2], channels)


def in_eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits scaled to 8, as viewers show it, and transparent pixels laid on white; everything else as it is."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"mode {image.mode} has no known scale")
    if not image.has_transparency_data:
        return image
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def listing(folders: Sequence[Path]) -> list[Path]:
    """All image files below the folders, in a fixed order; hidden ones, such as ``._a.png`` of a Macintosh, are left out.

    Raises:
        FileNotFoundError: a folder is missing or holds no image.
    """
    found = []
    for folder in folders:
        files = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file() and not hidden(p, Path(folder)))
        if not files:
            raise FileNotFoundError(f"no images below {folder}; give a folder that holds {', '.join(sorted(SUFFIXES))} files")
        found += files
    return found


def hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(folder).parts)


def split(paths: Sequence[Path], every: int = 25) -> tuple[list[Path], list[Path]]:
    """(training, held back): every 25th picture is never trained on; errors and scores in the model card come from these."""
    held = list(paths[every // 2 :: every]) or list(paths[-1:])
    return [p for p in paths if p not in set(held)] or held, held


@dataclass(frozen=True)
class Bank:
    """Photographs of any sizes as one flat byte tensor; row k of ``table`` is (offset, height, width) of copy k."""

    pixels: Tensor
    table: Tensor
    chance: Tensor
    channels: int

    @staticmethod
    def load(paths: Sequence[Path], channels: int, smallest: int, device: str = "cpu") -> Bank:
        """Read all files at all scales; copies smaller than ``smallest`` pixels on a side are left out."""
        flat, rows, chance, offset = [], [], [], 0
        for path in paths:
            image = Image.fromarray(read(path, channels).squeeze())
            for scale, share in zip(SCALES, SHARES, strict=True):
                width, height = round(image.width * scale), round(image.height * scale)
                if min(width, height) < smallest:
                    continue
                copy = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS) if scale < 1 else image)
                flat.append(torch.from_numpy(copy.reshape(-1).copy()))
                rows.append((offset, height, width))
                chance.append(share * height * width)
                offset += copy.size
        if not rows:
            raise ValueError(f"no training picture has {smallest} pixels on its short side; use larger pictures")
        table = torch.tensor(rows, device=device)
        return Bank(torch.cat(flat).to(device), table, torch.tensor(chance, device=device), channels)

    def crops(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        """``count`` random crops, flipped and turned at random: float [count, channels, size, size] in [0, 1]."""
        device = self.pixels.device

        def draw(low: int, high: int | Tensor) -> Tensor:
            return (torch.rand(count, device=device, generator=generator) * (high - low)).long() + low

        offset, height, width = self.table[torch.multinomial(self.chance, count, True, generator=generator)].T
        top, left = draw(0, height - size + 1), draw(0, width - size + 1)
        i, j = torch.meshgrid(torch.arange(size, device=device), torch.arange(size, device=device), indexing="ij")
        flips = torch.rand(3, count, 1, 1, device=device, generator=generator) < 0.5
        rows, columns = torch.where(flips[0], j, i), torch.where(flips[0], i, j)
        rows = torch.where(flips[1], size - 1 - rows, rows) + top[:, None, None]
        columns = torch.where(flips[2], size - 1 - columns, columns) + left[:, None, None]
        index = (offset[:, None, None] + (rows * width[:, None, None] + columns) * self.channels)[:, None]
        index = index + torch.arange(self.channels, device=device)[:, None, None]
        return self.pixels[index].float() / 255


def pictures(paths: Sequence[Path], channels: int, device: str = "cpu") -> list[Tensor]:
    """Whole photographs for measuring, each [1, channels, H, W] in [0, 1]."""
    return [torch.from_numpy(read(path, channels).copy()).permute(2, 0, 1)[None].to(device) / 255 for path in paths]


def centre_crops(paths: Sequence[Path], channels: int, size: int, limit: int) -> Tensor:
    """The centres of up to ``limit`` photographs, evenly picked, for measuring: [N, channels, size, size] in [0, 1]."""
    chosen = [paths[k] for k in np.unique(np.linspace(0, len(paths) - 1, min(limit, len(paths))).astype(int))]
    crops = []
    for path in chosen:
        pixels = read(path, channels)
        top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
        if min(top, left) >= 0:
            crops.append(pixels[top : top + size, left : left + size])
    if not crops:
        raise ValueError(f"no held-back picture has {size} pixels on its short side; use larger pictures")
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
