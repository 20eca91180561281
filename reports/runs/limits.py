"""The numbers that a user gives, and the range of each: beyond it a run could not end, or would not fit into memory."""

from __future__ import annotations

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
