"""A measured picture: y = A x + noise."""

from __future__ import annotations

import math
import numbers
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
        ValueError: shapes that do not fit the operator, values that are not finite or not in the units of [0, 1], a noise level
            that is not positive or above 1.
    """

    name: str
    operator: Operator
    y: Tensor
    noise_sigma: float
    truth: Tensor | None = None

    def __post_init__(self) -> None:
        check_noise(self.noise_sigma)
        checked("measurement y", self.y, self.operator.data_shape)
        check_range(self.operator, self.y, self.noise_sigma)
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


def check_noise(sigma: float) -> None:
    """Refuse what is no standard deviation in pixel units of [0, 1].

    Raises:
        TypeError: not a number.
        ValueError: not positive, not finite, or above 1, which hides every picture and is meant for pixels in 0..255.
    """
    if isinstance(sigma, bool) or not isinstance(sigma, numbers.Real):
        raise TypeError(f"noise_sigma is a number, such as 0.02, not {sigma!r}")
    if not (math.isfinite(sigma) and sigma > 0):
        raise ValueError(f"noise_sigma must be a positive number, not {sigma}; for clean data use a small one, such as 1e-3")
    if sigma > 1:
        eight_bit = f"{sigma:g} of 255 is {sigma:g}/255 = {sigma / 255:.3g}"
        raise ValueError(f"noise_sigma is a standard deviation for pixels in [0, 1], not {sigma:g}; {eight_bit}")


def check_range(operator: Operator, y: Tensor, noise_sigma: float) -> None:
    """Refuse a measurement that no picture near [0, 1] can have: it is in other units, such as 0..255.

    The bound is ten times what the operator makes of white or of random pixels, and twenty standard deviations of the noise.
    """
    ones = y.new_ones((1, *operator.image_shape))
    probe = torch.rand(ones.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(y)
    reach = max(1.0, *(float(operator.forward(x).abs().max()) for x in (ones, probe)))
    largest = float(y.abs().max()) if y.numel() else 0.0
    if largest > 10 * reach + 20 * noise_sigma:
        raise ValueError(f"the measurement y reaches {largest:.3g}, which pixels in [0, 1] cannot cause; divide it by its full scale")


def checked(what: str, x: Tensor, shape: tuple[int, ...]) -> None:
    kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
    if kind not in (torch.float32, torch.float64):
        raise TypeError(f"{what} must be a float32 or float64 tensor, not {kind}; images can be turned into one by problems.as_tensor")
    if tuple(x.shape[1:]) != tuple(shape):
        raise ValueError(f"{what} has shape {list(x.shape)}, but the operator needs [batch, {', '.join(map(str, shape))}]")
    if not bool(torch.isfinite(x).all()):
        raise ValueError(f"{what} holds NaN or infinite values; replace them (a missing pixel belongs into an inpainting mask)")
