"""What a user may give: numbers in a range beyond which a run could not end or would not fit into memory, and names that are text."""

from __future__ import annotations

import sys
from collections.abc import Iterable

SMALLEST = 16  # pixels on a side: what kernels, coarse grids and the window of SSIM need
LIMITS: dict[str, tuple[int, int | None]] = {
    "size": (SMALLEST, 16_384),  # pixels on a side
    "samples": (1, 100_000),  # of one measurement
    "steps": (1, 1_000_000),
    "calls": (1, 1_000_000),  # of the denoiser, for one sample
    "limit": (1, 1_000_000),  # pictures
    "seed": (0, None),
}


def check_limits(**numbers: int | None) -> None:
    """Numbers by the name of their option; None, where the user gave none, passes.

    Raises:
        ValueError: one lies outside its range.
    """
    for name, value in numbers.items():
        least, most = LIMITS[name]
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")
        if value is not None and most is not None and value > most:
            raise ValueError(f"{name} must be at most {most}, not {value}")


def check_channels(channels: int) -> None:
    """
    Raises:
        ValueError: there are other than one or three.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), not {channels}")


def check_text(words: Iterable[str]) -> None:
    """
    Raises:
        ValueError: the name of a file holds bytes that are no character in the encoding of this machine, and no result could name it.
    """
    for word in words:
        shown = word.encode(errors="replace").decode()
        if shown.encode() != word.encode(errors="surrogatepass"):
            remedy = "give the file another name, or set LC_ALL=C.UTF-8"
            raise ValueError(f"{shown} is not text in the encoding of this machine ({sys.getfilesystemencoding()}); {remedy}")
