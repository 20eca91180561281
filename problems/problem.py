"""A measured picture: y = A x + noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from problems.operator import Operator


@dataclass(frozen=True)
class Problem:
    """One measurement (or a batch of B): ``y`` [B, *data_shape], white noise of standard deviation ``noise_sigma``.

    ``truth`` [B, C, H, W] is there in a simulation and read by reports only.

    Raises:
        TypeError: anything but float32 or float64 tensors.
        ValueError: shapes that do not fit the operator, values that are not finite, a noise level that is not positive.
    """

    name: str
    operator: Operator
    y: Tensor
    noise_sigma: float
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.noise_sigma) and self.noise_sigma > 0):
            raise ValueError(f"noise_sigma must be a positive number, not {self.noise_sigma}; for clean data use a small one, such as 1e-3")
        checked("measurement y", self.y, self.operator.data_shape)
        if self.truth is not None:
            checked("truth", self.truth, self.operator.image_shape)
            if len(self.truth) != len(self.y):
                raise ValueError(f"{len(self.y)} measurements cannot belong to {len(self.truth)} true images; give one truth for each")


def checked(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
    if kind not in (torch.float32, torch.float64):
        raise TypeError(f"{what} must be a float32 or float64 tensor, not {kind}; images can be turned into one by problems.as_tensor")
    if tuple(x.shape[1:]) != tuple(shape):
        raise ValueError(f"{what} has shape {list(x.shape)}, but the operator needs [batch, {', '.join(map(str, shape))}]")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{what} holds NaN or infinite values; replace them (a missing pixel belongs into an inpainting mask)")
