"""A prior that is shown a picture: p(x | picture), bound once and then in the slot like any other."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from priors import photographs
from priors.error import ErrorCurve
from priors.guided import weight_of
from priors.learned import SHIPPED, Learned, read_card, read_network
from priors.network import Denoiser

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as in JPEG
FACTOR = 4  # of super-resolution
GREY, REDUCED = "colorize", "super_resolution"  # the task whose picture has no colours, and the one whose picture is smaller
MAP = "edges"  # the arm whose picture is a map: 1 on an edge, 0 elsewhere
FAR = 10.0  # of a pixel: what a noisy measurement shows stays below, and what is in 0..255 does not


def luma(picture: Tensor) -> Tensor:
    """[B, 3, H, W] to [B, 1, H, W]."""
    return (picture * picture.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


def enlarged(picture: Tensor, factor: int) -> Tensor:
    """Every pixel of [..., H, W] repeated factor x factor times."""
    return picture.repeat_interleave(factor, -2).repeat_interleave(factor, -1)


def check_map(picture: Tensor) -> None:
    """
    Raises:
        ValueError: values between 0 and 1, or a map that is mostly white, as lines drawn in black are.
    """
    if not bool(((picture == 0) | (picture == 1)).all()):
        raise ValueError("a map of edges is 1 on an edge and 0 elsewhere; priors.structure.edge_maps makes one of a picture")
    if (share := float(picture.mean())) > 0.5:
        raise ValueError(f"the map of edges is white in {share:.0%} of its pixels; it is white on an edge and black elsewhere: invert it")


class Pictured(Learned):
    """A trained denoiser that is shown a picture and told an arm (a task, or one of ``priors.pairs.ARMS``); ``given`` binds both.

    Without a picture it answers as a prior of all images, if it was trained so on some examples.
    """

    def __init__(self, network: Denoiser, card: dict[str, Any], device: str | torch.device = "cpu", precision: str = "auto"):
        super().__init__(network, card, device, precision)
        self.arms, self.mean = tuple(card["arms"]), float(card["network"]["mean"])
        self.arm: str | None = None
        self.picture: Tensor | None = None
        self.guidance = 1.0

    def given(self, picture: Tensor | None = None, arm: str | None = None, guidance: float = 1.0) -> Pictured:
        """The prior of the images that belong to ``picture`` [B, C, H, W], values in [0, 1], as the arm understands it.

        Row i B + b of the images asked about belongs to picture b. One channel is taken for grey; the picture of super-resolution
        is FACTOR times smaller, or enlarged already. ``arm``: the first, if it is left out. With ``guidance`` w the answer is
        D_u + w (D_c - D_u) as for labels (Ho, Salimans 2022); at another w than 0 or 1 no density stands behind it. None: no picture.

        Raises:
            TypeError, ValueError: no picture, values that are not finite or far outside [0, 1], colours where the network knows
                none; an arm that it does not know; guidance that is no finite number or where no example was trained without
                its picture.
        """
        name = self.card["name"]
        if picture is None and (arm is not None or guidance != 1):
            raise ValueError(f"a task or guidance of prior {name!r} has no effect without a picture; give picture= as well, or --condition")
        bound, arm = copy.copy(self), arm or self.arms[0]
        if arm not in self.arms:
            raise ValueError(f"prior {name!r} knows no task {arm!r}; give one of {', '.join(self.arms)}")
        bound.guidance = weight_of(name, "picture", guidance, False)
        if (picture is None or guidance != 1) and not self.card["blind"]:
            raise ValueError(f"prior {name!r} was never trained without its picture; give a picture, and guidance 1")
        bound.picture, bound.arm = None if picture is None else self.shown(picture, arm), None if picture is None else arm
        kind, levels = ("diffusion", self.card["sigma_range"]) if picture is None else (self.told[arm][k] for k in ("kind", "sigma_range"))
        bound.sigma_range = (float(levels[0]), float(levels[1]))
        bound.mmse = bound.guidance in (0, 1) and kind == "diffusion"
        weight = f",guidance={guidance:g}" * (guidance != 1)
        bound.name = name + (f"[task={arm}{weight}]" if picture is not None else "")
        return bound

    @property
    def told(self) -> dict[str, Any]:
        """What the card tells of each arm."""
        return self.card["arms"]

    def shown(self, picture: Tensor, arm: str) -> Tensor:
        """A picture as the network takes it, [B, C, H, W] in float32."""
        if not isinstance(picture, Tensor) or picture.ndim != 4 or picture.shape[1] not in (1, 3) or not picture.is_floating_point():
            raise TypeError("a condition is a float tensor [B, 1 or 3, H, W] with values in [0, 1]; problems.as_tensor makes one")
        if not (picture.numel() and bool(picture.isfinite().all())):
            raise ValueError("the condition picture holds no pixels, or NaN or infinite values; fill what is not known of it")
        if (reach := float(picture.abs().max())) > FAR:
            raise ValueError(f"the condition picture reaches {reach:.3g}, far outside [0, 1]; divide it by its full scale")
        picture = picture.detach().to(self.device, torch.float32)
        picture = luma(picture) if arm == GREY and picture.shape[1] == 3 else picture
        if picture.shape[1] > self.channels:
            raise ValueError(f"prior {self.card['name']!r} is shown grey pictures, not colours; give one channel, such as the luminance")
        if arm == MAP:
            check_map(picture)
        return picture.expand(-1, self.channels, -1, -1)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the images that belong to the picture; those it was trained on where there is none."""
        height, width = (64, 64) if self.picture is None else self.picture.shape[-2:]
        factor = FACTOR if self.arm == REDUCED else 1
        return self.channels, factor * height, factor * width

    @property
    def error(self) -> ErrorCurve:
        return ErrorCurve.from_dict(self.card["error"] if self.arm is None or self.guidance == 0 else self.told[self.arm]["error"])

    def checked(self, x: Tensor, sigma: float) -> Tensor:
        """x with the picture behind its channels, [B, 2 C, H, W]."""
        images = super().checked(x, sigma)
        seen = images.new_full((1, *images.shape[1:]), self.mean) if self.picture is None else self.fitted(images)
        if len(x) % len(seen):
            raise ValueError(f"{len(x)} images cannot belong to {len(seen)} condition pictures; give one picture (or one sigma for all)")
        seen = seen.repeat_interleave(len(images) // len(x), 0)  # a colour image in a grey network: each channel is shown the same
        return torch.cat([images, seen.repeat(len(images) // len(seen), 1, 1, 1)], 1)

    def fitted(self, images: Tensor) -> Tensor:
        """The picture in the size of the images, its pixels repeated where it is smaller."""
        assert self.picture is not None
        factor = self.factor(images.shape[-2], images.shape[-1])
        return enlarged(self.picture, factor)

    def part(self, corner: tuple[int, int], size: tuple[int, int], whole: tuple[int, int]) -> Pictured:
        """The prior of a part of images of the size ``whole``, from the pixel ``corner`` on; beyond them their outermost pixels go on."""
        if self.picture is None:
            return self
        picture, bound = self.fitted(self.picture.new_empty(1, 1, *whole)), copy.copy(self)
        rows, columns = (
            torch.arange(start, start + length).clamp(0, limit - 1) for start, length, limit in zip(corner, size, whole, strict=True)
        )
        bound.picture = picture[..., rows[:, None], columns]
        return bound

    def factor(self, height: int, width: int) -> int:
        """How many times smaller the picture is than images of this size: 1, of super-resolution also FACTOR.

        Raises:
            ValueError: the sizes do not belong together.
        """
        rows, columns = (height, width) if self.picture is None else self.picture.shape[-2:]
        reduced, factor = self.arm == REDUCED, height // rows
        if factor not in (1, FACTOR if reduced else 1) or (height, width) != (factor * rows, factor * columns):
            sizes = f"the condition picture is {rows}x{columns} and the image {height}x{width}"
            raise ValueError(f"{sizes}; give a picture of that size" + f", or {FACTOR} times smaller" * reduced)
        return factor

    def answer(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.answer_and_error(x, sigma)[0]

    def answer_and_error(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """The error is that of the prior with its picture, whatever the guidance, unless it is 0: then that of the prior without."""
        x, picture = x.chunk(2, 1)
        if self.picture is None or self.guidance == 0:
            return self.net.conditional(x, sigma, self.label(len(x), None))
        mean, std = self.net.conditional(x, sigma, self.label(len(x), self.arm), picture)
        if self.guidance != 1:
            free, _ = self.net.conditional(x, sigma, self.label(len(x), None))
            mean = free + self.guidance * (mean - free)
        return mean, std

    def label(self, count: int, arm: str | None) -> Tensor:
        number = len(self.arms) if arm is None else self.arms.index(arm)
        return torch.full((count,), number, device=self.device)


def pictured(
    task: str | None = None, picture: str | Path | None = None, guidance: float = 1.0, weights: str | Path | None = None,
    device: str | torch.device = "cpu", precision: str = "auto",
) -> Pictured:  # fmt: skip
    """Photographs in colour, given a ``picture`` (a file): ``task`` colorize, super_resolution or jpeg; no picture: any photograph."""
    prior = read(Path(weights or SHIPPED / "pictured-colour.safetensors"), device, precision)
    return prior.given(None if picture is None else opened(Path(picture)), task, guidance)


def opened(file: Path) -> Tensor:
    """A file as a condition, [1, 3, H, W].

    Raises:
        FileNotFoundError, ValueError: no such file, or no picture.
    """
    if not file.is_file():
        wrong = "is a folder; name a picture in it" if file.is_dir() else "does not exist; correct its name"
        raise FileNotFoundError(f"the condition picture {file} {wrong}")
    return torch.from_numpy(photographs.read(file, 3).copy()).permute(2, 0, 1)[None].float() / 255


def read(weights: Path, device: str | torch.device = "cpu", precision: str = "auto") -> Pictured:
    """A prior that is shown pictures, from its .safetensors file and the card beside it.

    Raises:
        FileNotFoundError, ValueError: weights or card missing, damaged, not of one piece, or of a network that is shown none.
    """
    card = read_card(weights)
    if not card["network"].get("condition") or not isinstance(card.get("arms"), dict) or not card["arms"]:
        raise ValueError(f"{weights} is no prior that is shown a picture: its card names no arms; load it as cnn or diffusion")
    return Pictured(read_network(weights, card), card, device, precision)
