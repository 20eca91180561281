"""The singular values of an operator, found by asking the operator alone."""

from __future__ import annotations

import torch
from torch import Tensor

from problems.operator import Operator, weigh

NEGLIGIBLE = 0.03  # singular values below this share of the largest count as zero, as in DDRM's code for deblurring


class Spectral:
    """A = U S V^T where A A^T is circulant (blur, super-resolution) or a multiple of one (missing pixels).

    Coefficients V^T x are kept in the shape of the data, [B, *data_shape], and spectral gains g(S) act on them through
    ``weigh``. ``values`` holds S in the layout of rfft2, or one number; ``inverse`` is 1 / S, zero where S is negligible.

    Raises:
        ValueError: A A^T is neither, so that the singular values are out of reach.
    """

    def __init__(self, operator: Operator):
        self.operator = operator
        probe = torch.zeros(1, *operator.data_shape, dtype=torch.float64)
        probe.view(operator.data_shape[0], -1)[:, 0] = 1
        response = operator.forward(operator.adjoint(probe))
        power = torch.fft.rfft2(response)[0].real.clamp(min=0) if probe.ndim == 4 else response.max()
        white = torch.randn(probe.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        if not torch.allclose(operator.forward(operator.adjoint(white)), weigh(white, power), atol=1e-6 * float(power.max())):
            raise ValueError(f"the singular values of {operator} are out of reach; take a method without them, such as 'annealed'")
        self.values = power.sqrt()
        self.inverse = torch.where(self.values > NEGLIGIBLE * self.values.max(), 1 / self.values, 0.0)

    def coefficients(self, y: Tensor) -> Tensor:
        """V^T x for data y = A x; noise s in y is noise s / S here."""
        return weigh(y, self.inverse)

    def image(self, coefficients: Tensor) -> Tensor:
        """V times the coefficients: [B, C, H, W]."""
        return self.operator.adjoint(weigh(coefficients, self.inverse))

    def null(self, x: Tensor) -> Tensor:
        """The part of x that leaves no trace in the data."""
        return x - self.image(self.coefficients(self.operator.forward(x)))
