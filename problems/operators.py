"""The instruments: denoising, blur, super-resolution and missing pixels, each with its quadratic solved.

Spectral gains are kept in double precision on the CPU and cast where they meet an image.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from problems import borders, masks
from problems.kernels import as_kernel, uniform
from problems.masks import as_mask
from problems.operator import Filter, Map, Operator, by_coefficient, checked_shape, circulant, conjugate_gradients, weigh

LARGEST = 64  # a factor above is a slip of the keyboard
HOLE = 8  # pixels a side: what is missing farther than about half that from any measurement is a hole


class Identity(Operator):
    """Nothing but noise. ``transfer`` [H, W // 2 + 1] is its Fourier response, ones."""

    def __init__(self, image_shape: Sequence[int] | None = None):
        if image_shape is None:
            return
        self.image_shape = self.data_shape = checked_shape(image_shape)
        self.transfer = transfer_of(torch.ones(1, 1, dtype=torch.float64), *self.image_shape[1:])

    def sized(self, picture_shape: Sequence[int]) -> Operator:
        return Identity(picture_shape)

    @property
    def summary(self) -> str:
        return "every pixel measured"

    def forward(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        return weigh(b, 1 / (1 + c))

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        return by_frequency(1 / (spectrum + c))


class Blur(Filter):
    """Circular convolution of each channel with a kernel [h, w], true convolution as in ``scipy.ndimage.convolve(mode="wrap")``.

    The centre of the kernel is its pixel (h // 2, w // 2); a kernel larger than the image wraps around. ``transfer``
    [H, W // 2 + 1] is the Fourier response in the layout of rfft2, complex128. Without ``image_shape`` it takes its size
    from the picture that it is ``fitted`` to, and the border may be another than the circular one (``borders.BOUNDARIES``).

    Raises:
        ValueError: a kernel that is empty, not finite or without a positive sum; a bad image shape or boundary.
    """

    def __init__(self, kernel: Any, image_shape: Sequence[int] | None = None, boundary: str = "circular"):
        self.kernel = torch.from_numpy(as_kernel(kernel))
        self.boundary = boundary
        check_boundary(boundary, image_shape)
        if image_shape is None:
            return
        self.image_shape = self.data_shape = checked_shape(image_shape)
        self.transfer = transfer_of(self.kernel, *self.image_shape[1:])
        self.power = self.transfer.real**2 + self.transfer.imag**2

    def sized(self, picture_shape: Sequence[int]) -> Operator:
        channels, height, width = checked_shape(picture_shape)
        check_kernel(self.kernel, height, width)
        if self.boundary == "circular":
            return Blur(self.kernel, picture_shape)
        if self.boundary == "reflect":
            return borders.Mirrored(Blur(self.kernel, (channels, 2 * height, 2 * width)))
        top, bottom, left, right = margin = self.margin
        return borders.Window(Blur(self.kernel, (channels, height + top + bottom, width + left + right)), margin)

    @property
    def summary(self) -> str:
        return f"every pixel measured through a kernel of {size_of(self.kernel, ' x ')} pixels with the sum {float(self.kernel.sum()):.3g}"

    @property
    def picture(self) -> np.ndarray:
        """The kernel [h, w], its largest value 1."""
        return (self.kernel / self.kernel.max()).clamp(0, 1).numpy()

    def forward(self, x: Tensor) -> Tensor:
        return circulant(x, self.transfer)

    def adjoint(self, y: Tensor) -> Tensor:
        return circulant(y, self.transfer.conj())

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        return circulant(b, 1 / (self.power + on_cpu(c)))

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        return by_frequency(1 / (self.power * on_cpu(spectrum) + on_cpu(c)))

    def __repr__(self) -> str:
        return f"Blur({size_of(self.kernel)} kernel, {size_of(self.image_shape)})"


class SuperResolution(Filter):
    """Blur, then keep the pixels [offset::factor] of both axes.

    By default offset = (factor - 1) // 2: with a uniform factor x factor kernel, which None stands for, every pixel of the
    data is the mean of its block. Without ``image_shape`` it is fitted as ``Blur`` is, to images ``factor`` times as large as
    the picture.

    Raises:
        ValueError: a factor or an offset out of range, a bad kernel, image shape or boundary.
    """

    def __init__(
        self, kernel: Any, factor: Any, image_shape: Sequence[int] | None = None, offset: int | None = None, boundary: str = "circular"
    ):
        check_boundary(boundary, image_shape)
        self.boundary, self.factor = boundary, check_factor(factor, image_shape)
        self.offset = (self.factor - 1) // 2 if offset is None else int(offset)
        if not 0 <= self.offset < self.factor:
            raise ValueError(f"offset must lie from 0 to {self.factor - 1}, below the factor, not {offset}")
        self.blur = Blur(uniform(self.factor) if kernel is None else kernel, image_shape)
        self.kernel = self.blur.kernel
        if image_shape is None:
            return
        self.image_shape = channels, height, width = checked_shape(image_shape)
        self.power = self.blur.power
        self.kept = (..., slice(self.offset, None, self.factor), slice(self.offset, None, self.factor))
        self.data_shape = (channels, *(len(range(self.offset, n, self.factor)) for n in (height, width)))

    def sized(self, picture_shape: Sequence[int]) -> Operator:
        channels, height, width = checked_shape(picture_shape)
        check_kernel(self.kernel, self.factor * height, self.factor * width)
        given = (self.kernel, self.factor)
        if self.boundary == "circular":
            return SuperResolution(*given, (channels, self.factor * height, self.factor * width), self.offset)
        if self.boundary == "reflect":
            return borders.Mirrored(SuperResolution(*given, (channels, 2 * self.factor * height, 2 * self.factor * width), self.offset))
        top, bottom, left, right = margin = self.margin
        whole = (channels, self.factor * (height + top + bottom), self.factor * (width + left + right))
        return borders.Window(SuperResolution(*given, whole, self.offset), margin)

    @property
    def summary(self) -> str:
        return f"one pixel of {self.factor} x {self.factor} measured, through a kernel of {size_of(self.blur.kernel, ' x ')} pixels"

    @property
    def picture(self) -> np.ndarray:
        """The kernel [h, w], its largest value 1."""
        return self.blur.picture

    def forward(self, x: Tensor) -> Tensor:
        return self.blur.forward(x)[self.kept]

    def adjoint(self, y: Tensor) -> Tensor:
        spread = y.new_zeros(*y.shape[:-2], *self.image_shape[1:])
        spread[self.kept] = y
        return self.blur.adjoint(spread)

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """By Woodbury's identity C^-1 - C^-1 A^T (I + A C^-1 A^T)^-1 A C^-1 (Zhao et al. 2016, Zhang et al. 2020).

        A C^-1 A^T is diagonal in the Fourier domain of the data: |H|^2 / c, averaged over the frequencies that decimation
        maps onto one. Sizes that the factor does not divide are left to conjugate gradients.

        In double throughout: the two terms cancel to a part in c, so that in single precision a small c would miss the data.
        """
        _, height, width = self.image_shape
        if height % self.factor or width % self.factor:
            return super().solve(b, c)
        inner = 1 + aliased(self.blur.power / on_cpu(c), width, self.factor)
        x = weigh(b.double(), 1 / c)
        return (x - weigh(self.adjoint(circulant(self.forward(x), 1 / inner)), 1 / c)).to(b.dtype)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        _, height, width = self.image_shape
        if height % self.factor or width % self.factor:
            return super().gram_inverse(spectrum, c)
        return by_frequency(1 / (aliased(self.blur.power * on_cpu(spectrum), width, self.factor) + on_cpu(c)))

    def __repr__(self) -> str:
        shapes = f"{size_of(self.image_shape)} -> {size_of(self.data_shape)}"
        return f"SuperResolution(x{self.factor}, {size_of(self.blur.kernel)} kernel, {shapes})"


class Inpainting(Operator):
    """Pixels are measured where ``mask`` [H, W] is true; the data are packed, [B, C, M] for M measured pixels.

    Without ``image_shape`` it takes its size from the picture that it is fitted to; the mask may then be a text or a file
    for ``masks.named``.

    Raises:
        ValueError: a mask of another size than the image, or with nothing measured.
        TypeError: a mask that does not hold bools.
    """

    def __init__(self, mask: Any, image_shape: Sequence[int] | None = None):
        if image_shape is None:
            self.unfitted = mask
            return
        self.image_shape = channels, height, width = checked_shape(image_shape)
        self.mask = torch.from_numpy(as_mask(mask))
        if self.mask.shape != (height, width):
            raise ValueError(f"the mask is {size_of(self.mask)}, but the image {height}x{width}; crop or resize one of them")
        self.measured = self.mask.flatten().nonzero()[:, 0]
        self.data_shape = (channels, len(self.measured))

    def sized(self, picture_shape: Sequence[int]) -> Operator:
        named = isinstance(self.unfitted, str | Path)
        return Inpainting(masks.named(str(self.unfitted), picture_shape[1:]) if named else self.unfitted, picture_shape)

    def packed(self, picture: Tensor) -> Tensor:
        return self.forward(picture)

    @property
    def summary(self) -> str:
        share = 100 * len(self.measured) / self.mask.numel()
        return f"{share:.3g} % of the pixels measured"

    @property
    def picture(self) -> np.ndarray:
        """The mask [H, W]: 1 where a pixel is measured, 0 where it is missing."""
        return self.mask.double().numpy()

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(-2)[..., self.measured]

    def adjoint(self, y: Tensor) -> Tensor:
        return self.unpacked(y, 0.0)

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        """Pointwise for one number c; for a circulant C by Woodbury's identity, as in super-resolution.

        There (I + A C^-1 A^T)^-1 is left to conjugate gradients, in the space of the data, which need few iterations, in double precision.
        """
        if not by_coefficient(c):
            return b / (self.mask.to(b) + c)
        prior = 1 / c.double()
        x = weigh(b.double(), prior)
        v = conjugate_gradients(lambda v: v + self.forward(weigh(self.adjoint(v), prior)), self.forward(x), self.gram_inverse(prior, 1.0))
        return (x - weigh(self.adjoint(v), prior)).to(b.dtype)

    def unmeasured(self, x: Tensor, c: float | Tensor) -> Tensor:
        """Without holes among the pixels, and in the precision of x: for C x no digits are lost as they are in ``solve``.

        The preconditioner is the convolution nearest to A^T A, the share of measured
        pixels: an eighth of the iterations. Near a hole it is a poor approximation.
        """
        if not by_coefficient(c) or self.has_holes:
            return super().unmeasured(x, c)
        mask = self.mask.to(x)
        guide = by_frequency(1 / (mask.mean() + c))
        return conjugate_gradients(lambda v: mask * v + weigh(v, c), weigh(x, c), guide)

    def gram_inverse(self, spectrum: Tensor, c: float | Tensor) -> Map:
        """The submatrix of the inverse in place of the inverse of the submatrix: a good approximation except near the edges of holes."""
        filtered = by_frequency(1 / (spectrum + c))
        return lambda b: self.forward(filtered(self.adjoint(b)))

    @functools.cached_property
    def has_holes(self) -> bool:
        """Whether somewhere HOLE x HOLE pixels are missing."""
        window = tuple(min(HOLE, n) for n in self.mask.shape)
        return not bool(functional.max_pool2d(self.mask[None, None].float(), window, stride=1).all())

    def as_image(self, y: Tensor) -> Tensor:
        return self.unpacked(y, float("nan"))

    def unpacked(self, y: Tensor, missing: float) -> Tensor:
        image = y.new_full((*y.shape[:-1], self.mask.numel()), missing)
        image[..., self.measured] = y
        return image.unflatten(-1, self.mask.shape)

    def __repr__(self) -> str:
        return f"Inpainting({len(self.measured) / self.mask.numel():.1%} measured, {size_of(self.image_shape)})"


def check_boundary(boundary: str, image_shape: Sequence[int] | None) -> None:
    borders.check(boundary)
    if image_shape is not None and boundary != "circular":
        raise ValueError(f"with the boundary {boundary!r} leave image_shape out; problems.measured fits the scene to the picture")


def check_factor(factor: Any, image_shape: Sequence[int] | None) -> int:
    most = LARGEST if image_shape is None else min(checked_shape(image_shape)[1:])
    number = isinstance(factor, int | float | np.number) and not isinstance(factor, bool)
    if not number or not (1 <= factor <= most) or factor != int(factor):
        side = "" if image_shape is None else ", the short side of the image"
        raise ValueError(f"factor must be a whole number from 1 to {most}{side}, not {factor}")
    return int(factor)


def check_kernel(kernel: Tensor, height: int, width: int) -> None:
    if kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError(f"the kernel is {size_of(kernel)}, larger than the picture, {height}x{width}; crop the kernel, or shrink it")


def by_frequency(gain: Tensor) -> Map:
    return lambda x: circulant(x, gain)


def transfer_of(kernel: Tensor, height: int, width: int) -> Tensor:
    """Fourier response of a kernel whose centre (h // 2, w // 2) is laid on pixel (0, 0): [H, W // 2 + 1]."""
    rows, columns = ((torch.arange(n) - n // 2) % size for n, size in zip(kernel.shape, (height, width), strict=True))
    response = kernel.new_zeros(height, width).index_put((rows[:, None], columns), kernel, accumulate=True)
    return torch.fft.rfft2(response)


def aliased(power: Tensor, width: int, factor: int) -> Tensor:
    """Mean of an even spectrum [.., H, W // 2 + 1] over the frequencies that fall onto one: [.., H / f, W / f // 2 + 1]."""
    mirrored = power[..., 1 : (width + 1) // 2].flip(-2, -1).roll(1, -2)  # the columns that rfft2 leaves out
    whole = torch.cat([power, mirrored], -1)
    blocks = whole.unflatten(-1, (factor, -1)).unflatten(-3, (factor, -1))
    return blocks.mean((-4, -2))[..., : width // factor // 2 + 1]


def on_cpu(c: float | Tensor) -> float | Tensor:
    return c.cpu() if isinstance(c, Tensor) else c


def size_of(shaped: Tensor | Sequence[int], sign: str = "x") -> str:
    return sign.join(map(str, shaped.shape if isinstance(shaped, Tensor) else shaped))
