"""Operators without a closed form: data steps by conjugate gradients, preconditioned by a guess at A^T A."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from problems.operator import Map, Operator, by_coefficient, circulant, conjugate_gradients, weigh
from problems.operators import on_cpu

PROBES = 16
SHOWN = 1e-3  # of the largest gain is added, at least, where a measurement is turned into a picture to show


class Guessed(Operator):
    """What an operator without a closed form inherits: ``solve`` and ``as_image`` by conjugate gradients.

    A^T A is guessed from its answers to PROBES images of random signs: by the nearest convolution or, where that is nearer, by
    the nearest diagonal (Hutchinson 1990; Bekas, Kokiopoulou, Saad 2007).
    """

    @functools.cached_property
    def probed(self) -> tuple[Tensor, Tensor]:
        """Random signs z and A^T A z, [PROBES, C, H, W]."""
        signs = torch.randint(2, (PROBES, *self.image_shape), generator=torch.Generator().manual_seed(0)).float() * 2 - 1
        return signs, self.adjoint(self.forward(signs))

    @functools.cached_property
    def gain(self) -> Tensor:
        """Of the convolution nearest to A^T A, [1, H, W // 2 + 1] in double precision, no less than its median.

        What the probes say of small gains is mostly noise; raised to the median they cost half as many iterations.
        """
        before, after = (torch.fft.rfft2(x.double()) for x in self.probed)
        found = ((before.conj() * after).real.mean((0, 1)) / before.abs().square().mean((0, 1)))[None]
        return found.clamp(min=max(float(found.median()), SHOWN * float(found.max())))

    @functools.cached_property
    def diagonal(self) -> Tensor | None:
        """Of the diagonal matrix nearest to A^T A, [C, H, W], where that is nearer than the convolution; else None."""
        z, answer = self.probed
        found = (z * answer).mean(0)
        off = [float((answer - guess).square().sum()) for guess in (found * z, circulant(z, self.gain))]
        return found.clamp(min=0) if off[0] < off[1] else None

    @property
    def gram_gain(self) -> Tensor | None:
        return self.gain if self.diagonal is None else None

    def solve(self, b: Tensor, c: float | Tensor) -> Tensor:
        return conjugate_gradients(lambda x: self.adjoint(self.forward(x)) + weigh(x, c), b, self.guess(c))

    def guess(self, c: float | Tensor) -> Map:
        """About (A^T A + C)^-1, c as in ``solve``."""
        if by_coefficient(c) or self.diagonal is None:
            gain = 1 / (self.gain + on_cpu(c))
            return lambda r: circulant(r, gain)
        diagonal = self.diagonal
        return lambda r: r / (diagonal.to(r) + c)

    def seen(self, pixel: Tensor) -> Tensor:
        return self.mixed(pixel)

    def as_image(self, y: Tensor) -> Tensor:
        """The measurement projected back and sharpened: least squares, held down where little was measured."""
        return self.correction(y, float(self.gain.min()))


class Transposed(torch.autograd.Function):
    """A linear map made outside of torch, whose gradient is its adjoint."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, apply: Map, transposed: Map) -> Tensor:
        ctx.transposed = transposed
        return apply(x.detach())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed(gradients[0]), None, None


class Sparse(Guessed):
    """A sparse matrix [data of a channel, pixels], pixels in C order, on each channel alike; kept on the CPU in both precisions."""

    def __init__(self, matrix: Any, image_shape: tuple[int, int, int], data_shape: tuple[int, ...]):
        self.image_shape, self.data_shape = image_shape, data_shape
        double = scipy.sparse.csr_array(matrix, dtype=np.float64)
        self.matrices = {torch.float64: double, torch.float32: double.astype(np.float32)}

    def forward(self, x: Tensor) -> Tensor:
        return Transposed.apply(x, self.forwards, self.backwards)

    def adjoint(self, y: Tensor) -> Tensor:
        return Transposed.apply(y, self.backwards, self.forwards)

    def forwards(self, x: Tensor) -> Tensor:
        return product(self.matrices[x.dtype], x.flatten(-2)).view(*x.shape[:-2], *self.data_shape[1:])

    def backwards(self, y: Tensor) -> Tensor:
        return product(self.matrices[y.dtype].T, y.flatten(2)).view(*y.shape[:2], *self.image_shape[1:])


def product(matrix: Any, x: Tensor) -> Tensor:
    """[.., n] to [.., m], on the CPU."""
    columns = x.cpu().reshape(-1, x.shape[-1]).numpy().T
    return torch.from_numpy(np.ascontiguousarray((matrix @ columns).T)).view(*x.shape[:-1], -1).to(x.device)
