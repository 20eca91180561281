"""The slot: what a prior must be, and what it may tell about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

FAMILIES = ("smoother", "variational", "classical", "learned", "generative")  # the spectrum, weakest first


@runtime_checkable
class Denoiser(Protocol):
    """All that the solvers need: an object with this one method is a prior."""

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """Remove white Gaussian noise of standard deviation ``sigma`` (pixel units) from ``x`` [B, C, H, W]."""
        ...


@runtime_checkable
class Prior(Denoiser, Protocol):
    """A catalogued prior.

    Optional members, absent when unknown and never faked:

    - ``energy(x) -> [B]``: minus log density up to a constant;
    - ``rmse(sigma) -> float``: root mean square error of ``denoise`` on images of its kind;
    - ``error_spectrum(sigma, shape)``: the same for each orthonormal Fourier coefficient of an image [.., C, H, W] in the
      layout of rfft2, [1, H, W // 2 + 1] for every channel or [3, ...] for the opponent components of colour;
    - ``conditional(x, sigma)``: p(clean | x) as a Gaussian: mean, standard deviation of each pixel [B, 1 or C, H, W], and the
      spectrum of the errors divided by it;
    - ``sigma_range``: lowest and highest sigma it was made for;
    - ``licence``: a sentence, where use is restricted; ``card``: training provenance.
    """

    name: str
    family: str  # one of FAMILIES
    mmse: bool  # denoise(x, s) is meant as E[clean | x]; only then is (denoise(x, s) - x) / s^2 a score


def name_of(prior: Denoiser) -> str:
    return getattr(prior, "name", type(prior).__name__)
