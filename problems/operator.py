"""What an instrument does to an image: linear operators with adjoint and a solved quadratic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]

# Brightness, yellow-blue, green-magenta: errors and energies of natural colour images are nearly uncorrelated between them.
OPPONENT = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))


class Operator(ABC):
    """Linear A from images [B, C, H, W] to data [B, *data_shape], with ``image_shape`` = (C, H, W).

    A new operator gives ``forward`` and ``adjoint``; where (A^T A + C)^-1 has a closed form it overrides ``solve`` too.
    Results have the dtype and the device of the input.
    """

    image_shape: tuple[int, int, int]
    data_shape: tuple[int, ...]

    def __getattr__(self, name: str) -> Any:
        """Only asked for what is not there: the sizes of an operator that was made without ``image_shape``."""
        if name in ("image_shape", "data_shape"):
            remedy = "give image_shape, or let problems.measured fit it to a picture"
            raise AttributeError(f"{type(self).__name__} was made without a size; {remedy}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def fitted(self, picture_shape: Sequence[int]) -> Operator:
        """The operator for a measured picture of shape (C, h, w); one that has its size already stays as it is."""
        return self if "image_shape" in vars(self) else self.sized(picture_shape)

    def sized(self, picture_shape: Sequence[int]) -> Operator:
        """A copy with a size, of one that was made without ``image_shape``."""
        raise NotImplementedError(f"{type(self).__name__} cannot be made without image_shape")

    def packed(self, picture: Tensor) -> Tensor:
        """A measured picture [B, C, h, w] as data, the other way round than ``as_image``."""
        return picture

    @property
    def summary(self) -> str:
        """What is measured, in a few words for people."""
        return str(self)

    @property
    def picture(self) -> np.ndarray | None:
        """The instrument as a grey picture [h, w] in [0, 1], a kernel or a mask; None where there is none."""
        return None

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """A x: what would be measured without noise."""

    @abstractmethod
    def adjoint(self, y: Tensor) -> Tensor:
        """A^T y, exact to rounding: <A x, y> = <x, A^T y>."""

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """(A^T A + C)^-1 b; here by conjugate gradients.

        ``c`` > 0 is one number, C = c I, or one for each Fourier coefficient, as ``circulant`` takes them. The closed forms of
        the operators hold because they act on every channel alike and so commute with a rotation of the colours.
        """
        return conjugate_gradients(lambda x: self.adjoint(self.forward(x)) + weigh(x, c), b)

    def correction(self, residual: Tensor, c: float | Tensor) -> Tensor:
        """(A^T A + C)^-1 A^T residual, from data to images: what a data step adds to a believed image, c as in ``solve``."""
        return self.solve(self.adjoint(residual), c)

    def unmeasured(self, x: Tensor, c: float | Tensor) -> Tensor:
        """(A^T A + C)^-1 C x: what of x the data leave to a prior of covariance C^-1, in units of the noise."""
        return self.solve(weigh(x, c), c)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        """About (A S A^T + c)^-1, from data to data, for a circulant S, ``spectrum`` as ``circulant`` takes it; c may be [B, 1, 1, 1].

        It preconditions conjugate gradients, so that an
        approximation is enough; the default is no preconditioner.
        """
        return lambda b: b

    def as_image(self, y: Tensor) -> Tensor:
        """The measurement as a picture to show, [B, C, h, w]; missing pixels are NaN."""
        return y

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'x'.join(map(str, self.image_shape))} -> {'x'.join(map(str, self.data_shape))})"


class Filter(Operator):
    """A circular convolution of each channel, after which one pixel of ``factor`` x ``factor`` is kept.

    ``kernel`` [h, w] has its centre at the pixel (h // 2, w // 2); ``power`` [H, W // 2 + 1] is the square of its Fourier response.
    """

    factor: int = 1
    kernel: Tensor
    power: Tensor

    @property
    def margin(self) -> tuple[int, int, int, int]:
        """Pixels of the data, above, below, left and right of the border, that the kernel may reach."""
        height, width = self.kernel.shape
        reach = (height - 1) // 2, height // 2, (width - 1) // 2, width // 2
        top, bottom, left, right = (-(-pixels // self.factor) for pixels in reach)
        return top, bottom, left, right


def checked_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """(C, H, W) with C in (1, 3), or a ValueError."""
    shape = tuple(int(n) for n in image_shape)
    if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
        raise ValueError(f"image_shape must be (channels, height, width) with 1 or 3 channels, not {shape}")
    return shape


def circulant(x: Tensor, gain: Tensor) -> Tensor:
    """Multiply the Fourier coefficients of x [.., C, H, W] by ``gain``, laid out as rfft2.

    [H, W // 2 + 1] or [1, ...]: the same for every channel. [3, H, W // 2 + 1]: one for each of the orthonormal OPPONENT
    components of colour images. A batch dimension may stand before.
    """
    by_colour = gain.ndim >= 3 and gain.shape[-3] == 3
    spectrum = torch.fft.rfft2(turn(x) if by_colour else x)
    gain = gain.to(x.device, spectrum.dtype if gain.is_complex() else x.dtype)
    filtered = torch.fft.irfft2(spectrum * gain, s=x.shape[-2:])
    return turn(filtered, back=True) if by_colour else filtered


def turn(x: Tensor, back: bool = False) -> Tensor:
    """RGB [.., 3, H, W] to orthonormal opponent components, or back."""
    matrix = torch.tensor(OPPONENT, dtype=x.dtype, device=x.device)
    return torch.einsum("oc,...chw->...ohw", matrix.T if back else matrix, x)


def weigh(x: Tensor, c: float | Tensor) -> Tensor:
    """C x, for C = c I or a circulant C."""
    return circulant(x, c) if by_coefficient(c) else c * x


def by_coefficient(c: float | Tensor) -> TypeGuard[Tensor]:
    """Whether c is not one number but one for each Fourier coefficient."""
    return isinstance(c, Tensor) and c.ndim > 0


def conjugate_gradients(
    matvec: Map, b: Tensor, precondition: Map = lambda r: r, tolerance: float = 1e-10, enough: float = 0.0, limit: int = 2000
) -> Tensor:
    """Solve a symmetric positive definite system for each image of the batch (Hestenes, Stiefel 1952).

    ``precondition`` is a cheap, positive definite approximation of the inverse. The tolerance is relative to |b| and bounded below
    by the precision of the dtype; a residual whose root mean square is ``enough`` is small enough too.
    """

    def dot(u: Tensor, v: Tensor) -> Tensor:
        return (u * v).sum(tuple(range(1, b.ndim)), keepdim=True)

    x, r, p = torch.zeros_like(b), b, precondition(b)
    relative = dot(b, b) * max(tolerance, 10 * torch.finfo(b.dtype).eps) ** 2
    rho, goal = dot(r, p), relative.clamp(min=b[0].numel() * enough**2)
    for _ in range(limit):
        open_still = dot(r, r) > goal  # an image that has converged is not changed any more
        if not bool(open_still.any()):
            break
        q = matvec(p)
        alpha = torch.where(open_still, rho / dot(p, q), 0.0)
        x, r = x + alpha * p, r - alpha * q
        step = precondition(r)
        rho, before = dot(r, step), rho
        p = step + torch.where(open_still, rho / before, 0.0) * p
    return x
