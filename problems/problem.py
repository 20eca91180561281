"""A measured picture: y = A x + noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
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

    def _repr_html_(self) -> str:
        return self.gallery({}, "")

    def gallery(self, answers: Mapping[str, Tensor], facts: str) -> str:
        """HTML for a notebook: truth, if there is one, measurement and ``answers`` [B, C, H, W] of the first image, then the facts."""
        from problems.shown import gallery

        truth = {} if self.truth is None else {"truth": self.truth}
        size = " x ".join(map(str, self.operator.image_shape))
        batch = f", first of {len(self.y)}" if len(self.y) > 1 else ""
        own = f"{self.name}: {size}, noise sigma {self.noise_sigma:g} ({255 * self.noise_sigma:.1f}/255){batch}"
        return gallery({**truth, "measured": self.operator.as_image(self.y), **answers}, "; ".join(filter(None, (own, facts))))


def checked(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
    if kind not in (torch.float32, torch.float64):
        raise TypeError(f"{what} must be a float32 or float64 tensor, not {kind}; images can be turned into one by problems.as_tensor")
    if tuple(x.shape[1:]) != tuple(shape):
        raise ValueError(f"{what} has shape {list(x.shape)}, but the operator needs [batch, {', '.join(map(str, shape))}]")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{what} holds NaN or infinite values; replace them (a missing pixel belongs into an inpainting mask)")
