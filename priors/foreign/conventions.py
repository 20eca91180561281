"""What networks want of their images and levels: ranges of pixels, sizes, channels, and how these are written in a selector."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Pair = tuple[float, float]
LARGEST = 4096  # pixels on a side that a network may ask for


@dataclass(frozen=True)
class Takes:
    """The images that a network takes: its values of black and white, its channels, and its sizes.

    ``channels`` is None where any will do. Sides are multiples of ``multiple``; with ``side`` all are of that one size.
    """

    black: float = 0.0
    white: float = 1.0
    channels: int | None = None
    multiple: int = 1
    side: int | None = None

    def __post_init__(self) -> None:
        if self.channels not in (None, 1, 3) or isinstance(self.channels, bool):
            raise ValueError(f"channels is 1 or 3, not {self.channels!r}; give what the network was trained on")
        for what, value in (("multiple", self.multiple), ("side", self.side)):
            if value is not None and not (is_whole(value) and 1 <= value <= LARGEST):
                raise ValueError(f"{what} is a whole number of pixels from 1 to {LARGEST}, not {value!r}; give one, such as 8")

    @property
    def width(self) -> float:
        """From black to white: what a standard deviation in [0, 1] units is multiplied by."""
        return self.white - self.black

    def padded(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] continued at the lower and right border by reflection, to sides that the network takes."""
        height, width = (self.side or math.ceil(size / self.multiple) * self.multiple for size in x.shape[-2:])
        return x[..., mirrored(x.shape[-2], height), :][..., mirrored(x.shape[-1], width)]


def mirrored(size: int, wanted: int) -> Tensor | slice:
    """Indices 0, 1, .., size - 1, size - 2, .., 1, 0, 1, .. of so many pixels; any length, also of one pixel."""
    if size == wanted:
        return slice(None)
    period = max(1, 2 * (size - 1))
    k = torch.arange(wanted) % period
    return torch.minimum(k, period - k)


def parts(what: str, given: Any, example: str) -> list[float]:
    """The numbers of a text such as "0:50/255", or those of a number, a pair or a list.

    Raises:
        ValueError: something else.
    """
    pieces = given.split(":") if isinstance(given, str) else list(given) if isinstance(given, tuple | list) else [given]
    try:
        found = [fraction(piece) for piece in pieces]
    except (ValueError, TypeError, ZeroDivisionError):
        found = []
    if not found or not all(map(math.isfinite, found)):
        raise ValueError(f"{what} is not {given!r}; write it such as {example}")
    return found


def fraction(piece: Any) -> float:
    """A number, or a text such as "25/255"."""
    if isinstance(piece, bool):
        raise TypeError("no number")
    above, bar, below = piece.partition("/") if isinstance(piece, str) else (piece, "", "")
    return float(above) / (float(below) if bar else 1.0)


def pixels(given: Any) -> Pair:
    """The network's values of black and white: "0:1", "-1:1", "0:255" or two numbers."""
    found = parts("range, the network's black and white,", given, "0:1, -1:1 or 0:255")
    if len(found) != 2 or not found[0] < found[1]:
        raise ValueError(f"range is the network's black and white, not {given!r}; write it such as 0:1, -1:1 or 0:255")
    return found[0], found[1]


def levels(given: Any) -> Pair | None:
    """Trained noise levels in [0, 1] units: one, or the lowest and the highest; None where nothing is said."""
    if given is None:
        return None
    found = parts("levels, the noise that the network was trained for,", given, "0.1, 25/255 or 0:50/255")
    if len(found) > 2 or not (0 <= found[0] <= found[-1] and found[-1] > 0):
        raise ValueError(f"levels are noise that the network was trained for, not {given!r}; write 25/255, or lowest:highest such as 0:0.2")
    return found[0], found[-1]


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def positive(what: str, value: Any) -> float:
    """
    Raises:
        ValueError: no positive number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{what} is a positive number, not {value!r}; give what the network was made for")
    return float(value)


def flag(what: str, value: Any) -> bool:
    """
    Raises:
        ValueError: neither true nor false.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{what} is true or false, not {value!r}; give one of these")
    return value


def whole(what: str, value: Any) -> int:
    """
    Raises:
        ValueError: no whole number from 0 on.
    """
    if not (is_whole(value) and value >= 0):
        raise ValueError(f"{what} is a whole number, not {value!r}; give one from 0 on")
    return int(value)


def chosen(what: str, given: Any, known: tuple[str, ...]) -> str:
    """
    Raises:
        ValueError: ``given`` is none of the known words.
    """
    if given not in known:
        raise ValueError(f"{what} is one of {', '.join(known)}, not {given!r}; give the one that the network was made for")
    return str(given)
